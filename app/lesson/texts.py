"""All words of the lesson, so that a translation is one file. Names in braces are filled in while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.verdicts import verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to see, one thing to do, one question."""

    title: str
    words: str
    """What there is to see, and in bold what to do."""
    question: str
    choices: Mapping[str, str]
    """Key -> answer to choose from."""
    replies: Mapping[str, str]
    """Key -> reply to the viewer who chose it."""


PROBABILITY: Final = Step(
    title="What is a probability?",
    words="A classifier sorts faces into seven classes, and says of each how sure it is. **Choose a face** "
    "and watch the bars. All seven together always make {total}, but for rounding.",
    question="Here *{name}* gets {p}. What does that mean?",
    choices={
        "person": "The person is {p} *{name}*",
        "often": "Of 100 faces with {p}, it names {n} or so correctly",
        "part": "{p} of the face looks *{name}*",
    },
    replies={
        "person": "No. It knows no feelings. It names the class that a picture resembles, and how sure it is "
        "of that.",
        "often": "Right, as long as the faces are like those it was tested on.",
        "part": "No. The number is about the face as a whole. Where the evidence lies is the third step.",
    },
)
CALIBRATION: Final = (
    "On {faces} test faces, how sure it was and how often it was right lay {error} points apart on "
    "average."
)

WHOM: Final = "Compared with whom?"
WHOMS: Final = {"all": "all people", "smile": "her smile, as if at rest"}
"""Key -> with what the face is compared."""
WHOM_ALL: Final = "It compares a face with all those it has learned from: low brows may look angry."
WHOM_SMILE: Final = (
    "Pale: with all people. Full: with her smile. Nothing moved, so the smile is gone."
)

DOTS: Final = Step(
    title="What does the classifier see?",
    words="You see a photo. The classifier gets much less: the face is cut out, loses its color and is made "
    "small. **Switch** and see what is left: {size} × {size} gray dots.",
    question="Which of these can it not know?",
    choices={
        "mouth": "Whether the mouth is open",
        "brows": "Whether the brows are raised",
        "color": "Which color the eyes have",
    },
    replies={
        "mouth": "It can: teeth are light and lips are dark, in gray too. Look at the dots again.",
        "brows": "It can: brows are dark lines, and the dots show where they lie.",
        "color": "Right. Color never reaches it. {dots} gray dots are all that it gets.",
    },
)
SWITCH: Final = "Show what the classifier gets"

EVIDENCE: Final = Step(
    title="Where is the evidence?",
    words="A **heatmap** shows where the face spoke for *{name}*, the likeliest class. {how} **Move the "
    "slider** to see the face below it.",
    question="A place glows. What does that tell you?",
    choices={
        "moved": "The face has moved there",
        "proof": "The answer *{name}* is correct",
        "evidence": "The classifier found evidence for *{name}* there",
    },
    replies={
        "moved": "No. It gets one still picture and knows nothing of movement.",
        "proof": "No. A sensible map can belong to a wrong answer.",
        "evidence": "Right. It says where the evidence lay, and nothing about how good it was.",
    },
)
HOW: Final = {
    "gradcam": "*Grad-CAM* asks the network how much each place added to the score of the class.",
    "occlusion": "This classifier has no maps inside. So a gray square is laid on one place after another, "
    "and the map glows where the class loses most (*occlusion*).",
}
OPACITY: Final = "How strong the map is painted"
FLAT: Final = "This map is flat: no place speaks for *{name}* more than another. Try another model."

CONTRAST: Final = Step(
    title="Each class has its own map",
    words="Three faces, each with the map of its likeliest class. But every class has a map, likely or not. "
    "**Choose a face**, and **a class** to compare with *{name}*. The last map takes the second from the "
    "first: why *{name}* rather than *{other}*?",
    question="What does a warm place in the last map say?",
    choices={
        "both": "It speaks for both classes alike",
        "rather": "It speaks more for *{name}* than for *{other}*",
        "neither": "It speaks against both classes",
    },
    replies={
        "both": "No. What counts the same for both cancels out, and has no color.",
        "rather": "Right. And a cool place speaks more for *{other}*.",
        "neither": "No. The last map knows the difference alone: a warm place is evidence for *{name}*.",
    },
)
COMPARED: Final = "Compare *{name}* with"
RATHER: Final = "*{name}* rather than *{other}*"
SCALE: Final = "Warm speaks for a class, cool against it. The lower three maps share one scale."

COVER: Final = Step(
    title="Did the map predict it?",
    words="A map is a claim that can be tested: cover the place that glows, and the class should lose. "
    "**Guess first.** The answer brings the covers.",
    question="*{name}* has {p}. Which cover takes more of it?",
    choices={
        "mouth": "A cover on the mouth",
        "eyes": "A cover on the eyes",
        "same": "Both take about the same",
    },
    replies={},
)
RIGHT: Final = "Right."
WRONG: Final = "No, not with this classifier."
LOSSES: Final = (
    "With the mouth covered, *{name}* has {mouth}; with the eyes covered, {eyes}. Of the map's heat, "
    "{mouth_heat} lay under the first cover and {eyes_heat} under the second."
)
PREDICTED: Final = verdict(True, "The map did predict which cover counts.")
NOT_PREDICTED: Final = (
    verdict(False, "The map did not predict it:")
    + " heat says where evidence was, not whether the rest is enough."
)
COVERS: Final = {"nothing": "Nothing", "mouth": "Mouth", "eyes": "Eyes"}
COVERED: Final = "Cover"
COVER_SIZE: Final = "Its size"
SIZE_DECIDES: Final = (
    "The size decides, too: move it, and watch the bars. The reply is about medium covers."
)
BEFORE: Final = "before"
AFTER: Final = "covered"
HEAT: Final = "The map of *{name}*"

METHODS: Final = Step(
    title="Other methods, other maps",
    words="There is more than one way to compute a map. Here are three, for the same face and the same "
    "classifier. **Choose another class** and watch which maps change.",
    question="Which of them does not care about the class?",
    choices={},
    replies={},
)
CLASS: Final = "Class"
SAME_FOR_ALL: Final = (
    "Right. {title} shows the strongest pattern that the network found, whichever class you ask about. It "
    "may tell where the network looks, and never why it answers so."
)
DIFFERS: Final = (
    "No. Choose another class and look closely: the map of {title} is a different one for each."
)
BORROWED: Final = (
    "These methods need a network that can be opened, and *{model}* is none. So what you see here is "
    "*{other}*."
)

SHUFFLE: Final = Step(
    title="Can I trust this map?",
    words="Last, a test of the methods. What the network learned is shuffled: first its last step, then "
    "layer by layer down to the picture. **Move the slider.** A map of what was learned has to change.",
    question="Slide to *{stage}*. Whose map should you not trust then?",
    choices={"both": "I can trust both: the face is the same"},
    replies={},
)
SLIDE_FIRST: Final = (
    "First move the slider to *{stage}*, and look at both pairs of maps. Then choose an answer."
)
MISTAKEN: Final = "No."
SIMILARITIES: Final = (
    verdict(True, "{changed} changed more")
    + ", as it should: likeness {changed_alike}. "
    + verdict(False, "{kept} still has {kept_alike}")
    + ", though the answers mean nothing any more: it shows edges in the picture rather than reasons."
)
SHUFFLED: Final = "Shuffled down to"
STAGES: Final = {"": "nothing", "head": "the last step"}
DOWN: Final = "layer {layer}"
LIKENESS: Final = "likeness {alike}"
BESIDE: Final = (
    "Left: as trained. Right: now, with *{name}* at {p}. **Likeness** is 1 for the same map and near 0 for "
    "any other; some comes back by chance."
)

STEPS: Final = (PROBABILITY, DOTS, EVIDENCE, CONTRAST, COVER, METHODS, SHUFFLE)

STEP: Final = "Step"
BACK: Final = "Back"
NEXT: Final = "Next"
CHOOSE: Final = "Choose an answer to see whether it holds."
FACE: Final = "Face"
FACES: Final = (
    *("Smile", "Mouth covered", "Eyes covered", "Tilted"),
    *("Hugo, angry", "Hugo, sad", "Ines, surprise", "At rest"),
)
"""Samples of the first step."""
WAIT: Final = "Looking at the sample …"
NO_FACE: Final = (
    "This face finder finds no face here. Choose another face, or another face finder at the side."
)

REMEMBER: Final = "Three sentences to remember"
SENTENCES: Final = (
    "A probability says how sure a classifier is of a class, and never what somebody feels.",
    "A map shows where the evidence lay, not that it was good evidence.",
    "Believe a map after you have tested it: cover, compare, shuffle.",
)
LINKS: Final = {
    "pages/explain.py": "Test a map yourself",
    "pages/photo.py": "Try it on your own pictures",
    "pages/limits.py": "Limits, bias and law",
}

ALT_BARS: Final = "Probabilities of the seven classes, highest for {name}, {p}"
ALT_COVERED: Final = "Probabilities before and after: {name} {p}, then {after}"
ALT_FACE: Final = "The sample face: {face}"
ALT_DOTS: Final = "The face as {size} by {size} gray dots"
ALT_MAP: Final = "Map of the evidence: {about}"

"""Class, region and landmark names, and their order, shared by all modules."""

from collections.abc import Mapping
from typing import Final

from fer_core.errors import UserError, in_short

EXPRESSIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven classes in FER2013's order; index = class number."""

ALIASES: Final = {
    **{"anger": "angry", "disgusted": "disgust", "fearful": "fear", "afraid": "fear"},
    **{"happiness": "happy", "joy": "happy", "sadness": "sad", "surprised": "surprise"},
}
"""Other names of the classes, in lower case -> names in ``EXPRESSIONS``."""

FERPLUS_EXPRESSIONS: Final = (
    "neutral",
    "happy",
    "surprise",
    "sad",
    "angry",
    "disgust",
    "fear",
    "contempt",
)
"""The eight classes of FER+ in the column order of ``fer2013new.csv`` (Barsoum et al. 2016)."""

FERPLUS_COLUMNS: Final = tuple(FERPLUS_EXPRESSIONS.index(name) for name in EXPRESSIONS)
"""Class number -> column of FER+ with the same class; contempt has no class of its own."""

PRIORS: Final = {"own": 0.0, "half": 0.5, "equal": 1.0}
"""Prior -> part of the logarithms of the training shares that is taken off the logits (Menon et al. 2021,
"Long-tail learning via logit adjustment"): ``own`` shares as in training, ``equal`` shares of all classes,
or ``half`` way between."""

CIRCUMPLEX: Final = {
    "angry": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "neutral": (0.0, 0.0),
}
"""Class -> valence and arousal, both -1..1: the mean ratings of pleasure and arousal that Russell and
Mehrabian (1977, "Evidence for a three-factor theory of emotions", J. Research in Personality 11,
273-294) report for the words angry, disgusted, fearful, happy, sad and surprised, on the axes of
Russell's circumplex (1980). They rated no word for neutral: it takes the middle of both scales."""

AFFECT: Final = ("valence", "arousal")
"""The two axes: unpleasant to pleasant, calm to excited."""

REGIONS: Final = ("face", "upper", "lower")
"""Regions of a prior-attention network: the whole face, eyes + brows, mouth."""

PARTS: Final = ("brows", "eyes", "nose", "mouth", "cheeks", "chin", "forehead")
"""Parts of a face that dense landmarks outline."""

POINTS: Final = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""The five points of a face; left and right are those of the image."""


ACTIONS: Final = (
    "_neutral",
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight"),
    *("eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft"),
    *("eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight"),
    *("eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight"),
    *("jawForward", "jawLeft", "jawOpen", "jawRight"),
    *("mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft"),
    *("mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper"),
    *("mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight"),
    *("mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    *("noseSneerLeft", "noseSneerRight"),
)
"""Facial actions: the 52 blendshapes of MediaPipe's FaceLandmarker, in its order. Left and right are the
person's own in a picture that is not mirrored."""


ACTION_UNITS: Final = {
    "AU1": ("browInnerUp",),
    "AU2": ("browOuterUpLeft", "browOuterUpRight"),
    "AU4": ("browDownLeft", "browDownRight"),
    "AU5": ("eyeWideLeft", "eyeWideRight"),
    "AU6": ("cheekSquintLeft", "cheekSquintRight"),
    "AU7": ("eyeSquintLeft", "eyeSquintRight"),
    "AU9": ("noseSneerLeft", "noseSneerRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU16": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU22": ("mouthFunnel",),
    "AU24": ("mouthPressLeft", "mouthPressRight"),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Action unit of the Facial Action Coding System (FACS, Ekman, Friesen and Hager 2002) -> the facial
actions that show it (M. Ozel, "ARKit to FACS cheat sheet",
https://melindaozel.com/arkit-to-facs-cheat-sheet). AU26 stands for AU26 and AU27 together."""


def class_number(name: str) -> int | None:
    """Return the number of a class by its name or a usual synonym, in any case; None for others."""
    plain = name.strip().lower()
    plain = ALIASES.get(plain, plain)
    return EXPRESSIONS.index(plain) if plain in EXPRESSIONS else None


def expression_index(name: str) -> int:
    """Return the class number of an expression, in upper or lower case.

    Raises:
        UserError: if the name is unknown; the message lists the valid ones.
    """
    try:
        return EXPRESSIONS.index(name.strip().lower())
    except (ValueError, AttributeError):
        raise UserError(
            f"unknown expression class {in_short(repr(name))}; choose one of {', '.join(EXPRESSIONS)}"
        ) from None


def prior_strength(name: str) -> float:
    """Return the part of the logarithms of the training shares that a prior takes off the logits, 0..1.

    Raises:
        UserError: if the name is unknown; the message lists the valid ones.
    """
    try:
        return PRIORS[name]
    except KeyError:
        raise UserError(f"unknown prior {name!r}; choose one of {', '.join(PRIORS)}") from None


def action_title(name: str) -> str:
    """Return an action name in words: ``"mouthSmileLeft"`` -> ``"mouth smile left"``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def action_units(actions: Mapping[str, float]) -> dict[str, float]:
    """Return the activation of each action unit, 0..1: the mean of the facial actions that show it.

    They are no intensities A to E as trained people code them.

    Args:
        actions: facial action -> activation, 0..1, with all of ``ACTIONS``.
    """
    return {
        unit: sum(actions[name] for name in names) / len(names)
        for unit, names in ACTION_UNITS.items()
    }

"""A person's neutral face in a stream: take a second of it, and say whether it can serve."""

from typing import Final

import numpy as np

from fer_core.labels import EXPRESSIONS
from fer_core.models.classifier import Classifier
from fer_core.readings import Observation
from fer_core.types import Baseline, Floats

CAPTURE_SECONDS: Final = 1.0
"""Time over which a neutral face is averaged."""

MAX_LEAD: Final = 3.0
"""Lead over neutral, in scores at equal shares, from which another class is too likely: 20 times as likely.
Of press photographs that people call neutral the default network asks for 15 % again; it stops 59 % of
smiles, 75 % of surprised and 84 % of angry faces."""

MAX_SPREAD: Final = 0.5
"""Spread of the logits over the temperature from which a second is not steady: 0.03 to 0.4 in clips of
calm faces and of speech, 0.6 to 1.1 in clips of grimaces."""


class BaselineCapture:
    """Collects a second of one face."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._logits: list[Floats] = []
        self._evidence: list[Floats] = []

    def push(self, observation: Observation, number: int, *, time: float) -> Baseline | None:
        """Add face ``number`` of an observation; return the baseline once the second is over."""
        assert observation.output is not None
        if self._until is None:
            self._until = time + CAPTURE_SECONDS
        self._logits.append(observation.output.logits[number])
        if observation.output.evidence is not None:
            self._evidence.append(observation.output.evidence[number])
        if time < self._until:
            return None
        return Baseline.from_arrays(observation.classifier.name, self._logits, self._evidence)


def describe_doubt(classifier: Classifier, baseline: Baseline) -> str | None:
    """Return why a baseline may be no neutral face, in a sentence for the person; None if it may serve."""
    scores = classifier.scores(baseline.logits, "equal")
    lead = scores - scores[EXPRESSIONS.index("neutral")]
    if baseline.spread / classifier.card.temperature > MAX_SPREAD:
        return "The face moved: keep it still and relaxed for a second."
    if lead.max() > MAX_LEAD:
        name = EXPRESSIONS[int(np.argmax(lead))]
        return (
            f"This looks {name} to the network rather than neutral: relax your face and try again."
        )
    return None

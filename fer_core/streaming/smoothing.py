"""Temporal smoothing of the predictions for one face, and hysteresis of its shown class.

Times are in seconds, so what is shown does not depend on the frame rate.
"""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats

LABEL_MARGIN: Final = 0.2
"""Lead in probability with which another class replaces the shown one at once."""

UNSURE_MARGIN: Final = 0.1
"""Distance of the largest probability from the threshold at which ``unsure`` changes at once."""

MIN_FRAME_GAP: Final = 0.1
"""Smallest time between two frames of a sequence, in seconds."""

Value = TypeVar("Value")


@dataclass(slots=True)
class Hysteresis(Generic[Value]):
    """A value that changes at once if the change is clear, otherwise after it has been wrong for some
    time."""

    value: Value
    last_agreed: float
    """Time of the last frame that agreed with ``value``, in seconds."""

    def update(self, value: Value, *, clear: bool, time: float, patience: float) -> Value:
        """Return the value to show, given that of the frame at ``time``.

        Args:
            clear: whether the frame is clear enough to change the value at once.
            patience: seconds without agreement after which the value changes anyway.
        """
        if value == self.value:
            self.last_agreed = time
        elif clear or time - self.last_agreed >= patience:
            self.value, self.last_agreed = value, time
        return self.value


class TemporalSmoother:
    """Exponential smoothing of the predictions for one face, and hysteresis of the class that is shown.

    After a gap in which the face was hidden, the old average counts as little as if the face had been seen
    all the while.
    """

    def __init__(self) -> None:
        self._average: Floats | None = None
        self._time = 0.0
        self._label: Hysteresis[str] | None = None
        self._unsure: Hysteresis[bool] | None = None

    def average(self, predictions: Floats, *, time: float, constant: float) -> Floats:
        """Return the exponential moving average up to the frame at ``time``.

        Args:
            predictions: (K,) logits of the frame, with valence and arousal where they are learned.
            constant: seconds in which a frame's weight falls to 37 %; 0 takes each frame by itself.

        Returns:
            (K,) average of these.
        """
        if self._average is None or constant <= 0:
            self._average = predictions
        else:
            keep = np.float32(np.exp(-max(time - self._time, 0.0) / constant))
            self._average = keep * self._average + (1 - keep) * predictions
        self._time = time
        return self._average

    def stable_label(
        self, probabilities: Floats, threshold: float, *, time: float, constant: float
    ) -> tuple[str, bool]:
        """Return the class to show, and whether it is unsure.

        Another class is shown once it leads by ``LABEL_MARGIN``, or once the shown one has not led for
        ``constant`` seconds; ``unsure`` changes by the same rule.

        Args:
            probabilities: (7,) of the averaged logits.
            threshold: largest probability below which a reading is unsure.
        """
        best = int(probabilities.argmax())
        top, highest = EXPRESSIONS[best], float(probabilities[best])
        unsure = highest < threshold
        if self._label is None or self._unsure is None:
            self._label, self._unsure = Hysteresis(top, time), Hysteresis(unsure, time)
        lead = highest - float(probabilities[EXPRESSIONS.index(self._label.value)])
        distance = abs(highest - threshold)
        return (
            self._label.update(top, clear=lead >= LABEL_MARGIN, time=time, patience=constant),
            self._unsure.update(
                unsure, clear=distance >= UNSURE_MARGIN, time=time, patience=constant
            ),
        )


def smooth_symmetrically(values: Floats, times: NDArray[np.float64], constant: float) -> Floats:
    """Average values over the past and the future alike, for a recording that is known to its end.

    A step stays where it is, while an average of the past alone shows it late.

    Args:
        values: (T, K), finite.
        times: (T,) seconds, rising.
        constant: seconds in which a frame's weight falls to 37 %; 0 takes each frame by itself.

    Returns:
        (T, K) float32 averages.
    """
    if constant <= 0 or not len(values):
        return values
    keep = np.exp(-np.diff(times) / constant)
    weighted = np.column_stack([values, np.ones(len(values))]).astype(np.float64)
    past, future = weighted.copy(), weighted.copy()
    for number in range(1, len(values)):
        past[number] += keep[number - 1] * past[number - 1]
        future[-1 - number] += keep[-number] * future[-number]
    total = past + future - weighted
    return np.asarray(total[:, :-1] / total[:, -1:], np.float32)


class SequenceBuffer:
    """Features of the last frames of one face, for networks that read a sequence."""

    def __init__(self) -> None:
        self._kept: list[Floats] = []
        self._time = -np.inf

    def push(self, features: Floats, length: int, *, time: float) -> Floats:
        """Return the kept frames followed by this one; keep it if it comes ``MIN_FRAME_GAP`` after the last.

        Args:
            features: of any shape, the same each time.
            length: largest number of frames, this one included.

        Returns:
            (T, ...) the oldest first.
        """
        self._kept = self._kept[max(0, len(self._kept) - length + 1) :]
        sequence = np.stack([*self._kept, features])
        if time - self._time >= MIN_FRAME_GAP:
            self._kept.append(features)
            self._time = time
        return sequence

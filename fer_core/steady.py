"""What is shown of one face while frames go by: averaged, and changed only for a reason."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats

LEAD: Final = 0.2
"""By how much another class has to be likelier than the shown one to be shown at once."""

APART: Final = 0.1
"""Seconds between two pictures of a sequence, at least."""

DOUBT: Final = 0.1
"""By how much the largest probability has to be past the threshold to become unsure, or sure, at once."""

Value = TypeVar("Value")


@dataclass(slots=True)
class _Held(Generic[Value]):
    """A value that gives way to another when that is clear, or once it has been wrong for some time."""

    value: Value
    right: float
    """When it last was what the frame said, in seconds."""

    def see(self, value: Value, *, clear: bool, time: float, patience: float) -> Value:
        if value == self.value:
            self.right = time
        elif clear or time - self.right >= patience:
            self.value, self.right = value, time
        return self.value


class Steady:
    """One face's memory of what the network said and of what is shown of it.

    Times are in seconds, so what is shown does not depend on the frame rate. After a gap, in which the
    face was hidden, little of the old is left: as much as if it had been seen all the while.
    """

    def __init__(self) -> None:
        self._average: Floats | None = None
        self._time = 0.0
        self._label: _Held[str] | None = None
        self._unsure: _Held[bool] | None = None

    def average(self, said: Floats, *, time: float, constant: float) -> Floats:
        """Exponential moving average.

        Args:
            said: (K,) of the frame at ``time``: logits, with valence and arousal where they are learned.
            constant: seconds in which a frame's weight falls to 37 %; 0 takes each frame by itself.

        Returns:
            (K,), likewise.
        """
        if self._average is None or constant <= 0:
            self._average = said
        else:
            keep = np.float32(np.exp(-max(time - self._time, 0.0) / constant))
            self._average = keep * self._average + (1 - keep) * said
        self._time = time
        return self._average

    def settle(
        self, probabilities: Floats, threshold: float, *, time: float, constant: float
    ) -> tuple[str, bool]:
        """The class to show, and whether it is unsure.

        Another class is shown once it leads by ``LEAD``, or the shown one has not led for ``constant``
        seconds; ``unsure`` changes likewise.

        Args:
            probabilities: (7,) of the averaged logits.
            threshold: largest probability below which a reading is unsure.
        """
        best = int(probabilities.argmax())
        top, highest = EXPRESSIONS[best], float(probabilities[best])
        unsure = highest < threshold
        if self._label is None or self._unsure is None:
            self._label, self._unsure = _Held(top, time), _Held(unsure, time)
        lead = highest - float(probabilities[EXPRESSIONS.index(self._label.value)])
        past = abs(highest - threshold)
        return (
            self._label.see(top, clear=lead >= LEAD, time=time, patience=constant),
            self._unsure.see(unsure, clear=past >= DOUBT, time=time, patience=constant),
        )


class Past:
    """One face's last pictures, as a network saw them."""

    def __init__(self) -> None:
        self._kept: list[Floats] = []
        self._time = -np.inf

    def recall(self, seen: Floats, length: int, *, time: float) -> Floats:
        """The kept pictures, then this one, which is kept if it comes long enough after the last.

        Args:
            seen: any shape, the same each time.
            length: most pictures, this one among them.

        Returns:
            (T, ...) the oldest first.
        """
        self._kept = self._kept[max(0, len(self._kept) - length + 1) :]
        sequence = np.stack([*self._kept, seen])
        if time - self._time >= APART:
            self._kept.append(seen)
            self._time = time
        return sequence

"""Where FER2013's labels and FER+'s votes name different classes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import FaceSet
from fer_core.data.readers.ferplus import majority
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS

VOTED: Final = (*EXPRESSIONS, "contempt")
"""FER+'s classes, so that those of one name have one number."""

_NUMBERS = np.array([VOTED.index(name) for name in FERPLUS_EXPRESSIONS])


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Two labels of the same faces."""

    labels: NDArray[np.int64]
    """(N,) in the order of ``EXPRESSIONS``."""
    voted: NDArray[np.int64]
    """(N,) in the order of ``VOTED``, -1 where the votes name none of them."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """(7, 8): faces of FER2013's class (row) that FER+ gives its class (column)."""
        table = np.zeros((len(EXPRESSIONS), len(VOTED)), np.int64)
        known = self.voted >= 0
        np.add.at(table, (self.labels[known], self.voted[known]), 1)
        return table

    @property
    def share(self) -> float:
        """Of the faces with a class by votes, those that FER2013 gives the same; 0..1."""
        counts = self.counts
        return float(np.trace(counts) / max(1, counts.sum()))

    @property
    def unknown(self) -> int:
        """Faces whose votes name no class."""
        return int((self.voted < 0).sum())

    def widest(self) -> tuple[int, int]:
        """Row and column of the disagreement with the most faces."""
        counts = self.counts
        np.fill_diagonal(counts, -1)
        row, column = np.unravel_index(counts.argmax(), counts.shape)
        return int(row), int(column)

    def faces(self, row: int, column: int) -> NDArray[np.int64]:
        """Numbers of the faces in a cell of ``counts``."""
        return np.flatnonzero((self.labels == row) & (self.voted == column))


def compare(faces: FaceSet) -> Agreement | None:
    """FER2013's labels beside FER+'s; None for faces without votes."""
    if faces.votes is None:
        return None
    voted = majority(faces.votes)
    return Agreement(faces.labels, np.where(voted >= 0, _NUMBERS[voted], -1))

"""Agreement of FER2013's labels with FER+'s votes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import FaceSet
from fer_core.data.readers.ferplus import majority
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS

VOTED_EXPRESSIONS: Final = (*EXPRESSIONS, "contempt")
"""FER+'s classes in an order in which the seven shared classes have FER2013's numbers."""

_FROM_FERPLUS: Final = np.array([VOTED_EXPRESSIONS.index(name) for name in FERPLUS_EXPRESSIONS])


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Labels of FER2013 and of FER+ for the same N faces."""

    labels: NDArray[np.int64]
    """(N,) FER2013's class numbers, in the order of ``EXPRESSIONS``."""
    voted: NDArray[np.int64]
    """(N,) FER+'s class numbers, in the order of ``VOTED_EXPRESSIONS``; -1 where the votes name no class."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """(7, 8) number of faces for each of FER2013's classes (rows) and FER+'s classes (columns)."""
        table = np.zeros((len(EXPRESSIONS), len(VOTED_EXPRESSIONS)), np.int64)
        has_class = self.voted >= 0
        np.add.at(table, (self.labels[has_class], self.voted[has_class]), 1)
        return table

    @property
    def share(self) -> float:
        """Share of equal labels among the faces with a class by votes, 0..1."""
        counts = self.counts
        return float(np.trace(counts) / max(1, counts.sum()))

    @property
    def unknown(self) -> int:
        """Number of faces whose votes name no class."""
        return int((self.voted < 0).sum())

    def largest_disagreement(self) -> tuple[int, int]:
        """Return row and column of the pair of different classes with the most faces."""
        counts = self.counts
        np.fill_diagonal(counts, -1)
        row, column = np.unravel_index(counts.argmax(), counts.shape)
        return int(row), int(column)

    def faces(self, row: int, column: int) -> NDArray[np.int64]:
        """Return the indices of the faces in a cell of ``counts``."""
        return np.flatnonzero((self.labels == row) & (self.voted == column))


def label_agreement(faces: FaceSet) -> Agreement | None:
    """Compare FER2013's labels with FER+'s votes.

    Args:
        faces: FER2013's faces.

    Returns:
        Both labels of each face; None if the faces have no votes.
    """
    if faces.votes is None:
        return None
    voted = majority(faces.votes)
    return Agreement(faces.labels, np.where(voted >= 0, _FROM_FERPLUS[voted], -1))

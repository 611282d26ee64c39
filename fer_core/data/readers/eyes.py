"""Reader of crops of single eyes, open or closed.

A set is a folder with ``index.csv`` (columns tile; open: 1 or 0; subject: -1 where unknown) and one mosaic
``eyes.webp`` of square gray tiles, row by row.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.mosaic import read_tiles
from fer_core.data.tables import read_rows, whole_number_in
from fer_core.types import Image

SPLITS: Final = ("Training", "PrivateTest", "PublicTest", "Training")
"""Splits that people get in turn, in the order of their numbers, so that nobody is in two splits. Eyes of
unknown people are used for training only."""


@dataclass(frozen=True, slots=True)
class EyeSet:
    """N crops of eyes with their states."""

    images: list[Image]
    """N square gray images, uint8; the eye is in the middle and about half as wide as the image."""
    open: NDArray[np.bool_]
    """(N,) whether the eye is open."""
    subjects: NDArray[np.int64]
    """(N,) number of the person, -1 where unknown."""
    splits: NDArray[np.str_]
    """(N,) names of FER2013's splits."""

    def __len__(self) -> int:
        return len(self.images)

    def split(self, name: str) -> "EyeSet":
        """Return the eyes of one of FER2013's splits."""
        return self.keep(self.splits == name)

    def keep(self, mask: NDArray[np.bool_]) -> "EyeSet":
        """Return the eyes where ``mask`` (N,) is true."""
        images = [image for image, selected in zip(self.images, mask, strict=True) if selected]
        return EyeSet(images, self.open[mask], self.subjects[mask], self.splits[mask])


def read_eyes(folder: Path) -> EyeSet:
    """Read a set of eyes.

    Args:
        folder: the folder of the set.

    Raises:
        DataError: if a file is missing or does not fit; the message names it.
    """
    path = folder / "index.csv"
    rows = [
        [whole_number_in(field, f"{path}, line {line}") for field in fields]
        for line, fields in read_rows(path, ("tile", "open", "subject"))
    ]
    if not rows:
        raise DataError(f"{path} has a header but no eyes")
    tiles, states, subjects = np.array(rows, np.int64).T
    people = sorted(set(subjects.tolist()) - {-1})
    split_of = {-1: "Training"} | {s: SPLITS[n % len(SPLITS)] for n, s in enumerate(people)}
    return EyeSet(
        read_tiles(folder / "eyes.webp", tiles),
        states == 1,
        subjects,
        np.array([split_of[subject] for subject in subjects.tolist()]),
    )

"""Crops of single eyes, open or closed.

A set is a folder with ``index.csv`` (columns tile, open: 1 or 0, subject: -1 where unknown) and one
mosaic ``eyes.webp`` of square grey tiles, row by row.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.mosaic import read_tiles
from fer_core.types import Image

SPLITS: Final = ("Training", "PrivateTest", "PublicTest", "Training")
"""Where the people of a set go, in the order of their numbers, over and over: nobody is in two splits.
Eyes of unknown people are for training alone."""


@dataclass(frozen=True, slots=True)
class EyeSet:
    """N crops of eyes."""

    images: list[Image]
    """N square grey images, uint8; the eye in the middle, about half as wide as the image."""
    open: NDArray[np.bool_]
    subjects: NDArray[np.int64]
    """Number of the person, -1 where it is unknown."""
    splits: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    def split(self, name: str) -> "EyeSet":
        """The eyes of one of FER2013's splits."""
        return self.keep(self.splits == name)

    def keep(self, mask: NDArray[np.bool_]) -> "EyeSet":
        """The eyes where ``mask`` (N,) is true."""
        images = [image for image, kept in zip(self.images, mask, strict=True) if kept]
        return EyeSet(images, self.open[mask], self.subjects[mask], self.splits[mask])


def read_eyes(folder: Path) -> EyeSet:
    """The eyes of a set.

    Raises:
        DataError: for what is missing or does not fit; the message names the file.
    """
    path = folder / "index.csv"
    try:
        index = pd.read_csv(path)
        tiles, states, subjects = (index[key].to_numpy() for key in ("tile", "open", "subject"))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path} is no index of eyes: {error}") from None
    people = sorted(set(subjects.tolist()) - {-1})
    homes = {-1: "Training"} | {s: SPLITS[n % len(SPLITS)] for n, s in enumerate(people)}
    return EyeSet(
        read_tiles(folder / "eyes.webp", tiles),
        states == 1,
        subjects,
        np.array([homes[subject] for subject in subjects.tolist()]),
    )

"""Faces with the landmarks and facial actions that a teacher network saw in them.

A set is a folder with ``index.csv`` (columns mosaic, tile, and split or usage) and its mosaics of square
grey tiles; the teacher's answers are an ``.npz`` of the folder's name, row for row: ``points`` (N, 78, 2)
as fractions of the tile, NaN where no face was found, ``blendshapes`` (N, 52) uint8, score x 255, and
their ``names``.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.mosaic import read_tiles
from fer_core.data.splits import training_or_public
from fer_core.faces.landmarks import POINTS
from fer_core.labels import ACTIONS
from fer_core.types import Floats, Image

SPLITS = {"train": "Training", "test": "PrivateTest"}
"""Other sets' names for FER2013's splits."""


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkSet:
    """N face crops with the teacher's answers."""

    images: list[Image]
    """N square grey images, uint8; sizes may differ."""
    points: Floats
    """(N, 78, 2) in pixels of the image."""
    actions: Floats
    """(N, 52) in 0..1, in the order of ``ACTIONS``."""
    splits: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    def split(self, name: str) -> "LandmarkSet":
        """The faces of one of FER2013's splits."""
        mask = self.splits == name
        images = [image for image, keep in zip(self.images, mask, strict=True) if keep]
        return LandmarkSet(images, self.points[mask], self.actions[mask], self.splits[mask])


def read_landmarks(teacher: Path, *, public: bool = False) -> LandmarkSet:
    """The faces of a set in which the teacher found one.

    Args:
        teacher: a file ``teacher/NAME.npz``; the images lie in ``NAME/`` beside ``teacher/``.
        public: in a set that has no PublicTest, every tenth person of Training selects.

    Raises:
        DataError: for what is missing or does not fit; the message names the file.
    """
    folder = teacher.parent.parent / teacher.stem
    try:
        with np.load(teacher) as file:
            points, scores, names = (file[key] for key in ("points", "blendshapes", "names"))
        index = pd.read_csv(folder / "index.csv")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{teacher} and {folder / 'index.csv'} make no set of landmarks: {error}"
        ) from None
    if points.shape != (len(index), POINTS, 2) or tuple(names) != ACTIONS:
        raise DataError(
            f"{teacher} does not fit {folder / 'index.csv'}: expected {len(index)} rows of {POINTS} points "
            f"and the {len(ACTIONS)} actions of MediaPipe's FaceLandmarker"
        )
    images = _tiles(folder, index)
    column = "usage" if "usage" in index else "split"
    splits = index[column].replace(SPLITS).to_numpy(np.str_)
    if public and "PublicTest" not in splits:
        person, _ = pd.factorize(index["person"], sort=True)
        taught = splits == "Training"
        splits = np.array(
            [
                training_or_public(n) if t else s
                for n, t, s in zip(person, taught, splits, strict=True)
            ]
        )
    sides = np.array([len(image) for image in images], np.float32)
    found = np.isfinite(points).all(axis=(1, 2))
    return LandmarkSet(
        [image for image, keep in zip(images, found, strict=True) if keep],
        (points.astype(np.float32) * sides[:, None, None])[found],
        (scores[found] / 255).astype(np.float32),
        splits[found],
    )


def join_landmarks(sets: Sequence[LandmarkSet]) -> LandmarkSet:
    """One set out of several."""
    return LandmarkSet(
        [image for part in sets for image in part.images],
        np.concatenate([part.points for part in sets]),
        np.concatenate([part.actions for part in sets]),
        np.concatenate([part.splits for part in sets]),
    )


def _tiles(folder: Path, index: pd.DataFrame) -> list[Image]:
    """The image of each row."""
    images: dict[int, Image] = {}
    for name, rows in index.groupby("mosaic"):
        tiles = read_tiles(folder / f"{name}.webp", rows["tile"].to_numpy())
        images.update(zip(rows.index, tiles, strict=True))
    return [images[row] for row in range(len(index))]

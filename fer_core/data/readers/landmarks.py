"""Reader of faces with the landmarks and facial actions that a teacher network predicted.

A set is a folder with ``index.csv`` (columns mosaic, tile, and split or usage) and mosaics of square gray
tiles. The teacher's predictions are in an ``.npz`` with the folder's name, in the same order: ``points``
(N, 78, 2) as fractions of the tile, NaN if no face was detected; ``blendshapes`` (N, 52) uint8, score x 255;
and their ``names``.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.mosaic import read_tiles
from fer_core.data.splits import training_or_public
from fer_core.faces.landmarks import POINTS
from fer_core.labels import ACTIONS
from fer_core.types import Floats, Image

if TYPE_CHECKING:
    import pandas as pd

SPLITS = {"train": "Training", "test": "PrivateTest"}
"""Names of splits in other sets -> FER2013's splits."""


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkSet:
    """N face crops with the teacher's predictions."""

    images: list[Image]
    """N square gray images, uint8; sizes may differ."""
    points: Floats
    """(N, 78, 2) landmarks, in pixels of the image."""
    actions: Floats
    """(N, 52) scores in 0..1, in the order of ``ACTIONS``."""
    splits: NDArray[np.str_]
    """(N,) names of FER2013's splits."""

    def __len__(self) -> int:
        return len(self.images)

    def split(self, name: str) -> "LandmarkSet":
        """Return the faces of one of FER2013's splits."""
        mask = self.splits == name
        images = [image for image, keep in zip(self.images, mask, strict=True) if keep]
        return LandmarkSet(images, self.points[mask], self.actions[mask], self.splits[mask])


def read_landmarks(teacher: Path, *, public: bool = False) -> LandmarkSet:
    """Read the images of a set in which the teacher detected a face.

    Args:
        teacher: a file ``teacher/NAME.npz``; the images are in ``NAME/``, next to ``teacher/``.
        public: in a set without PublicTest, move every tenth person of Training there.

    Raises:
        DataError: if a file is missing or does not fit; the message names it.
    """
    import pandas as pd

    folder = teacher.parent.parent / teacher.stem
    try:
        with np.load(teacher) as file:
            points, scores, names = (file[key] for key in ("points", "blendshapes", "names"))
        index = pd.read_csv(folder / "index.csv")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{teacher} and {folder / 'index.csv'} do not form a set of landmarks: {error}"
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
        in_training = splits == "Training"
        splits = np.array(
            [
                training_or_public(number) if training else split
                for number, training, split in zip(person, in_training, splits, strict=True)
            ]
        )
    sides = np.array([len(image) for image in images], np.float32)
    has_face = np.isfinite(points).all(axis=(1, 2))
    return LandmarkSet(
        [image for image, keep in zip(images, has_face, strict=True) if keep],
        (points.astype(np.float32) * sides[:, None, None])[has_face],
        (scores[has_face] / 255).astype(np.float32),
        splits[has_face],
    )


def join_landmarks(sets: Sequence[LandmarkSet]) -> LandmarkSet:
    """Join several sets into one."""
    return LandmarkSet(
        [image for part in sets for image in part.images],
        np.concatenate([part.points for part in sets]),
        np.concatenate([part.actions for part in sets]),
        np.concatenate([part.splits for part in sets]),
    )


def _tiles(folder: Path, index: "pd.DataFrame") -> list[Image]:
    """Read the image of each row."""
    images: dict[int, Image] = {}
    for name, rows in index.groupby("mosaic"):
        tiles = read_tiles(folder / f"{name}.webp", rows["tile"].to_numpy())
        images.update(zip(rows.index, tiles, strict=True))
    return [images[row] for row in range(len(index))]

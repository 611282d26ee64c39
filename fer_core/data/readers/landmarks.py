"""Reader of faces with the landmarks and facial actions that a teacher network predicted.

A set is a folder with ``index.csv`` (columns mosaic, tile, and split or usage) and mosaics of square gray
tiles. The teacher's predictions are in an ``.npz`` with the folder's name, in the same order: ``points``
(N, 78, 2) as fractions of the tile, NaN if no face was detected; ``blendshapes`` (N, 52) uint8, score x 255;
and their ``names``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fer_core.data.arrays import Expected, read_arrays
from fer_core.data.faceset import DataError
from fer_core.data.mosaic import read_tiles
from fer_core.data.splits import training_or_public
from fer_core.data.tables import header_of, plain_name, read_rows, whole_number_in
from fer_core.faces.landmarks import POINTS
from fer_core.labels import ACTIONS
from fer_core.types import Floats, Image

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
    folder = teacher.parent.parent / teacher.stem
    index = _read_index(folder / "index.csv")
    count = len(index)
    expected = {
        "points": Expected("f", (count, POINTS, 2)),
        "blendshapes": Expected("u", (count, len(ACTIONS))),
        "names": Expected("U", (len(ACTIONS),)),
    }
    arrays = read_arrays(teacher, expected)
    points, scores = arrays["points"], arrays["blendshapes"]
    if tuple(arrays["names"].tolist()) != ACTIONS:
        raise DataError(
            f"{teacher} does not have the {len(ACTIONS)} actions of MediaPipe's FaceLandmarker"
        )
    images = _tiles(folder, index)
    splits = np.array([row.split for row in index])
    if public and "PublicTest" not in splits:
        people = {person: n for n, person in enumerate(sorted({row.person for row in index}))}
        splits = np.array(
            [
                training_or_public(people[row.person]) if row.split == "Training" else row.split
                for row in index
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


class _Row(NamedTuple):
    """A row of an index."""

    mosaic: str
    tile: int
    split: str
    person: str
    """Name of the person; "" where the index has none."""


def _read_index(path: Path) -> list[_Row]:
    """Read an index of tiles."""
    names = {plain_name(name) for name in header_of(path)}
    columns = ["mosaic", "tile", "usage" if "usage" in names else "split"]
    rows = []
    for line, (mosaic, tile, split, *person) in read_rows(
        path, [*columns, *(["person"] if "person" in names else [])]
    ):
        number = whole_number_in(tile, f"{path}, line {line}")
        rows.append(_Row(mosaic, number, SPLITS.get(split, split), "".join(person)))
    return rows


def _tiles(folder: Path, index: Sequence[_Row]) -> list[Image]:
    """Read the image of each row."""
    images: dict[int, Image] = {}
    for mosaic in dict.fromkeys(row.mosaic for row in index):
        numbers = [n for n, row in enumerate(index) if row.mosaic == mosaic]
        tiles = read_tiles(
            folder / f"{mosaic}.webp", np.array([index[n].tile for n in numbers], np.int64)
        )
        images.update(zip(numbers, tiles, strict=True))
    return [images[n] for n in range(len(index))]

"""Reader of faces without labels: folders of image files, or of mosaics with their ``index.csv``."""

from pathlib import Path
from typing import Final

import numpy as np

from fer_core.data.crops import SIDE, picture_files, read_face
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.mosaic import read_tiles
from fer_core.data.omissions import Omissions
from fer_core.data.tables import read_rows, whole_number_in

SOURCE: Final = "{} (faces without labels), under its publisher's terms"
NO_LABEL: Final = -1


def read_unlabeled(path: Path) -> FaceSet:
    """Read every image below a folder; where there is an ``index.csv``, the rows whose ``split`` is train.

    Returns:
        Faces of Training with the label -1; notes count the files of other formats.

    Raises:
        DataError: if the folder is missing, holds no images, or an image is unreadable.
    """
    omissions = Omissions()
    if (path / "index.csv").is_file():
        images = _read_mosaics(path)
    else:
        omissions.add_files(path.rglob("*"))
        images = [read_face(file, side=SIDE) for file in picture_files(path)]
    if not images:
        raise DataError(f"{path / 'index.csv'} has no row whose split is train")
    return FaceSet(
        images,
        np.full(len(images), NO_LABEL, np.int64),
        np.full(len(images), "Training"),
        sources={path.name: SOURCE.format(path.name)},
        notes=omissions.notes(path.name),
    )


def _read_mosaics(path: Path) -> list[np.ndarray]:
    tiles: dict[str, list[int]] = {}
    index = path / "index.csv"
    for line, (mosaic, tile, split) in read_rows(index, ("mosaic", "tile", "split")):
        if split == "train":
            number = whole_number_in(tile, f"{index}, line {line}")
            tiles.setdefault(mosaic, []).append(number)
    return [
        image
        for mosaic, numbers in tiles.items()
        for image in read_tiles(path / f"{mosaic}.webp", np.array(numbers))
    ]

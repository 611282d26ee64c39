"""Reader of sets that name the person on each picture, with more than one picture of many."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.mosaic import read_tiles
from fer_core.data.tables import read_rows
from fer_core.labels import class_number
from fer_core.types import Image

COLUMNS = ("mosaic", "tile", "person", "expression", "split")
TEST = "test"


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """N pictures of named people; every person is in one split."""

    images: list[Image]
    """N gray images, uint8."""
    persons: NDArray[np.str_]
    """(N,) names."""
    labels: NDArray[np.int64]
    """(N,) class numbers in the order of ``EXPRESSIONS``; -1 for other expressions."""
    held_out: NDArray[np.bool_]
    """(N,) whether the person is in the split ``test``."""


def read_people(folder: Path) -> People:
    """Read the mosaics of a folder with the ``index.csv`` that says who is on each tile.

    Its columns are mosaic (file name without ``.webp``), tile (number from the top left), person, expression
    and split (train or test).

    Raises:
        DataError: if the table or a mosaic is missing or damaged; the message names the file and the line.
    """
    rows = []
    for line, (mosaic, tile, person, expression, split) in read_rows(folder / "index.csv", COLUMNS):
        if not tile.isdecimal():
            raise DataError(f"{folder / 'index.csv'}, line {line}: tile {tile!r} is not a number")
        label = class_number(expression)
        rows.append((mosaic, int(tile), person, -1 if label is None else label, split == TEST))
    images: dict[tuple[str, int], Image] = {}
    for mosaic in dict.fromkeys(row[0] for row in rows):
        tiles = [row[1] for row in rows if row[0] == mosaic]
        read = read_tiles(folder / f"{mosaic}.webp", np.array(tiles))
        images |= {(mosaic, tile): image for tile, image in zip(tiles, read, strict=True)}
    return People(
        images=[images[row[0], row[1]] for row in rows],
        persons=np.array([row[2] for row in rows]),
        labels=np.array([row[3] for row in rows], np.int64),
        held_out=np.array([row[4] for row in rows], bool),
    )

"""Datasets of labeled faces, with one reader for each layout."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from fer_core.data.faceset import SPLITS, DataError, FaceSet, join
from fer_core.data.readers.affect_csv import is_affect_csv, read_affect_csv
from fer_core.data.readers.affectnet import is_affectnet, read_affectnet
from fer_core.data.readers.ckplus import is_ckplus, read_ckplus
from fer_core.data.readers.fer2013 import is_fer2013, read_fer2013
from fer_core.data.readers.ferg import is_ferg, read_ferg
from fer_core.data.readers.ferplus import majority, read_votes, vote_targets
from fer_core.data.readers.folders import is_folders, read_folders
from fer_core.data.readers.jaffe import is_jaffe, read_jaffe
from fer_core.data.readers.rafdb import is_rafdb, read_rafdb

__all__ = [
    "SPLITS",
    "DataError",
    "FaceSet",
    "majority",
    "read_faces",
    "vote_targets",
]


class Layout(NamedTuple):
    """A layout of a dataset on disk."""

    name: str
    fits: Callable[[Path], bool]
    read: Callable[[Path], FaceSet]


LAYOUTS: Final = (
    Layout("fer2013.csv or icml_face_data.csv", is_fer2013, read_fer2013),
    Layout("AffectNet's folder with train_set and val_set", is_affectnet, read_affectnet),
    Layout("AffectNet's training.csv or validation.csv", is_affect_csv, read_affect_csv),
    Layout("RAF-DB's folder basic", is_rafdb, read_rafdb),
    Layout("FERG-DB's folder of characters", is_ferg, read_ferg),
    Layout("CK+48's folder", is_ckplus, read_ckplus),
    Layout("JAFFE's folder of images", is_jaffe, read_jaffe),
    # Last, since other layouts may also have folders named after classes.
    Layout("a folder with one folder of images a class", is_folders, read_folders),
)
"""The supported layouts; the first one that fits a path reads it."""


def read_faces(paths: Sequence[Path], plus: Path | None = None) -> FaceSet:
    """Read datasets of any supported layout, and join them.

    Args:
        paths: files and folders, each in one of ``LAYOUTS``.
        plus: FER+'s ``fer2013new.csv``; its rows match those of the FER2013 table among ``paths``.

    Returns:
        All faces, in the order of ``paths``.

    Raises:
        DataError: if a path is missing or cannot be read; the message says what to do.
    """
    for path in (*paths, *([plus] if plus else [])):
        if not path.exists():
            raise DataError(f"{path} does not exist; give the dataset's file or folder")
    return join([_read(path, plus) for path in paths])


def _read(path: Path, plus: Path | None) -> FaceSet:
    layout = next((layout for layout in LAYOUTS if layout.fits(path)), None)
    if layout is None:
        layouts = ", ".join(layout.name for layout in LAYOUTS)
        raise DataError(f"{path} is not a dataset of a known layout; give one of: {layouts}")
    faces = layout.read(path)
    return faces.with_votes(read_votes(plus)) if plus and layout.read is read_fer2013 else faces

"""Datasets of labelled faces: one reader for each layout."""

from collections.abc import Sequence
from pathlib import Path

from fer_core.data.affectnet import is_affectnet, read_affectnet
from fer_core.data.faceset import SPLITS, DataError, FaceSet, join
from fer_core.data.fer2013 import is_fer2013, read_fer2013
from fer_core.data.ferplus import majority, read_votes, vote_targets
from fer_core.data.folders import read_folders

__all__ = [
    "SPLITS",
    "DataError",
    "FaceSet",
    "majority",
    "read_faces",
    "vote_targets",
]


def read_faces(paths: Sequence[Path], plus: Path | None = None) -> FaceSet:
    """Read datasets in whatever layout they have, and join them.

    Args:
        paths: FER2013 tables, folders with one folder of images a class, AffectNet's folder.
        plus: FER+'s ``fer2013new.csv``, row for row with the FER2013 table among ``paths``.

    Raises:
        DataError: for what is missing or cannot be read; the message says what to do.
    """
    sets = []
    for path in (*paths, *([plus] if plus else [])):
        if not path.exists():
            raise DataError(f"{path} does not exist; give the dataset's file or folder")
    for path in paths:
        if path.is_dir():
            sets.append(read_affectnet(path) if is_affectnet(path) else read_folders(path))
        elif is_fer2013(path):
            faces = read_fer2013(path)
            sets.append(faces.with_votes(read_votes(plus)) if plus else faces)
        else:
            raise DataError(
                f"{path} is neither fer2013.csv nor icml_face_data.csv nor a folder of classes"
            )
    return join(sets)

"""CK+48, the peak frames of the extended Cohn-Kanade set (Lucey et al. 2010), 48x48 grey:
``<class>/S010_004_00000017.png``, a file named after subject, sequence and frame."""

import re
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.readers.folders import ALIASES
from fer_core.data.splits import split_people
from fer_core.labels import EXPRESSIONS

SOURCE: Final = "CK+48 (Lucey et al. 2010), research use"

CLASSES: Final = ("anger", "disgust", "fear", "happy", "neutral", "sadness", "surprise")
"""CK+48 has no neutral faces, but some copies are completed with the first frames of sequences."""

LEFT_OUT: Final = "contempt"
NAME: Final = re.compile(r"S\d{3}_\d{3}_\d{8}")


def is_ckplus(path: Path) -> bool:
    """Whether all images one folder down are named as those of CK+48 are."""
    files = (file for folder in _folders(path) for file in image_files(folder))
    return {NAME.fullmatch(file.stem) is not None for file in files} == {True}


def read_ckplus(path: Path) -> FaceSet:
    """Read all classes but contempt, which FER2013 lacks. ``split_people`` splits by subject, since the three
    frames of a sequence are nearly the same.

    Raises:
        DataError: for a folder of an unknown class or an unreadable image, with its path.
    """
    known = (*CLASSES, LEFT_OUT)
    unknown = next((folder for folder in _folders(path) if folder.name not in known), None)
    if unknown:
        raise DataError(f"{unknown} is not named after one of CK+48's classes: {', '.join(known)}")
    return read_crops(path, _crops(path), SOURCE)


def _crops(path: Path) -> list[Crop]:
    found = [
        (file, file.name.partition("_")[0], EXPRESSIONS.index(ALIASES.get(name, name)))
        for name in CLASSES
        if (path / name).is_dir()
        for file in image_files(path / name)
    ]
    splits = split_people(subject for _, subject, _ in found)
    return [Crop(file, label, splits[subject]) for file, subject, label in found]


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.glob("[!.]*/"))

"""Reader of AffectNet's release with eight labels (Mollahosseini et al. 2017).

``train_set/`` and ``val_set/`` each hold ``images/ID.jpg`` (or with another suffix of
``fer_core.images.SUFFIXES``) and ``annotations/ID_exp.npy``, ``ID_val.npy`` and ``ID_aro.npy``.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.arrays import read_number
from fer_core.data.crops import read_face, with_notes
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.splits import training_or_public
from fer_core.images import SUFFIXES
from fer_core.labels import EXPRESSIONS
from fer_core.types import Image

SOURCE: Final = "AffectNet (Mollahosseini et al. 2017), research use"

CLASSES: Final = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
"""AffectNet's classes; the index is the number in ``ID_exp.npy``."""

FOLDERS: Final = ("train_set", "val_set")
AXES: Final = ("val", "aro")


def is_affectnet(folder: Path) -> bool:
    """Return whether a folder has AffectNet's layout."""
    return any((folder / name / "annotations").is_dir() for name in FOLDERS)


def read_affectnet(folder: Path) -> FaceSet:
    """Read ``train_set`` and ``val_set``, or the one that exists, as gray images of at most 96 pixels.

    AffectNet has no third split: ``val_set`` becomes PrivateTest, and a tenth of ``train_set`` PublicTest.
    FER2013 has no class for contempt, so those faces are left out.

    Raises:
        DataError: if an image or an annotation is missing or unreadable, or a class is unknown; the message
            names the file.
    """
    images, labels, splits, affect = [], [], [], []
    notes: list[str] = []
    omissions = Omissions()
    for name in FOLDERS:
        suffix = "_exp.npy"
        files = sorted((folder / name / "annotations").glob(f"*{suffix}"))
        for number, file in enumerate(files):
            expression = _class(file)
            if expression == "contempt":
                omissions[expression] += 1
                continue
            identity = file.name.removesuffix(suffix)
            images.append(_face(folder / name / "images", identity, notes))
            labels.append(EXPRESSIONS.index(expression))
            splits.append("PrivateTest" if name == "val_set" else training_or_public(number))
            affect.append([read_number(file.with_name(f"{identity}_{axis}.npy")) for axis in AXES])
    if not images:
        raise DataError(f"{folder} has AffectNet's folders but no faces; is the download whole?")
    return FaceSet(
        images,
        np.array(labels, np.int64),
        np.array(splits),
        affect=ratings(affect),
        sources={folder.resolve().name: SOURCE},
        notes=(
            *with_notes(folder.resolve().name, notes),
            *omissions.notes(folder.resolve().name),
        ),
    )


def ratings(numbers: list[list[float]]) -> NDArray[np.float32]:
    """Return (N, 2) valence and arousal, with NaN for -2, AffectNet's mark of a face that nobody rated."""
    affect = np.array(numbers, np.float32)
    affect[~(np.abs(affect) <= 1)] = np.nan
    return affect


def _class(file: Path) -> str:
    number = read_number(file)
    if number not in range(len(CLASSES)):
        raise DataError(f"{file}: class {number:g} is not one of 0 to {len(CLASSES) - 1}")
    return CLASSES[int(number)]


def _face(folder: Path, identity: str, notes: list[str]) -> Image:
    files = (folder / f"{identity}{suffix}" for suffix in SUFFIXES)
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise DataError(f"{folder / identity}.jpg is missing; is the download whole?")
    return read_face(file, notes=notes)

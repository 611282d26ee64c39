"""Reader of RAF-DB's single expressions (Li et al. 2017), as its authors and as Kaggle hand it out.

In the folder ``basic``, ``EmoLabel/list_patition_label.txt`` (spelled that way) has lines like
``train_00001.jpg 5``; the image is ``Image/aligned/train_00001_aligned.jpg``. On Kaggle the classes are
folders, ``DATASET/train/5/train_00001_aligned.jpg``, and ``train_labels.csv`` and ``test_labels.csv`` say
the same.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.splits import training_or_public
from fer_core.data.tables import read_lines
from fer_core.errors import in_short
from fer_core.labels import EXPRESSIONS

SOURCE: Final = "RAF-DB (Li et al. 2017), non-commercial research use"

CLASSES: Final = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
"""RAF-DB's classes in its order; its numbers count from 1."""

NUMBERS: Final = {str(n): EXPRESSIONS.index(name) for n, name in enumerate(CLASSES, start=1)}
"""Number of a class in RAF-DB, as text -> its number here."""

LIST: Final = "EmoLabel/list_patition_label.txt"
PARTS: Final = ("train", "test")
TABLES: Final = tuple(f"{part}_labels.csv" for part in PARTS)
"""Kaggle's tables, which say again what the folders say."""
NAME: Final = re.compile(r"(train|test)_\d+(_aligned)?", re.IGNORECASE)
"""Name of an image, without its ending."""


def is_rafdb(path: Path) -> bool:
    """Return whether a folder is RAF-DB's ``basic`` or Kaggle's ``DATASET``, or contains it, or is one of
    Kaggle's tables."""
    return _basic(path) is not None or _dataset(path) is not None


def read_rafdb(path: Path) -> FaceSet:
    """Read the aligned faces.

    ``test`` becomes PrivateTest, and every tenth face of ``train``, in the order of the list or of the names,
    PublicTest. Of Kaggle's tables each stands for its part.

    Raises:
        DataError: if a line is not of the expected form, a class is unknown, or an image is missing or
            unreadable; the message names the line.
    """
    omissions = Omissions()
    basic, dataset = _basic(path), _dataset(path)
    if basic is not None:
        crops = _crops(basic)
    else:
        assert dataset is not None
        parts = [part for part in PARTS if path.is_dir() or path.name.startswith(part)]
        crops = (crop for part in parts for crop in _part(dataset / part, omissions))
    return read_crops(path, crops, SOURCE, omissions=omissions)


def _basic(path: Path) -> Path | None:
    return next((p for p in (path, path / "basic") if (p / LIST).is_file()), None)


def _dataset(path: Path) -> Path | None:
    """Return the folder of ``train`` and ``test`` in Kaggle's layout; None for other paths."""
    if path.is_file():
        path = path.parent if path.name in TABLES else path
    for folder in (path, path / "DATASET"):
        classes = (folder / part / number for part in PARTS for number in NUMBERS)
        files = (file for each in classes if each.is_dir() for file in image_files(each)[:1])
        if all(matches := [NAME.fullmatch(file.stem) is not None for file in files]) and matches:
            return folder
    return None


def _part(folder: Path, omissions: Omissions) -> Iterator[Crop]:
    """Yield the images of a part in Kaggle's layout, in the order of their names."""
    images = []
    for each in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not each.is_dir():
            continue
        files = image_files(each)
        if each.name in NUMBERS:
            omissions.add_files(each.iterdir())
            images += [(file.name, file, NUMBERS[each.name]) for file in files]
        else:
            omissions.add_folder(each.name, len(files))
    for number, (_, file, label) in enumerate(sorted(images)):
        split = "PrivateTest" if folder.name == "test" else training_or_public(number)
        yield Crop(file, label, split)


def _crops(folder: Path) -> Iterator[Crop]:
    file = folder / LIST
    training = 0
    for line, text in enumerate(read_lines(file), start=1):
        location = f"{file}, line {line}"
        if not text.strip():
            continue
        name, _, number = text.strip().partition(" ")
        stem, part = Path(name).stem, name.partition("_")[0]
        if part not in PARTS:
            raise DataError(f"{location}: expected a line like 'train_00001.jpg 5'")
        label = NUMBERS.get(number.strip())
        if label is None:
            raise DataError(
                f"{location}: class {in_short(repr(number))} is not one of 1 to {len(CLASSES)}; of RAF-DB "
                "only the folder basic is read, not compound"
            )
        split = "PrivateTest" if part == "test" else training_or_public(training)
        training += part == "train"
        yield Crop(folder / "Image" / "aligned" / f"{stem}_aligned.jpg", label, split, location)

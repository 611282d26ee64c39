"""Reader of RAF-DB's single expressions (Li et al. 2017), the folder ``basic``.

``EmoLabel/list_patition_label.txt`` (spelled that way) has lines like ``train_00001.jpg 5``; the image is
``Image/aligned/train_00001_aligned.jpg``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.splits import training_or_public
from fer_core.labels import EXPRESSIONS

SOURCE: Final = "RAF-DB (Li et al. 2017), non-commercial research use"

CLASSES: Final = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
"""RAF-DB's classes in its order; its numbers count from 1."""

LIST: Final = "EmoLabel/list_patition_label.txt"


def is_rafdb(path: Path) -> bool:
    """Return whether a folder is RAF-DB's ``basic``, or contains it."""
    return _basic(path) is not None


def read_rafdb(path: Path) -> FaceSet:
    """Read the aligned faces.

    ``test`` becomes PrivateTest, and every tenth face of ``train``, in the order of the list, PublicTest.

    Raises:
        DataError: if a line is not of the expected form, a class is unknown, or an image is missing or
            unreadable; the message names the line.
    """
    return read_crops(path, _crops(_basic(path) or path), SOURCE)


def _basic(path: Path) -> Path | None:
    return next((p for p in (path, path / "basic") if (p / LIST).is_file()), None)


def _crops(folder: Path) -> Iterator[Crop]:
    file = folder / LIST
    training = 0
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line, text in enumerate(lines, start=1):
            location = f"{file}, line {line}"
            if not text.strip():
                continue
            name, _, number = text.strip().partition(" ")
            stem, part = Path(name).stem, name.partition("_")[0]
            if part not in ("train", "test"):
                raise DataError(f"{location}: expected a line like 'train_00001.jpg 5'")
            if number not in map(str, range(1, len(CLASSES) + 1)):
                raise DataError(
                    f"{location}: class {number!r} is not one of 1 to {len(CLASSES)}; of RAF-DB only the "
                    "folder basic is read, not compound"
                )
            split = "PrivateTest" if part == "test" else training_or_public(training)
            training += part == "train"
            image = folder / "Image" / "aligned" / f"{stem}_aligned.jpg"
            yield Crop(image, EXPRESSIONS.index(CLASSES[int(number) - 1]), split, location)

"""Reader of FERG-DB, drawn faces of six characters (Aneja et al. 2016).

The layout is ``<character>/<character>_<class>/*.png``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.readers.folders import ALIASES
from fer_core.data.splits import split_people
from fer_core.labels import EXPRESSIONS

SOURCE: Final = "FERG-DB (Aneja et al. 2016), non-commercial research use"

CLASSES: Final = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")


def is_ferg(path: Path) -> bool:
    """Return whether a folder holds folders of characters, and those hold folders of classes."""
    return any(name in CLASSES for _, name, _ in _folders(path))


def read_ferg(path: Path) -> FaceSet:
    """Read all characters, each into one split.

    Sorted by name, the last of FERG's six (ray) is PrivateTest and the one before it (mery) PublicTest;
    ``split_people`` has the rule for fewer characters.

    Raises:
        DataError: if a class is unknown or an image is unreadable; the message names the path.
    """
    folders = list(_folders(path))
    splits = split_people(character for character, _, _ in folders)
    crops = (
        Crop(file, _label(folder, name), splits[character])
        for character, name, folder in folders
        for file in image_files(folder)
    )
    return read_crops(path, crops, SOURCE)


def _label(folder: Path, name: str) -> int:
    if name not in CLASSES:
        raise DataError(f"{folder}: class {name!r} is not one of {', '.join(CLASSES)}")
    return EXPRESSIONS.index(ALIASES.get(name, name))


def _folders(path: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield character, class and path of each folder ``<character>/<character>_<class>``."""
    for folder in sorted(path.glob("*/*_*/")):
        character, _, name = folder.name.rpartition("_")
        if character == folder.parent.name:
            yield character, name, folder

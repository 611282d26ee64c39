"""Reader of drawn characters: FERG-DB (Aneja et al. 2016), and what ``expression-lens cartoon`` draws.

The layout is ``<character>/<character>_<class>/*.png``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from fer_core.cartoon.characters import CHARACTERS
from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.splits import split_people
from fer_core.labels import class_number

SOURCE: Final = "FERG-DB (Aneja et al. 2016), non-commercial research use"
DRAWINGS: Final = "drawn faces (expression-lens cartoon), Apache-2.0"

CLASSES: Final = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")


def is_ferg(path: Path) -> bool:
    """Return whether a folder holds folders of characters, and those hold folders of classes."""
    return any(class_number(name) is not None for _, name, _ in _folders(path))


def read_ferg(path: Path, **pictures: Any) -> FaceSet:
    """Read all characters, each into one split.

    Sorted by name, the last of FERG's six (ray) is PrivateTest and the one before it (mery) PublicTest;
    ``split_people`` has the rule for fewer characters.

    Args:
        pictures: ``side`` and ``cropper`` of ``read_crops``; a drawing shows more than a face.

    Raises:
        DataError: if a class is unknown or an image is unreadable; the message names the path.
    """
    folders = list(_folders(path))
    splits = split_people(character for character, _, _ in folders)
    omissions = Omissions()

    def crops() -> Iterator[Crop]:
        for character, name, folder in folders:
            label = _label(folder, name)
            omissions.add_files(folder.iterdir())
            for file in image_files(folder):
                yield Crop(file, label, splits[character], person=character)

    ours = {character.name.lower() for character in CHARACTERS}
    source = DRAWINGS if ours.issuperset(splits) else SOURCE
    return read_crops(path, crops(), source, omissions=omissions, **pictures)


def _label(folder: Path, name: str) -> int:
    label = class_number(name)
    if label is None:
        raise DataError(f"{folder}: class {name!r} is not one of {', '.join(CLASSES)}")
    return label


def _folders(path: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield character, class and path of each folder ``<character>/<character>_<class>``."""
    for folder in sorted(folder for folder in path.glob("*/*_*") if folder.is_dir()):
        character, _, name = folder.name.rpartition("_")
        if character == folder.parent.name:
            yield character, name, folder

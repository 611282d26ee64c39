"""Reader of JAFFE, photographs of ten Japanese women (Lyons et al. 1998).

An image like ``KA.AN1.39.tiff`` is named after person, expression, its number among that person's images of
the expression, and its number in the set.
"""

import re
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.splits import split_people
from fer_core.labels import EXPRESSIONS

SOURCE: Final = "JAFFE (Lyons et al. 1998), non-commercial research use"

CODES: Final = {
    **{"AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy"},
    **{"SA": "sad", "SU": "surprise", "NE": "neutral"},
}
NAME: Final = re.compile(r"([A-Z]{2})\.([A-Z]{2})\d\.\d+", re.IGNORECASE)


def is_jaffe(path: Path) -> bool:
    """Return whether a folder holds images with names like JAFFE's."""
    return path.is_dir() and any(NAME.fullmatch(file.stem) for file in image_files(path))


def read_jaffe(path: Path) -> FaceSet:
    """Read all images.

    ``split_people`` splits by person: of JAFFE's ten, UY and YM are PrivateTest, NM and TM PublicTest.

    Raises:
        DataError: if a name is not of the expected form, an expression is unknown or an image is unreadable.
    """
    images = [(file, *_parts(file)) for file in image_files(path)]
    splits = split_people(person for _, person, _ in images)
    crops = (Crop(file, label, splits[person], person=person) for file, person, label in images)
    omissions = Omissions()
    omissions.add_files(path.iterdir())
    return read_crops(path, crops, SOURCE, omissions=omissions)


def _parts(file: Path) -> tuple[str, int]:
    """Return person and class number, read from the name of the file."""
    match = NAME.fullmatch(file.stem)
    if match is None or match[2].upper() not in CODES:
        raise DataError(
            f"{file} is not named after person and expression as in KA.AN1.39.tiff; the expressions are "
            f"{', '.join(CODES)}"
        )
    return match[1].upper(), EXPRESSIONS.index(CODES[match[2].upper()])

"""Reader of CK+48, the peak frames of the extended Cohn-Kanade set (Lucey et al. 2010), 48x48 gray.

In ``<class>/S010_004_00000017.png`` the file is named after subject, sequence and frame.
"""

import re
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.splits import split_people
from fer_core.labels import class_number

SOURCE: Final = "CK+48 (Lucey et al. 2010), research use"

CLASSES: Final = ("anger", "disgust", "fear", "happy", "neutral", "sadness", "surprise")
"""Names of the folders. CK+48 has no neutral faces, but some copies add the first frames of sequences."""

LEFT_OUT: Final = "contempt"
NAME: Final = re.compile(r"S\d{3}_\d{3}_\d{8}", re.IGNORECASE)


def is_ckplus(path: Path) -> bool:
    """Return whether all images one folder down have names like CK+48's."""
    files = (file for folder in _folders(path) for file in image_files(folder))
    return {NAME.fullmatch(file.stem) is not None for file in files} == {True}


def read_ckplus(path: Path) -> FaceSet:
    """Read all classes except contempt, which FER2013 lacks; notes say how many faces that are.

    ``split_people`` splits by subject, since the three frames of a sequence are nearly the same.

    Raises:
        DataError: if a folder's class is unknown or an image is unreadable; the message names the path.
    """
    omissions = Omissions()
    return read_crops(path, _crops(path, omissions), SOURCE, omissions=omissions)


def _crops(path: Path, omissions: Omissions) -> list[Crop]:
    images = []
    for folder in _folders(path):
        label, files = class_number(folder.name), image_files(folder)
        omissions.add_files(folder.iterdir())
        if label is not None:
            images += [(file, file.name.partition("_")[0].upper(), label) for file in files]
        elif folder.name.strip().lower() == LEFT_OUT:
            omissions[LEFT_OUT] += len(files)
        else:
            raise DataError(
                f"{folder} is not named after one of CK+48's classes: {', '.join((*CLASSES, LEFT_OUT))}"
            )
    splits = split_people(subject for _, subject, _ in images)
    return [Crop(file, label, splits[subject], person=subject) for file, subject, label in images]


def _folders(path: Path) -> list[Path]:
    """Return the folders of the classes, in the folder itself or in the only one that it holds."""
    folders = sorted(folder for folder in path.glob("[!.]*") if folder.is_dir())
    if len(folders) == 1 and class_number(folders[0].name) is None:
        return sorted(folder for folder in folders[0].glob("[!.]*") if folder.is_dir())
    return folders

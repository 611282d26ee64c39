"""A folder with one folder of images a class, the layout most face sets are passed on in."""

from pathlib import Path

import numpy as np

from fer_core.data.faceset import DataError, FaceSet
from fer_core.images import ImageError, read_image, to_gray
from fer_core.labels import EXPRESSIONS

ALIASES = {"anger": "angry", "happiness": "happy", "sadness": "sad"}
SOURCE = "a folder of images by class"
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


def read_folders(path: Path) -> FaceSet:
    """Read ``path/<class>/*.png`` and the like. Every face counts as PrivateTest, so that a folder can
    be evaluated and is never trained on by accident; ``train`` and ``test`` folders on the way name
    the split.

    Raises:
        DataError: where there is no folder of a known class, or none holds an image.
    """
    images, labels, splits = [], [], []
    for folder in sorted(p for p in path.rglob("*") if p.is_dir()):
        name = ALIASES.get(folder.name.lower(), folder.name.lower())
        if name not in EXPRESSIONS:
            continue
        training = "train" in {part.lower() for part in folder.relative_to(path).parts}
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() not in SUFFIXES:
                continue
            try:
                images.append(to_gray(read_image(file)))
            except ImageError as error:
                raise DataError(f"{file}: {error}") from None
            labels.append(EXPRESSIONS.index(name))
            splits.append("Training" if training else "PrivateTest")
    if not images:
        raise DataError(
            f"{path} has no folders of images named after a class; expected some of "
            f"{', '.join(EXPRESSIONS)}"
        )
    return FaceSet(
        images, np.array(labels, np.int64), np.array(splits), sources={path.resolve().name: SOURCE}
    )

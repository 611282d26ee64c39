"""Datasets of labeled faces, with one reader for each layout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from fer_core.data.detection import FaceCropper
from fer_core.data.faceset import SPLITS, UNSPLIT, DataError, FaceSet, join
from fer_core.data.location import confined, located
from fer_core.data.readers.affect_csv import is_affect_csv, read_affect_csv
from fer_core.data.readers.affectnet import is_affectnet, read_affectnet
from fer_core.data.readers.ckplus import is_ckplus, read_ckplus
from fer_core.data.readers.fer2013 import is_fer2013, read_fer2013
from fer_core.data.readers.ferg import is_ferg, read_ferg
from fer_core.data.readers.ferplus import majority, read_votes, vote_targets
from fer_core.data.readers.ferplus_folders import is_ferplus_folders, read_ferplus_folders
from fer_core.data.readers.folders import is_folders, other_folders, read_folders
from fer_core.data.readers.jaffe import is_jaffe, read_jaffe
from fer_core.data.readers.label_table import is_label_table, missing_column, read_label_table
from fer_core.data.readers.rafdb import is_rafdb, read_rafdb
from fer_core.data.training import fill_splits, hold_out, split_set
from fer_core.errors import in_short

__all__ = [
    "SPLITS",
    "DataError",
    "FaceSet",
    "hold_out",
    "majority",
    "read_faces",
    "read_training_faces",
    "vote_targets",
]


class Layout(NamedTuple):
    """A layout of a dataset on disk."""

    name: str
    fits: Callable[[Path], bool]
    read: Callable[..., FaceSet]
    sizable: bool = False
    """Whether ``read`` takes the longest side of a stored image too, and a ``FaceCropper``: the images may be
    whole pictures."""


LAYOUTS: Final = (
    Layout("fer2013.csv, icml_face_data.csv or train.csv", is_fer2013, read_fer2013),
    Layout("AffectNet's folder with train_set and val_set", is_affectnet, read_affectnet),
    Layout("AffectNet's training.csv or validation.csv", is_affect_csv, read_affect_csv),
    Layout("RAF-DB's folder basic or DATASET", is_rafdb, read_rafdb),
    Layout(
        "FER+'s folders FER2013Train, FER2013Valid and FER2013Test",
        is_ferplus_folders,
        read_ferplus_folders,
    ),
    Layout("FERG-DB's folder of characters", is_ferg, read_ferg, sizable=True),
    Layout("CK+48's folder", is_ckplus, read_ckplus),
    Layout("JAFFE's folder of images", is_jaffe, read_jaffe),
    # Near the end, since other layouts may also have folders named after classes.
    Layout("a folder with one folder of images a class", is_folders, read_folders, sizable=True),
    Layout(
        "pictures with a table of file names and expressions",
        is_label_table,
        read_label_table,
        sizable=True,
    ),
)
"""The supported layouts; the first one that fits a path reads it."""


def read_faces(
    paths: Sequence[Path],
    plus: Path | None = None,
    *,
    side: int | None = None,
    within: Path | None = None,
) -> FaceSet:
    """Read datasets of any supported layout, and join them.

    Args:
        paths: files and folders, each in one of ``LAYOUTS``.
        plus: FER+'s ``fer2013new.csv``; its rows match those of the FER2013 table among ``paths``.
        side: longest side of the images of a folder, in pixels; None keeps little of large ones.
        within: a folder that no link and no path in a table may lead out of, where the sets of a host are
            read for visitors; None reads whatever is named.

    Returns:
        All faces, in the order of ``paths``. Those without a split are in PrivateTest, so that a folder can
        be used for evaluation and is never trained on by accident. ``notes`` says what was left out.

    Raises:
        DataError: if a path is missing or cannot be read; the message says what to do.
    """
    with confined(within):
        parts = [_fill(part) for part in _read_each(paths, plus, side=side)]
    return replace(join(parts), teaching=())


def read_training_faces(
    paths: Sequence[Path],
    plus: Path | None = None,
    *,
    cropper: FaceCropper | None = None,
    held_out: str = "",
) -> FaceSet:
    """Read datasets as ``read_faces`` does, and make by rule the splits that they lack.

    Args:
        paths: files and folders, each in one of ``LAYOUTS``.
        plus: FER+'s ``fer2013new.csv``.
        cropper: find the face in each picture of folders and label tables; all other sets hold faces.
        held_out: person or character to hold out, as ``hold_out`` does; "" for nobody.

    Returns:
        All faces; ``notes`` says what was done, and ``teaching`` which sets have faces in Training.

    Raises:
        DataError: if a path is missing or cannot be read, no face is left for training, or no set holds
            pictures for the ``cropper``.
    """
    if cropper is not None and not any(_holds_pictures(path) for path in paths):
        raise DataError(
            "--detect finds faces in folders of classes or characters and in pictures with a table of "
            "labels; the data have none of them, so leave it out"
        )
    parts = _read_each(paths, plus, cropper=cropper)
    split = [split_set(part, path) for part, path in zip(parts, paths, strict=True)]
    joined = join(split)
    return fill_splits(hold_out(joined, held_out) if held_out else joined)


def _fill(faces: FaceSet) -> FaceSet:
    """Put faces without a split into PrivateTest."""
    splits = faces.splits.astype("<U11")  # the length of the longest name
    return replace(faces, splits=np.where(splits == UNSPLIT, SPLITS[2], splits))


def _read_each(paths: Sequence[Path], plus: Path | None, **pictures: Any) -> list[FaceSet]:
    """Read each set; ``pictures`` are the arguments of readers of whole pictures, None for their defaults."""
    for path in (*paths, *([plus] if plus else [])):
        if not located(path).exists():
            raise DataError(f"{path} does not exist; give the dataset's file or folder")
    chosen = {name: value for name, value in pictures.items() if value is not None}
    return [_read(path, plus, chosen) for path in paths]


def _layout(path: Path) -> Layout | None:
    return next((layout for layout in LAYOUTS if layout.fits(path)), None)


def _holds_pictures(path: Path) -> bool:
    """Return whether a set may hold whole pictures, in which faces have to be found."""
    layout = _layout(path)
    return layout is not None and layout.sizable


def _without_classes(path: Path) -> str:
    """Return why a folder is not a dataset, as a clause; "" where there is nothing to say."""
    if not path.is_dir():
        return ""
    if tables := [file.name for file in sorted(path.glob("*.csv")) if is_fer2013(file)]:
        return f"give the table itself: {', '.join(tables[:3])}"
    folders = ", ".join(other_folders(path))
    return folders and f"none of its folders is named after a class: {in_short(folders)}"


def _read(path: Path, plus: Path | None, pictures: Mapping[str, Any]) -> FaceSet:
    layout = _layout(path)
    if layout is None:
        layouts = ", ".join(layout.name for layout in LAYOUTS)
        reason = missing_column(path) or _without_classes(path)
        raise DataError(
            f"{path} is not a dataset of a known layout{reason and f' ({reason})'}; give one of: {layouts}"
        )
    faces = layout.read(path, **pictures) if layout.sizable else layout.read(path)
    return faces.with_votes(read_votes(plus)) if plus and layout.read is read_fer2013 else faces

"""A folder of whole pictures as a folder of face crops, with the same names and tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image as Pillow

from fer_core.data.crops import picture_files, read_picture
from fer_core.data.detection import FaceCropper
from fer_core.data.faceset import DataError
from fer_core.data.readers.label_table import copy_table, is_label_table

JPEG_QUALITY = 95


@dataclass(slots=True)
class CroppedFolder:
    """What became of the pictures of a folder; all paths are those of the pictures."""

    cropped: list[Path] = field(default_factory=list)
    without_face: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    """Picture, and the sentence that says why it cannot be read."""


def crop_folder(
    folder: Path,
    out: Path,
    cropper: FaceCropper,
    *,
    progress: Callable[[float], None] | None = None,
) -> CroppedFolder:
    """Write the face of each picture below a folder to the same place below another, under the same name.

    Tables of labels are copied without the rows of pictures that have no crop, so the new folder is read like
    the old one. Other files are left out.

    Args:
        folder: whole pictures, in any folders below it.
        out: a new or empty folder outside of ``folder``.
        cropper: finds and cuts the face.
        progress: called after each picture with the share of finished ones, 0..1.

    Raises:
        DataError: if ``folder`` holds no pictures or ``out`` cannot be used; or if a table lists a picture
            that is missing or ambiguous.
    """
    files = picture_files(folder)
    _check_target(folder, out)
    result = CroppedFolder()
    for number, file in enumerate(files, start=1):
        try:
            face = cropper(read_picture(file))
        except DataError as error:
            result.unreadable.append((file, str(error)))
        else:
            if face is None:
                result.without_face.append(file)
            else:
                target = out / file.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                Pillow.fromarray(face).save(target, quality=JPEG_QUALITY)
                result.cropped.append(file)
        if progress is not None:
            progress(number / len(files))
    _copy_tables(folder, out, result.cropped)
    return result


def _check_target(folder: Path, out: Path) -> None:
    if out.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{out} lies in {folder}; give a folder outside of it")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not an empty folder; give a new one")


def _copy_tables(folder: Path, out: Path, cropped: Sequence[Path]) -> None:
    kept = set(cropped)
    for table in sorted(folder.rglob("*.csv")):
        if is_label_table(table):
            target = out / table.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_table(table, target, kept)

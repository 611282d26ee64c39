"""Files that are whole: the new content takes the place of the old one when all of it is written."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fer_core.errors import UserError

UNFINISHED: Final = ".part"
"""Suffix of a file that is being written. It stays where its process was killed."""


@contextmanager
def replaced(path: Path, *, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; its file takes the place of ``path`` at the end of the block.

    An error in the block, a full disk or a killed process leaves the old file as it was. Enter it before the
    work starts: it fails at once where nothing can be written. A link keeps pointing to its file, which is
    replaced; a device or a pipe, such as ``/dev/stdout``, is written to directly.

    Args:
        path: where the file is to be; an existing one is replaced.
        inputs: files that are read for it, which it must not replace.

    Raises:
        UserError: as ``check_output`` does.
    """
    beside = _create_beside(path, inputs)
    if beside is None:
        yield path
        return
    try:
        yield beside
        beside.replace(path.resolve())
    finally:
        beside.unlink(missing_ok=True)


def check_output(path: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Check that a file can be written, before the work for it starts.

    Raises:
        UserError: ``path`` is one of the inputs or a folder, or its folder does not exist or cannot be
            written to.
    """
    beside = _create_beside(path, inputs)
    if beside is not None:
        beside.unlink()


def make_folder(path: Path) -> None:
    """Make a folder for results, with those above it, if it does not exist.

    Raises:
        UserError: if it cannot be made, or is a file.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"folder {path} cannot be made: {error.strerror}; name another folder"
        ) from None


def _create_beside(path: Path, inputs: Iterable[Path]) -> Path | None:
    """Create the unfinished file; None where ``path`` is a device or a pipe.

    Its name has the number of the process, so that two processes write to two files.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file")
    if path.exists() and any(each.exists() and path.samefile(each) for each in inputs):
        raise UserError(f"{path} is read for this; name another file to write")
    if path.exists() and not path.is_file():
        return None
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}{UNFINISHED}")
    try:
        beside.open("xb").close()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}; name another file") from None
    return beside

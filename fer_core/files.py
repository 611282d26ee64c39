"""Files that are whole: the new content takes the place of the old one when all of it is written."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_core.errors import UserError


@contextmanager
def replaced(path: Path, *, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; its file takes the place of ``path`` at the end of the block.

    An error in the block, a full disk or a killed process leaves the old file as it was. Enter it before the
    work starts: it fails at once where nothing can be written.

    Args:
        path: where the file is to be; an existing one is replaced.
        inputs: files that are read for it, which it must not replace.

    Raises:
        UserError: ``path`` is one of the inputs or a folder, or its folder does not exist or cannot be
            written to.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file")
    if path.exists() and any(each.exists() and path.samefile(each) for each in inputs):
        raise UserError(f"{path} is read for this; name another file to write")
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.open("xb").close()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}; name another file") from None
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

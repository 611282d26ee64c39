"""Where files of a dataset may lie: anywhere, or in one folder that nothing leads out of.

The sets of a host are read for visitors, who may not see what else the machine holds: a table may name any
path, and a link may lead anywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from fer_core.data.faceset import DataError

_root: ContextVar[Path | None] = ContextVar("root", default=None)


@contextmanager
def confined(folder: Path | None) -> Iterator[None]:
    """Let this thread read files of datasets below a folder alone, within this context; None for anywhere."""
    token = _root.set(None if folder is None else folder.resolve())
    try:
        yield
    finally:
        _root.reset(token)


def located(path: Path) -> Path:
    """Return a path if it may be read. Whatever opens or lists a file of a dataset asks here first.

    Raises:
        DataError: if it leads out of the folder of ``confined``, by ``..``, by a link or as an absolute path.
            Whether there is such a file is not said.
    """
    root = _root.get()
    if root is None:
        return path
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError):  # a link to itself, or no path at all
        resolved = None
    if resolved is None or not resolved.is_relative_to(root):
        raise DataError(
            f"{path} leads out of the folder of datasets; put the file itself there, without links"
        )
    return path

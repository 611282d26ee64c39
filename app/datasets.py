"""Which datasets of the machine a visitor of the app may look at: those in one folder that its host names."""

import os
from pathlib import Path
from typing import Final

from fer_core.data.faceset import DataError

VARIABLE: Final = "FER_DATA"
"""Environment variable that names the folder. Nothing else can tell a guest from the host: behind a proxy
every visitor comes from this machine."""


def dataset_folder() -> Path | None:
    """The folder, None where the host names none.

    Raises:
        DataError: there is no such folder, or it may not be read.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser().resolve()
    if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        raise DataError(f"{VARIABLE} names no folder that opens; give one that holds datasets")
    return folder


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, hidden files aside."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def path_in(folder: Path, name: str) -> Path:
    """A file or folder below the given one.

    Args:
        name: relative to the folder, or a whole path.

    Raises:
        DataError: it lies elsewhere, or does not exist. Both read the same, so that nobody learns what else
            the machine holds.
    """
    try:
        path = (folder / name.strip()).resolve()
        if path.is_relative_to(folder) and path.exists():
            return path
    except (ValueError, OSError, RuntimeError):  # no path at all, or a link that leads to itself
        pass
    raise DataError(f"{name} is not in the folder of datasets; choose what lies there")

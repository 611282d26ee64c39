"""Datasets that visitors of the app may look at: those in one folder that its host names."""

import os
from pathlib import Path
from typing import Final

from fer_core.data.faceset import DataError

VARIABLE: Final = "FER_DATA"
"""Environment variable that names the folder. Nothing else separates guests from the host: behind a proxy
every visitor comes from this machine."""


def dataset_folder() -> Path | None:
    """Return the folder of datasets; None if the host names none.

    Raises:
        DataError: there is no such folder, or it may not be read.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser().resolve()
    if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        raise DataError(f"{VARIABLE} does not name a readable folder; give one that holds datasets")
    return folder


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, without hidden files."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def path_in(folder: Path, name: str) -> Path:
    """Return a file or folder below the given one.

    Args:
        name: path relative to the folder, or absolute.

    Raises:
        DataError: if it lies elsewhere or does not exist. Both have the same message, so that nobody learns
        what else the machine holds.
    """
    try:
        path = (folder / name.strip()).resolve()
        if path.is_relative_to(folder) and path.exists():
            return path
    except (ValueError, OSError, RuntimeError):  # not a path at all, or a link to itself
        pass
    raise DataError(f"{name} is not in the folder of datasets; choose what lies there")

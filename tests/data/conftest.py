"""What the tests of several layouts share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """``picture("CK+48/anger/S010_004_00000017.png")``: a flat image of that name; its path."""

    def save(name: str, value: int = 90, size: tuple[int, int] = (48, 48)) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (value, value, value)).save(file)
        return file

    return save

"""Fixtures for all tests: a real face, and the data beside the repository."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from fer_core import cli
from fer_core.types import Floats, Image

SHARED = Path(
    os.environ.get("EXPRESSION_LENS_SHARED", Path(__file__).resolve().parents[1] / ".." / "shared")
)


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """Return (512, 512, 3) RGB: one smiling face, public domain."""
    image: Image = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    image.setflags(write=False)
    return image


@pytest.fixture(scope="session")
def astronaut_box() -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 of the face from hairline to chin, measured by hand."""
    return (180.0, 62.0, 267.0, 173.0)


@pytest.fixture(scope="session")
def astronaut_points() -> Floats:
    """Return (5, 2) pupils, tip of the nose and corners of the mouth, measured by hand."""
    points = [(203.6, 100.8), (247.0, 103.6), (224.8, 127.6), (201.6, 139.4), (245.0, 141.4)]
    return np.array(points, np.float32)


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a function that finds a file of the shared data, and skips the test if it is missing."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"{name} is missing; EXPRESSION_LENS_SHARED names the folder that holds it")
        return path

    return find


class ClipFrames(Protocol):
    """Reads every n-th frame of a clip of the shared data, (H, W, 3) RGB."""

    def __call__(self, name: str, every: int) -> Iterator[Image]: ...


@pytest.fixture(scope="session")
def clip_frames(shared: Callable[[str], Path]) -> ClipFrames:
    """Return a function that reads frames of a clip, and skips the test if the clip is missing."""

    def frames(name: str, every: int) -> Iterator[Image]:
        av = pytest.importorskip("av")
        with av.open(shared(f"data/clips/{name}")) as clip:
            for number, frame in enumerate(clip.decode(video=0)):
                if number % every == 0:
                    yield frame.to_ndarray(format="rgb24")

    return frames


Run = Callable[..., tuple[int, str, str]]
"""Arguments of the command line -> exit code, standard output, standard error."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that calls the command line in this process."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fer_core", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


@pytest.fixture
def photo(tmp_path: Path, astronaut: Image) -> Path:
    """Write a photograph with a happy face."""
    path = tmp_path / "astronaut.png"
    Pillow.fromarray(astronaut).save(path)
    return path

"""Commands that are killed at random moments; ``make fuzz`` kills each twenty times, ``make test`` once.

After ``kill -9`` an output is the older one or the new one, whole, and ``train --resume`` goes on.
"""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import fer_core
from fer_core.labels import EXPRESSIONS
from fer_core.models import load_model
from fer_core.types import Image
from fer_core.video import Clip
from fer_core.weights import WEIGHTS
from tests.training.test_interruption import RECIPE

pytest.importorskip("lightning")

KILLS: Final = 20 if os.environ.get("FER_FUZZ") else 1
MODELS: Final = {"plain", "simple_cnn", "prior_attention"}
OLD: Final = b"yesterday"


@pytest.fixture
def folder(tmp_path: Path, astronaut: Image) -> Path:
    """Return a folder with the package, some models, pictures, a clip and faces of all classes and splits."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(fer_core.__file__).parent, tmp_path / "fer_core", ignore=ignored)
    (tmp_path / "weights" / "results").mkdir(parents=True)
    for file in WEIGHTS.glob("*.*"):
        if file.name.split(".")[0] in {*MODELS, "landmarks", "eyes", "mtcnn"}:
            (tmp_path / "weights" / file.name).symlink_to(file)
    (tmp_path / "pictures").mkdir()
    for number in range(6):
        Pillow.fromarray(astronaut).save(tmp_path / "pictures" / f"{number}.png")
    small = cv2.cvtColor(cv2.resize(astronaut, (256, 256)), cv2.COLOR_RGB2BGR)
    codec = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), codec, 10, (256, 256))
    for _ in range(20):
        writer.write(small)
    writer.release()
    face = cv2.resize(cv2.cvtColor(astronaut[40:190, 150:300], cv2.COLOR_RGB2GRAY), (48, 48))
    for split in ("train", "valid", "test"):
        for label, name in enumerate(EXPRESSIONS):
            (tmp_path / "faces" / split / name).mkdir(parents=True)
            for number in range(4):
                image = np.roll(face, 3 * label + number, axis=1)
                Pillow.fromarray(image).save(tmp_path / "faces" / split / name / f"{number}.png")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return tmp_path


def run(command: str, folder: Path, seconds: float | None = None) -> int:
    """Run a command with the package in a folder, killed after some seconds; return its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fer_core", *command.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def killed(command: str, folder: Path) -> Iterator[int]:
    """Run a command once, then kill it at random moments; yield the number of each kill, from 0."""
    started = perf_counter()
    assert run(command.format("whole"), folder) == 0
    duration = perf_counter() - started
    moments = random.Random(0)
    for number in range(KILLS):
        run(command.format(number), folder, duration * moments.uniform(0.3, 1.1))
        yield number


def rows(table: Path) -> int:
    with table.open(newline="") as file:
        return len(list(csv.DictReader(file)))


def test_a_killed_predict_leaves_a_whole_table(folder: Path) -> None:
    table = folder / "out.csv"
    table.write_bytes(OLD)
    for _ in killed("predict pictures --csv out.csv", folder):
        assert table.read_bytes() == OLD or rows(table) == 6
        table.write_bytes(OLD)


def test_a_killed_video_leaves_a_whole_table_and_film(folder: Path) -> None:
    table, film = folder / "out.csv", folder / "out.mp4"
    table.write_bytes(OLD)
    film.write_bytes(OLD)
    for _ in killed("video clip.avi --csv out.csv --annotated out.mp4", folder):
        assert table.read_bytes() == OLD or rows(table) == 20
        if film.read_bytes() != OLD:
            with Clip(film) as clip:
                assert sum(1 for _ in clip.frames()) == 20
        table.write_bytes(OLD)
        film.write_bytes(OLD)


def test_a_killed_averages_leaves_whole_averages(folder: Path) -> None:
    for _ in killed("averages --data faces --most 2", folder):
        models = json.loads((folder / "weights" / "results" / "averages.json").read_text())[
            "models"
        ]
        assert set(models) <= MODELS and all(models.values())


def test_a_killed_train_goes_on(folder: Path) -> None:
    command = "train tiny.toml --data faces --device cpu --out run-{}"
    for number in killed(command, folder):
        assert run(f"{command.format(number)} --resume", folder) == 0
        card = folder / f"run-{number}" / "tiny.json"
        assert load_model(str(card)).card.figures["PrivateTest"]["n"] == 28
        assert not list(card.parent.rglob("*.part"))

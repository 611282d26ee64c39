"""Two processes train one network, started by the command line."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from fer_core.data import FaceSet
from fer_core.labels import EXPRESSIONS
from fer_core.training.curve import read_curve

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
name = "tiny"
family = "plain"
epochs = 3
small_epochs = 0
batch_size = 20
learning_rate = 0.05
ema_decay = 0.5
aligned = false

[network]
input_size = 48
dropout = 0.0

[network.backbone]
name = "resnet18"
stage = 4
stem_stride = 2
options = { layers = [1, 1, 1, 1], channels = [8, 8, 16, 16], stem_type = "deep", stem_width = 8 }

[augmentation]
brightness = 0.0
contrast = 0.0
erase = 0.0
"""
FOLDERS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}


@pytest.fixture
def data(faces: FaceSet, tmp_path: Path) -> Path:
    """Write the generated faces as a folder of images: 140, 35 and 35."""
    for number, image in enumerate(faces.images):
        split, label = faces.splits[number], faces.labels[number]
        folder = tmp_path / "data" / FOLDERS[split] / EXPRESSIONS[label]
        folder.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(image).save(folder / f"{number}.png")
    return tmp_path / "data"


def train(data: Path, out: Path, *options: str) -> None:
    """Run the command line to its end."""
    recipe = data.parent / "tiny.toml"
    recipe.write_text(RECIPE)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "fer_core", "train", str(recipe)),
            *("--data", str(data), "--out", str(out), *options),
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr


def test_two_processes_train_as_well_as_one(data: Path, tmp_path: Path) -> None:
    single, double = tmp_path / "one", tmp_path / "two"
    train(data, single)
    train(data, double, "--processes", "2")
    cards = [json.loads((out / "tiny.json").read_text()) for out in (single, double)]
    assert [card["training"]["processes"] for card in cards] == [1, 2]
    curves = [read_curve(out) for out in (single, double)]
    assert [[row["epoch"] for row in curve] for curve in curves] == [[1, 2, 3]] * 2
    for curve in curves:
        assert curve[-1]["loss"] < curve[0]["loss"]
        correct = [35 * row["public_accuracy"] for row in curve]
        assert correct == pytest.approx(np.round(correct), abs=0.01), "a face is counted twice"
    best = [max(row["public_accuracy"] for row in curve) for curve in curves]
    assert min(best) > 0.4 and best[0] == pytest.approx(best[1], abs=0.35)
    stored = [card["figures"]["PublicTest"]["accuracy"] for card in cards]
    assert stored == pytest.approx(best, abs=0.03), "the stored network is not the measured one"
    steps = []
    for out in (single, double):
        (log,) = out.glob("metrics/*/metrics.csv")
        steps.append([row["step"] for row in csv.DictReader(log.open()) if row["public_accuracy"]])
    assert steps == [["6", "13", "20"]] * 2, "140 faces in batches of 20 are 7 steps"


def test_a_batch_that_cannot_be_divided_among_processes_is_refused(
    data: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        AssertionError, match="batch_size must be a multiple of the number of processes, 3"
    ):
        train(data, tmp_path / "run", "--processes", "3")

"""Damaged run folders: a run goes on, or a sentence says why it cannot, in bounded time and memory.

    python -m tests.fuzz.run_folders COUNT [SEED]

trains a tiny network for one of its two epochs, and resumes copies of its folder of which a file was damaged,
removed or exchanged. It prints a table by what was done, and exits with 1 where something else came of it.
"""

import io
import logging
import random
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np
import torch

from fer_core.data import FaceSet
from fer_core.training.recipe import Recipe
from fer_core.training.run import Run
from fer_core.training.task import train
from fer_core.training.tasks.expression_module import ExpressionModule
from fer_core.training.tasks.expressions import ExpressionTask
from tests.fuzz.runs import Files, in_folder, mutated, outcome, run, write_files

NETWORK: Final = {
    "input_size": 24,
    "dropout": 0.0,
    "backbone": {
        "name": "resnet18",
        "stage": 1,
        "options": {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]},
    },
}


RECIPE: Final = Recipe(
    "tiny", "plain", NETWORK, epochs=2, small_epochs=0, batch_size=14, aligned=False
)


def make_faces() -> FaceSet:
    """Return noise whose brightness is its class: 14 faces for each split."""
    random = np.random.default_rng(0)
    labels = np.arange(42) % 7
    images = [random.integers(30 * n, 30 * n + 20, (48, 48), np.uint8) for n in labels]
    splits = np.repeat(["Training", "PublicTest", "PrivateTest"], 14)
    return FaceSet(images, labels.astype(np.int64), splits)


def damage(random: random.Random, files: Files, kind: str) -> Files:
    """Return the files of a run folder, one of them damaged."""
    name, other = random.choice(sorted(files)), random.choice(sorted(files))
    content = files[name] or bytes(8)
    damaged = {
        "bytes": {name: mutated(random, content)},
        "empty": {name: b""},
        "text": {name: b'{"name": [1, 2], "epochs": "x"}\n'},
        "removed": {},
        "folder": {f"{name}/inside": b""},
        "exchanged": {name: files[other]},
    }
    return {each: files[each] for each in files if each != name} | damaged[kind]


KINDS: Final = ("bytes", "bytes", "bytes", "empty", "text", "removed", "folder", "exchanged")


def stop_after_one_epoch(module: ExpressionModule) -> None:
    """Press Ctrl-C in the second epoch."""
    if module.current_epoch == 1:
        raise KeyboardInterrupt


def resume(folder: Path, faces: FaceSet) -> str:
    """Go on with a run; return what became of it."""

    def train_quietly() -> None:
        with redirect_stdout(io.StringIO()):
            train(ExpressionTask(), Run(RECIPE, folder, resume=True), lambda: faces)

    return outcome(train_quietly)


def whole_run(faces: FaceSet) -> Files:
    """Return the files of a run that was interrupted after its first epoch."""
    with (
        tempfile.TemporaryDirectory() as name,
        patch.object(ExpressionModule, "on_train_epoch_start", stop_after_one_epoch),
        redirect_stdout(io.StringIO()),
    ):
        folder = Path(name)
        with suppress(KeyboardInterrupt):
            train(ExpressionTask(), Run(RECIPE, folder), lambda: faces)
        found = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def cases(files: Files, count: int, seed: int) -> Iterator[tuple[str, Files]]:
    """Yield what was done to a run folder, and its files."""
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield kind, damage(random.Random(f"{seed} {number}"), files, kind)


def main(count: int, seed: int = 0) -> int:
    """Resume damaged runs and print a table; return how many had a fault."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    faces = make_faces()
    files = whole_run(faces)
    check = in_folder(lambda folder: resume(folder, faces))
    assert check(files) == "read"  # loads what is loaded when it is needed first
    return run(cases(files, count, seed), check, write_files)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)

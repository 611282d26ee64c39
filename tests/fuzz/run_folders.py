"""Damaged run folders: a run goes on, or a sentence says why it cannot, in bounded time and memory.

    python -m tests.fuzz.run_folders COUNT [FIRST]

trains a tiny network for one epoch, then resumes copies of its folder of which a file was damaged, removed or
exchanged, for a second epoch. It prints what became of them and a line for each that went wrong.
"""

import io
import logging
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from contextlib import redirect_stdout, suppress
from pathlib import Path
from time import process_time
from typing import Final
from unittest.mock import patch

import numpy as np
import torch

from fer_core.data import FaceSet
from fer_core.errors import UserError
from fer_core.training.recipe import Recipe
from fer_core.training.run import Run
from fer_core.training.task import train
from fer_core.training.tasks.expression_module import ExpressionModule
from fer_core.training.tasks.expressions import ExpressionTask
from tests.fuzz.clips import MAX_MEGABYTES, MAX_SECONDS, MUTATIONS, Mutation, Random, peak

BYTES: Final[tuple[Mutation, ...]] = MUTATIONS[:6]
"""Mutations of any file; the others are of clips alone."""

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


def damage(random: Random, folder: Path) -> str:
    """Damage one file of a run folder; return what was done to which."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[random.integers(len(files))]
    kind = ("bytes", "bytes", "bytes", "empty", "text", "removed", "folder", "exchanged")[
        random.integers(8)
    ]
    match kind:
        case "bytes":
            mutation = BYTES[random.integers(len(BYTES))]
            path.write_bytes(mutation(random, path.read_bytes() or bytes(8)))
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text('{"name": [1, 2], "epochs": "x"}\n')
        case "removed":
            path.unlink()
        case "folder":
            path.unlink()
            path.mkdir()
        case _:
            shutil.copy(files[random.integers(len(files))], folder / "other")
            (folder / "other").replace(path)
    return f"{path.name} {kind}"


def resume(folder: Path, faces: FaceSet) -> str:
    """Go on with a run; return what became of it."""
    try:
        with redirect_stdout(io.StringIO()):
            train(ExpressionTask(), Run(RECIPE, folder, resume=True), lambda: faces)
    except (UserError, OSError):
        return "refused"
    return "went on"


def stop_after_one_epoch(module: ExpressionModule) -> None:
    """Press Ctrl-C in the second epoch."""
    if module.current_epoch == 1:
        raise KeyboardInterrupt


def main(count: int, first: int = 0) -> int:
    """Resume damaged runs; return 1 if one went wrong."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    faces, failures, counts = make_faces(), 0, Counter[str]()
    with tempfile.TemporaryDirectory() as made:
        whole, copy = Path(made, "whole"), Path(made, "copy")
        with (
            patch.object(ExpressionModule, "on_train_epoch_start", stop_after_one_epoch),
            redirect_stdout(io.StringIO()),
            suppress(KeyboardInterrupt),
        ):
            train(ExpressionTask(), Run(RECIPE, whole), lambda: faces)
        shutil.copytree(whole, copy)
        resume(copy, faces)
        before = peak()
        for number in range(first, first + count):
            shutil.rmtree(copy)
            shutil.copytree(whole, copy)
            random = np.random.default_rng(number)
            what = damage(random, copy)
            started, reason = process_time(), ""
            try:
                counts[resume(copy, faces)] += 1
            except Exception:
                reason = traceback.format_exc()
            if (seconds := process_time() - started) > MAX_SECONDS:
                reason += f"{seconds:.1f} s of CPU time"
            if (memory := peak() - before) > MAX_MEGABYTES:
                reason += f"{memory:.0f} MB of memory"
                before = peak()
            if reason:
                failures += 1
                print(f"run folder {number}, {what}: {reason}")
    print(", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    print(f"{count} run folders, {failures} went wrong, {peak() - before:.0f} MB")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

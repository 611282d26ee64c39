"""The run folder: its files, which one run writes at a time, and what a resumed run continues."""

import hashlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from filelock import FileLock, Timeout
from lightning.fabric.plugins import TorchCheckpointIO
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import nn

from fer_core.errors import UserError
from fer_core.files import UNFINISHED, make_folder, replaced
from fer_core.training.curve import read_curve
from fer_core.training.run import Run, trains_in_epochs
from fer_core.weights import WeightsError, load_card, save_arrays

BEST: Final = "best.safetensors"
"""File of the averaged weights of the best epoch so far, with its number."""
CHECKPOINT: Final = "last.ckpt"
"""File of the checkpoint after the last complete epoch."""
STARTED: Final = "recipe.json"
"""File written when a run starts: what is trained, and since when."""
LOCK: Final = ".lock"
"""File that the run holds which is writing to the folder."""
DAMAGE: Final = (
    *(OSError, ValueError, RuntimeError, EOFError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)
"""What reading a damaged archive may raise."""
RANKS: Final = ("RANK", "LOCAL_RANK", "NODE_RANK")
"""Variables of the environment that number the processes of one run; of the first all are 0 or missing."""


@contextmanager
def open_run_folder(run: Run) -> Iterator[None]:
    """Make the run folder, and keep other runs out of it until the block ends.

    Enter it before the data are read. Of several processes of one run the first does this.

    Raises:
        UserError: if the folder cannot be written to, another run writes to it, or it holds a run that this
            one would overwrite or cannot resume.
    """
    make_folder(run.out)
    if any(int(os.environ.get(name, "0")) for name in RANKS):
        yield
        return
    lock = FileLock(run.out / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another run is writing to {run.out}; name another folder, or wait until it ends"
        ) from None
    except OSError as error:
        raise UserError(
            f"run folder {run.out} cannot be written to: {error.strerror}; name another folder"
        ) from None
    with lock:
        for unfinished in run.out.glob(f".*{UNFINISHED}"):  # of a run that was killed
            unfinished.unlink()
        _check_earlier_run(run)
        try:
            yield
        finally:
            _remove_unused(run.out)


def _remove_unused(out: Path) -> None:
    """Remove the folder of a run that failed before it wrote anything."""
    if [path.name for path in out.iterdir()] == [LOCK]:
        with suppress(OSError):
            (out / LOCK).unlink()
            out.rmdir()


def _check_earlier_run(run: Run) -> None:
    """Refuse to overwrite an earlier run, and to resume that of another recipe."""
    in_epochs = trains_in_epochs(run.recipe.family)
    if run.resume:
        started, recipe = _started(run.out), json.loads(json.dumps(asdict(run.recipe)))
        for field in recipe:
            if field in started and started[field] != recipe[field]:
                raise UserError(
                    f"{run.out} holds a run with {field} = {started[field]!r}, not {recipe[field]!r}; "
                    "resume with the recipe it was started with"
                )
        if in_epochs:
            _check_files(run.out)
    elif _is_finished(run.out, run.recipe.name) or (in_epochs and (run.out / CHECKPOINT).exists()):
        again = "go on with it" if in_epochs else "train it anew"
        raise UserError(
            f"{run.out} holds a run already; {again} by --resume, or name another folder"
        )


def _started(out: Path) -> dict[str, Any]:
    """Return the recipe with which the run was started; {} if that is not known."""
    try:
        table = json.loads((out / STARTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def _is_finished(out: Path, name: str) -> bool:
    """Return whether a folder holds a model with its figures, which are written last."""
    try:
        return bool(load_card(name, out).figures)
    except (UserError, WeightsError):
        return False


def _check_files(out: Path) -> None:
    """Check that a checkpoint and the best weights beside it, where there are any, are whole."""
    checkpoint, best = out / CHECKPOINT, out / BEST
    if not checkpoint.exists():
        return
    try:
        with zipfile.ZipFile(checkpoint) as file:
            is_whole = file.testzip() is None  # compares the checksum of each part
        read_best(out)
    except (*DAMAGE, UserError):
        is_whole = False
    if not is_whole:
        raise UserError(
            f"{checkpoint} or {best.name} beside it is damaged, so the run cannot go on; delete both to "
            "train it anew in this folder, or bring them back from a copy"
        )


def start_run(run: Run) -> None:
    """Write down what is trained, and since when; a resumed run keeps what it wrote then."""
    make_folder(run.out)
    if not (run.resume and _started(run.out)):
        with replaced(run.out / STARTED) as beside:
            beside.write_text(json.dumps(asdict(run.recipe), indent=2), encoding="utf-8")


def checkpoint_of(run: Run, module: nn.Module, steps: int) -> Path | None:
    """Return the checkpoint with which a run goes on; None if it starts anew.

    Args:
        steps: in an epoch of the data.

    Raises:
        UserError: if an array of the checkpoint or of the module is missing in the other or has another
            shape, or the checkpoint is of other data.
    """
    path = run.out / CHECKPOINT
    if not (run.resume and path.is_file()):
        return None
    checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    arrays, wanted = checkpoint["state_dict"], module.state_dict()
    names = set(arrays).symmetric_difference(wanted) or {
        name for name, array in arrays.items() if array.shape != wanted[name].shape
    }
    if names:
        raise UserError(
            f"{path} is the checkpoint of another network (first difference: {min(names)}); resume with "
            "the recipe and the version it was started with, or name another folder"
        )
    earlier = checkpoint["global_step"] // (checkpoint["epoch"] + 1)
    rounding = int(run.world.size > 1)  # of the parts of several processes
    if abs(steps - earlier) > rounding:
        raise UserError(
            f"an epoch of {run.out} had {earlier:,} batches, and has {steps:,} with these data; resume "
            "with the data it was started with, or name another folder"
        )
    return path


class WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints beside their place and moves them there.

    Lightning writes them to the folder for temporary files, from which a move may be a copy that a kill cuts.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Save a checkpoint."""
        with replaced(Path(path)) as beside:
            torch.save(checkpoint, beside)


def kept_epochs(out: Path) -> int:
    """Return the number of whole epochs in the logs of a run folder: those with a loss of Training."""
    return sum("loss" in row for row in read_curve(out))


def write_best(arrays: Mapping[str, NDArray[Any]], epoch: int, out: Path) -> None:
    """Store the best weights so far, with the number of their epoch, from 0, and their hash."""
    save_arrays(arrays, out / BEST, {"epoch": str(epoch), "sha256": _hash(arrays)})


def read_best(out: Path) -> tuple[dict[str, NDArray[Any]], int]:
    """Return the best weights of a run folder, and the number of their epoch, from 0.

    Raises:
        UserError: if the file is missing or damaged.
    """
    path = out / BEST
    try:
        with safe_open(path, "numpy") as file:
            facts = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if facts.get("sha256", "") not in ("", _hash(arrays)):  # none in runs of older code
            raise ValueError("the hash differs")
        return arrays, int(facts["epoch"])
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} is missing or damaged ({error}); train anew in another folder, or bring it back"
        ) from None


def best_epoch(out: Path) -> int:
    """Return the number, from 0, of the epoch with the best weights."""
    return read_best(out)[1]


def _hash(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of arrays in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()

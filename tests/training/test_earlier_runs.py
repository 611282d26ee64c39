"""Run folders that hold a run already, or are being written to."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.data import FaceSet
from fer_core.data.faceset import join
from fer_core.errors import UserError
from fer_core.training.curve import read_curve
from fer_core.training.recipe import Recipe
from fer_core.training.run import Run
from fer_core.training.run_folder import BEST, CHECKPOINT, STARTED, open_run_folder
from fer_core.training.task import train
from fer_core.training.tasks.expressions import ExpressionTask
from tests.training.conftest import fit

Small = Callable[..., Recipe]


def refused(run: Run, message: str) -> None:
    """Check that a run is refused before its data are read."""
    with pytest.raises(UserError, match=message):
        train(ExpressionTask(), run, lambda: pytest.fail("the data were read"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_folder_belongs_to_one_run_at_a_time(small: Small, tmp_path: Path) -> None:
    run = Run(small("plain", epochs=1), tmp_path / "run")
    with open_run_folder(run):
        refused(run, "another run is writing to .*run; name another folder")
    with open_run_folder(run):
        pass


def test_a_run_whose_data_cannot_be_read_leaves_no_folder(small: Small, tmp_path: Path) -> None:
    def read() -> FaceSet:
        raise UserError("no data")

    with pytest.raises(UserError, match="no data"):
        train(ExpressionTask(), Run(small("plain", epochs=1), tmp_path / "run"), read)
    assert not (tmp_path / "run").exists()


def test_another_process_of_the_same_run_takes_no_part_in_it(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(small("plain", epochs=1), tmp_path)
    with open_run_folder(run):
        monkeypatch.setenv("LOCAL_RANK", "1")
        with open_run_folder(run):
            pass


def test_an_earlier_run_is_not_overwritten(faces: FaceSet, small: Small, tmp_path: Path) -> None:
    recipe = small("plain", epochs=1)
    train(ExpressionTask(), Run(recipe, tmp_path), lambda: faces)
    before = contents(tmp_path)
    refused(Run(recipe, tmp_path), "holds a run already; go on with it by --resume")
    (tmp_path / CHECKPOINT).unlink()
    refused(Run(recipe, tmp_path), "holds a run already")
    assert {file: before[file] for file in contents(tmp_path)} == contents(tmp_path)


def test_another_recipe_does_not_resume_a_run(faces: FaceSet, small: Small, tmp_path: Path) -> None:
    recipe = small("plain", epochs=2)
    fit(recipe, faces, tmp_path)
    for other, message in (
        (small("simple_cnn", epochs=2), "a run with name = 'plain', not 'simple_cnn'"),
        (small("plain", epochs=2, network={}), "a run with network = {"),
        (small("plain", epochs=3), "a run with epochs = 2, not 3"),
    ):
        refused(Run(other, tmp_path, resume=True), message)
    (tmp_path / STARTED).unlink()
    with pytest.raises(UserError, match="is the checkpoint of another network"):
        fit(small("simple_cnn", epochs=2), faces, tmp_path, resume=True)


def test_other_data_do_not_resume_a_run(faces: FaceSet, small: Small, tmp_path: Path) -> None:
    recipe = small("plain", epochs=1)
    fit(recipe, faces, tmp_path)
    with pytest.raises(UserError, match=r"an epoch of .* had 4 batches, and has 8 with these data"):
        fit(recipe, join([faces, faces]), tmp_path, resume=True)


@pytest.mark.parametrize("name", [CHECKPOINT, BEST])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "missing"])
def test_a_damaged_checkpoint_says_what_to_do(
    faces: FaceSet, small: Small, tmp_path: Path, name: str, damage: str
) -> None:
    recipe = small("plain", epochs=1)
    fit(recipe, faces, tmp_path)
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    damaged = {"cut": bytes(content[:-999]), "flipped": bytes(content), "empty": b""}
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(damaged[damage])
    if (name, damage) == (CHECKPOINT, "missing"):
        return  # a run that starts anew
    refused(Run(recipe, tmp_path, resume=True), "is damaged, so the run cannot go on; delete both")
    for file in (CHECKPOINT, BEST):
        (tmp_path / file).unlink(missing_ok=True)
    fit(recipe, faces, tmp_path, resume=True)
    assert len(read_curve(tmp_path)) == 1


def test_what_a_killed_run_left_unfinished_is_removed(small: Small, tmp_path: Path) -> None:
    unfinished = tmp_path / ".last.ckpt.123.part"
    unfinished.touch()
    with open_run_folder(Run(small("plain", epochs=1), tmp_path)):
        assert not unfinished.exists()


def test_a_run_folder_that_cannot_be_made_is_refused(small: Small, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recipe = small("plain", epochs=1)
    refused(Run(recipe, tmp_path / "file"), "file cannot be made: File exists")
    refused(Run(recipe, tmp_path / "file" / "run"), "cannot be made: Not a directory")


def test_all_files_of_a_run_have_the_mode_of_the_umask(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    before = os.umask(0o027)
    try:
        train(ExpressionTask(), Run(small("plain", epochs=1), tmp_path), lambda: faces)
    finally:
        os.umask(before)
    modes = {file.name: file.stat().st_mode & 0o777 for file in contents(tmp_path)}
    assert {name for name, mode in modes.items() if mode != 0o640} == set()

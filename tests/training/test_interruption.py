"""Ctrl-C during ``train``, through the command line."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Pillow

from fer_core import cli
from fer_core.data import FaceSet
from fer_core.labels import EXPRESSIONS
from fer_core.training.curve import read_curve
from fer_core.training.tasks.expression_module import ExpressionModule

RECIPE = """
name = "tiny"
family = "plain"
epochs = 3
small_epochs = 0
batch_size = 20
aligned = false

[network]
input_size = 24
dropout = 0.0

[network.backbone]
name = "resnet18"
stage = 1
options = { layers = [1, 1, 1, 1], channels = [8, 8, 16, 16] }
"""
FOLDERS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}

Train = Callable[..., tuple[int, str]]


@pytest.fixture
def train(
    faces: FaceSet,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Train:
    """Return a function that trains in this process: options -> exit code and standard error."""
    for number, image in enumerate(faces.images):
        split, label = faces.splits[number], faces.labels[number]
        folder = tmp_path / "my data" / FOLDERS[split] / EXPRESSIONS[label]
        folder.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(image).save(folder / f"{number}.png")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)

    def run(*options: str) -> tuple[int, str]:
        command = ("train", "tiny.toml", "--data", "my data", "--out", "run", *options)
        monkeypatch.setattr(sys, "argv", ["fer_core", *command])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0), capsys.readouterr().err

    return run


def press_ctrl_c_in_epoch(number: int, patch: pytest.MonkeyPatch) -> None:
    """Interrupt the training at the start of an epoch, counted from 0."""

    def interrupt(self: ExpressionModule) -> None:
        if self.current_epoch == number:
            raise KeyboardInterrupt

    patch.setattr(ExpressionModule, "on_train_epoch_start", interrupt)


def test_ctrl_c_says_what_is_kept_and_the_command_that_goes_on(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        press_ctrl_c_in_epoch(2, patch)
        code, err = train("--start", "plain", "--device", "cpu")
    assert code == 130 and "Traceback" not in err
    assert (
        "stopped; 2 of 3 epochs are kept in run, go on with: python -m fer_core train tiny.toml "
        "--data 'my data' --start plain --out run --device cpu --resume\n"
    ) in err
    code, _ = train("--start", "plain", "--device", "cpu", "--resume")
    assert code == 0 and len(read_curve(tmp_path / "run")) == 3


def test_ctrl_c_before_the_first_epoch_ends_says_that_nothing_is_kept(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = (
        "stopped; nothing is kept yet, start again with: python -m fer_core train tiny.toml "
        "--data 'my data' --out run\n"
    )
    press_ctrl_c_in_epoch(0, monkeypatch)
    code, err = train()
    assert code == 130 and line in err and "Traceback" not in err


def test_ctrl_c_while_the_data_are_read_is_not_a_fault_either(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fer_core.training.tasks.expressions.read_training_faces", interrupt)
    code, err = train()
    assert code == 130 and "nothing is kept yet" in err and "Traceback" not in err

"""The files of a run folder, and resumed runs."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file
from torch.utils.data import TensorDataset

from fer_core.data import FaceSet
from fer_core.training.card import run_facts
from fer_core.training.curve import draw_curve, read_curve
from fer_core.training.loop import loader, seed_rank
from fer_core.training.recipe import Recipe, RecipeError, read_recipe
from fer_core.training.run import Run, World
from fer_core.training.run_folder import BEST
from fer_core.training.task import Fitted
from tests.training.conftest import export, fit

Small = Callable[..., Recipe]


def write_log(folder: Path, version: int, rows: list[str]) -> None:
    log = folder / "metrics" / f"version_{version}" / "metrics.csv"
    log.parent.mkdir(parents=True)
    log.write_text("epoch,loss,public_accuracy,step\n" + "".join(f"{row}\n" for row in rows))


def test_the_training_curve_joins_all_starts(tmp_path: Path) -> None:
    write_log(tmp_path, 0, ["0,2.5,,9", "0,,0.25,9", "1,2.0,,19", "1,,0.5,19"])
    write_log(tmp_path, 2, ["1,1.9,,19", "1,,0.55556,19", "2,1.5,,29"])
    write_log(tmp_path, 10, ["2,1.25,,29", "2,,0.75,29"])
    assert read_curve(tmp_path) == [
        {"epoch": 1, "loss": 2.5, "public_accuracy": 0.25},
        {"epoch": 2, "loss": 1.9, "public_accuracy": 0.5556},
        {"epoch": 3, "loss": 1.25, "public_accuracy": 0.75},
    ]
    assert read_curve(tmp_path / "none") == []


def test_lines_of_the_log_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    write_log(
        tmp_path, 0, ["0,2.5,,9", "x,1,1,9", ",2.5,,9", "1,a,,19", "1,2.0,,19,7", "2,1.5,,29"]
    )
    log = tmp_path / "metrics" / "version_0" / "metrics.csv"
    log.write_bytes(log.read_bytes() + b"\xff\xfe\0\n3,0.5")  # a killed process left half a number
    (tmp_path / "metrics" / "version_old").mkdir()
    (tmp_path / "metrics" / "version_old" / "metrics.csv").write_text("none")
    assert read_curve(tmp_path) == [{"epoch": 1, "loss": 2.5}, {"epoch": 3, "loss": 1.5}]


def test_small_learning_rates_keep_their_digits_in_the_curve(tmp_path: Path) -> None:
    log = tmp_path / "metrics" / "version_0" / "metrics.csv"
    log.parent.mkdir(parents=True)
    log.write_text("epoch,learning_rate,loss,step\n0,0.00001234567,1.23456,9\n")
    assert read_curve(tmp_path) == [{"epoch": 1, "learning_rate": 1.235e-05, "loss": 1.2346}]


def test_losses_figures_and_learning_rate_have_a_panel_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []

    def save(figure: Figure, path: Path, format: str) -> None:
        assert format == "png"
        figures.append(figure)
        path.touch()

    monkeypatch.setattr(Figure, "savefig", save)
    row = {"loss": 2.0, "public_loss": 1.9, "public_accuracy": 0.3, "accuracy": 0.4}
    draw_curve([{"epoch": 1, **row, "learning_rate": 0.1}], tmp_path / "curves.png")
    draw_curve([{"epoch": 1, **row}], tmp_path / "curves.png")
    labels = [
        {axes.get_title(): axes.get_legend_handles_labels()[1] for axes in figure.axes}
        for figure in figures
    ]
    assert labels[0] == labels[1] | {"Learning rate": ["mean of the epoch"]}
    assert labels[1] == {
        "Loss": ["loss, Training", "loss, PublicTest"],
        "Figures": ["accuracy, PublicTest", "accuracy, Training"],
    }


def test_a_finished_run_of_older_code_is_only_exported(
    faces: FaceSet, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small("plain", epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr("fer_core.training.loop.TensorBoardLogger", missing)
        fit(recipe, faces, tmp_path)
    assert not (tmp_path / "tensorboard").exists()
    recipe_file = tmp_path / "recipe.json"
    old = {k: v for k, v in json.loads(recipe_file.read_text()).items() if k != "mixup"}
    recipe_file.write_text(json.dumps(old))
    (tmp_path / "curves.png").unlink()
    best, logged = load_file(tmp_path / BEST), read_curve(tmp_path)
    network = fit(recipe, faces, tmp_path, resume=True)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, best[name])
    assert json.loads(recipe_file.read_text()) == old and (tmp_path / "curves.png").is_file()
    fitted = Fitted(network, run_facts(Run(recipe, tmp_path)))
    card = export(fitted, recipe, faces, tmp_path).card
    assert card.training["curve"] == logged and len(logged) == 2
    assert (tmp_path / "plain.safetensors").is_file() and (tmp_path / "confusion.png").is_file()


def missing(*_: object, **__: object) -> None:
    raise ModuleNotFoundError("No module named 'tensorboard'")


def test_figures_are_logged_to_tensorboard_too(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit(small("plain", epochs=1), faces, tmp_path)
    (folder,) = (tmp_path / "tensorboard").iterdir()
    events = accumulator.EventAccumulator(str(folder)).Reload()
    (event,) = events.Scalars("public_accuracy")
    assert event.value == pytest.approx(read_curve(tmp_path)[0]["public_accuracy"], abs=1e-4)


def test_early_stopping_ends_a_run_without_improvement(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    recipe = small("plain", epochs=12, learning_rate=1e-12, patience=2)
    fit(recipe, faces, tmp_path)
    accuracies = [row["public_accuracy"] for row in read_curve(tmp_path)]
    assert len(accuracies) == accuracies.index(max(accuracies)) + 3 < 12
    fit(recipe, faces, tmp_path, resume=True)
    assert len(read_curve(tmp_path)) == len(accuracies), "the resumed run stays stopped"


def test_a_run_with_mixing_and_class_weights_trains(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    mixing = {"mixup": 0.2, "cutmix": 1.0, "class_weights": True, "schedule": "cosine"}
    fit(small("plain", epochs=3, **mixing), faces, tmp_path)
    assert max(row["public_accuracy"] for row in read_curve(tmp_path)) > 0.4


def test_selecting_by_an_unknown_figure_is_refused(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="'accuracy' is not measured; choose one of public_acc"):
        fit(small("plain", epochs=1, select="accuracy"), faces, tmp_path)


def test_options_that_do_not_fit_the_family_are_named(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"\[network\] of plain does not fit .* 'dropout'"):
        fit(small("plain", epochs=1, network={"input_size": 48, "backbone": {}}), faces, tmp_path)


def test_mixing_faces_with_landmarks_is_refused(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="have no landmarks; leave out mixup and cutmix"):
        fit(small("emotional_dan", epochs=1, cutmix=1.0), faces, tmp_path)


def test_without_matplotlib_no_picture_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    draw_curve([{"epoch": 1, "loss": 1.0}], tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())


def test_a_batch_is_divided_among_the_processes() -> None:
    recipe = dataclasses.replace(read_recipe("plain"), batch_size=12)
    numbers = TensorDataset(torch.arange(36))
    batches = loader(numbers, recipe, World(2, 2), training=True)
    assert [len(batch) for (batch,) in batches] == [3] * 12
    with pytest.raises(RecipeError, match="multiple of the number of processes, 5"):
        loader(numbers, recipe, World(5), training=True)


def test_each_process_has_its_own_augmentation(faces: FaceSet, small: Small) -> None:
    class Augmented(TensorDataset):
        rng: np.random.Generator | None = None

    datasets = [Augmented(torch.arange(1)) for _ in range(2)]
    for rank, dataset in enumerate(datasets, start=1):
        seed_rank(loader(dataset, small("plain", 1), World(), training=True), rank)
    first, second = (dataset.rng for dataset in datasets)
    assert first is not None and second is not None
    assert first.random() != second.random()

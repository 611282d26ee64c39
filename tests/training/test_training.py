"""A run on a few generated faces: train, be killed, resume, calibrate, store, measure."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from fer_core.data import FaceSet
from fer_core.data.augmentation import Augmentation, augment
from fer_core.evaluation.metrics import evaluate, mean_of_heads, measure, prior_figures
from fer_core.geometry import alignment, mean_points
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models import load_model
from fer_core.training.card import temperature, unsure_below
from fer_core.training.curve import read_curve
from fer_core.training.recipe import Recipe, RecipeError, list_recipes, read_recipe
from fer_core.training.run import Run
from fer_core.training.task import train
from fer_core.training.tasks.expression_module import ExpressionModule
from fer_core.training.tasks.expressions import ExpressionTask
from tests.training.conftest import fit

Small = Callable[..., Recipe]


def test_a_run_from_training_to_stored_weights(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    recipe = small("prior_attention", epochs=2)
    card = train(ExpressionTask(), Run(recipe, tmp_path), lambda: faces)
    classifier = load_model(recipe.name, folder=tmp_path)
    assert classifier.card.sha256 == card.sha256
    assert card.family == "prior_attention" and card.sha256
    assert card.training["selected_epoch"] in (1, 2) and card.training["seed"] == 0
    assert card.figures["PrivateTest"]["n"] == 35 and card.figures["PublicTest"]["ferplus_n"] == 35
    curve = card.training["curve"]
    assert [row["epoch"] for row in curve] == [1, 2]
    assert set(curve[0]) == {
        *("epoch", "loss", "accuracy", "learning_rate"),
        *("public_loss", "public_accuracy", "public_votes_accuracy"),
    }
    assert 0 < curve[1]["learning_rate"] < recipe.learning_rate
    best = max(row["public_accuracy"] for row in curve)
    assert curve[card.training["selected_epoch"] - 1]["public_accuracy"] == best
    for picture in ("curves.png", "confusion.png"):
        with Pillow.open(tmp_path / picture) as figure:
            assert figure.size[0] >= 700
    assert card.network["affect"] is False and card.figures["PrivateTest"]["valence_ccc"] is None
    repeated = evaluate(classifier, faces.split("PrivateTest"))
    assert repeated.accuracy == pytest.approx(card.figures["PrivateTest"]["accuracy"], abs=1e-4)
    assert repeated.ferplus_accuracy == pytest.approx(1.0)


def test_the_averaged_weights_of_the_best_epoch_are_stored(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    network = fit(small("plain", epochs=1), faces, tmp_path)
    average = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.data, average[f"network.{name}"], rtol=0, atol=0)


def test_a_killed_run_resumes_after_its_last_epoch(
    faces: FaceSet, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small("plain", epochs=3)

    def die_in_the_third_epoch(self: ExpressionModule) -> None:
        if self.current_epoch == 2:
            raise InterruptedError

    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(ExpressionModule, "on_train_epoch_start", die_in_the_third_epoch)
        fit(recipe, faces, tmp_path)
    fit(recipe, faces, tmp_path, resume=True)
    logs = tmp_path.glob("metrics/*/metrics.csv")
    rows = [row for log in sorted(logs) for row in csv.DictReader(log.open())]
    assert [int(row["epoch"]) for row in rows if row["public_accuracy"]] == [0, 1, 2]
    assert [row["epoch"] for row in read_curve(tmp_path)] == [1, 2, 3]


def test_two_runs_with_the_same_seed_give_the_same_weights(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    recipe = small("plain", epochs=1)
    first, second = (fit(recipe, faces, tmp_path / name) for name in ("first", "second"))
    for parameter, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.allclose(parameter, other, atol=1e-5)


def test_the_temperature_corrects_overconfidence() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 7)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(7, p=row / row.sum()) for row in probabilities.astype(float)])
    assert temperature(3 * logits, labels) == pytest.approx(3, rel=0.06)


def test_four_of_five_answered_readings_are_right() -> None:
    probabilities = np.full((100, 7), 0.01, np.float32)
    probabilities[:15, 0], probabilities[15:, 0] = 0.444, 0.85
    labels = np.array([1] * 30 + [0] * 70)
    assert unsure_below(probabilities, labels) == 0.45
    assert unsure_below(probabilities, np.zeros(100, int)) == 0, "all are right"


def test_at_most_a_fifth_of_the_readings_is_unsure() -> None:
    confidences = np.linspace(0.2, 0.9, 100, dtype=np.float32)
    probabilities = np.full((100, 7), 0.01, np.float32)
    probabilities[:, 0] = confidences
    threshold = unsure_below(probabilities, np.ones(100, int))
    assert 0.3 <= threshold <= 0.35 and (confidences < threshold).mean() <= 0.2


def test_metrics_of_a_known_confusion_matrix() -> None:
    labels = np.array([0, 0, 3, 3, 3, 6])
    assigned = np.array([0, 3, 3, 3, 6, 6])
    votes = np.zeros((6, 10), np.float32)
    votes[:, 1] = 10
    votes[5] = [0] * 9 + [10]
    blank = [np.zeros((2, 2), np.uint8)] * 6
    faces = FaceSet(blank, labels, np.array(["PrivateTest"] * 6), votes)
    metrics = measure(
        "m", np.eye(7, dtype=np.float32)[assigned], np.eye(8, dtype=np.float32)[[1] * 6], faces
    )
    assert metrics.accuracy == pytest.approx(4 / 6)
    assert metrics.per_class["happy"] == pytest.approx(
        {"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "n": 3}
    )
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 2 / 3) / 3)
    assert metrics.macro_precision == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    assert metrics.macro_recall == pytest.approx((1 / 2 + 2 / 3 + 1) / 3)
    assert metrics.confusion[3] == (0, 0, 0, 2, 0, 0, 1)
    assert (metrics.ferplus_accuracy, metrics.ferplus_n) == (1.0, 5)
    assert metrics.ece == pytest.approx(1 - 4 / 6, abs=1e-6)
    # Label and votes agree on the three happy faces, of which two are taken for happy.
    assert metrics.consensus_n == 3
    assert metrics.consensus_accuracy == pytest.approx(2 / 3)
    assert metrics.consensus_both_heads == pytest.approx(2 / 3)


def test_consensus_by_both_heads_averages_them_without_contempt() -> None:
    probabilities = np.eye(7, dtype=np.float32)[[0]] * 0.6 + 0.4 / 7
    votes = np.full((1, 8), -10, np.float32)
    votes[0, FERPLUS_EXPRESSIONS.index("contempt")] = 10
    votes[0, FERPLUS_EXPRESSIONS.index("sad")] = 5
    both = mean_of_heads(probabilities, votes)[0]
    assert both.sum() == pytest.approx(1)
    assert both[EXPRESSIONS.index("sad")] == pytest.approx((1 + 0.4 / 7) / 2, abs=1e-4)


def test_figures_by_prior(faces: FaceSet) -> None:
    classifier = load_model("plain")
    assigned = np.where(faces.labels == 1, 0, faces.labels)
    logits = 20 * np.eye(7, dtype=np.float32)[assigned]
    figures = prior_figures(classifier, logits, faces, "half")
    assert figures["accuracy"] == pytest.approx(6 / 7) == figures["macro_recall"]
    assert figures["disgust"] == 0 and figures["angry"] == 1
    assert figures["consensus_accuracy"] == 1, "all votes are for neutral"
    assert figures["unsure"] == 0 and figures["ece"] > 0.1
    share = np.sqrt(np.array(classifier.card.class_shares))
    missed = (1 / share[1]) / (1 / share).sum()
    assert figures["answered_accuracy"] == pytest.approx(1 - missed), "disgust counts more"


def test_augmentation_moves_faces_within_its_limits() -> None:
    image = np.zeros((48, 48), np.uint8)
    image[20:28, 20:28] = 255
    transform = alignment(mean_points((0, 0, 48, 48)), 48)
    options = Augmentation(blur=0, noise=0, erase=0, brightness=0, contrast=0)
    rng = np.random.default_rng(1)
    centers = []
    for _ in range(300):
        face = augment(image, transform, 48, options, rng).astype(float)
        assert face.shape == (48, 48)
        centers.append([(face.sum(axis) * np.arange(48)).sum() / face.sum() for axis in (0, 1)])
    offsets = np.array(centers) - 23.5
    assert np.abs(offsets).max() <= 0.03 * 48 + 0.6 and np.abs(offsets).max() > 1.2
    assert np.abs(offsets.mean(0)).max() < 0.4


def test_recipes_of_the_package_can_be_read() -> None:
    assert {"plain", "prior_attention"} <= set(list_recipes())
    plain, prior = read_recipe("plain"), read_recipe("prior_attention")
    twin = dataclasses.replace(prior, name="plain", family="plain", covered_weight=0.0)
    assert plain == twin, "the same backbone and recipe, without blocks"


def test_a_recipe_takes_over_what_it_does_not_change(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "prior_attention"\nname = "mine"\nepochs = 3\n[augmentation]\nerase = 0.3'
    )
    mine, parent = read_recipe(str(path)), read_recipe("prior_attention")
    augmentation = dataclasses.replace(parent.augmentation, erase=0.3)
    assert mine == dataclasses.replace(parent, name="mine", epochs=3, augmentation=augmentation)


REQUIRED_FIELDS = 'name = "a"\nfamily = "plain"\nnetwork = {}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "is not valid TOML"),
        ('name = "a"\ncolour = 1', "unknown field 'colour'; known are actions_weight"),
        ('name = "a"', "family is missing"),
        ('extends = "nothing"', "extends no recipe of the package: 'nothing'"),
        ('name = "a"\n[augmentation]\nspin = 3', "unknown field 'spin'"),
        (REQUIRED_FIELDS + 'epochs = "many"', "epochs must be a whole number, not 'many'"),
        (REQUIRED_FIELDS + "class_weights = 1", "class_weights must be true or false, not 1"),
        (REQUIRED_FIELDS + "batch_size = true", "batch_size must be a whole number, not True"),
        (
            REQUIRED_FIELDS + 'schedule = "steps"',
            "schedule must be one of one_cycle, cosine, cosine_restarts, pla",
        ),
        (REQUIRED_FIELDS + 'optimiser = "adam"', "optimiser must be one of sgd, adamw"),
        (REQUIRED_FIELDS + "mixup = -0.1", "mixup must be between 0 and 1000, not -0.1"),
        (REQUIRED_FIELDS + "cutmix = nan", "cutmix must be a finite number, not nan"),
        (
            REQUIRED_FIELDS + "restart_epochs = 0",
            "restart_epochs must be between 1 and 100000, not 0",
        ),
        (REQUIRED_FIELDS + "learning_rate = inf", "learning_rate must be a finite number, not inf"),
        (REQUIRED_FIELDS + "learning_rate = 1e9", "learning_rate must be between 0 and 100"),
        (REQUIRED_FIELDS + "seed = -1", "seed must be between 0 and 4294967295, not -1"),
        (REQUIRED_FIELDS + "ema_decay = 1.5", "ema_decay must be between 0 and 1, not 1.5"),
        (REQUIRED_FIELDS.replace('"a"', '"../escaped"'), "name must be a name of letters"),
        (REQUIRED_FIELDS.replace('"a"', "5"), "name must be a text, not 5"),
        (REQUIRED_FIELDS + "augmentation = 5", "augmentation must be a table, not 5"),
        (REQUIRED_FIELDS + "[augmentation]\nflip = 2", "flip must be between 0 and 1, not 2"),
        (REQUIRED_FIELDS + "[fitting]\nrounds = inf", "fitting must be a table whose values are"),
        ('extends = "../recipes/plain"', "extends no recipe of the package"),
        ("extends = [1]", "extends no recipe of the package"),
        (f"x = {'[' * 10_000}", "is not valid TOML"),
        (REQUIRED_FIELDS + '[augmentation]\nflip = "x"', "flip must be a finite number, not 'x'"),
    ],
)
def test_an_invalid_recipe_is_named_with_its_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message) as error:
        read_recipe(str(path))
    assert "my.toml" in str(error.value)


def test_an_unknown_recipe_lists_the_valid_ones() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'vgg'; choose one of .*plain"):
        read_recipe("vgg")

"""A run of a classical recipe on a few generated faces: compute features, fit, calibrate, store, measure."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fer_core.data import FaceSet
from fer_core.models import load_model
from fer_core.models.base import NetworkOutput
from fer_core.models.kernel_machine import KernelMachine
from fer_core.training.recipe import Recipe, RecipeError, read_recipe
from fer_core.training.run import Run
from fer_core.training.tasks.classical import fit_estimator, fit_head, slim
from tests.training.conftest import export


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    """Return stripes whose angle is their class; mirroring keeps the classes apart."""
    rng = np.random.default_rng(0)
    labels = np.arange(280) % 7
    rows, columns = np.mgrid[:48, :48]
    images = []
    for label in labels:
        position = rows * np.cos(label * np.pi / 14) + columns * np.sin(label * np.pi / 14)
        waves = 128 + 80 * np.sin(position / 2 + rng.uniform(0, 6)) + rng.normal(0, 5, (48, 48))
        images.append(np.clip(waves, 0, 255).astype(np.uint8))
    splits = np.array(["Training"] * 210 + ["PublicTest"] * 35 + ["PrivateTest"] * 35)
    votes = np.zeros((280, 10), np.float32)
    votes[np.arange(280), labels] = 10
    return FaceSet(images, labels.astype(np.int64), splits, votes)


def small(name: str, **changes: Any) -> Recipe:
    """Return a recipe of the package for faces that are not aligned, with other values of some fields."""
    return dataclasses.replace(read_recipe(name), aligned=False, **changes)


KERNEL_MACHINE = small("svm_hog", network={"input_size": 48, "components": 12, "centres": 60})
"""A least-squares SVM on 60 Nyström centers."""
TREES = {"rounds": 20, "learning_rate": 0.3, "num_leaves": 7, "num_threads": 1}
CODE = {"input_size": 48, "widths": [8, 16], "depth": 2}
RECIPES = (
    KERNEL_MACHINE,
    small("lgbm_pixels", fitting=TREES),
    small("lgbm_autoencoder", fitting=TREES, network=CODE, epochs=1, batch_size=35),
)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_run_from_training_to_stored_weights(
    recipe: Recipe, faces: FaceSet, tmp_path: Path
) -> None:
    if recipe.family.startswith("lgbm"):
        pytest.importorskip("lightgbm")
    fitted = fit_estimator(Run(recipe, tmp_path), faces)
    network = fitted.model
    classifier = export(fitted, recipe, faces, tmp_path)
    card = classifier.card
    assert card.training["selected_on"] == "PublicTest" and card.training["seed"] == 0
    assert card.figures["PublicTest"]["n"] == card.figures["PrivateTest"]["n"] == 35
    private = faces.split("PrivateTest")
    stored = load_model(recipe.name, folder=tmp_path).probabilities(private.images)
    fresh = classifier.calibrate(network_logits(network, classifier.align(private.images)))
    assert stored == pytest.approx(fresh, abs=0.01)
    assert card.figures["PrivateTest"]["accuracy"] > (0.9 if recipe is KERNEL_MACHINE else 0.2)


def network_logits(network: torch.nn.Module, aligned: np.ndarray) -> np.ndarray:
    """Return the logits of aligned faces, (N, 7)."""
    with torch.inference_mode():
        output: NetworkOutput = network(torch.from_numpy(aligned[:, None]))
    return output.logits.numpy()


def test_without_votes_the_head_for_votes_is_zero(faces: FaceSet, tmp_path: Path) -> None:
    fitted = fit_estimator(Run(KERNEL_MACHINE, tmp_path), dataclasses.replace(faces, votes=None))
    network = fitted.model
    assert isinstance(network, KernelMachine)
    assert not network.votes.weight.any() and not network.votes.bias.any()
    assert network.expressions.weight.any() and "votes_penalty" not in fitted.facts


def test_an_unknown_option_of_the_solver_is_named(faces: FaceSet, tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        KERNEL_MACHINE, fitting={"gamma": 1.0, "whitening": 0.5, "cost": 1}
    )
    with pytest.raises(RecipeError, match=r"fitting of svm_hog: .*cost"):
        fit_estimator(Run(recipe, tmp_path), faces)


def test_the_fitted_head_separates_separable_classes() -> None:
    truth = torch.arange(60) % 3
    kernel = torch.eye(3)[truth] + 0.01 * torch.randn(60, 3, generator=torch.manual_seed(0))
    head = torch.nn.Linear(3, 3).requires_grad_(False)
    assert fit_head(head, kernel, truth, kernel, truth) > 0
    assert (head(kernel).argmax(1) == truth).all()
    assert head(kernel)[0] == pytest.approx([1, -1, -1], abs=0.1)


def test_slim_trees_predict_the_same() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    numbers, labels = rng.normal(size=(300, 5)), rng.integers(0, 3, 300)
    settings = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    text = lightgbm.train(settings, lightgbm.Dataset(numbers, labels), 5).model_to_string()
    full, slimmed = (lightgbm.Booster(model_str=t) for t in (text, slim(text)))
    assert len(slim(text)) < 0.6 * len(text)
    assert slimmed.predict(numbers, raw_score=True) == pytest.approx(
        full.predict(numbers, raw_score=True), abs=1e-3
    )

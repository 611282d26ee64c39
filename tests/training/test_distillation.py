"""Teachers that label augmented faces, faces without labels, and attention that leaves covered blocks."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_core.data import FaceSet
from fer_core.data.augmentation import cover_block
from fer_core.data.faceset import join
from fer_core.data.preview import NO_AUGMENTATION
from fer_core.labels import REGIONS
from fer_core.models import build_network, load_model
from fer_core.training import loop
from fer_core.training.recipe import Recipe, RecipeError, read_recipe
from fer_core.training.tasks.expression_module import ExpressionModule
from fer_core.training.tasks.teachers import Teachers
from fer_core.training.tasks.training_faces import TrainingFaces
from fer_core.weights import get_arrays, save_weights
from tests.networks import classifier_of
from tests.training.conftest import fit, targets_of

Small = Callable[..., Recipe]


@pytest.fixture
def card(tmp_path: Path) -> str:
    """Return the path of the card of an untrained network."""
    recipe = read_recipe("simple_cnn")
    torch.manual_seed(5)
    network = build_network(recipe.family, recipe.network)
    stored = classifier_of(network, recipe.family, options=recipe.network, temperature=2.0).card
    save_weights(stored, get_arrays(network), tmp_path)
    return str(tmp_path / "simple_cnn.json")


def test_teachers_return_the_mean_of_their_probabilities(card: str) -> None:
    faces = torch.randint(0, 256, (3, 1, 48, 48), dtype=torch.uint8)
    soft = Teachers([card, "simple_cnn"], aligned=True)(faces)
    assert soft.shape == (3, 15)
    assert torch.allclose(soft[:, :7].sum(dim=1), torch.ones(3))
    expected = []
    for name in (card, "simple_cnn"):
        model = load_model(name)
        expected.append(model.calibrate(model.logits(faces[:, 0].numpy())[0], "own"))
    assert np.allclose(soft[:, :7], np.mean(expected, axis=0), atol=1e-4)


def test_teachers_see_faces_at_their_own_size(card: str) -> None:
    soft = Teachers([card], aligned=True)(torch.zeros(2, 1, 36, 36))
    assert soft.shape == (2, 15)


@pytest.mark.parametrize(("name", "aligned"), [("simple_cnn", False), ("svm_hog", True)])
def test_models_that_cannot_teach_are_refused(name: str, aligned: bool) -> None:
    with pytest.raises(RecipeError, match=f"{name} cannot be a teacher"):
        Teachers([name], aligned=aligned)


def test_faces_without_labels_are_trained_on_by_soft_labels(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    unlabeled = faces.split("Training").select(np.arange(140) < 35)
    unlabeled = dataclasses.replace(unlabeled, labels=np.full(35, -1), votes=None)
    recipe = small("simple_cnn", 1, teachers=["simple_cnn"], aligned=True, actions_weight=0.1)
    network = fit(recipe, join([faces, unlabeled]), tmp_path)
    assert all(torch.isfinite(weights).all() for weights in network.parameters())


def test_the_class_loss_leaves_out_faces_without_labels() -> None:
    recipe = dataclasses.replace(read_recipe("plain"), votes_weight=0.0)
    module = ExpressionModule(build_network(recipe.family, recipe.network), recipe)
    output = module.network.eval()(torch.randint(0, 256, (3, 1, 48, 48)))
    targets = targets_of(torch.tensor([0, 4, 5]))
    targets.classes[2] = 0
    whole = module.loss(output, targets)
    kept = dataclasses.replace(output, logits=output.logits[:2], votes=output.votes[:2])
    assert float(whole) == pytest.approx(float(module.loss(kept, targets_of(torch.tensor([0, 4])))))


def test_a_covered_block_is_named() -> None:
    rng = np.random.default_rng(0)
    always = dataclasses.replace(NO_AUGMENTATION, covered=1.0)
    regions = set()
    for _ in range(20):
        face = np.full((48, 48), 7, np.uint8)
        region = cover_block(face, always, rng)
        changed = np.flatnonzero((face != 7).mean(axis=1) > 0.5)
        assert region is not None
        assert (changed.mean() < 24) == (region == "upper")
        regions.add(region)
    assert regions == {"upper", "lower"}
    assert cover_block(face, NO_AUGMENTATION, rng) is None


def test_attention_leaves_a_covered_block(faces: FaceSet, small: Small) -> None:
    options = dataclasses.replace(NO_AUGMENTATION, covered=1.0)
    recipe = small("prior_attention", 1, augmentation=options, covered_weight=1.0)
    recipe = dataclasses.replace(recipe, labels_weight=0.0, votes_weight=0.0, actions_weight=0.0)
    batch = TrainingFaces(faces, 48, recipe, training=True)
    items = [batch[number] for number in range(16)]
    pictures = torch.stack([item[0] for item in items])
    covered = torch.stack([item[1].covered for item in items])
    assert covered.sum(dim=1).tolist() == [1.0] * 16
    torch.manual_seed(0)
    module = ExpressionModule(build_network(recipe.family, recipe.network), recipe)
    targets = targets_of(torch.zeros(16, dtype=torch.long))._replace(covered=covered)
    weights = []
    optimizer = torch.optim.SGD(module.parameters(), 0.3)
    for _ in range(8):
        attention = module.network(pictures).region_attention
        assert attention is not None and attention.shape == (16, len(REGIONS))
        weights.append(float((attention * covered).sum(dim=1).mean()))
        optimizer.zero_grad()
        torch.autograd.backward(module.covered_loss(attention, targets))
        optimizer.step()
    assert weights[-1] < 0.75 * weights[0]


def test_each_process_of_a_loader_has_its_own_random_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Info:
        dataset: object = type("Faces", (), {"rng": None})()
        seed = 3

    drawn = []
    for seed in (3, 4):
        info = Info()
        info.seed = seed
        monkeypatch.setattr(loop, "get_worker_info", lambda info=info: info)
        loop._seed_worker(0)
        drawn.append(info.dataset.rng.random())  # type: ignore[attr-defined]
    assert drawn[0] != drawn[1]

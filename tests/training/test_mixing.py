"""Class weights, and the targets of mixed faces."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torchvision.transforms import v2

from fer_core.models import build_network
from fer_core.models.base import Heads
from fer_core.training.recipe import read_recipe
from fer_core.training.tasks.expression_module import ExpressionModule, balanced_weights
from tests.training.conftest import targets_of

LABELS = np.array([0] * 40 + [1] * 4 + [2] * 41 + [3] * 72 + [4] * 48 + [5] * 32 + [6] * 50)


def test_weights_are_balanced_as_in_scikit_learn() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(7), y=LABELS)
    assert balanced_weights(LABELS).numpy() == pytest.approx(expected, rel=1e-6)
    assert float(balanced_weights(LABELS)[LABELS].mean()) == pytest.approx(1)


def test_a_class_without_faces_has_weight_zero() -> None:
    weights = balanced_weights(np.array([0, 0, 3])).tolist()
    assert weights == pytest.approx([0.75, 0, 0, 1.5, 0, 0, 0])


def test_class_weights_do_not_apply_to_the_votes() -> None:
    recipe = dataclasses.replace(
        read_recipe("plain"), label_smoothing=0.0, labels_weight=1.0, votes_weight=1.0
    )
    network = build_network(recipe.family, recipe.network)
    weights = balanced_weights(LABELS)
    logits, label = torch.randn(4, 7), torch.tensor([1, 3, 3, 6])
    heads = Heads(logits, torch.zeros(4, 8), None)
    targets = targets_of(label, votes=torch.full((4, 8), 1 / 8))
    loss = ExpressionModule(network, recipe, weights).loss(heads, targets)
    expected = F.cross_entropy(logits, label, weight=weights) + np.log(8)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    unweighted = ExpressionModule(network, recipe).loss(heads, targets)
    assert float(unweighted) == pytest.approx(
        float(F.cross_entropy(logits, label) + np.log(8)), rel=1e-5
    )


@pytest.mark.parametrize("mixer", [v2.MixUp(alpha=1.0), v2.CutMix(alpha=1.0)])
def test_targets_are_mixed_in_the_shares_of_the_pixels(mixer: v2.Transform) -> None:
    torch.manual_seed(3)
    label = torch.tensor([0, 2, 6])
    faces = (label * 40).to(torch.uint8)[:, None, None, None].expand(3, 1, 24, 24)
    votes = F.one_hot(label, 8).float()
    rated = torch.tensor([[0.5, 0.0], [-0.5, 1.0], [torch.nan, torch.nan]])
    blended, targets = targets_of(label, votes, rated).mixed_by(mixer, faces)
    classes, mixed_votes, ratings = targets.classes, targets.votes, targets.affect
    assert blended.shape == (3, 1, 24, 24) and classes.shape == (3, 7)
    assert classes.sum(dim=1).tolist() == pytest.approx([1, 1, 1])
    brightness = blended.mean(dim=(1, 2, 3))
    assert (classes @ torch.arange(7.0) * 40).tolist() == pytest.approx(
        brightness.tolist(), abs=1e-3
    )
    assert torch.equal(classes, mixed_votes[:, :7])
    first_share = float(classes[1, 2])
    assert 0 < first_share < 1
    assert ratings[1].tolist() == pytest.approx([0.5 - first_share, first_share], abs=1e-5)
    assert ratings[[0, 2]].isnan().all(), "one of the two mixed faces has no rating"

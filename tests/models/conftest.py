"""Networks with seeded random weights and small cards."""

import numpy as np
import pytest
import torch

from fer_core.models import Classifier, build_network, get_family, list_families
from fer_core.training.recipe import read_recipe
from tests.networks import classifier_of


def untrained(family: str) -> Classifier:
    """Return a model with seeded weights and uneven batch-norm statistics, as after training."""
    recipe = read_recipe(family)
    torch.manual_seed(0)
    network = build_network(recipe.family, recipe.network)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return classifier_of(network, family, options=recipe.network, temperature=1.5)


TRAINED = [name for name in list_families() if get_family(name).kind == "network"]
"""Families that are trained by gradient descent; ``test_classical.py`` has the others."""


@pytest.fixture(params=TRAINED)
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return untrained(request.param)


@pytest.fixture
def faces(request: pytest.FixtureRequest) -> np.ndarray:
    """Return (5, S, S) uint8: of 48 pixels, or of 24 for ``dnn``."""
    chosen = request.node.callspec.params.values() if hasattr(request.node, "callspec") else ()
    size = 24 if "dnn" in chosen else 48
    return np.random.default_rng(0).integers(0, 255, (5, size, size), np.uint8)

"""How even the spatial attention of a network is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fer_core.evaluation.passes import attention_entropy
from fer_core.models.base import NetworkOutput
from fer_core.models.simple_cnn import SimpleCNN
from fer_core.weights import load_card
from tests.networks import classifier_of

FACES = np.random.default_rng(0).integers(0, 255, (40, 48, 48), np.uint8)


class Attending(SimpleCNN):
    """A network whose attention is fixed."""

    attention: torch.Tensor

    def head(self, features: Any, *, hold_attention: bool = False) -> NetworkOutput:
        output = super().head(features, hold_attention=hold_attention)
        shape = (len(output.logits), *self.attention.shape)
        return replace(output, attention=self.attention.expand(shape))


def entropy(attention: torch.Tensor) -> float | None:
    """Return the entropy of a network with this attention for each face."""
    network = Attending(input_size=48, dropout=0.0)
    network.attention = attention
    return attention_entropy(classifier_of(network), FACES)


def test_even_attention_has_an_entropy_of_one_and_a_single_place_of_zero() -> None:
    assert entropy(torch.full((3, 4), 1 / 12)) == pytest.approx(1)
    place = torch.zeros(3, 4)
    place[1, 2] = 1
    assert entropy(place) == pytest.approx(0)


def test_half_of_the_places_and_several_heads() -> None:
    half = torch.zeros(4, 4)
    half[:2] = 1 / 8
    assert entropy(half) == pytest.approx(np.log(8) / np.log(16))
    even = torch.full((4, 4), 1 / 16)
    assert entropy(torch.stack([half, even])) == pytest.approx((0.75 + 1) / 2)


def test_a_network_without_spatial_attention_has_none() -> None:
    network = SimpleCNN(input_size=48, dropout=0.0)
    assert attention_entropy(classifier_of(network), FACES) is None


@pytest.mark.parametrize("name", ["emonet_self_attention", "emonet_multihead"])
def test_the_cards_say_that_the_attention_is_nearly_even(name: str) -> None:
    card = load_card(name)
    figure = card.figures["PublicTest"]["attention_entropy"]
    assert figure > 0.998
    assert "nearly even" in card.limits and f"{figure:.4f}" in card.limits

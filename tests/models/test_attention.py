"""Networks with spatial attention, with landmarks, or trained on votes alone."""

import numpy as np
import pytest
import torch

from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models.emotional_dan import EmotionalDAN, landmark_heat
from fer_core.models.hybrid import Hybrid
from tests.models.conftest import untrained
from tests.networks import network_output

SHAPES = {
    "cnn_alstm": (12, 1),
    "acnn_alstm": (12, 12),
    "emonet_self_attention": (6, 6),
    "emonet_multihead": (4, 3, 3),
}
"""Family -> shape of the attention over a face of 48 pixels."""


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_spatial_attention_is_positive_and_sums_to_one(
    name: str, shape: tuple[int, ...], faces: np.ndarray
) -> None:
    classifier = untrained(name)
    output = network_output(classifier, faces)
    assert output.attention is not None and output.attention.shape == (5, *shape)
    assert output.attention.min() > 0
    assert output.attention.sum((-2, -1)).numpy() == pytest.approx(1, abs=1e-5)
    part = classifier.forward(faces).part(slice(1, 3))
    assert part.attention is not None and part.attention.shape == (2, *shape)
    constant = classifier.network.head(output.features, hold_attention=True)
    assert torch.equal(constant.logits, output.logits)


@pytest.mark.parametrize("name", ["cnn_lstm", "emonet_baseline"])
def test_baselines_have_no_spatial_attention(name: str, faces: np.ndarray) -> None:
    assert network_output(untrained(name), faces).attention is None


@pytest.mark.parametrize("name", SHAPES)
def test_held_attention_passes_no_gradient(name: str, faces: np.ndarray) -> None:
    network = untrained(name).network.requires_grad_()
    scorers = [
        parameter
        for part, parameter in network.named_parameters()
        if "scorer" in part or part.startswith(("query", "key"))
    ]
    assert len(scorers) >= 4
    features = network.features(torch.from_numpy(faces)[:, None])
    torch.autograd.backward(network.head(features, hold_attention=True).logits.sum())
    assert all(parameter.grad is None for parameter in scorers)
    features = network.features(torch.from_numpy(faces)[:, None])
    torch.autograd.backward(network.head(features).logits.sum())
    assert all(parameter.grad is not None for parameter in scorers)


@pytest.mark.parametrize("name", ["cnn_lstm", "cnn_alstm", "acnn_alstm"])
def test_an_lstm_depends_on_the_order_of_the_rows(name: str, faces: np.ndarray) -> None:
    network = untrained(name).network
    (region, feature_map), *_ = network.features(torch.from_numpy(faces)[:, None]).items()
    logits = network.head({region: feature_map}).logits
    upside_down = network.head({region: feature_map.flip(2)}).logits
    mirrored = network.head({region: feature_map.flip(3)}).logits
    assert not torch.allclose(upside_down, logits, atol=1e-4)
    assert torch.allclose(mirrored, logits, atol=1e-5)


def test_landmark_heat_falls_with_the_distance_to_the_nearest_landmark() -> None:
    points = torch.tensor([[[0.125, 0.625], [0.875, 0.125]]])
    heat = landmark_heat(points, 4)[0, 0]
    assert heat[2, 0] == 1 and heat[0, 3] == 1
    assert heat[2, 1] == pytest.approx(1 / (1 + 24 / 4))
    assert heat[3, 3] == pytest.approx(1 / (1 + 24 * 0.75))


def test_the_second_stage_depends_on_the_landmarks_of_the_first(faces: np.ndarray) -> None:
    classifier = untrained("emotional_dan")
    before = network_output(classifier, faces)
    assert before.points is not None and before.points.shape == (2, 5, 78, 2)
    network = classifier.network
    assert isinstance(network, EmotionalDAN)
    *_, last = network.first_points.children()
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.bias.add_(0.5)
    after = network_output(classifier, faces)
    assert after.points is not None
    assert torch.allclose(after.points[0], before.points[0] + 0.5, atol=1e-5)
    assert not torch.allclose(after.logits, before.logits, atol=1e-5)


def test_logits_of_ferplus_cnn_are_columns_of_its_votes(faces: np.ndarray) -> None:
    output = network_output(untrained("ferplus_cnn"), faces)
    for number, name in enumerate(EXPRESSIONS):
        column = output.votes[:, FERPLUS_EXPRESSIONS.index(name)]
        assert torch.equal(output.logits[:, number], column)


def test_hybrid_uses_all_three_kinds_of_features(faces: np.ndarray) -> None:
    network = untrained("hybrid").network
    assert isinstance(network, Hybrid)
    features = network.features(torch.from_numpy(faces)[:, None])["face"]
    whole = network.head({"face": features}).logits
    for part in torch.split(torch.arange(features.shape[1]), network.parts):
        silenced = features.clone()
        silenced[:, part] = 0
        assert not torch.allclose(network.head({"face": silenced}).logits, whole, atol=1e-4)


@pytest.mark.parametrize("name", ["cnn_alstm", "acnn_alstm"])
def test_several_pictures_are_predicted_as_one_sequence(name: str, faces: np.ndarray) -> None:
    classifier = untrained(name)
    output = network_output(classifier, faces)
    assert classifier.reads_sequences and output.rows is not None
    rows = output.rows.numpy()
    alone, weight = classifier.predict_sequence(rows[:1])
    assert alone == pytest.approx(output.logits[0].numpy(), abs=1e-5)
    assert weight == pytest.approx([1])
    rows = np.random.default_rng(0).normal(size=rows.shape).astype(np.float32)
    together, weights = classifier.predict_sequence(rows[:3])
    assert weights.shape == (3,) and weights.sum() == pytest.approx(1) and weights.min() > 0
    assert together.shape == (7,)
    assert classifier.predict_sequence(rows[[1, 0, 2]])[0] != pytest.approx(together, abs=1e-5)


@pytest.mark.parametrize("name", ["cnn_lstm", "plain"])
def test_networks_without_attention_over_time_do_not_read_sequences(name: str) -> None:
    assert not untrained(name).reads_sequences

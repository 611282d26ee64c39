"""Randomized networks, rank correlation of maps, and the randomization test of trained networks."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.maps import methods_of, soundness
from fer_core import Analyzer
from fer_core.evaluation.randomization import randomized, rank_correlation
from fer_core.explain import list_layers, raw_map
from fer_core.labels import EXPRESSIONS
from fer_core.models import Classifier, load_model
from fer_core.types import Image

TRUNK = ["layer 4", "layer 3", "layer 2", "layer 1"]


@pytest.fixture(scope="module")
def aligned(astronaut: Image) -> Image:
    """Return (2, S, S) uint8: a real face and its mirror image."""
    (reading,) = Analyzer()(astronaut)
    return np.stack([reading.regions.face, reading.regions.face[:, ::-1]])


def weights(classifier: Classifier) -> dict[str, Tensor]:
    return copy.deepcopy(classifier.network.state_dict())


@pytest.mark.parametrize("name", ["prior_attention", "plain"])
def test_weights_are_randomized_step_by_step_from_the_output(name: str, aligned: Image) -> None:
    classifier = load_model(name)
    before, logits = weights(classifier), classifier.logits(aligned)[0]
    copies = list(randomized(classifier))
    assert [part for part, _ in copies] == ["head", *TRUNK]
    assert len(list_layers(classifier)) == len(TRUNK)

    intact = {key for key in before if "backbone" in key}
    for (_, upper), (_, lower) in pairwise(copies):
        one, other = weights(upper), weights(lower)
        changed = {key for key in before if not torch.equal(one[key], other[key])}
        assert changed
        assert changed <= intact, "each step changes what was intact so far, and nothing else"
        assert all(torch.equal(one[key], before[key]) for key in intact)
        intact -= changed
        assert abs(upper.logits(aligned)[0] - lower.logits(aligned)[0]).max() > 1e-3
    last = weights(copies[-1][1])
    for key, numbers in before.items():
        assert torch.equal(last[key].flatten().sort().values, numbers.flatten().sort().values), key

    after = weights(classifier)
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert classifier.logits(aligned)[0] == pytest.approx(logits, abs=1e-6)
    for _, forgetful in copies:
        assert abs(forgetful.logits(aligned)[0] - logits).max() > 0.5
        assert forgetful.card is classifier.card


def test_randomization_depends_on_the_seed(aligned: Image) -> None:
    classifier = load_model("simple_cnn")

    def head(seed: int) -> np.ndarray:
        name, forgetful = next(randomized(classifier, seed))
        assert name == "head"
        return forgetful.logits(aligned)[0]

    assert head(1) == pytest.approx(head(1))
    assert abs(head(1) - head(2)).max() > 0.1


def test_models_without_trunks_yield_the_head_and_trees_yield_nothing() -> None:
    assert [name for name, _ in randomized(load_model("svm_hog"))] == ["head"]
    assert list(randomized(load_model("lgbm_pixels"))) == []


def test_maps_of_a_fully_randomized_network_do_not_correlate(aligned: Image) -> None:
    classifier = load_model("plain")
    target = EXPRESSIONS[int(classifier.logits(aligned)[0][0].argmax())]
    original = raw_map(classifier, aligned[0], target, "gradcam")
    alike = []
    for seed in range(8):
        *_, (name, forgetful) = randomized(classifier, seed)
        assert name == "layer 1"
        alike.append(rank_correlation(original, raw_map(forgetful, aligned[0], target, "gradcam")))
    assert np.mean(alike) == pytest.approx(0, abs=0.3)
    assert max(alike) < 0.8


def test_rank_correlation_depends_on_the_order_only() -> None:
    raw = np.random.default_rng(0).standard_normal((6, 6)).astype(np.float32)
    assert rank_correlation(raw, raw) == pytest.approx(1)
    assert rank_correlation(raw, -raw) == pytest.approx(-1)
    assert rank_correlation(raw, 5 * np.exp(raw) - 3) == pytest.approx(1)
    other = np.random.default_rng(1).standard_normal((6, 6)).astype(np.float32)
    ranks = [each.ravel().argsort().argsort() for each in (raw, other)]
    expected = 1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum() / (36 * (36**2 - 1))
    assert rank_correlation(raw, other) == pytest.approx(expected)


@pytest.mark.parametrize("broken", [0.5, np.nan, np.inf])
def test_a_constant_or_broken_map_has_zero_correlation(broken: float) -> None:
    raw = np.random.default_rng(0).standard_normal((6, 6)).astype(np.float32)
    without = raw.copy() if not np.isfinite(broken) else np.full_like(raw, broken)
    without[2, 3] = broken
    assert rank_correlation(raw, without) == 0.0
    assert rank_correlation(without, raw) == 0.0


@pytest.mark.parametrize("name", ["prior_attention", "simple_cnn"])
def test_fast_methods_pass_the_randomization_test(name: str, aligned: Image) -> None:
    classifier = load_model(name)
    fast = [method.name for method in methods_of(classifier) if method.fast]
    assert {"gradcam", "layercam", "hirescam"} <= set(fast)
    assert not {"eigencam"} & set(fast)
    for method in ("gradcam", "hirescam"):
        assert soundness(classifier, aligned, method) == (1, 1, 1, 1), method


def test_maps_that_ignore_the_weights_fail_the_randomization_test(
    aligned: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = load_model("simple_cnn")
    one = np.random.default_rng(0).standard_normal((6, 6)).astype(np.float32)
    other = np.random.default_rng(1).standard_normal((6, 6)).astype(np.float32)
    framed = np.full((6, 6), 2, np.float32)
    framed[0] = 1  # by padding: within the face nothing varies
    cases = {
        "good": ((one, other), (1, 1, 1, 1)),
        "the same": ((one, 3 * one + 1), (1, 1, 0, 0)),
        "framed": ((one, framed), (1, 0, 0, 0)),
        "broken": ((one * np.nan, other), (0, 0, 0, 0)),
    }
    for case, ((first, second), expected) in cases.items():
        maps = {"happy": first, "sad": second}
        monkeypatch.setattr("benchmarks.maps.raw_maps", lambda *_, maps=maps: maps)
        assert soundness(classifier, aligned, "gradcam") == expected, case

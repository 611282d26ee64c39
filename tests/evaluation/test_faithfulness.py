"""Faithfulness of maps against a network whose score depends on one known place."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from fer_core.evaluation.faithfulness import (
    Faithfulness,
    bootstrap,
    center_map,
    faithfulness,
    impute,
    random_map,
)
from fer_core.labels import EXPRESSIONS
from fer_core.models.base import GRAY_MEAN, Network, NetworkOutput
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image
from tests.networks import classifier_of

SIZE = 48
PLACE = slice(8, 16), slice(32, 40)
"""The second row of cells and the last but one column, out of six."""
TRUE = np.zeros((6, 6), np.float32)
TRUE[1, 4] = 1


class Watcher(Network):
    """A network whose score for "sad" is the brightness of one place above gray."""

    input_size = SIZE

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": faces.float() / 255 - GRAY_MEAN}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        brightness = features["face"][:, 0, *PLACE].mean((1, 2))
        logits = brightness.new_zeros(len(brightness), 7)
        logits[:, EXPRESSIONS.index("sad")] = 12 * brightness
        return NetworkOutput(logits=logits, votes=logits, features=features)


@pytest.fixture(scope="module")
def watcher() -> Classifier:
    return classifier_of(Watcher(), temperature=2.0)


@pytest.fixture(scope="module")
def aligned() -> Image:
    """Return (S, S) uint8: dark, and bright at the place that the network depends on."""
    face = np.full((SIZE, SIZE), 60, np.uint8)
    face[PLACE] = 250
    return face


def probability(classifier: Classifier, picture: Image) -> float:
    answers = classifier.calibrate(classifier.logits(picture[None])[0])
    return float(answers[0, EXPRESSIONS.index("sad")])


@pytest.fixture(scope="module")
def found(watcher: Classifier, aligned: Image) -> dict[str, Faithfulness]:
    maps = {
        "true": TRUE,
        "false": 1 - TRUE,
        "flat": np.ones((6, 6), np.float32),
        "fine": np.kron(TRUE, np.ones((8, 8), np.float32)),
        "broken": np.full((6, 6), np.nan, np.float32),
    }
    return faithfulness(watcher, aligned, "sad", maps, steps=18)


def test_deletion_ends_at_gray_and_insertion_starts_at_blur(
    watcher: Classifier, aligned: Image, found: dict[str, Faithfulness]
) -> None:
    whole = probability(watcher, aligned)
    gray = probability(watcher, np.full_like(aligned, round(255 * GRAY_MEAN)))
    assert whole > 0.5 > 0.2 > gray
    for each in found.values():
        assert each.shares == pytest.approx(np.linspace(0, 1, 19))
        assert len(each.deletion) == len(each.insertion) == 19
        assert each.deletion[[0, -1]] == pytest.approx([whole, gray], abs=1e-5)
        assert each.insertion[-1] == pytest.approx(whole, abs=1e-5)
        assert each.insertion[0] < 0.2


def test_curves_rank_the_true_map_above_chance_and_the_false_one_below(
    found: dict[str, Faithfulness],
) -> None:
    true, flat, false = found["true"], found["flat"], found["false"]
    assert true.deletion_area + 0.1 < flat.deletion_area < false.deletion_area - 0.1
    assert true.insertion_area - 0.1 > flat.insertion_area > false.insertion_area + 0.1
    assert true.road + 0.1 < false.road
    # 64 of 2,304 pixels are all that counts: the finest map is through with them after one step of 128.
    fine = found["fine"]
    assert fine.deletion[1] == pytest.approx(fine.deletion[-1], abs=1e-5)
    assert fine.insertion[1] == pytest.approx(fine.insertion[-1], abs=1e-5)
    assert fine.deletion_area == pytest.approx(
        fine.deletion[-1] + (fine.deletion[0] - fine.deletion[-1]) / 36
    )


def test_a_map_without_order_removes_pixels_at_random(
    watcher: Classifier, aligned: Image, found: dict[str, Faithfulness]
) -> None:
    flat = found["flat"]
    # Of any place as many pixels are gone as of the whole face, so its brightness falls on a straight line.
    bright, gray = 250 / 255 - GRAY_MEAN, round(255 * GRAY_MEAN) / 255 - GRAY_MEAN
    brightness = bright + flat.shares * (gray - bright)
    score = np.exp(12 * brightness / watcher.card.temperature)
    assert flat.deletion == pytest.approx(score / (score + 6), abs=0.08)
    assert found["broken"].deletion == pytest.approx(flat.deletion)
    assert found["broken"].road == pytest.approx(flat.road)
    nearly = np.float32(0.3) + 1e-8 * random_map(6, 0)
    again = faithfulness(watcher, aligned, "sad", {"nearly": nearly}, steps=18)["nearly"]
    assert again.deletion == pytest.approx(flat.deletion)


def test_pixels_hidden_by_a_map_are_gray(
    watcher: Classifier, aligned: Image, found: dict[str, Faithfulness]
) -> None:
    assert found["fine"].average_drop == pytest.approx(0, abs=1e-5)
    whole = probability(watcher, aligned)
    gray = probability(watcher, np.full_like(aligned, round(255 * GRAY_MEAN)))
    for name in ("flat", "broken"):
        assert found[name].average_drop == pytest.approx(1 - gray / whole, abs=1e-5)
        assert not found[name].increase
    assert 0.1 < found["true"].average_drop < found["false"].average_drop

    dark = aligned.copy()
    dark[PLACE] = 100  # speaks against the class, so the class gains when it is hidden
    hidden = faithfulness(watcher, dark, "sad", {"false": 1 - TRUE})["false"]
    assert hidden.increase
    assert hidden.average_drop == 0


def test_removed_pixels_are_imputed_from_their_neighbors(aligned: Image) -> None:
    missing = np.zeros((SIZE, SIZE), bool)
    missing[PLACE] = True
    state = torch.get_rng_state()
    filled = impute(aligned, missing).astype(int)
    assert np.array_equal(filled[~missing], aligned[~missing])
    assert filled[missing] == pytest.approx(60, abs=12)
    assert filled[missing].std() == pytest.approx(0.01 * 255, abs=1)
    assert np.array_equal(filled, impute(aligned, missing))
    assert torch.equal(torch.get_rng_state(), state)


def test_maps_are_measured_independently(
    watcher: Classifier, aligned: Image, found: dict[str, Faithfulness]
) -> None:
    alone = faithfulness(watcher, aligned, "sad", {"true": TRUE}, steps=18)["true"]
    assert alone.deletion == pytest.approx(found["true"].deletion)
    assert alone.insertion == pytest.approx(found["true"].insertion)
    assert alone.road == pytest.approx(found["true"].road)


def test_unknown_class_lists_the_valid_ones(watcher: Classifier, aligned: Image) -> None:
    with pytest.raises(ValueError, match=r"unknown expression class 'joy'.*angry.*neutral"):
        faithfulness(watcher, aligned, "joy", {"true": TRUE})


@pytest.mark.parametrize("side", [6, 12, 48])
def test_baseline_maps_have_the_expected_shapes(side: int) -> None:
    noise, center = random_map(side, 1), center_map(side)
    assert noise.shape == center.shape == (side, side)
    assert noise.dtype == center.dtype == np.float32
    assert np.array_equal(noise, random_map(side, 1))
    assert not np.array_equal(noise, random_map(side, 2))
    # As smooth as six cells a side, whatever the grid: cells a sixth of the side apart are strangers.
    together = [
        np.corrcoef(*neighbours(random_map(side, seed), side // 6))[0, 1] for seed in range(60)
    ]
    assert np.mean(together) == pytest.approx(0, abs=0.15)
    assert center == pytest.approx(center[::-1, ::-1])
    assert center == pytest.approx(center.T)
    middle = slice(side // 2 - 1, side // 2 + 1)
    assert center[middle, middle] == pytest.approx(center.max())
    assert center[0, 0] == center.min() < 0.1 * center.max()


def neighbours(noise: Floats, step: int) -> Floats:
    """Return (2, n) values of cells and of their right neighbors."""
    return np.stack([noise[:, :-step].ravel(), noise[:, step:].ravel()])


def test_bootstrap_intervals_cover_the_mean_with_the_stated_frequency() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(3, 2, (200, 100)).astype(np.float32)
    intervals = [bootstrap(values, repeats=400) for values in draws]
    covered = np.mean([low < 3 < high for low, high in intervals])
    assert 0.89 < covered < 0.99
    widths = [high - low for low, high in intervals]
    assert np.mean(widths) == pytest.approx(2 * 1.96 * 2 / np.sqrt(100), rel=0.1)
    assert bootstrap(draws[0]) == bootstrap(draws[0])
    assert bootstrap(np.full(5, 0.5, np.float32)) == (0.5, 0.5)

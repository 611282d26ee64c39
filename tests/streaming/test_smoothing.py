"""Smoothing of predictions and hysteresis of the shown class."""

import numpy as np
import pytest

from fer_core.labels import EXPRESSIONS
from fer_core.streaming.smoothing import (
    LABEL_MARGIN,
    MIN_FRAME_GAP,
    UNSURE_MARGIN,
    SequenceBuffer,
    TemporalSmoother,
    smooth_symmetrically,
)
from fer_core.types import Floats

THRESHOLD = 0.5


def certain(name: str, probability: float) -> Floats:
    """Return (7,) probabilities: one class has this one, and the others share the rest."""
    rest = (1 - probability) / 6
    return np.array([probability if e == name else rest for e in EXPRESSIONS], np.float32)


def between(first: str, second: str, lead: float) -> Floats:
    """Return (7,) probabilities: two classes have 0.9 together, and the second leads by ``lead``."""
    values = {first: 0.45 - lead / 2, second: 0.45 + lead / 2}
    return np.array([values.get(e, 0.02) for e in EXPRESSIONS], np.float32)


def stable_label(
    smoother: TemporalSmoother, probabilities: Floats, time: float
) -> tuple[str, bool]:
    return smoother.stable_label(probabilities, THRESHOLD, time=time, constant=0.25)


@pytest.mark.parametrize("rate", [10, 30, 60])
def test_the_average_is_exponential_in_seconds(rate: int) -> None:
    smoother, before, after = TemporalSmoother(), np.ones(7, np.float32), np.full(7, 3, np.float32)
    assert smoother.average(before, time=0, constant=0.5) == pytest.approx(1)
    for number in range(rate):
        average = smoother.average(after, time=(number + 1) / rate, constant=0.5)
    assert average == pytest.approx(3 - 2 * np.exp(-2), abs=1e-4)


def test_without_a_time_constant_each_frame_stands_for_itself() -> None:
    smoother = TemporalSmoother()
    for number, name in enumerate(("happy", "sad", "happy")):
        row = certain(name, 0.35)
        assert smoother.average(row, time=number / 30, constant=0) is row
        assert smoother.stable_label(row, 0.3, time=number / 30, constant=0) == (name, False)
        assert smoother.stable_label(row, 0.4, time=number / 30, constant=0) == (name, True)


def test_frames_before_a_gap_hardly_count() -> None:
    smoother = TemporalSmoother()
    smoother.average(np.zeros(7, np.float32), time=0, constant=0.25)
    average = smoother.average(np.ones(7, np.float32), time=0.75, constant=0.25)
    assert average == pytest.approx(1 - np.exp(-3))


def test_a_class_with_a_small_lead_is_shown_after_a_delay() -> None:
    smoother = TemporalSmoother()
    ahead = between("happy", "neutral", LABEL_MARGIN / 2)
    assert stable_label(smoother, certain("happy", 0.9), 0.0) == ("happy", False)
    assert stable_label(smoother, ahead, 0.1)[0] == "happy"
    assert stable_label(smoother, between("neutral", "happy", 0.01), 0.2)[0] == "happy", (
        "a brief lead is over"
    )
    assert stable_label(smoother, ahead, 0.4)[0] == "happy", "the delay starts again"
    assert stable_label(smoother, ahead, 0.46)[0] == "neutral"
    assert (
        stable_label(smoother, between("neutral", "happy", LABEL_MARGIN / 2), 0.5)[0] == "neutral"
    )


def test_a_class_that_leads_clearly_is_shown_at_once() -> None:
    smoother = TemporalSmoother()
    stable_label(smoother, certain("happy", 0.9), 0.0)
    assert stable_label(smoother, between("happy", "fear", LABEL_MARGIN + 0.01), 0.01)[0] == "fear"


def test_unsure_has_the_same_hysteresis() -> None:
    smoother = TemporalSmoother()
    answers = [
        stable_label(smoother, certain("sad", probability), time)
        for probability, time in (
            (0.6, 0.0),
            (THRESHOLD - UNSURE_MARGIN / 2, 0.1),  # a little below: not yet
            (THRESHOLD - UNSURE_MARGIN * 1.1, 0.11),  # far below: at once
            (THRESHOLD + UNSURE_MARGIN / 2, 0.2),
            (THRESHOLD + UNSURE_MARGIN / 2, 0.37),  # for long enough
        )
    ]
    assert answers == [("sad", unsure) for unsure in (False, False, True, True, False)]


@pytest.mark.parametrize("rate", [15, 30, 60])
@pytest.mark.parametrize(("before", "after"), [(0.9, 0.9), (0.97, 0.6), (0.6, 0.9)])
def test_a_step_is_shown_within_four_tenths_of_a_second(
    rate: int, before: float, after: float
) -> None:
    smoother = TemporalSmoother()
    for number in range(3 * rate):
        now, time = ("happy", after) if number >= rate else ("sad", before), number / rate
        logits = smoother.average(np.log(certain(*now)), time=time, constant=0.25)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        label, _ = stable_label(smoother, probabilities, time)
        if label == "happy":
            break
    assert 0 < time - 1 <= 0.4


def test_symmetric_smoothing_weighs_frames_by_their_distance_in_time() -> None:
    times = np.array([0.0, 0.1, 0.15, 0.9, 1.0])
    values = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    weights = np.exp(-np.abs(times[:, None] - times) / 0.2)
    expected = weights @ values / weights.sum(axis=1, keepdims=True)
    assert smooth_symmetrically(values, times, 0.2) == pytest.approx(expected, abs=1e-6)
    backwards = smooth_symmetrically(values[::-1], 1 - times[::-1], 0.2)[::-1]
    assert backwards == pytest.approx(expected, abs=1e-6)
    assert smooth_symmetrically(values, times, 0) is values
    assert smooth_symmetrically(values[:1], times[:1], 0.2) == pytest.approx(values[:1])
    assert smooth_symmetrically(values[:0], times[:0], 0.2).shape == (0, 3)
    far = smooth_symmetrically(values, 1e9 * times, 0.2)
    assert far == pytest.approx(values), "frames far apart do not count"


def test_the_sequence_buffer_keeps_frames_that_lie_apart() -> None:
    buffer = SequenceBuffer()

    def recall(number: int, time: float) -> list[int]:
        frames = buffer.push(np.array([number], np.float32), 3, time=time)
        return [int(value) for value in frames[:, 0]]

    assert recall(0, 0.0) == [0]
    assert recall(1, MIN_FRAME_GAP / 2) == [0, 1]
    assert recall(2, MIN_FRAME_GAP) == [0, 2]
    assert recall(3, 1.5 * MIN_FRAME_GAP) == [0, 2, 3]
    assert recall(4, 2 * MIN_FRAME_GAP) == [0, 2, 4]
    assert recall(5, 3 * MIN_FRAME_GAP) == [2, 4, 5]

"""Blinks, from known openness and from real eyes at three frame rates."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core.data.readers.eyes import EyeSet, read_eyes
from fer_core.faces.eyes import load_eye_reader
from fer_core.geometry import warp
from fer_core.streaming.blinks import BlinkCounter
from fer_core.training.tasks.eyes import shrinking
from fer_core.types import Blinks

OPEN, SHUT = 0.95, 0.05
RATES = (15, 30, 60)

Phases = list[tuple[float, tuple[bool, bool]]]
"""Seconds of each phase, and which eyes are open in it."""


def watch(phases: Phases, rate: int, *, usual: float = OPEN) -> list[Blinks]:
    """Return the blinks after each frame of eyes that open and close."""
    counter, ends = BlinkCounter(), np.cumsum([seconds for seconds, _ in phases])
    blinks = []
    for number in range(int(ends[-1] * rate)):
        time = number / rate
        left, right = phases[int(np.searchsorted(ends, time, side="right"))][1]
        openness = (usual if left else SHUT, usual if right else SHUT)
        blinks.append(counter.update(openness, time=time))
    return blinks


BOTH, NONE, LEFT = (True, True), (False, False), (True, False)


@pytest.mark.parametrize("rate", RATES)
def test_blinks_of_every_length_are_counted(rate: int) -> None:
    phases: Phases = [(2.0, BOTH)]
    for closure in (0.1, 0.15, 0.2, 0.3, 0.4):
        phases += [(closure, NONE), (1.3, BOTH)]
    frames = watch(phases, rate)
    assert frames[-1].count == 5
    assert sum(blinks.ended for blinks in frames) == 5
    assert frames[-1].closures == (5, 5)


@pytest.mark.parametrize("rate", RATES)
def test_winks_and_closed_eyes_do_not_count_as_blinks(rate: int) -> None:
    phases: Phases = [(2.0, BOTH), (0.3, LEFT), (2.0, BOTH), (1.5, NONE), (1.0, BOTH)]
    last = watch(phases, rate)[-1]
    assert last.count == 0
    assert last.closures == (1, 2)
    assert last.closed == (False, False)


def test_one_wrong_frame_does_not_count_as_a_blink() -> None:
    assert watch([(1.0, BOTH), (1 / 30, NONE), (1.0, BOTH)], 30)[-1].count == 0


def test_a_blink_that_begins_as_a_wink_counts() -> None:
    phases: Phases = [(1.0, BOTH), (0.07, LEFT), (0.1, NONE), (0.07, LEFT), (1.0, BOTH)]
    assert watch(phases, 30)[-1].count == 1


def test_openness_is_relative_to_the_person() -> None:
    phases: Phases = [(20.0, BOTH), (0.2, NONE), (2.0, BOTH)]
    frames = watch(phases, 30, usual=0.45)
    assert frames[-1].count == 1
    assert frames[15 * 30].closed == (False, False)


def test_trembling_eyelids_count_once() -> None:
    phases: Phases = [(1.0, BOTH), (0.1, NONE), (0.04, LEFT), (0.1, NONE), (1.0, BOTH)]
    assert watch(phases, 30)[-1].count == 1


def test_the_rate_is_over_the_last_minute() -> None:
    phases: Phases = [(9.5, BOTH), (0.2, NONE), (10.3, BOTH), (90.0, BOTH)]
    frames = watch(phases, 30)
    assert frames[9 * 30].rate is None
    assert frames[20 * 30 - 1].rate == pytest.approx(3.0, abs=0.1)
    assert frames[40 * 30].rate == pytest.approx(1.5, abs=0.1)
    assert frames[-1].rate == 0
    assert frames[-1].count == 1


def test_a_face_that_was_away_has_no_blink() -> None:
    counter = BlinkCounter()
    for time in (0.0, 0.1):
        counter.update((SHUT, SHUT), time=time)
    assert counter.update((OPEN, OPEN), time=0.9).count == 0
    counter.update((SHUT, SHUT), time=1.0)
    assert counter.update(None, time=1.1).closed == (True, True)
    assert counter.update((OPEN, OPEN), time=1.2).count == 1


@pytest.fixture(scope="module")
def held_out(shared: Callable[[str], Path]) -> EyeSet:
    return read_eyes(shared("data/eyes")).split("PrivateTest")


@pytest.mark.parametrize("rate", RATES)
def test_counts_are_exact_on_real_eyes(held_out: EyeSet, rate: int) -> None:
    """Two people outside the training set blink 30 times each, wink and close their eyes for long."""
    reader, rng = load_eye_reader(), np.random.default_rng(rate)
    size = reader.input_size
    for subject in (14, 18):
        person = held_out.keep(held_out.subjects == subject)
        crops = np.stack([warp(image, shrinking(image, size), size) for image in person.images])
        openness = reader(crops)
        pools = openness[~person.open], openness[person.open]
        phases: Phases = [(1.0, BOTH)]
        for number in range(30):
            phases += [(rng.uniform(0.1, 0.4), NONE), (rng.uniform(0.5, 3.0), BOTH)]
            if number % 6 == 0:
                phases += [(0.3, LEFT), (1.0, BOTH), (1.4, NONE), (1.0, BOTH)]
        counter, ends = BlinkCounter(), np.cumsum([seconds for seconds, _ in phases])
        for number in range(int(ends[-1] * rate)):
            state = phases[int(np.searchsorted(ends, number / rate, side="right"))][1]
            left, right = (float(rng.choice(pools[is_open])) for is_open in state)
            blinks = counter.update((left, right), time=number / rate)
        assert blinks.count == 30

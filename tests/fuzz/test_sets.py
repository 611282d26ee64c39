"""Sixty mutated mosaics, ``.npz`` and ``.npy`` files each; ``make fuzz`` tries 500 of each."""

from tests.fuzz.runs import run_apart
from tests.fuzz.sets import cases


def test_a_seed_gives_the_same_sets_again() -> None:
    assert list(cases(3, 1)) == list(cases(3, 1)) != list(cases(3, 2))


def test_mutated_sets_are_read_or_refused() -> None:
    run_apart("sets", short=60, long=500)

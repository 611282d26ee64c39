"""Sixty mutated cards, weight files and graphs each; ``make fuzz`` tries 500 of each."""

from itertools import islice

from tests.fuzz.models import cases
from tests.fuzz.runs import run_apart


def test_a_seed_gives_the_same_models_again() -> None:
    first = list(islice(cases(3, 1), 9))
    assert first == list(islice(cases(3, 1), 9)) != list(islice(cases(3, 2), 9))


def test_mutated_models_are_loaded_or_refused() -> None:
    run_apart("models", short=60, long=500)

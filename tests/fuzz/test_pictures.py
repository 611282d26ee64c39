"""A short run of the fuzzer in each test run, a long one by ``make fuzz``."""

from fer_core.images import FORMATS
from tests.fuzz.pictures import check, mutants, seed_pictures
from tests.fuzz.runs import run_apart


def test_the_seeds_are_pictures() -> None:
    for kind, contents in seed_pictures().items():
        assert [check(content) for content in contents] == ["read"] * len(contents), kind


def test_a_seed_gives_the_same_pictures_again() -> None:
    first = list(mutants(3 * len(FORMATS), 1))
    assert first == list(mutants(3 * len(FORMATS), 1)) != list(mutants(3 * len(FORMATS), 2))


def test_mutated_pictures_are_read_or_refused() -> None:
    run_apart("pictures", short=800, long=10_000)

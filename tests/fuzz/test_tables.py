"""Two hundred mutated tables of datasets; ``make fuzz`` tries 2,000."""

from tests.fuzz.runs import run_apart
from tests.fuzz.tables import cases, seed_tables


def test_a_seed_gives_the_same_tables_again() -> None:
    count = len(seed_tables())
    assert list(cases(count, 1)) == list(cases(count, 1)) != list(cases(count, 2))


def test_mutated_tables_are_read_or_refused() -> None:
    run_apart("tables", short=200, long=2000)

"""A hundred mutated clips; ``make fuzz`` tries 1,500."""

import pytest

from tests.fuzz.runs import run_apart

pytest.importorskip("av")


def test_mutated_clips_are_read_or_refused_by_a_sentence() -> None:
    run_apart("clips", short=100, long=1500)

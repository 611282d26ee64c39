"""Twenty-four damaged run folders; ``make fuzz`` tries 500."""

import pytest

from tests.fuzz.runs import run_apart

pytest.importorskip("lightning")


def test_damaged_run_folders_go_on_or_are_refused_by_a_sentence() -> None:
    run_apart("run_folders", short=24, long=500)

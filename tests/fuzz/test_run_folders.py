"""Twenty damaged run folders; ``make fuzz`` tries 500."""

import os
import subprocess
import sys
from typing import Final

import pytest

pytest.importorskip("lightning")

COUNT: Final = 20
LONG: Final = 500
"""Run folders of ``make fuzz``."""


def test_damaged_run_folders_go_on_or_are_refused_by_a_sentence() -> None:
    """In a process of its own, so that memory is that of these runs."""
    count = LONG if os.environ.get("FER_FUZZ") else COUNT
    command = [sys.executable, "-m", "tests.fuzz.run_folders", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\nthe last lines: {done.stderr[-2000:]}"

"""A hundred mutated clips; ``make fuzz`` tries 1,500."""

import os
import subprocess
import sys
from typing import Final

import pytest

pytest.importorskip("av")

COUNT: Final = 100
LONG: Final = 1500
"""Clips of ``make fuzz``."""


def test_mutated_clips_are_read_or_refused_by_a_sentence() -> None:
    """In a process of its own, which a crash inside FFmpeg would end."""
    count = LONG if os.environ.get("FER_FUZZ") else COUNT
    command = [sys.executable, "-m", "tests.fuzz.clips", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\nthe last lines: {done.stderr[-2000:]}"

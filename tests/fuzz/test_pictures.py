"""A short run of the fuzzer in each test run, a long one by ``make fuzz``."""

import os
import subprocess
import sys
from pathlib import Path

from fer_core.images import FORMATS
from tests.fuzz.pictures import check, mutants, seed_pictures

ROOT = Path(__file__).resolve().parents[2]
SHORT = 800
LONG = 10_000


def test_the_seeds_are_pictures() -> None:
    for kind, contents in seed_pictures().items():
        assert [check(content) for content in contents] == ["read"] * len(contents), kind


def test_a_seed_gives_the_same_pictures_again() -> None:
    first = list(mutants(3 * len(FORMATS), 1))
    assert first == list(mutants(3 * len(FORMATS), 1)) != list(mutants(3 * len(FORMATS), 2))


def test_mutated_pictures_are_read_or_refused() -> None:
    """In a process of its own: for the peak of the memory, and since a crash would end it."""
    count = LONG if os.environ.get("FER_FUZZ") else SHORT
    command = [sys.executable, "-m", "tests.fuzz.pictures", str(count)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(result.stdout)
    assert result.returncode == 0, result.stderr[-4000:] + result.stdout

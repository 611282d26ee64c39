"""What the fuzzers share: mutations of bytes, and the run that times, counts and keeps their cases."""

import faulthandler
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from fer_core.errors import UserError

ROOT: Final = Path(__file__).resolve().parents[2]

MAX_SECONDS: Final = 5.0
"""CPU time of one case."""
MAX_MEGABYTES: Final = 600
"""Memory of all cases above that at the start."""
HANGS: Final = 120
"""Seconds after which a case counts as one that never ends; the process then prints where it is and exits."""

Files = Mapping[str, bytes]
"""Name of each file of a case -> its content."""
Mutation = Callable[[random.Random, bytes], bytes]
T = TypeVar("T")


# Mutations ----------------------------------------------------------------------------------------


def flip_bytes(random: random.Random, content: bytes) -> bytes:
    """Change a few bytes anywhere."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 12)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def flip_head(random: random.Random, content: bytes) -> bytes:
    """Change a few of the first bytes, where sizes and kinds are."""
    return flip_bytes(random, content[:220]) + content[220:]


def write_number(random: random.Random, content: bytes) -> bytes:
    """Put a number that is often taken for a size over some bytes."""
    number = random.choice((0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF))
    form = random.choice(("<H", ">H", "<I", ">I"))
    value = struct.pack(form, number & (2 ** (8 * struct.calcsize(form)) - 1))
    place = random.randrange(len(content))
    return content[:place] + value + content[place + len(value) :]


def truncate(random: random.Random, content: bytes) -> bytes:
    """Cut the end off."""
    return content[: random.randrange(len(content))]


def cut_out(random: random.Random, content: bytes) -> bytes:
    """Leave some bytes out."""
    place, length = random.randrange(len(content)), random.randint(1, 40)
    return content[:place] + content[place + length :]


def repeat(random: random.Random, content: bytes) -> bytes:
    """Write some bytes twice."""
    place, length = random.randrange(len(content)), random.randint(1, 200)
    return content[: place + length] + content[place:]


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(flip_bytes, flip_head, write_number, truncate, cut_out, repeat),
)
"""Mutations of any file."""


def mutated(random: random.Random, content: bytes) -> bytes:
    """Apply one to three of ``MUTATIONS``."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        content = random.choice(MUTATIONS)(random, content) or b"\0"
    return content


# Runs ---------------------------------------------------------------------------------------------


def outcome(read: Callable[[], object]) -> str:
    """Return "read", or "refused" for an error of one sentence; raise whatever else comes of a case.

    Raises:
        AssertionError: for a message of several lines, or a warning that is caused in fer_core.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            read()
            result = "read"
        except UserError as error:
            assert "\n" not in str(error), f"not one sentence: {error}"
            assert len(str(error)) < 1000, f"not one sentence: {error}"
            result = "refused"
    ours = [str(each.message) for each in caught if "fer_core" in each.filename]
    assert not ours, f"warnings: {ours}"
    return result


def write_files(files: Files, folder: Path) -> None:
    """Write the files of a case below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def in_folder(check: Callable[[Path], str]) -> Callable[[Files], str]:
    """Return a check of files from one of the folder that holds them, which is new for each case."""

    def checked(files: Files) -> str:
        with tempfile.TemporaryDirectory() as name:
            write_files(files, Path(name))
            return check(Path(name))

    return checked


def run(
    cases: Iterable[tuple[str, T]], check: Callable[[T], str], keep: Callable[[T, Path], None]
) -> int:
    """Try cases and print a table by their kinds; return how many had a fault.

    Args:
        cases: kind and content of each.
        check: returns "read" or "refused".
        keep: writes a case that had a fault to a path.
    """
    start = _megabytes()
    results: dict[str, Counter[str]] = {}
    faults, slowest = 0, 0.0
    for number, (kind, content) in enumerate(cases):
        print(f"\r{number} {kind}", end=" ", file=sys.stderr, flush=True)
        faulthandler.dump_traceback_later(HANGS, exit=True)
        began, memory = time.process_time(), _megabytes()
        try:
            result = check(content)
        except Exception:
            result = traceback.format_exc()
        seconds, grown = time.process_time() - began, _megabytes() - memory
        slowest = max(slowest, seconds)
        if result not in ("read", "refused") or seconds > MAX_SECONDS or grown > MAX_MEGABYTES:
            faults += 1
            path = Path(tempfile.mkdtemp()) / kind
            keep(content, path)
            print(f"{path}: {seconds:.1f} s, {grown} MB\n{result}", file=sys.stderr)
            result = "fault"
        results.setdefault(kind, Counter())[result] += 1
    faulthandler.cancel_dump_traceback_later()
    megabytes = _megabytes() - start
    print(f"\n{'kind':20}{'read':>8}{'refused':>9}{'faults':>8}")
    for kind, counts in results.items():
        row = (counts[name] for name in ("read", "refused", "fault"))
        print("{:20}{:8,}{:9,}{:8,}".format(kind, *row))
    print(f"slowest {slowest:.2f} s, {megabytes} MB above the start")
    return faults + (megabytes > MAX_MEGABYTES)


def _megabytes() -> int:
    """Return the largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def run_apart(module: str, *, short: int, long: int) -> None:
    """Run a fuzzer in a process of its own: for the peak of its memory, and since a crash would end it.

    Args:
        module: name of the fuzzer in ``tests.fuzz``.
        short: number of its cases in each test run.
        long: that by ``make fuzz``.
    """
    count = long if os.environ.get("FER_FUZZ") else short
    command = [sys.executable, "-X", "faulthandler", "-m", f"tests.fuzz.{module}", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\nthe last lines: {done.stderr[-4000:]}"

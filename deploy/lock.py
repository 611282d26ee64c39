"""Choose packages from a lock: the image installs some of them from elsewhere, and does without others.

    python3 deploy/lock.py requirements.txt --without torch 'nvidia-*'     the lock without these
    python3 deploy/lock.py requirements.txt --only torch torchvision       names and versions of these alone

It runs before anything is installed, so it imports nothing but the standard library.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path


def entries(lock: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each package of a lock, with its hashes."""
    for text in re.split(r"(?m)^(?=[\w.-]+(?:\[[^]]*])?==)", lock)[1:]:
        yield re.split(r"[=[]", text, maxsplit=1)[0], text


def without(lock: str, patterns: Sequence[str]) -> str:
    """Return the lock without the packages whose names fit a pattern."""
    kept = [text for name, text in entries(lock) if not fits(name, patterns)]
    return "".join(kept)


def only(lock: str, patterns: Sequence[str]) -> str:
    """Return ``name==version`` of the packages whose names fit a pattern, a line each, without hashes."""
    pairs = [(name, text.split()[0]) for name, text in entries(lock) if fits(name, patterns)]
    return "".join(f"{requirement}\n" for _, requirement in pairs)


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a name fits one of the patterns."""
    return any(fnmatch(name, pattern) for pattern in patterns)


def main() -> None:
    """Print the chosen part of a lock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--without", nargs="+", metavar="PATTERN")
    group.add_argument("--only", nargs="+", metavar="PATTERN")
    options = parser.parse_args()
    lock = options.lock.read_text(encoding="utf-8")
    sys.stdout.write(only(lock, options.only) if options.only else without(lock, options.without))


if __name__ == "__main__":
    main()

"""What a reader leaves out of a dataset, counted and named in one sentence."""

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from fer_core.errors import in_short
from fer_core.images import SUFFIXES
from fer_core.labels import ALIASES, EXPRESSIONS

MAX_KINDS: Final = 6
"""Kinds of omissions that are named; the others are counted together."""


class Omissions(Counter[str]):
    """Number of faces or files that are left out, by kind, such as "contempt" or ".heic files"."""

    def add_files(self, files: Iterable[Path]) -> None:
        """Count the files among others that are not images, without hidden ones."""
        for file in files:
            if (
                file.suffix.lower() not in SUFFIXES
                and not file.name.startswith(".")
                and file.is_file()
            ):
                ending = in_short(file.suffix.lower())
                self[f"{ending} files" if ending else "files without an ending"] += 1

    def add_folder(self, name: str, pictures: int) -> None:
        """Count the pictures in a folder that is not named after a class."""
        if pictures:
            near = get_close_matches(name.lower(), (*EXPRESSIONS, *ALIASES), 1)
            guess = f", did you mean {near[0]}?" if near else ""
            self[f"folder {in_short(repr(name))} (no class{guess})"] += pictures

    def notes(self, name: str) -> tuple[str, ...]:
        """Return a sentence with the kinds and their numbers, the largest first; () where there is nothing.

        Args:
            name: of the dataset.
        """
        if not self:
            return ()
        ordered = sorted(self.items(), key=lambda item: (-item[1], item[0]))
        kinds = [f"{kind} {count:,}" for kind, count in ordered[:MAX_KINDS]]
        if more := sum(count for _, count in ordered[MAX_KINDS:]):
            kinds.append(f"others {more:,}")
        return (f"{name}: left out: {', '.join(kinds)}",)

"""Labelled face crops, however they were stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import UserError
from fer_core.labels import EXPRESSIONS
from fer_core.types import Image

SPLITS = ("Training", "PublicTest", "PrivateTest")
"""FER2013's own names: training, validation, test."""


class DataError(UserError):
    """A dataset that cannot be read; the message names the file, the line and the remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """N face crops with their labels."""

    images: list[Image]
    """N grey images, uint8; sizes may differ."""
    labels: NDArray[np.int64]
    """(N,) class numbers in the order of ``EXPRESSIONS``."""
    splits: NDArray[np.str_]
    """(N,) names out of ``SPLITS``."""
    votes: NDArray[np.float32] | None = None
    """(N, 10) FER+ votes in the columns of ``fer2013new.csv``, or None."""
    affect: NDArray[np.float32] | None = None
    """(N, 2) valence and arousal as people rated them, -1..1, NaN where unknown; or None."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Name of each file or folder that was read -> what it is, for the model card."""

    def __len__(self) -> int:
        return len(self.images)

    def select(self, mask: NDArray[np.bool_]) -> "FaceSet":
        """The faces where ``mask`` (N,) is true."""
        images = [image for image, keep in zip(self.images, mask, strict=True) if keep]
        votes, affect = (None if rows is None else rows[mask] for rows in (self.votes, self.affect))
        return FaceSet(images, self.labels[mask], self.splits[mask], votes, affect, self.sources)

    def split(self, name: str) -> "FaceSet":
        """The faces of one split; ``all`` gives every face.

        Raises:
            DataError: for an unknown or an empty split.
        """
        if name == "all":
            return self
        if name not in SPLITS:
            raise DataError(f"unknown split {name!r}; choose one of {', '.join(SPLITS)}, all")
        part = self.select(self.splits == name)
        if not len(part):
            present = ", ".join(sorted(set(self.splits.tolist())))
            raise DataError(f"the data have no split {name}; they have {present}")
        return part

    def copies(self, of: "FaceSet") -> NDArray[np.bool_]:
        """(N,) whether the very same picture is among the faces of another set."""
        known = {(image.shape, image.tobytes()) for image in of.images}
        return np.array([(image.shape, image.tobytes()) in known for image in self.images], bool)

    def counts(self) -> dict[str, NDArray[np.int64]]:
        """Split -> (7,) faces of each class, for the splits that have any."""
        of = {split: self.labels[self.splits == split] for split in SPLITS}
        return {
            split: np.bincount(labels, minlength=len(EXPRESSIONS))
            for split, labels in of.items()
            if len(labels)
        }

    def some_of_each(self, number: int, seed: int) -> list[NDArray[np.int64]]:
        """Of each class the numbers of some faces, at random; fewer where it has fewer."""
        rng = np.random.default_rng(seed)
        of = (np.flatnonzero(self.labels == label) for label in range(len(EXPRESSIONS)))
        return [rng.permutation(numbers)[:number] for numbers in of]

    def with_votes(self, votes: NDArray[np.float32]) -> "FaceSet":
        """The same faces with FER+ votes, row for row.

        Raises:
            DataError: if there are not as many rows of votes as faces.
        """
        if len(votes) != len(self):
            raise DataError(
                f"{len(votes)} rows of FER+ votes for {len(self)} faces: "
                "fer2013new.csv goes row for row with the complete fer2013.csv"
            )
        return replace(self, votes=votes)


def join(sets: list[FaceSet]) -> FaceSet:
    """One set out of several. Where only some have votes, or valence and arousal, the faces of the others
    get none: zeros and NaN."""
    votes = affect = None
    if any(part.votes is not None for part in sets):
        votes = np.concatenate(
            [np.zeros((len(p), 10), np.float32) if p.votes is None else p.votes for p in sets]
        )
    if any(part.affect is not None for part in sets):
        affect = np.concatenate(
            [
                np.full((len(p), 2), np.nan, np.float32) if p.affect is None else p.affect
                for p in sets
            ]
        )
    return FaceSet(
        [image for part in sets for image in part.images],
        np.concatenate([part.labels for part in sets]),
        np.concatenate([part.splits for part in sets]),
        votes,
        affect,
        _sources(sets),
    )


def _sources(sets: list[FaceSet]) -> dict[str, str]:
    """The sources of all, also where sets of different origin bear one name."""
    sources: dict[str, str] = {}
    for name, source in (item for part in sets for item in part.sources.items()):
        names = (name if n == 1 else f"{name} ({n})" for n in count(1))
        sources[next(key for key in names if sources.get(key, source) == source)] = source
    return sources

"""Labeled face crops in memory, independent of the layout on disk."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import UserError
from fer_core.labels import EXPRESSIONS
from fer_core.types import Image

SPLITS = ("Training", "PublicTest", "PrivateTest")
"""FER2013's names of the train, validation and test split."""

UNSPLIT = ""
"""Split of faces whose set says nothing of splits: PrivateTest in evaluation, and in training what
``fer_core.data.training`` makes of them."""


class DataError(UserError):
    """Raised if a dataset cannot be read; the message names the file, the line and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """N face crops with their labels."""

    images: list[Image]
    """N gray images, uint8; sizes may differ."""
    labels: NDArray[np.int64]
    """(N,) class numbers in the order of ``EXPRESSIONS``."""
    splits: NDArray[np.str_]
    """(N,) names of ``SPLITS``; ``UNSPLIT`` only within the readers."""
    votes: NDArray[np.float32] | None = None
    """(N, 10) FER+ votes in the columns of ``fer2013new.csv``, or None."""
    affect: NDArray[np.float32] | None = None
    """(N, 2) valence and arousal as rated by people, -1..1, NaN where unknown; or None."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Name of each file or folder that was read -> its dataset, paper and terms, for the model card."""
    names: NDArray[np.str_] | None = None
    """(N,) path of each image below the folder of its set; None for tables of pixels, "" where such a table
    was joined."""
    people: NDArray[np.str_] | None = None
    """(N,) name of the person or drawn character on each image, "" where a joined set names none; None where
    no set names any."""
    held_out: str = ""
    """Person or character that was held out, or ``random`` (``hold_out``); "" where nobody was."""
    teaching: tuple[str, ...] = ()
    """Keys of ``sources`` whose faces are in Training; () where nobody asked, as in evaluation."""
    notes: tuple[str, ...] = ()
    """Sentences about splits that were made by rule, and about what is missing for training."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sha256(self) -> str:
        """SHA-256 of the images and labels in their order: the same for the same faces, whatever their file
        is called."""
        digest = hashlib.sha256()
        for image, label in zip(self.images, self.labels.tolist(), strict=True):
            digest.update(f"{image.shape} {label} ".encode())
            digest.update(image.tobytes())
        return digest.hexdigest()

    def select(self, mask: NDArray[np.bool_]) -> "FaceSet":
        """Return the faces where ``mask`` (N,) is true."""
        images = [image for image, keep in zip(self.images, mask, strict=True) if keep]
        votes, affect = (None if rows is None else rows[mask] for rows in (self.votes, self.affect))
        return replace(
            self,
            images=images,
            labels=self.labels[mask],
            splits=self.splits[mask],
            votes=votes,
            affect=affect,
            names=None if self.names is None else self.names[mask],
            people=None if self.people is None else self.people[mask],
        )

    def first(self, number: int) -> "FaceSet":
        """Return the first faces, all if there are not more than ``number``."""
        return self.select(np.arange(len(self)) < number)

    def split(self, name: str) -> "FaceSet":
        """Return the faces of one split.

        Args:
            name: one of ``SPLITS``, or ``all`` for every face.

        Raises:
            DataError: if the split is unknown or empty.
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

    def copies_of(self, other: "FaceSet") -> NDArray[np.bool_]:
        """Return (N,) whether each image is an exact copy of an image in another set."""
        other_images = {(image.shape, image.tobytes()) for image in other.images}
        return np.array(
            [(image.shape, image.tobytes()) in other_images for image in self.images], bool
        )

    def counts(self) -> dict[str, NDArray[np.int64]]:
        """Return split -> (7,) number of faces of each class, for the splits that are not empty."""
        labels_by_split = {split: self.labels[self.splits == split] for split in SPLITS}
        return {
            split: np.bincount(labels, minlength=len(EXPRESSIONS))
            for split, labels in labels_by_split.items()
            if len(labels)
        }

    def sample_each_class(self, number: int, seed: int) -> list[NDArray[np.int64]]:
        """Draw up to ``number`` faces of each class at random.

        Returns:
            Indices of the faces, one array for each of ``EXPRESSIONS``.
        """
        rng = np.random.default_rng(seed)
        by_class = (np.flatnonzero(self.labels == label) for label in range(len(EXPRESSIONS)))
        return [rng.permutation(indices)[:number] for indices in by_class]

    def with_votes(self, votes: NDArray[np.float32]) -> "FaceSet":
        """Return the same faces with FER+ votes.

        Args:
            votes: (N, 10) vote counts, one row for each face.

        Raises:
            DataError: if the number of rows differs from the number of faces.
        """
        if len(votes) != len(self):
            raise DataError(
                f"{len(votes)} rows of FER+ votes for {len(self)} faces: "
                "fer2013new.csv belongs to the complete fer2013.csv, row by row"
            )
        return replace(self, votes=votes)


def join(sets: list[FaceSet]) -> FaceSet:
    """Join several sets into one.

    If only some sets have votes, the other faces get zeros; if only some have valence and arousal, the
    other faces get NaN.
    """
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
    sources, teaching = _sources(sets)
    return FaceSet(
        [image for part in sets for image in part.images],
        np.concatenate([part.labels for part in sets]),
        np.concatenate([part.splits for part in sets]),
        votes,
        affect,
        sources,
        _texts([(len(part), part.names) for part in sets]),
        _texts([(len(part), part.people) for part in sets]),
        next((part.held_out for part in sets if part.held_out), ""),
        teaching,
        tuple(note for part in sets for note in part.notes),
    )


def _texts(parts: list[tuple[int, NDArray[np.str_] | None]]) -> NDArray[np.str_] | None:
    """Join the texts of several sets, given with their sizes: "" for a set without, None if none has any."""
    if all(texts is None for _, texts in parts):
        return None
    return np.concatenate([np.full(size, "") if texts is None else texts for size, texts in parts])


def _sources(sets: list[FaceSet]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Merge the sources of all sets; different sources with the same name are numbered.

    Returns:
        The sources, and the keys of those that have faces in Training.
    """
    sources: dict[str, str] = {}
    teaching: dict[str, None] = {}
    for part in sets:
        teaches = bool((part.splits == SPLITS[0]).any())
        for name, source in part.sources.items():
            names = (name if n == 1 else f"{name} ({n})" for n in count(1))
            key = next(key for key in names if sources.get(key, source) == source)
            sources[key] = source
            if teaches:
                teaching[key] = None
    return sources, tuple(teaching)

"""Splits made by rule: where a dataset has none or lacks one, and where somebody is held out."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import SPLITS, UNSPLIT, DataError, FaceSet
from fer_core.data.readers.folders import SPLIT_NAMES
from fer_core.data.tables import plain_name
from fer_core.labels import EXPRESSIONS

TRAINING, PUBLIC, PRIVATE = SPLITS

PARTS: Final = 10
"""One part of ten selects, another one measures; eight are trained on."""

RANDOM: Final = "random"
"""Holds out pictures of everybody instead of one person."""

USES: Final = {PUBLIC: "selects the epoch", PRIVATE: "measures the result"}
"""What a split is for."""


def split_set(faces: FaceSet, path: Path) -> FaceSet:
    """Split a set without splits by its file names: a tenth each for PrivateTest and PublicTest.

    A folder that is itself named after a split, as in ``--data fer2013/train``, is that split, unless the set
    has splits of its own. Where some faces have a split, those without are in PrivateTest.

    Args:
        faces: one dataset.
        path: where it was read.
    """
    unsplit = faces.splits == UNSPLIT
    splits = faces.splits.astype("<U11")  # the length of the longest name
    folder = path.resolve().name
    split_by_rule = unsplit.all() or faces.people is not None
    if plain_name(folder) in SPLIT_NAMES and split_by_rule:
        return replace(faces, splits=np.full(len(faces), SPLIT_NAMES[plain_name(folder)]))
    if not unsplit.all():
        return replace(faces, splits=np.where(unsplit, PRIVATE, splits))
    order, part = hashed_order(faces, np.arange(len(faces))), tenth(len(faces))
    splits[:] = TRAINING
    splits[order[:part]] = PRIVATE
    splits[order[part : 2 * part]] = PUBLIC
    counts = ", ".join(f"{(splits == split).sum():,} {split}" for split in SPLITS)
    note = f"{folder} has no folders train, valid and test: split by its file names into {counts}"
    return replace(faces, splits=splits, notes=(*faces.notes, note))


def fill_splits(faces: FaceSet) -> FaceSet:
    """Take a tenth of Training for PublicTest, and another for PrivateTest, where the data have none.

    Args:
        faces: all datasets, joined.

    Raises:
        DataError: if no face is left for training.
    """
    splits, notes = faces.splits.astype("<U11"), list(faces.notes)
    count = int((splits == TRAINING).sum())
    for split in (PUBLIC, PRIVATE):
        training = np.flatnonzero(splits == TRAINING)
        if len(training) and not (splits == split).any():
            chosen = hashed_order(faces, training)[: tenth(count)]
            splits[chosen] = split
            of = f"a tenth of Training, {_faces(len(chosen))}, {USES[split]}"
            notes.append(f"the data have no {split}: {of}")
    if not (splits == TRAINING).any():
        present = ", ".join(sorted(set(faces.splits.tolist())))
        raise DataError(
            f"no face is left for training: the data have {_faces(len(faces))} in {present}; "
            "put more of them into a folder named train"
        )
    notes += [
        f"{name} teaches nothing: none of its faces is in Training"
        for name in faces.sources
        if name not in faces.teaching
    ]
    taught = set(faces.labels[splits == TRAINING].tolist())
    if missing := [name for n, name in enumerate(EXPRESSIONS) if n not in taught]:
        notes.append(f"Training has no face of {', '.join(missing)}, which cannot be learned")
    return replace(faces, splits=splits, notes=tuple(notes))


def hold_out(faces: FaceSet, person: str) -> FaceSet:
    """Split the faces of named people anew, so that a network is measured on somebody who taught it nothing.

    Args:
        faces: all datasets, joined; faces without a name keep their split.
        person: who is PrivateTest; the one before by name, or the last, is PublicTest, and all others are
            Training. ``RANDOM`` mixes all people: a tenth each of the faces, by their file names, is
            PrivateTest and PublicTest. Then everybody is in all splits, and the figures are too high.

    Raises:
        DataError: if the data name nobody, or not this person.
    """
    if faces.people is None:
        raise DataError(
            "the data do not say who is on each picture, so nobody can be held out; leave out --hold-out"
        )
    named = np.flatnonzero(faces.people != "")
    splits = faces.splits.astype("<U11")
    splits[named] = TRAINING
    if person == RANDOM:
        order, part = hashed_order(faces, named), tenth(len(named))
        splits[order[:part]], splits[order[part : 2 * part]] = PRIVATE, PUBLIC
        return replace(faces, splits=splits, held_out=RANDOM)
    people = sorted(set(faces.people[named].tolist()))
    folded = [name.casefold() for name in people]
    if person.casefold() not in folded:
        raise DataError(
            f"{person!r} is nobody of these data; hold out one of {', '.join(people)}, or {RANDOM}"
        )
    number = folded.index(person.casefold())
    for name, split in ((people[number - 1], PUBLIC), (people[number], PRIVATE)):
        splits[faces.people == name] = split
    return replace(faces, splits=splits, held_out=person)


def tenth(count: int) -> int:
    """Return a tenth of a number of faces, at least one."""
    return max(1, count // PARTS)


def hashed_order(faces: FaceSet, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order faces by a hash of their file names, or of their row numbers in tables.

    So it is the same on every machine, has nothing to do with the classes, and hardly changes with a few
    more files.
    """
    names: Sequence[str] = [""] * len(faces) if faces.names is None else faces.names.tolist()
    hashes = [zlib.crc32((names[index] or str(index)).encode()) for index in indices.tolist()]
    return indices[np.argsort(hashes, kind="stable")]


def _faces(count: int) -> str:
    return f"{count:,} face{'s' * (count != 1)}"

"""FER2013's labels beside FER+'s votes."""

import numpy as np

from fer_core.data import FaceSet
from fer_core.data.label_agreement import VOTED_EXPRESSIONS, label_agreement
from fer_core.labels import EXPRESSIONS


def faces(*rows: tuple[str, dict[int, int]]) -> FaceSet:
    """Faces of FER2013's class, each with votes by column of ``fer2013new.csv``."""
    votes = np.zeros((len(rows), 10), np.float32)
    for number, (_, cast) in enumerate(rows):
        votes[number, list(cast)] = list(cast.values())
    return FaceSet(
        [np.zeros((48, 48), np.uint8)] * len(rows),
        np.array([EXPRESSIONS.index(name) for name, _ in rows]),
        np.array(["Training"] * len(rows)),
        votes,
    )


def test_each_pair_of_labels_is_counted() -> None:
    both = label_agreement(
        faces(
            ("happy", {1: 10}),
            ("sad", {0: 6, 3: 4}),  # neutral
            ("sad", {0: 7, 3: 3}),
            ("fear", {2: 9, 6: 1}),  # surprise
            ("angry", {7: 8, 4: 2}),  # contempt
            ("angry", {9: 10}),  # not a face
        )
    )
    assert both is not None
    counts = both.counts
    assert counts.shape == (7, 8) and counts.sum() == 5
    assert counts[EXPRESSIONS.index("happy"), VOTED_EXPRESSIONS.index("happy")] == 1
    assert counts[EXPRESSIONS.index("fear"), VOTED_EXPRESSIONS.index("surprise")] == 1
    assert counts[EXPRESSIONS.index("angry"), VOTED_EXPRESSIONS.index("contempt")] == 1
    assert both.share == 1 / 5 and both.unknown == 1
    row, column = both.largest_disagreement()
    assert (EXPRESSIONS[row], VOTED_EXPRESSIONS[column]) == ("sad", "neutral")
    assert both.faces(row, column).tolist() == [1, 2]


def test_faces_without_votes_have_nothing_to_compare() -> None:
    voted = faces(("happy", {1: 10}))
    assert label_agreement(FaceSet(voted.images, voted.labels, voted.splits)) is None
    none = label_agreement(faces(("happy", {})))
    assert none is not None and none.unknown == 1 and none.share == 0


def test_classes_are_counted_by_split_and_drawn_at_random() -> None:
    labels = np.array([3, 3, 3, 0, 6])
    splits = np.array(["Training", "Training", "PrivateTest", "Training", "PrivateTest"])
    face_set = FaceSet([np.zeros((4, 4), np.uint8)] * 5, labels, splits)
    assert {split: counts.tolist() for split, counts in face_set.counts().items()} == {
        "Training": [1, 0, 0, 2, 0, 0, 0],
        "PrivateTest": [0, 0, 0, 1, 0, 0, 1],
    }
    some = face_set.sample_each_class(2, seed=1)
    assert [len(numbers) for numbers in some] == [1, 0, 0, 2, 0, 0, 1]
    assert set(some[3].tolist()) < {0, 1, 2} and some[0].tolist() == [3]
    samples = {tuple(face_set.sample_each_class(2, seed)[3].tolist()) for seed in range(20)}
    assert len(samples) > 1, "another seed, other faces"
    assert face_set.sample_each_class(2, seed=1)[3].tolist() == some[3].tolist()

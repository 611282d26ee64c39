"""Splits that are made by rule for training, and what is said of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import SPLITS, DataError, FaceSet, read_faces, read_training_faces
from fer_core.data.training import fill_splits
from fer_core.labels import EXPRESSIONS

Picture = Callable[..., Path]


def split_counts(faces: FaceSet) -> list[int]:
    return [int((faces.splits == split).sum()) for split in SPLITS]


def add_pictures(picture: Picture, folder: str, count: int) -> None:
    """Write some pictures of each class."""
    for label, name in enumerate(EXPRESSIONS):
        for number in range(count):
            picture(f"{folder}/{name}/{number}.png", value=10 * label + number)


def test_class_folders_without_splits_are_split_by_their_file_names(
    picture: Picture, tmp_path: Path
) -> None:
    add_pictures(picture, "own", 10)
    faces = read_training_faces([tmp_path / "own"])
    assert split_counts(faces) == [56, 7, 7] and faces.teaching == ("own",)
    assert faces.notes == (
        "own has no folders train, valid and test: split by its file names into 56 Training, "
        "7 PublicTest, 7 PrivateTest",
    )
    assert read_training_faces([tmp_path / "own"]).splits.tolist() == faces.splits.tolist()
    assert set(read_faces([tmp_path / "own"]).splits) == {"PrivateTest"}, "evaluation takes all"


def test_files_keep_their_split_when_others_are_added(picture: Picture, tmp_path: Path) -> None:
    def splits() -> dict[str, str]:
        faces = read_training_faces([tmp_path / "own"])
        assert faces.names is not None
        return dict(zip(faces.names.tolist(), faces.splits.tolist(), strict=True))

    add_pictures(picture, "own", 20)
    before = splits()
    picture("own/happy/new.png")
    after = splits()
    assert sum(after[name] != split for name, split in before.items()) <= 2


def test_a_tenth_of_training_selects_where_there_are_only_train_and_test(
    picture: Picture, tmp_path: Path
) -> None:
    add_pictures(picture, "data/train", 10)
    add_pictures(picture, "data/test", 1)
    faces = read_training_faces([tmp_path / "data"])
    assert split_counts(faces) == [63, 7, 7]
    assert faces.notes == (
        "the data have no PublicTest: a tenth of Training, 7 faces, selects the epoch",
    )


def test_two_tenths_of_training_are_taken_where_there_is_nothing_else(
    picture: Picture, tmp_path: Path
) -> None:
    add_pictures(picture, "data/train", 10)
    faces = read_training_faces([tmp_path / "data"])
    assert split_counts(faces) == [56, 7, 7]
    assert [note.split(":")[0] for note in faces.notes] == [
        *("the data have no PublicTest", "the data have no PrivateTest"),
    ]


def test_folders_named_after_splits_can_be_given_one_by_one(
    picture: Picture, tmp_path: Path
) -> None:
    for split, count in (("train", 3), ("valid", 2), ("test", 1)):
        add_pictures(picture, f"data/{split}", count)
    faces = read_training_faces([tmp_path / "data" / name for name in ("train", "valid", "test")])
    assert split_counts(faces) == [21, 14, 7]
    assert faces.teaching == ("train",)


def test_tables_lend_a_tenth_too() -> None:
    faces = FaceSet(
        [np.full((4, 4), n, np.uint8) for n in range(40)],
        np.arange(40) % 7,
        np.array(["Training"] * 30 + ["PrivateTest"] * 10),
    )
    split = fill_splits(faces)
    assert split_counts(split) == [27, 3, 10]


def test_a_set_that_teaches_nothing_is_named(picture: Picture, tmp_path: Path) -> None:
    add_pictures(picture, "own", 10)
    add_pictures(picture, "other/test", 1)
    faces = read_training_faces([tmp_path / "own", tmp_path / "other"])
    assert faces.teaching == ("own",) and list(faces.sources) == ["own", "other"]
    assert faces.notes[-1] == "other teaches nothing: none of its faces is in Training"


def test_classes_without_a_face_are_named(picture: Picture, tmp_path: Path) -> None:
    for number in range(10):
        picture(f"own/{('happy', 'sad')[number % 2]}/{number}.png")
    (_, note) = read_training_faces([tmp_path / "own"]).notes
    assert note == (
        "Training has no face of angry, disgust, fear, surprise, neutral, which cannot be learned"
    )


@pytest.mark.parametrize("names", [("test/happy/a.png",), ("happy/a.png", "sad/b.png")])
def test_data_without_a_face_for_training_are_refused(
    picture: Picture, tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        picture(f"own/{name}")
    with pytest.raises(DataError, match=r"no face is left for training: the data have . face"):
        read_training_faces([tmp_path / "own"])

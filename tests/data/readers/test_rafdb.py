"""RAF-DB's layout on a tiny example, and each way it can be broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.data import DataError, read_faces
from fer_core.labels import EXPRESSIONS

Write = Callable[..., Path]


@pytest.fixture
def write(picture: Callable[..., Path], tmp_path: Path) -> Write:
    """``write(["train_00001.jpg 5"])``: the list and an image for each of its lines."""

    def write(lines: list[str]) -> Path:
        file = tmp_path / "RAF-DB" / "basic" / "EmoLabel" / "list_patition_label.txt"
        file.parent.mkdir(parents=True)
        file.write_text("\n".join(lines) + "\n")
        for line in lines:
            stem = line.split(".")[0]
            picture(f"RAF-DB/basic/Image/aligned/{stem}_aligned.jpg", size=(100, 100))
        return tmp_path / "RAF-DB"

    return write


def test_labels_and_splits(write: Write) -> None:
    training = [f"train_{n:05}.jpg {n % 7 + 1}" for n in range(14)]
    folder = write([*training, "test_0001.jpg 4"])
    faces = read_faces([folder])
    order = ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]
    assert [EXPRESSIONS[label] for label in faces.labels] == [*order, *order, "happy"]
    assert [n for n in range(15) if faces.splits[n] == "PublicTest"] == [0, 10]
    assert faces.splits[-1] == "PrivateTest" and len(faces.split("Training")) == 12
    assert faces.images[0].shape == (96, 96)
    assert read_faces([folder / "basic"]).labels.tolist() == faces.labels.tolist()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "train_00002.jpg 8",
            r"label\.txt, line 2: class '8' is not one of 1 to 7; .* not compound",
        ),
        ("train_00002.jpg", r"label\.txt, line 2: class '' is not"),
        ("valid_00002.jpg 3", r"label\.txt, line 2: expected a line like"),
    ],
)
def test_a_broken_line_is_named(write: Write, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_faces([write(["train_00001.jpg 5", line])])


def test_a_missing_image_is_named_with_its_line(write: Write) -> None:
    folder = write(["train_00001.jpg 5", "test_0001.jpg 5"])
    (folder / "basic/Image/aligned/test_0001_aligned.jpg").unlink()
    with pytest.raises(DataError, match=r"line 2: there is no file .*test_0001_aligned\.jpg"):
        read_faces([folder])

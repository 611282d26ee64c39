"""AffectNet's tables on a tiny example, and each way they can be broken."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.data import DataError, read_faces
from fer_core.labels import EXPRESSIONS

HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal"
)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write("training.csv", ["1/a.png,0,0,10,10,1;2,3,0.5,-0.5"])``: a table beside one picture, 1/a.png,
    whose left half is 50 and whose right half is 200."""
    pixels = np.full((40, 60, 3), 50, np.uint8)
    pixels[:, 30:] = 200
    (tmp_path / "AffectNet" / "1").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "AffectNet" / "1" / "a.png")

    def write(name: str, rows: list[str], header: str = HEADER) -> Path:
        file = tmp_path / "AffectNet" / name
        file.write_text("\n".join([header, *rows]) + "\n")
        return file

    return write


def row(
    expression: object, valence: object = 0, arousal: object = 0, box: str = "2,3,20,30"
) -> str:
    return f"1/a.png,{box},1;2;3;4,{expression},{valence},{arousal}"


def test_labels_and_ratings(write: Write) -> None:
    faces = read_faces([write("validation.csv", [row(n, n / 10, -n / 10) for n in range(11)])])
    named = [EXPRESSIONS[label] for label in faces.labels]
    assert named == ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry"]
    assert faces.affect == pytest.approx(np.array([(n / 10, -n / 10) for n in range(7)]))
    assert set(faces.splits) == {"PrivateTest"}


def test_faces_are_cropped_by_their_bounding_boxes(write: Write) -> None:
    rows = [row(0), row(0, box="32,0,10,10"), row(0, -2, -2, box="20,10,100,100")]
    faces = read_faces([write("training.csv", rows)])
    assert [image.shape for image in faces.images] == [(30, 20), (10, 10), (30, 40)]
    assert faces.images[0].mean() == 50 and faces.images[1].mean() == 200
    assert faces.affect is not None
    assert np.isnan(faces.affect[2]).all(), "-2 means that nobody rated it"


def test_both_tables_of_a_folder_are_read(write: Write) -> None:
    write("training.csv", [row(1)] * 11)
    folder = write("validation.csv", [row(2)]).parent
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    faces = read_faces([folder])
    counts = {split: len(faces.split(split)) for split in set(faces.splits)}
    assert counts == {"PublicTest": 2, "Training": 9, "PrivateTest": 1}
    assert faces.splits[0] == faces.splits[10] == "PublicTest"
    assert list(faces.sources) == ["AffectNet"]


def test_rows_without_a_class_are_skipped_even_if_their_image_is_missing(write: Write) -> None:
    rows = ["1/missing.png,NULL,NULL,NULL,NULL,,10,-2,-2", row(3)]
    assert len(read_faces([write("training.csv", rows)])) == 1
    with pytest.raises(DataError, match="header but no faces"):
        read_faces([write("training.csv", rows[:1])])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (row(11), "line 3: expression 11 is not one of 0 to 10"),
        (row("happy"), "line 3: 'happy' is not a number"),
        (row(1, box="0,nan,5,5"), "line 3: 'nan' is not a number"),
        (row(1, box="60,0,5,5"), r"line 3: the box 60, 0, 65, 5 holds nothing of .*a\.png"),
        (row(1).replace("a.png", "b.png"), r"line 3: there is no file .*b\.png"),
        ("1/a.png,2,3", "line 3: 3 fields instead of 9"),
    ],
)
def test_a_broken_row_is_named(write: Write, broken: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"training\.csv, {message}"):
        read_faces([write("training.csv", [row(1), broken])])

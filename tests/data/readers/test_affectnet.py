"""AffectNet's layout on a tiny example, and each way it can be broken."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.data import DataError, FaceSet, read_faces
from fer_core.labels import EXPRESSIONS

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write("train_set", "7", 1, 0.5, -0.5)``: one face of ID 7, happy, with its ratings."""

    def one(
        part: str,
        identity: str,
        expression: object,
        valence: object = 0.0,
        arousal: object = 0.0,
        *,
        size: tuple[int, int] = (30, 40),
        suffix: str = ".jpg",
    ) -> Path:
        images, annotations = (tmp_path / "AffectNet" / part / n for n in ("images", "annotations"))
        for folder in (images, annotations):
            folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (90, 90, 90)).save(images / f"{identity}{suffix}")
        for name, value in (("exp", expression), ("val", valence), ("aro", arousal)):
            np.save(annotations / f"{identity}_{name}.npy", np.array(value))
        return tmp_path / "AffectNet"

    return one


def test_labels_and_ratings(write: Write) -> None:
    for number in range(8):
        folder = write("val_set", f"{number}", number, number / 10, -number / 10)
    faces = read_faces([folder])
    named = [EXPRESSIONS[label] for label in faces.labels]
    assert named == ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry"]
    assert faces.affect == pytest.approx(np.array([(n / 10, -n / 10) for n in range(7)]))
    assert faces.affect.dtype == np.float32 and faces.votes is None
    assert set(faces.splits) == {"PrivateTest"}


def test_annotations_stored_as_text_are_read(write: Write) -> None:
    faces = read_faces([write("train_set", "12", "6", "-0.785", "0.25", suffix=".png")])
    assert faces.labels.tolist() == [EXPRESSIONS.index("angry")]
    assert faces.affect is not None
    assert faces.affect[0] == pytest.approx([-0.785, 0.25])


def test_valence_and_arousal_are_nan_for_faces_that_nobody_rated(write: Write) -> None:
    write("train_set", "1", 1, -2, -2)
    faces = read_faces([write("train_set", "2", 1, -2, 0.5)])
    assert faces.affect is not None
    assert np.isnan(faces.affect).tolist() == [[True, True], [True, False]]


def test_every_tenth_training_face_is_used_for_validation(write: Write) -> None:
    for number in range(20):
        folder = write("train_set", f"{number:02}", 0 if number != 10 else 7)
    write("val_set", "99", 3)
    faces = read_faces([folder])
    counts = {split: len(faces.split(split)) for split in set(faces.splits)}
    assert counts == {"PublicTest": 1, "Training": 18, "PrivateTest": 1}, "10 shows contempt"
    assert faces.splits.tolist() == read_faces([folder]).splits.tolist()


def test_images_are_converted_to_gray_and_scaled_down(write: Write) -> None:
    write("train_set", "1", 0, size=(224, 112))
    small, large = read_faces([write("train_set", "2", 0, size=(30, 40))]).images[::-1]
    assert large.shape == (48, 96) and small.shape == (40, 30)
    assert large.dtype == np.uint8 and np.abs(large.astype(int) - 90).max() <= 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("images/5.jpg", b"no image", r"5\.jpg is not an image"),
        ("images/5.jpg", None, r"5\.jpg is missing"),
        ("annotations/5_val.npy", None, r"5_val\.npy is missing"),
        ("annotations/5_aro.npy", b"", r"5_aro\.npy does not hold a number"),
        ("annotations/5_exp.npy", np.array("sad"), r"5_exp\.npy does not hold a number"),
        ("annotations/5_exp.npy", np.array(8), r"5_exp\.npy: class 8 is not one of 0 to 7"),
        ("annotations/5_val.npy", np.zeros(3), r"5_val\.npy does not hold a number"),
        ("annotations/5_val.npy", np.array([{}], object), r"5_val\.npy does not hold a number"),
    ],
)
def test_a_broken_file_is_named(write: Write, name: str, content: object, message: str) -> None:
    path = write("val_set", "5", 1) / "val_set" / name
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, np.asarray(content))
    with pytest.raises(DataError, match=message):
        read_faces([path.parents[2]])


def test_a_folder_without_faces_is_refused(write: Write) -> None:
    folder = write("val_set", "1", 7)
    with pytest.raises(DataError, match="no faces"):
        read_faces([folder])


def test_faces_of_other_sets_have_no_ratings(write: Write, tmp_path: Path) -> None:
    (tmp_path / "own" / "fear").mkdir(parents=True)
    Image.new("L", (20, 20)).save(tmp_path / "own" / "fear" / "a.png")
    faces: FaceSet = read_faces([write("val_set", "1", 1, 0.5, 0.25), tmp_path / "own"])
    assert faces.affect is not None
    assert faces.affect[0].tolist() == [0.5, 0.25] and np.isnan(faces.affect[1]).all()
    affect = faces.split("PrivateTest").affect
    assert affect is not None and affect.shape == (2, 2)
    assert list(faces.sources) == ["AffectNet", "own"]

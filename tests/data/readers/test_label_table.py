"""Pictures with a table of their labels on a tiny example, and each way it can be broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.data import DataError, read_faces, read_training_faces

Picture = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path, picture: Picture) -> Callable[..., Path]:
    """Return a function that writes a table beside three pictures, and returns its path."""

    def write(*lines: str, name: str = "labels.csv") -> Path:
        for value, file in ((10, "a.jpg"), (90, "deep/b.jpg"), (200, "deep/c.png")):
            picture(f"IEFDB/{file}", value=value, size=(1000, 500))
        path = tmp_path / "IEFDB" / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.mark.parametrize(
    "header", ["Image Name,Expression", "file_name,EMOTION", "filepath,label", "image,Class"]
)
def test_files_and_expressions_are_found_by_their_columns(
    table: Callable[..., Path], header: str
) -> None:
    path = table(f"number,{header}", "1,a.jpg,Happiness", "2,deep/b.jpg,sad", "3,c.png,Neutral")
    for where in (path, path.parent):
        faces = read_faces([where])
        assert faces.labels.tolist() == [3, 4, 6]
        assert [int(image.max()) for image in faces.images] == pytest.approx([10, 90, 200], abs=3)
        assert set(faces.splits) == {"PrivateTest"} and faces.images[0].shape == (128, 256)
        assert faces.sources[where.name].startswith(f"{where.name} (pictures with a table")
    assert read_faces([path], side=640).images[0].shape == (320, 640)
    assert sorted(read_training_faces([path]).splits) == ["PrivateTest", "PublicTest", "Training"]


def test_splits_are_read_from_a_column_or_the_name_of_the_table(
    table: Callable[..., Path],
) -> None:
    path = table("file,emotion,split", "a.jpg,fear,train", "b.jpg,fear,val", "c.png,fear,Test")
    assert read_faces([path]).splits.tolist() == ["Training", "PublicTest", "PrivateTest"]
    path = table("file,emotion", "a.jpg,fear", name="train.csv")
    assert read_faces([path]).splits.tolist() == ["Training"]


def test_rows_without_one_of_the_seven_classes_are_left_out(table: Callable[..., Path]) -> None:
    path = table("file,emotion", "a.jpg,contempt", "b.jpg,surprise", "c.png,No face", "d.png,")
    assert read_faces([path]).labels.tolist() == [5]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg,bored", "line 3: expression 'bored' is not one of angry"),
        ("z.jpg,sad", "line 3: there is no picture 'z.jpg' below"),
        ("a.jpg", "line 3: 1 fields instead of 2"),
    ],
)
def test_a_broken_row_is_named(table: Callable[..., Path], line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_faces([table("file,emotion", "a.jpg,happy", line)])


def test_an_unknown_split_is_named(table: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="line 2: split 'later' is not one of train"):
        read_faces([table("file,emotion,split", "a.jpg,happy,later")])


def test_a_name_that_several_pictures_have_is_refused(
    table: Callable[..., Path], picture: Picture
) -> None:
    picture("IEFDB/other/b.jpg")
    with pytest.raises(DataError, match=r"line 2: there are 2 pictures 'b\.jpg' below .*IEFDB"):
        read_faces([table("file,emotion", "b.jpg,happy")])

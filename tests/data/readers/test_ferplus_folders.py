"""FER+'s own layout on a tiny example, and each way it can be broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.data import DataError, read_faces
from fer_core.labels import EXPRESSIONS

Picture = Callable[..., Path]

HAPPY = "1,8,1,0,0,0,0,0,0,0"
CONTEMPT = "0,0,0,0,0,0,0,9,1,0"
NOT_A_FACE = "0,0,0,0,0,0,0,0,0,10"


def write_split(picture: Picture, folder: str, votes: dict[str, str]) -> Path:
    """Write a folder of one split with its table; return the folder of the set."""
    for number, name in enumerate(votes):
        file = picture(f"FERPlus/{folder}/{name}", value=40 * number)
    lines = [f'{name},"(0, 0, 48, 48)",{row}\n' for name, row in votes.items()]
    (file.parent / "label.csv").write_text("".join(lines))
    return file.parents[1]


def test_the_majority_of_the_votes_is_the_label(picture: Picture) -> None:
    write_split(picture, "FER2013Train", {"fer0.png": HAPPY, "fer1.png": "0,0,0,0,6,0,4,0,0,0"})
    write_split(picture, "FER2013Valid", {"fer2.png": "9,0,0,0,0,0,0,1,0,0"})
    path = write_split(picture, "FER2013Test", {"fer3.png": "0,0,0,0,0,0,10,0,0,0"})
    faces = read_faces([path])
    assert [EXPRESSIONS[label] for label in faces.labels] == ["happy", "angry", "neutral", "fear"]
    assert faces.splits.tolist() == ["Training", "Training", "PublicTest", "PrivateTest"]
    assert faces.votes is not None and faces.votes[1].tolist() == [0, 0, 0, 0, 6, 0, 4, 0, 0, 0]
    assert "FER+" in faces.sources["FERPlus"]


def test_images_without_one_of_the_seven_classes_are_left_out(picture: Picture) -> None:
    rows = {"a.png": CONTEMPT, "b.png": HAPPY, "c.png": NOT_A_FACE, "d.png": "1,1,1,1,1,1,1,1,1,1"}
    faces = read_faces([write_split(picture, "FER2013Train", rows)])
    assert faces.labels.tolist() == [3] and faces.images[0].max() == 40
    assert faces.votes is not None and faces.votes.shape == (1, 10)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('a.png,"(0, 0, 48, 48)",1,2', "line 2: expected a line like fer0000000.png"),
        (f'a.png,"(0, 0, 48, 48)",{HAPPY[:-1]}x', "line 2: 'x' is not a number"),
        (f'missing.png,"(0, 0, 48, 48)",{HAPPY}', "line 2: .*missing.png"),
    ],
)
def test_a_broken_line_is_named(picture: Picture, line: str, message: str) -> None:
    path = write_split(picture, "FER2013Train", {"a.png": HAPPY})
    with (path / "FER2013Train" / "label.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=message):
        read_faces([path])

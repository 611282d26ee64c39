"""Each dataset layout on a tiny example, and each way it can be broken."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.data import DataError, majority, read_faces, vote_targets
from fer_core.data.crops import read_face
from fer_core.data.readers.ferplus import CSV_COLUMNS
from fer_core.data.splits import split_people, training_or_public
from fer_core.images import FORMATS, SUFFIXES

PIXELS = " ".join(str(i % 256) for i in range(48 * 48))
ROWS: list[tuple[object, str, str]] = [
    (3, PIXELS, "Training"),
    (0, PIXELS, "PublicTest"),
    (6, PIXELS, "PrivateTest"),
]


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: list[tuple[object, str, str]] = ROWS, header: str | None = None) -> Path:
        path = tmp_path / "fer2013.csv"
        lines = [",".join(map(str, row)) for row in rows]
        path.write_text("\n".join([header or "emotion,pixels,Usage", *lines]) + "\n")
        return path

    return write


def test_the_kaggle_table_is_read(table: Callable[..., Path]) -> None:
    faces = read_faces([table()])
    assert faces.labels.tolist() == [3, 0, 6]
    assert faces.images[0].shape == (48, 48) and faces.images[0][1, 2] == 50
    assert len(faces.split("PublicTest")) == 1 and faces.split("PublicTest").labels[0] == 0


def test_the_icml_table_with_leading_blanks_is_read(table: Callable[..., Path]) -> None:
    rows = [(label, usage, pixels) for label, pixels, usage in ROWS]
    faces = read_faces([table(rows, "emotion, Usage, pixels")])
    assert faces.labels.tolist() == [3, 0, 6] and faces.splits[2] == "PrivateTest"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((9, PIXELS, "Training"), "line 5: class 9"),
        ((3, PIXELS[:-4], "Training"), "line 5: 2303 pixels instead of 2304"),
        ((3, PIXELS.replace("255", "300"), "Training"), "line 5: "),
        ((3, PIXELS, "Test"), "line 5: usage 'Test' is not one of Training"),
        (("x", PIXELS, "Training"), "line 5: "),
        ((3, PIXELS), "line 5: 2 fields instead of 3"),
    ],
)
def test_a_broken_row_is_named(
    table: Callable[..., Path], row: tuple[object, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_faces([table([*ROWS, row])])


def test_other_files_are_refused(table: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"known layout .it has the columns a, b, c, but none of file .*; give one of: fer",
    ):
        read_faces([table(header="a,b,c")])
    binary = tmp_path / "weights.bin"
    binary.write_bytes(b"0" * 200_000)
    with pytest.raises(DataError, match="not a dataset of a known layout"):
        read_faces([binary])
    with pytest.raises(DataError, match="does not exist"):
        read_faces([tmp_path / "nothing.csv"])
    with pytest.raises(DataError, match="has a header but no faces"):
        read_faces([table([])])


def test_folders_named_after_classes_or_aliases_are_read(tmp_path: Path) -> None:
    for name in ("train/anger", "test/happiness", "test/Neutral", "test/other"):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (30, 40), (90, 90, 90)).save(tmp_path / name / "a.png")
    faces = read_faces([tmp_path])
    assert sorted(zip(faces.labels.tolist(), faces.splits.tolist(), strict=True)) == [
        (0, "Training"),
        (3, "PrivateTest"),
        (6, "PrivateTest"),
    ]
    assert faces.images[0].shape == (40, 30)


def test_a_folder_without_classes_and_a_broken_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder with one folder of images a class"):
        read_faces([tmp_path])
    (tmp_path / "sad").mkdir()
    (tmp_path / "sad" / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.png"):
        read_faces([tmp_path])


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("train", "Training", "a/train"), "Training"),
        (("valid", "validation", "val", "PublicTest"), "PublicTest"),
        (("test", "PrivateTest", "faces", "train/test"), "PrivateTest"),
    ],
)
def test_parent_folders_name_the_split(tmp_path: Path, names: tuple[str, ...], split: str) -> None:
    for name in names:
        (tmp_path / name / "fear").mkdir(parents=True)
        Image.new("L", (48, 48)).save(tmp_path / name / "fear" / "a.jpg")
        (tmp_path / name / "fear" / "._a.jpg").write_bytes(b"left by an archive of macOS")
    assert read_faces([tmp_path]).splits.tolist() == [split] * len(names)


def test_classes_have_many_names(tmp_path: Path) -> None:
    names = ("Anger", "Disgusted", "fearful", "joy", "SADNESS", "Surprised", "neutral")
    for name in names:
        (tmp_path / name).mkdir()
        Image.new("L", (1000, 500)).save(tmp_path / name / "a.tiff")
    faces = read_faces([tmp_path])
    assert sorted(faces.labels.tolist()) == [0, 1, 2, 3, 4, 5, 6]
    assert faces.images[0].shape == (128, 256), "an image of any size takes little memory"
    assert faces.sources[tmp_path.name].startswith(f"{tmp_path.name} (a folder of images by class)")


def test_empty_class_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sad").mkdir()
    with pytest.raises(DataError, match="no faces; is the download whole"):
        read_faces([tmp_path])


def test_votes_match_the_faces_row_by_row(table: Callable[..., Path], tmp_path: Path) -> None:
    plus = tmp_path / "fer2013new.csv"
    header = ",".join(("Usage", "Image name", *CSV_COLUMNS))
    lines = [f"Training,a.png,{','.join(map(str, row))}" for row in np.eye(10, dtype=int)[:3] * 10]
    plus.write_text("\n".join([header, *lines]))
    faces = read_faces([table()], plus)
    assert faces.votes is not None and faces.votes[1].tolist() == [0, 10, *[0] * 8]
    test_votes = faces.split("PrivateTest").votes
    assert test_votes is not None and test_votes.tolist() == [[0, 0, 10, *[0] * 7]]
    plus.write_text("\n".join([header, *lines[:2]]))
    with pytest.raises(DataError, match="2 rows of FER\\+ votes for 3 faces"):
        read_faces([table()], plus)


def test_joined_sets_keep_their_votes(table: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "set" / "fear"
    folder.mkdir(parents=True)
    Image.new("L", (20, 20)).save(folder / "a.png")
    faces = read_faces([table(), tmp_path / "set"])
    assert faces.labels.tolist() == [3, 0, 6, 2] and faces.votes is None


def test_an_unknown_or_empty_split_is_named(table: Callable[..., Path]) -> None:
    faces = read_faces([table(ROWS[:1])])
    with pytest.raises(DataError, match="choose one of Training, PublicTest, PrivateTest, all"):
        faces.split("test")
    with pytest.raises(DataError, match="no split PublicTest; they have Training"):
        faces.split("PublicTest")


def test_single_votes_are_dropped_and_ties_go_to_the_first_class() -> None:
    votes = np.array(
        [
            [4, 0, 0, 1, 3, 2, 0, 0, 0, 0],  # a single taker is dropped
            [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],  # the first wins a tie
            [2, 0, 0, 0, 0, 0, 0, 0, 8, 0],  # mostly unknown: does not count
            [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],  # nothing is left
        ],
        np.float32,
    )
    assert majority(votes).tolist() == [0, 0, -1, -1]
    targets = vote_targets(votes)
    assert targets[0] == pytest.approx([4 / 9, 0, 0, 0, 3 / 9, 2 / 9, 0, 0])
    assert targets.sum(1) == pytest.approx([1, 1, 0.2, 0])


def test_ferplus_has_the_expected_counts(shared: Callable[[str], Path]) -> None:
    from fer_core.data.readers.ferplus import read_votes

    path = shared("data/fer2013/fer2013new.csv")
    usage = np.array([line.split(",")[0] for line in path.read_text().splitlines()[1:]])
    counts = majority(read_votes(path)) >= 0
    assert counts[usage == "PrivateTest"].sum() == 3546
    assert counts[usage == "PublicTest"].sum() == 3553


def test_people_are_split_by_name() -> None:
    ten = split_people(f"{n:02}" for n in range(10))
    assert [ten[f"{n:02}"] for n in (0, 5, 6, 7, 8, 9)] == [
        *("Training", "Training", "PublicTest", "PublicTest", "PrivateTest", "PrivateTest")
    ]
    assert split_people("cabab") == {"a": "Training", "b": "PublicTest", "c": "PrivateTest"}
    assert split_people("ba") == {"a": "PublicTest", "b": "PrivateTest"}
    assert split_people("a") == {"a": "PrivateTest"}
    assert [training_or_public(n) for n in (0, 1, 9, 10)] == [
        *("PublicTest", "Training", "Training", "PublicTest")
    ]


def test_a_face_is_cropped_from_its_image(tmp_path: Path) -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(6, 10)
    file = tmp_path / "a.png"
    Image.fromarray(pixels).save(file)
    assert (read_face(file, box=(2, 1, 5, 4)) == pixels[1:4, 2:5]).all()
    assert (read_face(file, box=(-3, 4, 2, 90)) == pixels[4:, :2]).all()
    for box in ((10, 0, 20, 5), (-9, 0, -1, 5), (3, 3, 3, 5)):
        with pytest.raises(DataError, match=r"^list, line 2: the box .* holds nothing of .*a\.png"):
            read_face(file, box=box, location="list, line 2")


def test_images_of_every_named_format_are_read_and_cropped(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "happy"
    folder.mkdir(parents=True)
    picture = Image.new("L", (48, 48), 90)
    for kind, suffixes in FORMATS.items():
        for suffix in suffixes:
            picture.save(folder / f"{kind}{suffix}", kind)
            picture.save(folder / f"{kind}-capitals{suffix.upper()}", kind)
    faces = read_faces([tmp_path / "set"])
    assert len(faces) == 2 * len(SUFFIXES)
    assert all(abs(int(image.mean()) - 90) <= 2 for image in faces.images)


def test_a_damaged_image_whose_pixels_are_there_is_read_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "happy"
    folder.mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        Image.new("L", (48, 48), 90).save(folder / name)
    (folder / "b.jpg").write_bytes((folder / "b.jpg").read_bytes()[:-2])
    faces = read_faces([tmp_path / "set"])
    note = "b.jpg: The file ends too early, but all of its pixels are there."
    assert len(faces) == 2
    assert faces.notes == (f"set: pictures read with a note: 1, such as {note}",)

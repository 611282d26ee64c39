"""Sets as people have them: Kaggle's variants, other programs' tables, capitals, and what is left out."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.data import DataError, read_faces, read_training_faces
from fer_core.data.readers.unlabeled import read_unlabeled
from fer_core.labels import EXPRESSIONS

Picture = Callable[..., Path]
PIXELS = " ".join(str(number % 256) for number in range(48 * 48))


def write(path: Path, *lines: str, ends: str = "\n", encoding: str = "utf-8") -> Path:
    """Write a text, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((ends.join(lines) + ends).encode(encoding))
    return path


# Tables -------------------------------------------------------------------------------------------


def test_kaggles_training_table_has_no_column_of_splits(tmp_path: Path) -> None:
    rows = [f"{number % 7},{PIXELS}" for number in range(20)]
    faces = read_faces([write(tmp_path / "train.csv", "emotion,pixels", *rows)])
    assert faces.labels.tolist() == [number % 7 for number in range(20)]
    assert set(faces.splits) == {"Training"}
    other = write(tmp_path / "faces.csv", "emotion,pixels", *rows)
    assert set(read_faces([other]).splits) == {"PrivateTest"}
    splits = read_training_faces([other]).splits.tolist()
    assert {name: splits.count(name) for name in set(splits)} == {
        "Training": 16,
        "PublicTest": 2,
        "PrivateTest": 2,
    }


def test_the_missing_column_is_named(tmp_path: Path, picture: Picture) -> None:
    with pytest.raises(
        DataError, match=r"test\.csv, line 1: there is no column emotion, .* labels"
    ):
        read_faces([write(tmp_path / "test.csv", "pixels", PIXELS)])
    with pytest.raises(
        DataError, match=r"columns image, age, but none of expressions, such as label"
    ):
        read_faces([write(tmp_path / "list.csv", "image,age", "a.png,7")])
    with pytest.raises(
        DataError, match=r"columns emotion, age, but none of file names, such as image"
    ):
        read_faces([write(tmp_path / "list.csv", "emotion,age", "happy,7")])
    with pytest.raises(DataError, match=r"give the table itself: test\.csv"):
        read_faces([tmp_path])


@pytest.mark.parametrize(
    "how",
    [
        {"ends": "\r\n"},
        {"ends": "\r"},
        {"ends": "\n\n"},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
    ],
)
def test_tables_of_other_programs_are_read(tmp_path: Path, how: dict[str, str]) -> None:
    path = write(tmp_path / "t.csv", " Emotion, USAGE ,pixels", f'3, training ,"{PIXELS}"', **how)
    faces = read_faces([path])
    assert (faces.labels.tolist(), faces.splits.tolist()) == ([3], ["Training"])


@pytest.mark.parametrize("first", [[], ["sep=;"], [""]])
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_found(
    tmp_path: Path, picture: Picture, first: list[str], delimiter: str
) -> None:
    picture("a.png")
    first = [line.replace(";", delimiter) for line in first]
    lines = (*first, "number,image,label", '1,a.png,"HAPPY"')
    path = write(tmp_path / "l.csv", *(line.replace(",", delimiter) for line in lines))
    assert read_faces([path]).labels.tolist() == [EXPRESSIONS.index("happy")]


def test_labels_that_pandas_wrote_as_floats_and_names_are_read(tmp_path: Path) -> None:
    rows = [f"{label},{PIXELS},Training" for label in ("3.0", "Happy", "SAD", " neutral ")]
    faces = read_faces([write(tmp_path / "fer.csv", "emotion,pixels,Usage", *rows)])
    assert faces.labels.tolist() == [3, 3, 4, 6]
    with pytest.raises(DataError, match=r"line 2: '3\.5' is not a whole number"):
        read_faces([write(tmp_path / "fer.csv", "emotion,pixels", f"3.5,{PIXELS}")])


def test_a_file_without_line_ends_is_not_read_whole(tmp_path: Path, picture: Picture) -> None:
    picture("happy/a.png")
    path = tmp_path / "list.csv"
    with path.open("wb") as file:
        file.truncate(10**13)  # ten terabytes of zeros, of which the disk holds none
    assert len(read_faces([tmp_path])) == 1, "it is looked at, and is not a table"
    with pytest.raises(DataError, match="is not a dataset of a known layout"):
        read_faces([path])
    for name, header in (("list.csv", b"image,label\n"), ("fer.csv", b"emotion,pixels\n")):
        with (tmp_path / name).open("wb") as file:
            file.write(header)
            file.truncate(10**13)
        with pytest.raises(
            DataError, match=f"{name}, line 2: a row of more than 500,000 characters"
        ):
            read_faces([tmp_path / name])


def test_a_list_without_line_ends_is_not_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "EmoLabel" / "list_patition_label.txt", "")
    with path.open("wb") as file:
        file.truncate(10**13)
    with pytest.raises(DataError, match="a row of more than 500,000 characters"):
        read_faces([tmp_path])


# RAF-DB of Kaggle ---------------------------------------------------------------------------------


@pytest.fixture
def rafdb(picture: Picture, tmp_path: Path) -> Path:
    """Write RAF-DB as Kaggle hands it out: 14 faces of train, 7 of test; return its folder."""
    for part, count in (("train", 14), ("test", 7)):
        rows = []
        for number in range(count):
            name, label = f"{part}_{number:05}_aligned.jpg", number % 7 + 1
            picture(f"archive/DATASET/{part}/{label}/{name}", size=(100, 100))
            rows.append(f"{name},{label}")
        write(tmp_path / "archive" / f"{part}_labels.csv", "image,label", *rows)
    return tmp_path / "archive"


def test_rafdb_of_kaggle_is_read(rafdb: Path) -> None:
    order = ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]
    for path in (rafdb, rafdb / "DATASET"):
        faces = read_faces([path])
        assert [EXPRESSIONS[label] for label in faces.labels] == order * 3
        assert [n for n in range(21) if faces.splits[n] == "PublicTest"] == [0, 10]
        assert len(faces.split("PrivateTest")) == 7 and len(faces.split("Training")) == 12
        assert next(iter(faces.sources.values())).startswith("RAF-DB")


def test_tables_of_rafdb_stand_for_their_part(rafdb: Path) -> None:
    assert set(read_faces([rafdb / "test_labels.csv"]).splits) == {"PrivateTest"}
    assert len(read_faces([rafdb / "train_labels.csv"])) == 14


def test_folders_with_numbers_alone_are_not_taken_for_rafdb(
    picture: Picture, tmp_path: Path
) -> None:
    picture("set/train/1/a.jpg")
    with pytest.raises(DataError, match="none of its folders is named after a class: 1"):
        read_faces([tmp_path / "set"])


# Capitals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("write_name", [str.upper, str.title, lambda name: f"{name} "])
@pytest.mark.parametrize(
    ("form", "split"),
    [
        ("{0}/a.png", "PrivateTest"),
        ("Train/{0}/a.png", "Training"),
        ("VAL/{0}/a.png", "PublicTest"),
        ("{0}/S010_004_00000017.png", "PrivateTest"),
        ("ann/ann_{0}/a.png", "PrivateTest"),
    ],
)
def test_folders_are_named_in_any_case(
    picture: Picture, tmp_path: Path, write_name: Callable[[str], str], form: str, split: str
) -> None:
    for name in ("anger", "happy"):
        picture(f"set/{form.format(write_name(name))}")
    faces = read_faces([tmp_path / "set"])
    assert sorted(faces.labels.tolist()) == [0, 3] and set(faces.splits) == {split}


def test_ck_is_split_by_person_one_folder_further_down(picture: Picture, tmp_path: Path) -> None:
    for person in range(5):
        picture(f"archive/CK+48/happy/S{person:03}_004_00000017.png")
    splits = read_faces([tmp_path / "archive"]).splits.tolist()
    assert splits == ["Training"] * 3 + ["PublicTest", "PrivateTest"]


def test_jaffes_names_are_read_in_any_case(picture: Picture, tmp_path: Path) -> None:
    for name in ("ka.an1.39.png", "KA.HA2.30.png"):
        picture(f"jaffe/{name}")
    assert sorted(read_faces([tmp_path / "jaffe"]).labels.tolist()) == [0, 3]


# What is left out ---------------------------------------------------------------------------------


def test_what_a_folder_leaves_out_is_counted_and_named(picture: Picture, tmp_path: Path) -> None:
    for name in ("happy/a.png", "happy/b.JPG", "hapy/a.png", "hapy/b.png", "contempt/a.png"):
        picture(f"set/train/{name}")
    picture("set/train/sad/a.png")
    for name in (
        "happy/c.heic",
        "happy/d.HEIC",
        "happy/notes.txt",
        "happy/README",
        "happy/.hidden",
    ):
        (tmp_path / "set" / "train" / name).write_bytes(b"")
    (tmp_path / "set" / "train" / "empty").mkdir()
    faces = read_faces([tmp_path / "set"])
    assert len(faces) == 3
    assert faces.notes == (
        "set: left out: .heic files 2, folder 'hapy' (no class, did you mean happy?) 2, "
        ".txt files 1, files without an ending 1, folder 'contempt' (no class) 1",
    )
    assert faces.notes[0] in read_training_faces([tmp_path / "set"]).notes


def test_rows_that_a_table_leaves_out_are_counted_and_named(
    picture: Picture, tmp_path: Path
) -> None:
    picture("set/a.png")
    rows = ["a.png,Happy", "b.png,Contempt", "c.png,contempt", "d.png,"]
    faces = read_faces([write(tmp_path / "set" / "list.csv", "image,label", *rows).parent])
    assert faces.notes == ("set: left out: rows of contempt 2, rows without a class 1",)


def test_other_layouts_count_what_they_leave_out(picture: Picture, tmp_path: Path) -> None:
    for name in ("happy", "contempt", "Contempt "):
        picture(f"CK+48/{name}/S010_004_00000017.png")
    write(tmp_path / "CK+48" / "happy" / "notes.txt", "x")
    notes = read_faces([tmp_path / "CK+48"]).notes
    assert notes == ("CK+48: left out: contempt 2, .txt files 1",)
    picture("FER/FER2013Train/a.png")
    votes = [
        "9,0,0,0,0,0,0,0,0,0",
        "0,0,0,0,0,0,0,9,0,0",
        "0,0,0,0,0,0,0,0,0,9",
        "1,1,0,0,0,0,0,0,0,0",
    ]
    rows = [f'a.png,"(0, 0, 48, 48)",{each}' for each in votes]
    notes = read_faces([write(tmp_path / "FER/FER2013Train/label.csv", *rows).parents[1]]).notes
    assert notes == ("FER: left out: contempt 1, not a face 1, without a majority 1",)


def test_a_set_of_which_nothing_is_left_says_why(picture: Picture, tmp_path: Path) -> None:
    (tmp_path / "set" / "sad").mkdir(parents=True)
    (tmp_path / "set" / "sad" / "a.heic").write_bytes(b"")
    with pytest.raises(DataError, match=r"but no faces; .* .set: left out: \.heic files 1.$"):
        read_faces([tmp_path / "set"])


def test_a_pipe_among_the_pictures_is_not_waited_for(picture: Picture, tmp_path: Path) -> None:
    picture("set/sad/a.png")
    os.mkfifo(tmp_path / "set" / "sad" / "b.png")
    with pytest.raises(DataError, match=r"b\.png is not a file"):
        read_faces([tmp_path / "set"])


# Nothing leads out --------------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path: Path, picture: Picture) -> Path:
    """Return a folder of datasets, beside which lies ``secret.png``."""
    picture("secret.png")
    picture("host/set/happy/a.png")
    picture("host/table/a.png")
    return tmp_path / "host"


def test_a_table_does_not_lead_out(host: Path) -> None:
    secret = (host.parent / "secret.png").resolve()
    for name in (
        "../../secret.png",
        str(secret),
        "../../nothing.png",
        "link.png",
        "..\\..\\secret.png",
    ):
        if not (link := host / "table" / "link.png").is_symlink():
            link.symlink_to(secret)
        table = write(host / "table" / "list.csv", "image,label", f"{name},happy")
        with pytest.raises(DataError, match="leads out of the folder of datasets"):
            read_faces([table], within=host)
    write(host / "table" / "list.csv", "image,label", f"{secret},happy")
    assert len(read_faces([host / "table"])) == 1, "the caller's own files may lie anywhere"
    write(host / "table" / "list.csv", "image,label", "../set/happy/a.png,happy")
    assert len(read_faces([host / "table"], within=host)) == 1


def test_links_do_not_lead_out(host: Path) -> None:
    (host / "set" / "happy" / "b.png").symlink_to(host.parent / "secret.png")
    (host / "linked").symlink_to(host.parent)
    (host / "loop").symlink_to(host / "loop")
    for name in ("set", "linked", "loop"):
        with pytest.raises(DataError, match="leads out of the folder of datasets"):
            read_faces([host / name], within=host)
    (host / "set" / "happy" / "b.png").unlink()
    (host / "set" / "sad").symlink_to(host.parent)
    with pytest.raises(DataError, match="leads out of the folder of datasets"):
        read_faces([host / "set"], within=host)


def test_other_tables_do_not_lead_out(host: Path) -> None:
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,expression,valence,arousal"
    tables = {
        "training.csv": [header, "../../secret.png,0,0,9,9,1,0,0"],
        "FER2013Train/label.csv": ['../../../secret.png,"(0, 0, 48, 48)",9,0,0,0,0,0,0,0,0,0'],
    }
    for name, lines in tables.items():
        folder = host / name.partition(".")[0].replace("/", "_")
        write(folder / name, *lines)
        with pytest.raises(DataError, match="leads out of the folder of datasets"):
            read_faces([folder], within=host)


def test_a_mosaic_has_the_tiles_that_are_asked_for(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(tmp_path / "part.webp", lossless=True)
    for tiles, message in (
        ("0,3", None),
        ("-1", "has no tiles -1 to -1"),
        ("99999", "has no tiles"),
    ):
        rows = [f"part,{tile},train" for tile in tiles.split(",")]
        write(tmp_path / "index.csv", "mosaic,tile,split", *rows)
        if message is None:
            assert [image.shape for image in read_unlabeled(tmp_path).images] == [(48, 48)] * 2
        else:
            with pytest.raises(DataError, match=message):
                read_unlabeled(tmp_path)

"""FERG-DB, CK+48 and JAFFE: nobody is in two splits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.data import DataError, FaceSet, hold_out, read_faces, read_training_faces
from fer_core.data.faceset import SPLITS
from fer_core.data.training import split_set
from fer_core.labels import EXPRESSIONS

Picture = Callable[..., Path]


def named(faces: FaceSet) -> list[str]:
    return [EXPRESSIONS[label] for label in faces.labels]


def gray_values(faces: FaceSet, split: str) -> list[int]:
    """Values of the flat images of a split, which tell who they show."""
    return sorted({int(image[0, 0]) for image in faces.split(split).images})


FERG = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")


def test_ferg_characters_are_split_by_name(picture: Picture, tmp_path: Path) -> None:
    for value, character in enumerate(("aia", "bonnie", "jules", "malcolm", "mery", "ray")):
        for name in FERG:
            picture(f"FERG/{character}/{character}_{name}/{name}_1.png", value, (256, 256))
    faces = read_faces([tmp_path / "FERG"])
    order = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert named(faces) == order * 6 and faces.images[0].shape == (96, 96)
    assert gray_values(faces, "Training") == [0, 1, 2, 3]
    assert (gray_values(faces, "PublicTest"), gray_values(faces, "PrivateTest")) == ([4], [5])
    assert faces.sources["FERG"].startswith("FERG-DB (Aneja et al. 2016)")


def test_a_character_is_held_out_and_random_mixes_all(picture: Picture, tmp_path: Path) -> None:
    for value, character in enumerate(("aia", "bonnie", "jules")):
        for name in FERG:
            for number in range(3):
                picture(f"FERG/{character}/{character}_{name}/{number}.png", value)
    path = tmp_path / "FERG"
    faces = read_training_faces([path], held_out="Bonnie")
    assert [gray_values(faces, split) for split in SPLITS] == [[2], [0], [1]]
    assert gray_values(hold_out(read_faces([path]), "aia"), "PublicTest") == [2]
    mixed = read_training_faces([path], held_out="random")
    assert [len(mixed.split(split)) for split in SPLITS] == [51, 6, 6]
    with pytest.raises(
        DataError, match="'zoe' is nobody of these data; hold out one of aia, bonnie"
    ):
        hold_out(faces, "zoe")


def test_nobody_is_held_out_of_data_without_names(picture: Picture, tmp_path: Path) -> None:
    picture("happy/a.png")
    with pytest.raises(DataError, match="the data do not say who is on each picture"):
        read_training_faces([tmp_path], held_out="random")


def test_characters_in_a_folder_named_after_a_split_are_that_split(
    picture: Picture, tmp_path: Path
) -> None:
    for character in ("aia", "bonnie"):
        picture(f"train/{character}/{character}_joy/a.png")
    assert set(split_set(read_faces([tmp_path / "train"]), tmp_path / "train").splits) == {
        "Training"
    }


def test_ferg_names_an_unknown_class(picture: Picture, tmp_path: Path) -> None:
    picture("ray/ray_joy/a.png")
    picture("ray/ray_contempt/a.png")
    with pytest.raises(DataError, match=r"ray_contempt: class 'contempt' is not one of anger"):
        read_faces([tmp_path])


def test_ckplus_is_read_without_contempt_and_split_by_subject(
    picture: Picture, tmp_path: Path
) -> None:
    order = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "contempt")
    for subject in range(10):
        for frame in (17, 18):
            name = f"{order[subject % 7]}/S{100 + subject}_004_{frame:08}.png"
            picture(f"CK+48/{name}", subject)
    faces = read_faces([tmp_path / "CK+48"])
    assert gray_values(faces, "Training") == [0, 1, 2, 3, 4, 5, 7], "6 shows contempt"
    assert (gray_values(faces, "PublicTest"), gray_values(faces, "PrivateTest")) == ([8], [9])
    assert sorted(set(named(faces))) == sorted(EXPRESSIONS[:6])
    assert named(faces.split("PrivateTest")) == ["fear"] * 2
    assert faces.sources["CK+48"].startswith("CK+48 (Lucey et al. 2010)")


def test_ckplus_names_an_unknown_class(picture: Picture, tmp_path: Path) -> None:
    picture("anger/S010_004_00000017.png")
    picture("bored/S010_004_00000018.png")
    with pytest.raises(DataError, match="bored is not named after one of CK\\+48's classes"):
        read_faces([tmp_path])


def test_a_folder_with_images_of_other_sets_is_read_as_a_folder_of_classes(
    picture: Picture, tmp_path: Path
) -> None:
    for subject in range(3):
        picture(f"anger/S01{subject}_004_00000017.png")
    picture("neutral/mine.png")
    assert set(read_faces([tmp_path]).splits) == {"PrivateTest"}


JAFFE = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")


def test_jaffe_is_split_by_person(picture: Picture, tmp_path: Path) -> None:
    for value, person in enumerate(JAFFE):
        for number, code in enumerate(("AN", "DI", "FE", "HA", "SA", "SU", "NE")):
            picture(f"jaffe/{person}.{code}1.{number}.tiff", value, (256, 256))
    (tmp_path / "jaffe" / "README").write_text("not an image")
    faces = read_faces([tmp_path / "jaffe"])
    assert sorted(named(faces)) == sorted(EXPRESSIONS * 10)
    assert named(faces)[:7] == ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert gray_values(faces, "Training") == [0, 1, 2, 3, 4, 5]
    assert (gray_values(faces, "PublicTest"), gray_values(faces, "PrivateTest")) == ([6, 7], [8, 9])
    assert faces.images[0].shape == (96, 96)


@pytest.mark.parametrize("name", ["KA.XX1.40.tiff", "portrait.png"])
def test_jaffe_reports_a_file_name_that_it_cannot_parse(
    picture: Picture, tmp_path: Path, name: str
) -> None:
    picture("KA.AN1.39.tiff")
    picture(name)
    with pytest.raises(DataError, match=f"{name} is not named after person and expression"):
        read_faces([tmp_path])


@pytest.mark.parametrize(
    "name", ["ray/ray_joy/a.png", "anger/S010_004_00000017.png", "KA.AN1.39.tiff"]
)
def test_a_broken_image_is_named(picture: Picture, tmp_path: Path, name: str) -> None:
    picture(name).write_bytes(b"no image")
    with pytest.raises(DataError, match=f"{Path(name).name} is not an image"):
        read_faces([tmp_path])


def test_sets_with_equal_names_keep_their_sources(picture: Picture, tmp_path: Path) -> None:
    folders = [
        picture("a/data/KA.AN1.39.tiff").parent,
        picture("b/data/ray/ray_joy/a.png").parents[2],
        picture("c/data/KA.AN1.39.tiff").parent,
    ]
    faces = read_faces(folders)
    assert len(faces) == 3 and list(faces.sources) == ["data", "data (2)"]
    assert [source.split(" (")[0] for source in faces.sources.values()] == ["JAFFE", "FERG-DB"]

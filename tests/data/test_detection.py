"""Faces cut out of whole pictures: how they are framed, which is kept, and what is left out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from fer_core.data import DataError, read_training_faces
from fer_core.data.crop_folder import crop_folder
from fer_core.data.detection import FaceCropper
from fer_core.faces import Detector, load_detector
from fer_core.geometry import MEAN_POINTS, alignment, mean_points, upright_square
from fer_core.types import Face, Floats, Image


class TwoFaces:
    """A detector of a large face, and of a small one that it is surer of; both have the mean layout."""

    def detect(self, image: Image) -> list[Face]:
        boxes = {(0.0, 0.0, 100.0, 100.0): 0.7, (120.0, 20.0, 180.0, 80.0): 0.9}
        return [Face(box=b, score=s, points=mean_points(b)) for b, s in boxes.items()]


class NoFaces:
    """A detector that finds nothing."""

    def detect(self, image: Image) -> list[Face]:
        return []


@pytest.fixture(scope="module")
def mtcnn() -> Detector:
    return load_detector("mtcnn", min_face=20)


@pytest.fixture
def pictures(tmp_path: Path, astronaut: Image) -> Path:
    """Write two pictures with a face and one without into folders of classes."""
    large = np.full((1200, 2000, 3), 127, np.uint8)
    large[300:812, 700:1212] = astronaut
    for name, image in (
        ("train/happy/small.png", astronaut),
        ("train/happy/large.jpg", large),
        ("test/happy/wall.png", np.full((300, 300, 3), 90, np.uint8)),
        ("test/happy/again.png", astronaut[:, ::-1]),
    ):
        file = tmp_path / "IN" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(image).save(file)
    return tmp_path / "IN"


def test_the_upright_square_puts_the_mean_layout_where_it_is() -> None:
    points = mean_points((10, 20, 110, 120))
    assert upright_square(points) == pytest.approx((10, 20, 110, 120), abs=0.01)


def test_the_points_of_a_crop_are_those_of_the_mean_layout(
    mtcnn: Detector, astronaut: Image, astronaut_points: Floats
) -> None:
    crop = FaceCropper(mtcnn)(astronaut)
    assert crop is not None and crop.dtype == np.uint8 and crop.ndim == 2
    side = len(crop)
    x0, y0, x1, _ = upright_square(astronaut_points)
    assert side == pytest.approx(x1 - x0, abs=6) and crop.shape == (side, side)
    eyes_and_mouth = (astronaut_points - (x0, y0)) / (x1 - x0)
    assert eyes_and_mouth == pytest.approx(MEAN_POINTS, abs=0.08)
    whole = astronaut.mean(axis=2)[round(y0) : round(y0) + side, round(x0) : round(x0) + side]
    assert np.corrcoef(whole.ravel(), crop.ravel())[0, 1] > 0.9


def test_the_largest_or_the_best_face_is_kept_and_sizes_are_limited() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    largest, best, small = (
        FaceCropper(TwoFaces(), **options)(image)
        for options in ({}, {"keep": "best"}, {"max_side": 64})
    )
    assert largest is not None and largest.shape == (100, 100)
    assert best is not None and best.shape == (60, 60)
    assert small is not None and small.shape == (64, 64)
    gray = image.astype(float) @ (0.299, 0.587, 0.114)
    assert largest == pytest.approx(gray[:100, :100], abs=1.5)
    assert best == pytest.approx(gray[20:80, 120:180], abs=1.5)


def test_small_faces_are_enlarged_to_48_pixels(mtcnn: Detector, astronaut: Image) -> None:
    small = np.asarray(Pillow.fromarray(astronaut).resize((160, 160)))
    crop = FaceCropper(mtcnn)(small)
    assert crop is not None and crop.shape == (48, 48)


def test_a_large_picture_is_searched_in_small_and_cut_in_full_size(
    mtcnn: Detector, astronaut: Image
) -> None:
    large = np.asarray(Pillow.fromarray(astronaut).resize((2048, 2048)))
    crop = FaceCropper(mtcnn)(large)
    assert crop is not None and crop.shape == (256, 256)
    fine = FaceCropper(mtcnn, max_side=1000)(large)
    assert fine is not None and 350 < len(fine) < 550


# Folders ------------------------------------------------------------------------------------------


def test_a_folder_is_cropped_into_the_same_folders(
    mtcnn: Detector, pictures: Path, tmp_path: Path
) -> None:
    shares: list[float] = []
    result = crop_folder(pictures, tmp_path / "OUT", FaceCropper(mtcnn), progress=shares.append)
    assert shares == [0.25, 0.5, 0.75, 1]
    assert result.without_face == [pictures / "test/happy/wall.png"] and not result.unreadable
    written = sorted(p.relative_to(tmp_path / "OUT") for p in (tmp_path / "OUT").rglob("*.*"))
    names = ("test/happy/again.png", "train/happy/large.jpg", "train/happy/small.png")
    assert written == [Path(name) for name in names]
    for name in names:
        crop = Pillow.open(tmp_path / "OUT" / name)
        assert crop.mode == "L" and min(crop.size) >= 48 and crop.width == crop.height
    faces = read_training_faces([tmp_path / "OUT"])
    assert len(faces) == 3 and set(faces.labels.tolist()) == {3}


def test_a_table_is_copied_without_the_pictures_that_show_no_face(
    mtcnn: Detector, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "labels.csv").write_text(
        "id,Image,Emotion\n1,small.png,happy\n2,test/happy/wall.png,sad\n3,large.jpg,happy\n"
    )
    (pictures / "other.csv").write_text("a,b\n1,2\n")
    crop_folder(pictures, tmp_path / "OUT", FaceCropper(mtcnn))
    text = (tmp_path / "OUT" / "labels.csv").read_text()
    assert text == "id,Image,Emotion\n1,small.png,happy\n3,large.jpg,happy\n"
    assert not (tmp_path / "OUT" / "other.csv").exists()


def test_a_broken_picture_is_reported_and_the_others_are_cropped(
    mtcnn: Detector, pictures: Path, tmp_path: Path
) -> None:
    broken = pictures / "test" / "happy" / "broken.png"
    broken.write_bytes(b"no picture")
    result = crop_folder(pictures, tmp_path / "OUT", FaceCropper(mtcnn))
    ((file, sentence),) = result.unreadable
    assert file == broken and "broken.png is not an image" in sentence
    assert len(result.cropped) == 3


def test_the_target_must_be_an_empty_folder_elsewhere(pictures: Path, tmp_path: Path) -> None:
    cropper = FaceCropper(NoFaces())
    with pytest.raises(DataError, match=r"lies in .*; give a folder outside of it"):
        crop_folder(pictures, pictures / "OUT", cropper)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(DataError, match="is not an empty folder; give a new one"):
        crop_folder(pictures, tmp_path / "full", cropper)
    with pytest.raises(DataError, match="holds no pictures"):
        crop_folder(tmp_path / "full", tmp_path / "OUT", cropper)
    with pytest.raises(DataError, match="is not a folder"):
        crop_folder(tmp_path / "none", tmp_path / "OUT", cropper)


# Training -----------------------------------------------------------------------------------------


def test_training_leaves_out_pictures_without_a_face_and_counts_them(
    mtcnn: Detector, pictures: Path
) -> None:
    faces = read_training_faces([pictures], cropper=FaceCropper(mtcnn, max_side=96))
    assert len(faces) == 3 and {max(image.shape) for image in faces.images} <= set(range(48, 97))
    assert faces.notes[0] == ("IN: no face found in 1 of 4 pictures, which are left out")
    assert faces.names is not None and "wall.png" not in " ".join(faces.names.tolist())


def test_pictures_with_a_table_are_searched_and_tables_of_pixels_are_taken_as_they_are(
    mtcnn: Detector, pictures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "IEFDB"
    folder.mkdir()
    for name in ("large.jpg", "small.png"):
        (pictures / "train" / "happy" / name).rename(folder / name)
    (folder / "labels.csv").write_text("file,emotion\nlarge.jpg,happy\nsmall.png,sad\n")
    table = tmp_path / "fer2013.csv"
    pixels = " ".join(["90"] * 48 * 48)
    table.write_text(f"emotion,pixels,Usage\n0,{pixels},Training\n")
    faces = read_training_faces([table, folder], cropper=FaceCropper(mtcnn, max_side=96))
    assert sorted(faces.labels.tolist()) == [0, 3, 4]
    assert [len(image) for image in faces.images] == [48, 96, 96]
    assert "IEFDB: no face found in 0 of 2 pictures, which are left out" in faces.notes


def test_data_without_a_single_face_or_without_pictures_are_an_error(
    pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no face was found in any of the 4 pictures of"):
        read_training_faces([pictures], cropper=FaceCropper(NoFaces()))
    table = tmp_path / "fer2013.csv"
    table.write_text("emotion,pixels,Usage\n0," + " ".join(["90"] * 2304) + ",Training\n")
    with pytest.raises(DataError, match="the data have none of them, so leave it out"):
        read_training_faces([table], cropper=FaceCropper(NoFaces()))


def test_the_alignment_of_a_crop_hardly_changes_it(mtcnn: Detector, astronaut: Image) -> None:
    crop = FaceCropper(mtcnn)(astronaut)
    assert crop is not None
    (face,) = load_detector("mtcnn", min_face=40).detect(np.repeat(crop[..., None], 3, axis=2))
    transform = alignment(face.points, len(crop))
    assert np.hypot(transform[0, 0], transform[1, 0]) == pytest.approx(1, abs=0.1)

"""Images of every kind, and the error messages for those that cannot be used."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PILImage

from fer_core.faces import find_faces, load_detector
from fer_core.images import MAX_MEGAPIXELS, ImageError, read_image, to_gray, to_rgb
from fer_core.types import Image


def encoded(picture: PILImage.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def photo(astronaut: Image) -> PILImage.Image:
    return PILImage.fromarray(astronaut[:240, 80:400])


# Files --------------------------------------------------------------------------------------------


def test_paths_bytes_and_open_files_are_read(photo: PILImage.Image, tmp_path: Path) -> None:
    data = encoded(photo, "PNG")
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    for source in (path, str(path), data, io.BytesIO(data)):
        image = read_image(source)
        assert image.dtype == np.uint8
        assert np.array_equal(image, np.asarray(photo))


def test_open_file_can_be_read_again(photo: PILImage.Image) -> None:
    file = io.BytesIO(encoded(photo, "PNG"))
    assert np.array_equal(read_image(file), read_image(file))


def test_images_are_rotated_as_their_exif_data_says(photo: PILImage.Image) -> None:
    exif = PILImage.Exif()
    exif[0x0112] = 6  # the camera was turned; viewers turn the picture right by 90 degrees
    data = encoded(photo.rotate(90, expand=True), "JPEG", exif=exif, quality=95)
    image = read_image(data)
    assert image.shape == (240, 320, 3)
    assert np.abs(image.astype(int) - np.asarray(photo)).mean() < 4
    assert len(find_faces(image, load_detector("mtcnn"))) == 1


@pytest.mark.parametrize(("mode", "kind"), [("L", "PNG"), ("1", "PNG"), ("L", "JPEG")])
def test_gray_images_are_read(mode: str, kind: str) -> None:
    picture = PILImage.new("L", (30, 20), 255)
    picture.paste(0, (0, 0, 16, 20))
    image = read_image(encoded(picture.convert(mode), kind))
    assert image.shape == (20, 30, 3)
    assert (image[:, :14].max(), image[:, 18:].min()) == (0, 255)


def test_transparency_is_blended_with_white() -> None:
    picture = PILImage.new("RGBA", (3, 1), (200, 0, 0, 255))
    picture.putpixel((1, 0), (200, 0, 0, 0))
    picture.putpixel((2, 0), (200, 0, 0, 51))
    image = read_image(encoded(picture, "PNG"))
    assert image.tolist() == [[[200, 0, 0], [255, 255, 255], [244, 204, 204]]]


def test_palette_images_are_read_with_and_without_transparency() -> None:
    picture = PILImage.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 0), 1)
    assert read_image(encoded(picture, "PNG")).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    transparent = encoded(picture, "PNG", transparency=1)
    assert read_image(transparent).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_sixteen_bits_are_scaled() -> None:
    levels = np.array([[0, 257, 32896, 65535]], np.uint16)
    for kind in ("PNG", "TIFF", "PPM"):
        image = read_image(encoded(PILImage.fromarray(levels), kind))
        assert image[0, :, 0].tolist() == [0, 1, 128, 255]
    color = cv2.imencode(".png", np.dstack([levels] * 3))[1].tobytes()
    assert read_image(color)[0, :, 1].tolist() == [0, 1, 128, 255]


def test_cmyk_images_are_read() -> None:
    image = read_image(encoded(PILImage.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert image[8, 8].tolist() == pytest.approx([255, 0, 0], abs=3)


def test_an_image_of_one_pixel_has_no_face() -> None:
    image = read_image(encoded(PILImage.new("RGB", (1, 1), (1, 2, 3)), "PNG"))
    assert image.tolist() == [[[1, 2, 3]]]
    assert find_faces(image, load_detector("mtcnn")) == []


def test_a_file_that_is_not_an_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("not a picture")
    with pytest.raises(ImageError, match=r"notes\.jpg is not an image; give a JPEG, PNG or WebP"):
        read_image(path)
    with pytest.raises(ImageError, match="the file is not an image"):
        read_image(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_truncated_image_is_refused(photo: PILImage.Image, kind: str, share: float) -> None:
    data = encoded(photo, kind)
    with pytest.raises(ImageError, match="is damaged or ends too early"):
        read_image(data[: int(len(data) * share)])


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"there is no file .*nothing\.png"):
        read_image(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="cannot be opened"):
        read_image(tmp_path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_many_pixels_are_refused_with_the_limit() -> None:
    assert MAX_MEGAPIXELS == 50
    data = encoded(PILImage.new("1", (12_000, 9_000)), "PNG")
    with pytest.raises(ImageError, match=r"larger than 50 megapixels: 108 \(12000 × 9000\)"):
        read_image(data)
    with pytest.raises(ImageError, match="larger than 50 megapixels"):
        read_image(encoded(PILImage.new("1", (20_000, 10_000)), "PNG"))  # more than Pillow opens


# Arrays -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "pixel"),
    [
        (np.full((2, 3), 7, np.uint8), [7, 7, 7]),
        (np.full((2, 3, 1), 7, np.uint8), [7, 7, 7]),
        (np.full((2, 3, 3), 7, np.uint8), [7, 7, 7]),
        (np.full((2, 3, 4), (10, 20, 30, 51), np.uint8), [206, 208, 210]),
        (np.full((2, 3), 257 * 9, np.uint16), [9, 9, 9]),
        (np.full((2, 3), 257 * 9, ">u2"), [9, 9, 9]),
        (np.ones((2, 3), bool), [255, 255, 255]),
        (np.full((2, 3, 3), 0.2, np.float32), [51, 51, 51]),
        (np.full((2, 3), 1.0), [255, 255, 255]),
    ],
)
def test_arrays_of_any_kind_are_converted_to_rgb(array: np.ndarray, pixel: list[int]) -> None:
    image = to_rgb(array)
    assert image.shape == (2, 3, 3) and image.dtype == np.uint8
    assert image[1, 2].tolist() == pixel


def test_rgb_arrays_are_not_copied() -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    assert to_rgb(image) is image


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 2), np.uint8), r"must be \(H, W\), \(H, W, 1\), 3 or 4, not \(2, 3, 2\)"),
        (np.zeros((1, 2, 3, 3), np.uint8), r"not \(1, 2, 3, 3\)"),
        (np.zeros((0, 3, 3), np.uint8), r"not \(0, 3, 3\)"),
        (np.zeros((2, 3), np.int64), "not int64"),
        (np.full((2, 3), 255.0), "divide by 255"),
        (np.full((2, 3), np.nan), "must lie in 0..1"),
    ],
)
def test_arrays_that_are_not_images_are_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_rgb(array)


def test_arrays_of_any_kind_are_converted_to_gray() -> None:
    colors = np.array([[(255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)]], np.uint8)
    assert to_gray(colors).tolist() == [[76, 150, 29, 90]]
    gray = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert to_gray(gray) is gray
    assert to_gray(gray[..., None]).tolist() == gray.tolist()
    assert to_gray(gray.astype(np.uint16) * 257).tolist() == gray.tolist()

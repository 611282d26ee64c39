"""Every kind of pixel is read right or refused: never black, negative or noise."""

import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL.AvifImagePlugin import AvifImageFile

from fer_core.images import FORMATS, SUFFIXES, ImageError, read_image
from fer_core.types import Image
from tests.images.files import chunk, encoded, shorts, tiff

INVERTED = 0
FLOATS = {339: shorts(3)}


@pytest.fixture(scope="module")
def gray(astronaut: Image) -> Image:
    return np.asarray(cv2.cvtColor(astronaut[40:88, 180:260], cv2.COLOR_RGB2GRAY), np.uint8)


def assert_gray(content: bytes, gray: Image) -> None:
    assert np.abs(read_image(content) - gray[..., None].astype(int)).max() <= 1


# TIFF ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate", "tiff_lzw"])
def test_floats_and_sixteen_bits_are_read_as_eight(
    gray: Image, order: str, compression: str | None
) -> None:
    floats, words = (gray / np.float32(255)), gray.astype(np.uint16) * 257
    if compression is None:
        entries = {339: shorts(3, order=order)}
        assert_gray(tiff(floats.astype(f"{order}f4"), entries), gray)
        assert_gray(tiff(words.astype(f"{order}u2")), gray)
    elif order == "<":
        for levels in (floats, words):
            content = encoded(PILImage.fromarray(levels), "TIFF", compression=compression)
            assert_gray(content, gray)


def test_black_and_white_are_exchanged_where_the_tiff_says_so(gray: Image) -> None:
    assert_gray(tiff(255 - gray, photometric=INVERTED), gray)
    assert_gray(tiff(65535 - gray.astype(np.uint16) * 257, photometric=INVERTED), gray)
    floats = (255 - gray) / np.float32(255)
    assert_gray(tiff(floats, FLOATS, photometric=INVERTED), gray)


def test_twelve_bits_are_scaled(gray: Image) -> None:
    words = np.rint(gray.ravel() * (4095 / 255)).astype(np.uint16)
    first, second = words[::2], words[1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
    size = (gray.shape[1], gray.shape[0])
    assert_gray(tiff(packed.astype(np.uint8), bits=(12,), size=size), gray)


def test_separate_planes_of_eight_bits_are_read(astronaut: Image) -> None:
    image = astronaut[40:88, 180:260]
    planes = np.concatenate(list(image.transpose(2, 0, 1)))
    content = tiff(planes, photometric=2, size=(80, 48), planes=3)
    assert np.array_equal(read_image(content), image)


def test_big_endian_floats_that_are_compressed_are_refused(gray: Image) -> None:
    # Pillow makes noise of them.
    packed = zlib.compress((gray / 255).astype(">f4").tobytes())
    words = np.frombuffer(packed + bytes(-len(packed) % 4), ">u4")
    entries = {339: shorts(3, order=">"), 259: shorts(8, order=">")}
    content = tiff(words, entries, bits=(32,), size=(80, 48))
    with pytest.raises(ImageError, match="compressed big-endian floats"):
        read_image(content)


@pytest.mark.parametrize(
    ("levels", "entries"),
    [
        (np.uint32, {}),
        (np.int32, {339: shorts(2)}),
        (np.int16, {339: shorts(2)}),
        (np.int8, {339: shorts(2)}),
        (np.float64, FLOATS),
        (np.float16, FLOATS),
        (np.complex64, {339: shorts(6)}),
        (np.uint16, {284: shorts(2)}),
        (np.uint8, {322: (4, 1, b"\0\0\0\1"), 323: shorts(64)}),
    ],
    ids=["u32", "i32", "i16", "i8", "f64", "f16", "c64", "planes of 16 bits", "large tiles"],
)
def test_kinds_that_cannot_be_read_are_refused(
    gray: Image, levels: type, entries: dict[int, Any]
) -> None:
    with pytest.raises(ImageError, match=r"TIFF of a .*; save it as PNG or JPEG"):
        read_image(tiff(gray.astype(levels), entries))


@pytest.mark.parametrize("level", [-1.0, 1.5, 255.0, np.nan, np.inf])
def test_floats_outside_their_range_are_refused(level: float) -> None:
    levels = np.full((4, 4), level, np.float32)
    with pytest.raises(ImageError, match=r"brightness values outside 0 to 1; scale them"):
        read_image(tiff(levels, FLOATS))


def test_a_signaling_nan_is_refused_without_a_warning() -> None:
    levels = np.full((1, 1), 0x7FA00000, np.uint32).view(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="brightness values outside"):
            read_image(tiff(levels, FLOATS))


def test_floats_that_round_to_the_range_are_read() -> None:
    levels = np.array([[-1e-7, 1 + 1e-6]], np.float32)
    assert read_image(tiff(levels, FLOATS)).tolist() == [[[0] * 3, [255] * 3]]


@pytest.mark.parametrize(("name", "reads"), [("float01.tif", True), ("planar-rgb16.tif", False)])
def test_the_cases(shared: Callable[[str], Path], astronaut: Image, name: str, reads: bool) -> None:
    path = shared(f"cases/{name}")
    if not reads:
        with pytest.raises(ImageError, match="separate planes of 16 bits"):
            read_image(path)
        return
    image = read_image(path)
    assert image.shape == (225, 240, 3)
    levels = pytest.importorskip("tifffile").imread(path)
    assert np.array_equal(image, np.rint(levels * 255)[..., None].repeat(3, axis=2))


# Transparency -------------------------------------------------------------------------------------


def png16(levels: NDArray[np.uint16], transparent: bytes) -> bytes:
    png = encoded(PILImage.fromarray(levels), "PNG")
    return png[:33] + chunk(b"tRNS", transparent) + png[33:]


def test_transparency_of_sixteen_bit_gray_counts() -> None:
    levels = np.array([[0, 1000, 40000]], np.uint16)
    image = read_image(png16(levels, (1000).to_bytes(2, "big")))
    assert image[0, :, 0].tolist() == [0, 255, 156]


def test_transparency_of_sixteen_bit_colors_counts() -> None:
    colors = np.array([[(0x1111, 0x2222, 0x3333), (0x4444, 0x5555, 0x6666)]], np.uint16)
    png = cv2.imencode(".png", colors[..., ::-1])[1].tobytes()
    transparent = colors[0, 0].astype(">u2").tobytes()
    image = read_image(png[:33] + chunk(b"tRNS", transparent) + png[33:])
    assert image.tolist() == [[[255, 255, 255], [0x44, 0x55, 0x66]]]


# Formats ------------------------------------------------------------------------------------------


def test_the_named_formats_are_read(astronaut: Image) -> None:
    assert set(SUFFIXES) >= {".jpg", ".jfif", ".jpe", ".png", ".webp", ".avif", ".gif", ".pgm"}
    picture = PILImage.fromarray(astronaut[:64, :80])
    for kind, suffixes in FORMATS.items():
        image = read_image(encoded(picture, kind))
        assert suffixes and image.shape == (64, 80, 3)
        assert np.abs(image - astronaut[:64, :80].astype(int)).mean() < 12, kind


@pytest.mark.parametrize("kind", ["EPS", "ICO", "TGA", "PCX", "JPEG2000", "DDS", "ICNS", "SGI"])
def test_other_formats_are_not_opened(astronaut: Image, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(PILImage.fromarray(astronaut[:64, :64]), kind))
    with pytest.raises(ImageError, match=r"photo\.png is not an image; give a JPEG, PNG or WebP"):
        read_image(path)


@pytest.mark.parametrize(
    "brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic", b"heix\0\0\0\0"]
)
def test_heic_gets_the_sentence_that_helps(tmp_path: Path, brands: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + bytes(100))
    with pytest.raises(ImageError, match=r"photo\.jpg is a HEIC picture.*export it as JPEG"):
        read_image(path)


def test_what_cannot_be_opened_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        read_image("nul\0byte.png")
    text = tmp_path / "text.png"
    text.write_text("text")
    wrong: Any
    with text.open() as opened:
        for wrong in (opened, None, 3, np.zeros((2, 2))):
            with pytest.raises(ImageError, match="give a path, bytes, or a file opened in binary"):
                read_image(wrong)


def test_a_decoder_that_fails_in_its_own_way_makes_the_one_sentence(
    monkeypatch: pytest.MonkeyPatch, astronaut: Image
) -> None:
    content = encoded(PILImage.fromarray(astronaut[:64, :64]), "AVIF")
    for error, sentence in (
        (RuntimeError("Failed to decode frame 0"), "is damaged or ends too early"),
        (TypeError("int"), "is damaged or ends too early"),
        (MemoryError(), "needs more memory than is free"),
    ):

        def fail(self: AvifImageFile, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(AvifImageFile, "load", fail)
        with pytest.raises(ImageError, match=sentence):
            read_image(content)

"""What a file holds beside its pixels stops no picture; of it only the orientation counts."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage

from fer_core import Analyzer
from fer_core.images import ImageError, decode_image, read_image
from fer_core.types import Image
from tests.images.files import (
    ASCII,
    DOUBLE,
    FLOAT,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    Entry,
    chunk,
    directory,
    encoded,
    exif,
    header,
    jpeg_with_exif,
    shorts,
    tiff,
)

ORIENTATION = 0x0112
UPRIGHT: dict[int, Callable[[Image], Image]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored),
}
ODD: dict[str, dict[int, Entry]] = {
    "make is a float": {0x010F: (FLOAT, 1, struct.pack("<f", 1.5))},
    "resolution is -1/0": {0x011A: (SRATIONAL, 1, struct.pack("<ii", -1, 0)), 0x0128: shorts(3)},
    "resolution is a text": {0x011A: (ASCII, 2, b"7\0"), 0x0128: shorts(3)},
    "the EXIF directory lies at a text": {0x8769: (ASCII, 4, b"none")},
    "the GPS directory lies outside": {0x8825: (LONG, 1, struct.pack("<I", 2**31))},
    "a count goes beyond the end": {0x010F: (ASCII, 2**31, struct.pack("<I", 8))},
    "a type that there is not": {0x010F: (99, 1, b"abcd")},
    "XMP is a number": {0x02BC: shorts(5)},
    "the color profile is a double": {0x8773: (DOUBLE, 1, struct.pack("<d", 0.5))},
    "a resolution of 0/0": {0x011A: (RATIONAL, 1, bytes(8)), 0x011B: (RATIONAL, 1, bytes(8))},
}


@pytest.fixture(scope="module")
def stored(astronaut: Image) -> Image:
    return astronaut[40:88, 180:260]


def container(stored: Image, kind: str, entries: dict[int, Entry]) -> bytes:
    """Return a lossless file (JPEG: nearly so) with these entries of EXIF or TIFF."""
    picture = PILImage.fromarray(stored)
    if kind == "TIFF":
        return tiff(stored, entries, photometric=2)
    if kind == "JPEG":
        return jpeg_with_exif(encoded(picture, kind, quality=95, subsampling=0), exif(entries))
    options = {"lossless": True} if kind == "WEBP" else {}
    return encoded(picture, kind, exif=exif(entries), **options)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_come_out_upright(stored: Image, kind: str, orientation: int) -> None:
    image = read_image(container(stored, kind, {ORIENTATION: shorts(orientation)}))
    expected = UPRIGHT[orientation](stored).astype(int)
    assert image.shape == expected.shape
    assert np.abs(image - expected).mean() < (4 if kind == "JPEG" else 0.1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("odd", ODD)
def test_odd_entries_stop_no_picture_and_leave_the_orientation(
    stored: Image, kind: str, odd: str
) -> None:
    decoded = decode_image(container(stored, kind, ODD[odd] | {ORIENTATION: shorts(6)}))
    assert decoded.notes == (), "nothing is damaged"
    assert decoded.pixels.shape == (80, 48, 3)
    assert np.abs(decoded.pixels - np.rot90(stored, -1).astype(int)).mean() < 4


@pytest.mark.parametrize(
    "entry",
    [
        shorts(0),
        shorts(9),
        shorts(6, 6),
        (ASCII, 2, b"6\0"),
        (FLOAT, 1, struct.pack("<f", 6)),
        (SHORT, 2**31, struct.pack("<I", 2**31)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_an_orientation_that_is_none_leaves_the_picture_as_it_is(
    stored: Image, kind: str, entry: Entry
) -> None:
    assert read_image(container(stored, kind, {ORIENTATION: entry})).shape == stored.shape


@pytest.mark.parametrize("length", [0, 5, 6, 10, 14, 16, 20, 30])
def test_exif_data_that_end_too_early_stop_no_picture(stored: Image, length: int) -> None:
    data = exif({ORIENTATION: shorts(6), **ODD["resolution is -1/0"]})[:length]
    jpeg = jpeg_with_exif(encoded(PILImage.fromarray(stored), "JPEG"), data)
    assert read_image(jpeg).shape in (stored.shape, (80, 48, 3))


def test_big_endian_exif_is_read(stored: Image) -> None:
    data = exif({ORIENTATION: shorts(8, order=">")}, order=">")
    jpeg = jpeg_with_exif(encoded(PILImage.fromarray(stored), "JPEG"), data)
    assert read_image(jpeg).shape == (80, 48, 3)


def test_avif_with_odd_exif_is_read_and_turned_by_its_own_property(stored: Image) -> None:
    options = {"quality": 90, "subsampling": "4:4:4"}
    entries = {ORIENTATION: shorts(6), 0x010F: (ASCII, 6, b"maker\0")}
    turned = encoded(PILImage.fromarray(stored), "AVIF", exif=exif(entries), **options)
    assert read_image(turned).shape == (80, 48, 3)
    place = turned.index(b"II*\0")
    broken = turned[:place] + b"no" + turned[place + 2 :]
    assert read_image(broken).shape == (80, 48, 3)


@pytest.mark.parametrize("name", ["exif-make-as-float.jpg", "exif-rational-minus1-0.jpg"])
def test_the_cases_with_odd_exif_show_one_happy_face(
    shared: Callable[[str], Path], name: str
) -> None:
    image = read_image(shared(f"cases/{name}"))
    assert image.shape == (150, 160, 3)
    (reading,) = Analyzer()(image)
    assert reading.top[0] == "happy"


def test_the_case_whose_xmp_is_a_number_is_read(shared: Callable[[str], Path]) -> None:
    assert read_image(shared("cases/image_tiff_xmp_short.tif")).tolist() == [[[0, 0, 0]] * 4] * 4


# Damage beside the pixels -------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_jpeg_without_its_end_is_read_and_the_note_says_so(
    astronaut: Image, missing: int, options: dict[str, bool]
) -> None:
    jpeg = encoded(PILImage.fromarray(astronaut), "JPEG", **options)
    decoded = decode_image(jpeg[:-missing])
    assert np.array_equal(decoded.pixels, read_image(jpeg))
    assert decoded.notes == ("The file ends too early, but all of its pixels are there.",)


@pytest.mark.parametrize("missing", [8, 100])
def test_a_jpeg_without_its_last_pixels_is_refused(astronaut: Image, missing: int) -> None:
    jpeg = encoded(PILImage.fromarray(astronaut), "JPEG")
    with pytest.raises(ImageError, match="is damaged or ends too early"):
        read_image(jpeg[:-missing])


@pytest.mark.parametrize("name", [b"pHYs", b"iCCP", b"tEXt", b"tRNS", b"acTL", b"abCd"])
def test_a_png_with_a_damaged_side_chunk_is_read_and_the_note_says_so(
    stored: Image, name: bytes
) -> None:
    png = encoded(PILImage.fromarray(stored), "PNG")
    side = chunk(name, b"abc", checksum=1)
    for place in (33, len(png) - 12):  # after the header, and before the end
        decoded = decode_image(png[:place] + side + png[place:])
        assert np.array_equal(decoded.pixels, stored)
        assert decoded.notes == ("The file is damaged, but all of its pixels are there.",)


def test_a_png_with_a_strange_but_whole_side_chunk_needs_no_note(stored: Image) -> None:
    png = encoded(PILImage.fromarray(stored), "PNG")
    side = chunk(b"pHYs", b"") + chunk(b"zTXt", b"a\0\7") + chunk(b"fcTL", b"")
    decoded = decode_image(png[:33] + side + png[33:])
    assert np.array_equal(decoded.pixels, stored) and decoded.notes == ()


def test_a_png_without_its_end_is_read_and_one_without_pixels_is_refused(stored: Image) -> None:
    png = encoded(PILImage.fromarray(stored), "PNG")
    decoded = decode_image(png[:-12])
    assert np.array_equal(decoded.pixels, stored) and len(decoded.notes) == 1
    header_changed = png[:19] + b"\x51" + png[20:]  # its checksum is wrong now
    for content in (png[:33] + png[-12:], header_changed):
        with pytest.raises(ImageError, match="damaged"):
            read_image(content)


def test_only_the_first_picture_of_a_tiff_is_looked_at(stored: Image) -> None:
    content = bytearray(tiff(stored, photometric=2))
    entries = struct.unpack_from("<H", content, 8)[0]
    struct.pack_into("<I", content, 8 + 2 + 12 * entries, 8)  # the next directory is itself
    assert np.array_equal(read_image(bytes(content)), stored)
    with pytest.raises(ImageError, match="TIFF"):
        read_image(header() + directory({}))
    assert io.BytesIO(content).getvalue() == content

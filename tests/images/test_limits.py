"""Bounded memory: limits on size, and the peak that decoding takes."""

import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage

import fer_core.images.reading as reading
from app.uploads import MAX_UPLOAD_MEGAPIXELS, PICTURE_TYPES, decode_upload
from fer_core.images import MAX_SIDE, SUFFIXES, ImageError, decode_image, read_image
from fer_core.types import Image
from tests.images.files import chunk, encoded

PEAK = """
import resource, sys
from fer_core.images import ImageError, read_image
from tests.images.files import chunk, encoded
from PIL import Image
read_image(encoded(Image.new("RGB", (8, 8)), "WEBP"))
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(read_image(sys.argv[1], max_megapixels=float(sys.argv[2])).shape)
except ImageError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) // 1024)
"""


def peak(path: Path, max_megapixels: float = 50) -> tuple[str, int]:
    """Return what reading a file gives, and the megabytes that it takes, in a process of its own."""
    command = [sys.executable, "-c", PEAK, str(path), str(max_megapixels)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    *output, megabytes = result.stdout.splitlines()
    return "\n".join(output), int(megabytes)


# Memory -------------------------------------------------------------------------------------------


def test_the_46_bytes_of_fifty_megapixels_are_refused_before_memory_is_taken(
    shared: Callable[[str], Path],
) -> None:
    output, megabytes = peak(shared("cases/image_50mp_46bytes.webp"))
    assert "is larger than 25 megapixels: 50 (7071 × 7071); scale it down first" in output
    assert megabytes < 20


@pytest.mark.parametrize(
    ("kind", "mode", "side"),
    [
        ("PNG", "RGBA", 7071),
        ("GIF", "P", 7071),
        ("TIFF", "CMYK", 7071),
        ("JPEG", "RGB", 7071),
        ("WEBP", "RGBA", 5000),
        ("AVIF", "RGBA", 5000),
    ],
)
def test_decoding_takes_two_copies_of_the_pixels(
    tmp_path: Path, kind: str, mode: str, side: int
) -> None:
    options: dict[str, dict[str, Any]] = {
        "WEBP": {"lossless": True, "method": 0},
        "AVIF": {"speed": 10},
        "TIFF": {"compression": "tiff_deflate"},
        "JPEG": {"progressive": True},
    }
    path = tmp_path / "picture"
    PILImage.new(mode, (side, side)).save(path, kind, **options.get(kind, {}))
    output, megabytes = peak(path)
    assert output == f"({side}, {side}, 3)"
    # Pillow's four bytes a pixel and ours of three; WebP's and AVIF's decoders have their own too.
    assert megabytes < 500


def test_pictures_are_decoded_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch, astronaut: Image
) -> None:
    content = encoded(PILImage.fromarray(astronaut), "PNG")
    decode, at_work, most = reading._decode, [0], [0]

    def watched(*arguments: object) -> reading.DecodedImage:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        result = decode(*arguments)  # type: ignore[arg-type]
        at_work[0] -= 1
        return result

    monkeypatch.setattr(reading, "_decode", watched)
    threads = [threading.Thread(target=read_image, args=(content,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


# Sizes --------------------------------------------------------------------------------------------


def test_a_large_jpeg_is_decoded_smaller_and_the_note_says_so(tmp_path: Path) -> None:
    picture = PILImage.new("RGB", (8192, 6144), (200, 30, 30))  # a phone with 50 megapixels
    content = encoded(picture, "JPEG")
    for decoded in (decode_image(content), decode_upload(content)):
        assert decoded.pixels.shape == (3072, 4096, 3)
        assert np.abs(decoded.pixels[1000, 1000].astype(int) - (200, 30, 30)).max() < 4
        (note,) = decoded.notes
        assert note.endswith("it was read at 1/2 of its width and height, 4096 × 3072.")
    with pytest.raises(ImageError, match=r"larger than 64 megapixels: 72 \(9000 × 8000\)"):
        read_image(encoded(PILImage.new("L", (9000, 8000)), "JPEG"))


def test_pages_decode_half_of_what_the_library_does() -> None:
    assert MAX_UPLOAD_MEGAPIXELS == 25
    assert [f".{each}" for each in PICTURE_TYPES] == list(SUFFIXES)
    content = encoded(PILImage.new("1", (6000, 5000)), "PNG")
    assert read_image(content).shape == (5000, 6000, 3)
    with pytest.raises(ImageError, match=r"larger than 25 megapixels: 30 \(6000 × 5000\)"):
        decode_upload(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_the_longer_side_is_limited(kind: str) -> None:
    content = encoded(PILImage.new("L", (MAX_SIDE + 1, 2)), kind)
    if kind == "JPEG":
        assert read_image(content).shape == (1, MAX_SIDE // 2 + 1, 3)
        return
    with pytest.raises(ImageError, match=r"is longer than 32767 pixels: 32768 × 2; scale it down"):
        read_image(content)


def test_a_webp_is_measured_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("opened")

    contents = [
        encoded(PILImage.new(mode, (6000, 5000)), "WEBP", lossless=lossless, method=0)
        for mode, lossless in (("RGB", False), ("RGB", True), ("RGBA", False))
    ]
    monkeypatch.setattr(PILImage, "open", fail)
    for content in contents:
        with pytest.raises(ImageError, match=r"25 megapixels: 30 \(6000 × 5000\)"):
            read_image(content)


def test_files_are_read_no_further_than_they_have_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.write(b"no picture")
        file.truncate(10**12)  # a sparse file of a terabyte
    with pytest.raises(ImageError, match="is not an image"):
        read_image(path)
    monkeypatch.setattr(reading, "MAX_MEGABYTES", 1)
    path.write_bytes(b"BM" + bytes(10**6))
    with pytest.raises(ImageError, match="is larger than 1 megabytes"):
        read_image(path)


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    content = encoded(PILImage.new("L", (64, 64)), "JPEG", progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageError, match="has more than 30 scans"):
        read_image(content[:-2] + 31 * scan + content[-2:])
    assert read_image(content[:-2] + 20 * scan + content[-2:]).shape == (64, 64, 3)


def test_files_of_very_many_parts_are_refused() -> None:
    picture = PILImage.new("L", (8, 8))
    png, jpeg = encoded(picture, "PNG"), encoded(picture, "JPEG")
    entries = 150_000 * struct.pack("<HHQQ", 256, 3, 1, 8)
    for content in (
        png[:33] + 100_001 * chunk(b"abCd", b"") + png[33:],
        jpeg[:2] + 100_001 * b"\xff\xfe\0\2" + jpeg[2:],
        b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 150_000) + entries,
    ):
        with pytest.raises(ImageError, match="damaged"):
            read_image(content)


def test_files_that_are_decoded_in_python_have_a_limit_of_their_own() -> None:
    refused = r"is larger than 5 megabytes, too much for its kind of (PPM|BMP); save it as PNG"
    fields = (40, 3000, 3000, 1, 8, 1, 0, 0, 0, 256, 0)  # run lengths
    bmp = b"BM" + struct.pack("<IHHI", 0, 0, 0, 1078) + struct.pack("<IiiHHIIiiII", *fields)
    for content in (b"P5 3000 2000 254\n", b"P2 3000 2000 255\n", bmp):
        with pytest.raises(ImageError, match=refused):
            read_image(content + bytes(6_000_000))
    assert read_image(b"P5 3000 2000 255\n" + bytes(6_000_000)).shape == (2000, 3000, 3)
    assert read_image(b"P5 2 1 15\n\0\x0f").tolist() == [[[0] * 3, [255] * 3]]
    assert read_image(b"P5 2 1 4095\n\0\0\x0f\xff").tolist() == [[[0] * 3, [255] * 3]]

"""Mutated pictures: whatever is in a file, it is read or refused by a sentence, in bounded time and memory.

    python -m tests.fuzz.pictures COUNT [SEED]

prints a table by format and exits with 1 where a picture raised something else, caused a warning, or took
too long or too much memory; such pictures are kept in the folder for temporary files.
"""

import io
import random
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image as PILImage

from fer_core.images import FORMATS, decode_image
from tests.fuzz.runs import (
    Mutation,
    cut_out,
    flip_bytes,
    flip_head,
    outcome,
    repeat,
    run,
    truncate,
    write_number,
)
from tests.images.files import FLOAT, SHORT, encoded, exif, jpeg_with_exif, shorts, tiff

# Seeds --------------------------------------------------------------------------------------------


def seed_pictures() -> dict[str, list[bytes]]:
    """Return small pictures of every named format, of many modes and options."""
    random = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(40), np.arange(56))[..., None] + np.array([0, 40, 90])
    colors = PILImage.fromarray((smooth + random.integers(0, 9, smooth.shape)).astype(np.uint8))
    gray = colors.convert("L")
    translucent = colors.convert("RGBA")
    translucent.putalpha(gray)
    palette = colors.convert("P")
    words = np.asarray(gray).astype(np.uint16) * 257
    meta = exif({0x0112: shorts(6), 0x010F: (FLOAT, 1, struct.pack("<f", 1.5))})
    jpeg = encoded(colors, "JPEG")
    frames = {"save_all": True, "append_images": [colors.rotate(9)], "duration": 40}
    floats = (np.asarray(gray) / np.float32(255), {339: shorts(3)})
    planes = np.concatenate(list(np.asarray(colors).transpose(2, 0, 1)))
    pictures = {
        "JPEG": [
            jpeg_with_exif(jpeg, meta),
            encoded(colors, "JPEG", progressive=True),
            encoded(gray, "JPEG"),
            encoded(colors.convert("CMYK"), "JPEG"),
        ],
        "PNG": [
            encoded(colors, "PNG", exif=meta),
            encoded(palette, "PNG", transparency=3),
            encoded(PILImage.fromarray(words), "PNG"),
            encoded(translucent, "PNG"),
            encoded(colors, "PNG", **frames),
        ],
        "WEBP": [
            encoded(translucent, "WEBP", lossless=True, exif=meta),
            encoded(colors, "WEBP"),
            encoded(colors, "WEBP", **frames),
        ],
        "AVIF": [encoded(translucent, "AVIF", speed=10), encoded(colors, "AVIF", **frames)],
        "GIF": [encoded(palette, "GIF", transparency=3), encoded(colors, "GIF", **frames)],
        "BMP": [encoded(colors, "BMP"), encoded(palette, "BMP"), encoded(translucent, "BMP")],
        "TIFF": [
            tiff(np.asarray(colors), {0x0112: shorts(5), 700: (SHORT, 1, b"\5\0")}, photometric=2),
            tiff(*floats),
            tiff(words, photometric=0),
            tiff(planes, photometric=2, size=colors.size, planes=3),
            encoded(colors, "TIFF", compression="tiff_lzw"),
            encoded(colors, "TIFF", compression="jpeg"),
            encoded(gray.convert("1"), "TIFF", compression="group4"),
        ],
        "PPM": [encoded(colors, "PPM"), encoded(gray, "PPM"), b"P2\n3 2\n9\n0 1 2 3 4 5\n"],
    }
    assert set(pictures) == set(FORMATS)
    return pictures


# Mutations ----------------------------------------------------------------------------------------


def flip_header(random: random.Random, content: bytes) -> bytes:
    """Change a few of the first bytes, and the checksum of a PNG's."""
    changed = bytearray(flip_head(random, content))
    if changed[12:16] == b"IHDR" and len(changed) > 33:  # or no decoder would look at it
        changed[29:33] = struct.pack(">I", zlib.crc32(changed[12:29]))
    return bytes(changed)


def odd_exif(random: random.Random, content: bytes) -> bytes:
    """Add EXIF data with arbitrary entries to a JPEG, or change the numbers of a TIFF's entries."""
    entries = {
        random.choice((random.randrange(65536), 0x0112, 0x010F, 0x011A, 0x8769, 0x8825, 0x02BC)): (
            random.randrange(20),
            random.choice((0, 1, 2, 5, 1000, 2**31, 2**32 - 1)),
            random.randbytes(random.choice((1, 2, 4, 8, 40))),
        )
        for _ in range(random.randint(1, 8))
    }
    data = exif(entries, random.choice("<>"))
    if content[:2] == b"\xff\xd8":
        return jpeg_with_exif(content, data)
    if content[:4] == b"II*\0":
        (count,) = struct.unpack_from("<H", content, 8) if len(content) > 10 else (0,)
        place = 10 + 12 * random.randrange(max(1, count))
        return content[:place] + random.randbytes(12) + content[place + 12 :]
    return write_number(random, content)


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(flip_bytes, flip_header, flip_header, write_number, write_number),
    *(truncate, cut_out, repeat, odd_exif),
)


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield format and content of mutated pictures, the same ones for a seed."""
    source = random.Random(seed)
    seeds = seed_pictures()
    for number in range(count):
        kind = tuple(seeds)[number % len(seeds)]
        content = source.choice(seeds[kind])
        for _ in range(source.choice((1, 1, 1, 2, 3))):
            content = source.choice(MUTATIONS)(source, content) or b"\0"
        yield kind, content


# Runs ---------------------------------------------------------------------------------------------


def check(content: bytes) -> str:
    """Return "read" or "refused"; raise whatever else comes of a picture.

    Raises:
        AssertionError: for a result that is not a picture, or a warning that is caused here.
    """

    def read() -> None:
        decoded = decode_image(io.BytesIO(content))
        assert decoded.pixels.dtype == np.uint8 and decoded.pixels.shape[2:] == (3,)

    return outcome(read)


def keep(content: bytes, path: Path) -> None:
    """Write a picture."""
    path.write_bytes(content)


def main(count: int, seed: int = 0) -> int:
    """Try pictures and print a table; return how many had a fault."""
    for contents in seed_pictures().values():  # loads what Pillow loads when it is needed first
        check(contents[0])
    return run(mutants(count, seed), check, keep)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)

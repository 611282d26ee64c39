"""Mutated pictures: whatever is in a file, it is read or refused by a sentence, in bounded time and memory.

    python -m tests.fuzz.pictures COUNT [SEED]

prints a table by format and exits with 1 where a picture raised something else, caused a warning, or took
too long or too much memory; such pictures are kept in the folder for temporary files.
"""

import hashlib
import io
import random
import resource
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image as PILImage

from fer_core.images import FORMATS, ImageError, decode_image
from tests.images.files import FLOAT, SHORT, encoded, exif, jpeg_with_exif, shorts, tiff

MAX_SECONDS: Final = 5.0
"""CPU time of one picture."""
MAX_MEGABYTES: Final = 600
"""Memory of all pictures above that at the start."""

Mutation = Callable[[random.Random, bytes], bytes]


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


def flip_bytes(random: random.Random, content: bytes) -> bytes:
    """Change a few bytes anywhere."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 12)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def flip_header(random: random.Random, content: bytes) -> bytes:
    """Change a few of the first bytes, where sizes and kinds are."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(min(len(changed), 220))] = random.randrange(256)
    if changed[12:16] == b"IHDR" and len(changed) > 33:  # or no decoder would look at it
        changed[29:33] = struct.pack(">I", zlib.crc32(changed[12:29]))
    return bytes(changed)


def write_number(random: random.Random, content: bytes) -> bytes:
    """Put a number that is often taken for a size over some bytes."""
    number = random.choice((0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF))
    form = random.choice(("<H", ">H", "<I", ">I"))
    value = struct.pack(form, number & (2 ** (8 * struct.calcsize(form)) - 1))
    place = random.randrange(len(content))
    return content[:place] + value + content[place + len(value) :]


def truncate(random: random.Random, content: bytes) -> bytes:
    """Cut the end off."""
    return content[: random.randrange(len(content))]


def cut_out(random: random.Random, content: bytes) -> bytes:
    """Leave some bytes out."""
    place, length = random.randrange(len(content)), random.randint(1, 40)
    return content[:place] + content[place + length :]


def repeat(random: random.Random, content: bytes) -> bytes:
    """Write some bytes twice."""
    place, length = random.randrange(len(content)), random.randint(1, 200)
    return content[: place + length] + content[place:]


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
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            decoded = decode_image(io.BytesIO(content))
        except ImageError as error:
            assert "\n" not in str(error), "one sentence"
            decoded = None
    ours = [str(each.message) for each in caught if "fer_core" in each.filename]
    assert not ours, f"warnings: {ours}"
    if decoded is None:
        return "refused"
    assert decoded.pixels.dtype == np.uint8 and decoded.pixels.shape[2:] == (3,)
    return "read"


def run(count: int, seed: int) -> int:
    """Try pictures and print a table; return how many had a fault."""
    for contents in seed_pictures().values():  # loads what Pillow loads when it is needed first
        check(contents[0])
    start = _megabytes()
    results: Counter[tuple[str, str]] = Counter()
    faults, slowest = 0, 0.0
    for kind, content in mutants(count, seed):
        began = time.process_time()
        try:
            result = check(content)
        except Exception:
            result = traceback.format_exc()
        seconds = time.process_time() - began
        slowest = max(slowest, seconds)
        if result not in ("read", "refused") or seconds > MAX_SECONDS:
            faults += 1
            path = Path(tempfile.gettempdir(), hashlib.sha256(content).hexdigest()[:16])
            path.write_bytes(content)
            print(f"{path}: {kind}, {seconds:.1f} s\n{result}", file=sys.stderr)
            result = "fault"
        results[kind, result] += 1
    megabytes = _megabytes() - start
    print(f"{'format':8}{'read':>8}{'refused':>9}{'faults':>8}")
    for kind in FORMATS:
        row = (results[kind, name] for name in ("read", "refused", "fault"))
        print("{:8}{:8,}{:9,}{:8,}".format(kind, *row))
    print(f"slowest {slowest:.2f} s, {megabytes} MB above the start")
    return faults + (megabytes > MAX_MEGABYTES)


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0) > 0)

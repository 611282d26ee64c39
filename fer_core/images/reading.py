"""Read picture files: one at a time, of bounded size, and every fault in one sentence."""

import io
import os
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from PIL import Image as PILImage
from PIL import UnidentifiedImageError

from fer_core.forking import fork_safe_lock
from fer_core.images.containers import Pixels, exif_orientation, only_pixels
from fer_core.images.formats import HEAD, ImageError, RefusedError, find_format
from fer_core.images.pixels import picture_to_rgb, strips
from fer_core.types import Image

MAX_MEGAPIXELS: Final = 50
"""Largest decoded picture."""

MAX_WHOLE_MEGAPIXELS: Final = 25
"""Largest decoded WebP or AVIF: their decoders hold the picture four times."""

MAX_JPEG_MEGAPIXELS: Final = 64
"""Largest JPEG in its file. A larger one than the limit on what is decoded is decoded at half its width and
height, or less, at no cost in memory."""

MAX_SLOW_MEGABYTES: Final = 5
"""Largest file that Pillow decodes in Python, a megabyte in up to 0.8 s: a BMP with run lengths, and a PGM as
text or whose brightness ends at another number than 255 or 65535."""

MAX_SIDE: Final = 32_767
"""Longest side of a decoded picture, in pixels: OpenCV's transforms count in 16 bits."""

MAX_MEGABYTES: Final = 200
"""Largest file, in 10^6 bytes: 16-bit RGB of 33 megapixels, not compressed."""

DAMAGED: Final = "is damaged or ends too early; export or send it again"

END: Final = b"\xff\xd9"
"""End of a JPEG."""
OTHER_SCAN: Final = b"\xa5" * 4096
"""Bytes that a JPEG decoder takes for pixels, where some are missing."""

UNKNOWN_TIFF: Final = "is damaged or a TIFF of a rare kind; save it as PNG or JPEG"

# What Pillow has to say about damage is said by ImageError, or by the notes of a DecodedImage.
warnings.filterwarnings("ignore", module=r"PIL\.")

_one_at_a_time = fork_safe_lock()
"""Held while a picture is decoded, so that many viewers need the memory of one decoder."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A picture that was read from a file."""

    pixels: Image
    """(H, W, 3) RGB uint8."""
    notes: tuple[str, ...] = ()
    """Sentences about what is not as in the file: damage that left all pixels whole, or a smaller size."""


def read_image(
    source: Path | str | bytes | BinaryIO, *, max_megapixels: float = MAX_MEGAPIXELS
) -> Image:
    """Read a picture for display: rotated upright by its EXIF orientation, transparency over white.

    Args:
        source: a path, the bytes of a file, or an open binary file.
        max_megapixels: of the result. A larger JPEG is read at half its width and height, or less.

    Returns:
        (H, W, 3) RGB uint8; of an animation the first frame.

    Raises:
        ImageError: the file does not exist, is not an image of ``FORMATS``, is damaged, or is too large
            (checked in its header, before anything is decoded).
    """
    return decode_image(source, max_megapixels=max_megapixels).pixels


def decode_image(
    source: Path | str | bytes | BinaryIO, *, max_megapixels: float = MAX_MEGAPIXELS
) -> DecodedImage:
    """Read a picture like ``read_image``, with notes on what is not as in the file."""
    name = os.fsdecode(source) if isinstance(source, str | os.PathLike) else "the file"
    try:
        kind, file = _open(source)
        with _one_at_a_time:
            return _decode(kind, file, max_megapixels)
    except FileNotFoundError:
        raise ImageError(f"there is no file {name}; check the path") from None
    except RefusedError as refused:
        raise ImageError(f"{name} {refused}") from refused.__cause__
    except MemoryError:
        raise ImageError(f"{name} needs more memory than is free; scale it down first") from None


# Files --------------------------------------------------------------------------------------------


def _open(source: Any) -> tuple[str, io.BytesIO]:
    """Return the format of a file and its content; a file of another format is read no further.

    Raises:
        FileNotFoundError: there is no such file.
        RefusedError: it cannot be opened, is of another format, or is too large.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        source = io.BytesIO(source)
    try:
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                return _content(file)
        if source.seekable():
            source.seek(0)
        return _content(source)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RefusedError(f"cannot be opened ({error.strerror or error})") from error
    except (AttributeError, TypeError, ValueError) as error:
        reason = f"cannot be opened ({error}); give a path, bytes, or a file opened in binary mode"
        raise RefusedError(reason) from error


def _content(file: BinaryIO) -> tuple[str, io.BytesIO]:
    head = file.read(HEAD)
    kind = find_format(head)
    content = io.BytesIO()
    content.write(head)
    while block := file.read(2**20):
        content.write(block)
        if content.tell() > MAX_MEGABYTES * 10**6:
            raise RefusedError(f"is larger than {MAX_MEGABYTES} megabytes; save it as JPEG or PNG")
    return kind, content


# Decoding -----------------------------------------------------------------------------------------


def _decode(kind: str, file: io.BytesIO, max_megapixels: float) -> DecodedImage:
    try:
        stored = only_pixels(file, kind)
        picture, notes = _load_any(kind, stored, max_megapixels)
        orientation = stored.orientation
        if orientation == 1:
            orientation = exif_orientation(stored.exif or picture.info.get("exif", b""))
        return DecodedImage(picture_to_rgb(picture, orientation, stored.levels), tuple(notes))
    except (RefusedError, MemoryError):
        raise
    except PILImage.DecompressionBombError:
        raise _too_large(None, max_megapixels) from None
    except UnidentifiedImageError as error:
        raise RefusedError(DAMAGED if kind != "TIFF" else UNKNOWN_TIFF) from error
    except Exception as error:  # decoders raise of every kind: AVIF's a RuntimeError, for one
        raise RefusedError(DAMAGED) from error


def _load_any(kind: str, stored: Pixels, max_megapixels: float) -> tuple[PILImage.Image, list[str]]:
    """Return the decoded picture, and what is to be said about it."""
    notes = []
    try:
        loaded = _load(kind, stored.file, max_megapixels)
    except OSError:
        if kind != "JPEG":
            raise
        loaded = None  # what was decoded so far is freed with the error
    if loaded is None:
        loaded = _load_without_end(stored.file.getvalue(), max_megapixels)
        notes.append("The file ends too early, but all of its pixels are there.")
    picture, scale = loaded
    if stored.is_damaged:
        notes.append("The file is damaged, but all of its pixels are there.")
    if scale > 1:
        notes.append(
            f"The picture is larger than {max_megapixels:g} megapixels; it was read at 1/{scale} of its "
            f"width and height, {picture.width} × {picture.height}."
        )
    return picture, notes


def _load(kind: str, file: io.BytesIO, max_megapixels: float) -> tuple[PILImage.Image, int]:
    """Decode a file; return the picture, and by how much its sides are smaller than in the file."""
    if kind == "WEBP":  # Pillow gets memory for the whole picture when it opens it
        _find_scale(kind, webp_size(file.getbuffer()), max_megapixels)
    picture = PILImage.open(file, formats=(kind,))
    width, height = picture.size
    is_slow = any(tile.codec_name in PILImage.DECODERS for tile in picture.tile)
    if is_slow and file.getbuffer().nbytes > MAX_SLOW_MEGABYTES * 10**6:
        raise RefusedError(
            f"is larger than {MAX_SLOW_MEGABYTES} megabytes, too much for its kind of {kind}; save it as PNG"
        )
    scale = _find_scale(kind, picture.size, max_megapixels)
    if scale > 1:
        picture.draft(None, (width // scale, height // scale))
    picture.load()
    return picture, scale


def _load_without_end(content: bytes, max_megapixels: float) -> tuple[PILImage.Image, int]:
    """Decode a JPEG that has no end but all of its pixels: those do not depend on what comes after them.

    Raises:
        OSError: if they do.
    """
    content = content.rstrip(b"\xff")  # half of the end
    checksum = _checksum(_load("JPEG", io.BytesIO(content + OTHER_SCAN + END), max_megapixels)[0])
    picture, scale = _load("JPEG", io.BytesIO(content + END), max_megapixels)
    if _checksum(picture) != checksum:
        raise OSError("pixels are missing")
    return picture, scale


def _checksum(picture: PILImage.Image) -> int:
    checksum = 0
    for rows in strips(picture.height, picture.width):
        strip = picture.crop((0, rows.start, picture.width, rows.stop))
        checksum = zlib.crc32(strip.tobytes(), checksum)
    return checksum


# Sizes --------------------------------------------------------------------------------------------


def _find_scale(kind: str, size: tuple[int, int], max_megapixels: float) -> int:
    """Return by how much the sides are divided in decoding: 1, or 2, 4 or 8 for a large JPEG.

    Raises:
        RefusedError: for a picture that is too large.
    """
    if kind in ("WEBP", "AVIF"):
        max_megapixels = min(max_megapixels, MAX_WHOLE_MEGAPIXELS)
    if kind == "JPEG" and _megapixels(size) > MAX_JPEG_MEGAPIXELS:
        raise _too_large(size, MAX_JPEG_MEGAPIXELS)
    for scale in (1, 2, 4, 8) if kind == "JPEG" else (1,):
        scaled = (-(-size[0] // scale), -(-size[1] // scale))
        if _megapixels(scaled) <= max_megapixels and max(scaled) <= MAX_SIDE:
            return scale
    if _megapixels(size) <= max_megapixels:
        raise RefusedError(
            f"is longer than {MAX_SIDE} pixels: {size[0]} × {size[1]}; scale it down first"
        )
    raise _too_large(size, max_megapixels)


def _megapixels(size: tuple[int, int]) -> float:
    return size[0] * size[1] / 1e6


def _too_large(size: tuple[int, int] | None, max_megapixels: float) -> RefusedError:
    extent = f"{_megapixels(size):.0f} ({size[0]} × {size[1]})" if size else "far more"
    return RefusedError(
        f"is larger than {max_megapixels:g} megapixels: {extent}; scale it down first"
    )


def webp_size(content: memoryview) -> tuple[int, int]:
    """Return width and height by the header of a WebP; the sides of its frames are no longer."""
    chunk, data = bytes(content[12:16]), content[20:30]
    if chunk == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if chunk == b"VP8L":
        sides = int.from_bytes(data[1:5], "little")
        return (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    return width & 0x3FFF, height & 0x3FFF

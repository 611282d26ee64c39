"""Picture files that no encoder writes: TIFFs entry by entry, and JPEGs with any EXIF data."""

import io
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray
from PIL import Image as PILImage

SHORT, LONG, ASCII, RATIONAL, SRATIONAL, FLOAT, DOUBLE = 3, 4, 2, 5, 10, 11, 12

Entry = tuple[int, int, bytes]
"""Number type, count and value of an entry, already in the byte order of its file."""


def encoded(picture: PILImage.Image, kind: str, **options: Any) -> bytes:
    """Return a picture as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def directory(entries: Mapping[int, Entry], *, start: int = 8, order: str = "<") -> bytes:
    """Return a TIFF directory that lies at ``start``, followed by the values that do not fit into it."""
    fixed, values = struct.pack(f"{order}H", len(entries)), b""
    end = start + 2 + 12 * len(entries) + 4
    for tag, (kind, count, value) in sorted(entries.items()):
        if len(value) > 4:
            place, values = end + len(values), values + value
            value = struct.pack(f"{order}I", place)
        fixed += struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")
    return fixed + bytes(4) + values


def header(order: str = "<") -> bytes:
    """Return the beginning of a TIFF or of EXIF data whose directory comes next."""
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)


def exif(entries: Mapping[int, Entry], order: str = "<") -> bytes:
    """Return EXIF data."""
    return b"Exif\0\0" + header(order) + directory(entries, order=order)


def shorts(*numbers: int, order: str = "<") -> Entry:
    """Return an entry of 16-bit numbers."""
    return SHORT, len(numbers), struct.pack(f"{order}{len(numbers)}H", *numbers)


def tiff(
    pixels: NDArray[Any],
    further: Mapping[int, Entry] | None = None,
    *,
    bits: tuple[int, ...] | None = None,
    photometric: int = 1,
    size: tuple[int, int] | None = None,
    planes: int = 1,
) -> bytes:
    """Return a TIFF that is not compressed.

    Args:
        pixels: (H, W) or (H, W, C), in the byte order of the file.
        further: entries beside those that every TIFF has; they replace them.
        bits: of each channel; those of ``pixels`` by default.
        size: width and height, where ``pixels`` holds packed or compressed bytes, or planes.
        planes: parts of equal length that the channels lie in.
    """
    order = ">" if pixels.dtype.byteorder == ">" else "<"
    width, height = size or (pixels.shape[1], pixels.shape[0])
    channels = max(pixels.shape[2] if pixels.ndim == 3 else 1, planes)

    def longs(numbers: Iterable[int]) -> Entry:
        return LONG, planes, struct.pack(f"{order}{planes}I", *numbers)

    entries = {
        256: shorts(width, order=order),
        257: shorts(height, order=order),
        258: shorts(*(bits or (8 * pixels.dtype.itemsize,) * channels), order=order),
        259: shorts(1, order=order),
        262: shorts(photometric, order=order),
        277: shorts(channels, order=order),
        278: shorts(height, order=order),
        284: shorts(2 if planes > 1 else 1, order=order),
        279: longs([pixels.nbytes // planes] * planes),
        273: longs(range(planes)),
    } | dict(further or {})
    start = 8 + len(directory(entries, order=order))
    entries[273] = longs(start + plane * pixels.nbytes // planes for plane in range(planes))
    return header(order) + directory(entries, order=order) + pixels.tobytes()


def jpeg_with_exif(jpeg: bytes, data: bytes) -> bytes:
    """Return a JPEG with EXIF data as its first segment."""
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data + jpeg[2:]


def chunk(name: bytes, data: bytes, *, checksum: int = 0) -> bytes:
    """Return a chunk of a PNG; its checksum is right for 0."""
    check = struct.pack(">I", zlib.crc32(name + data) ^ checksum)
    return struct.pack(">I", len(data)) + name + data + check

"""Files as the decoders get them: the pixels, and nothing beside them.

What else a file holds (EXIF, XMP, color profiles, comments) is often damaged in pictures that every viewer
shows: a camera's name that is a number stopped the decoder here. So it is cut off before. The orientation is
read on its own, as viewers do: from EXIF, or from the entry of a TIFF.
"""

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, error, pack, unpack_from
from typing import Final

from fer_core.images.formats import RefusedError
from fer_core.images.pixels import Levels

_MAX_PARTS: Final = 100_000
"""Chunks, segments or entries of a file; pictures have a few hundred at most, each of some kilobytes."""

ORIENTATION: Final = 0x0112
"""EXIF's and TIFF's number of the orientation."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """A file without what lies beside its pixels."""

    file: io.BytesIO
    exif: bytes = b""
    """EXIF data; b"" where there is none, or where the decoder has to tell."""
    orientation: int = 1
    """Orientation of a TIFF, as EXIF counts it; 1 for other formats."""
    levels: Levels | None = None
    """How the numbers of the pixels are meant, for a TIFF."""
    is_damaged: bool = False
    """Something beside the pixels has a wrong checksum or is cut off."""


def only_pixels(file: io.BytesIO, kind: str) -> Pixels:
    """Return a file of a format without what lies beside its pixels.

    Raises:
        RefusedError: for a TIFF of a kind that is not read.
        Exception: of any kind, where the file is damaged.
    """
    match kind:
        case "JPEG":
            return _jpeg(file.getvalue())
        case "PNG":
            return _png(file.getvalue())
        case "AVIF":
            return _avif(file.getvalue())
        case "TIFF":
            return _tiff(file)
    return Pixels(file)


def exif_orientation(exif: bytes) -> int:
    """Return the orientation that EXIF data give, 1 to 8; 1 (upright) where they are damaged or silent."""
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[exif[:4]]
        (start,) = unpack_from(f"{order}I", exif, 4)
        (entries,) = unpack_from(f"{order}H", exif, start)
        for place in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind, count = unpack_from(f"{order}HHI", exif, place)
            if tag == ORIENTATION and count == 1 and kind in _INTEGERS:
                return _valid(unpack_from(order + _INTEGERS[kind], exif, place + 8)[0])
    except (KeyError, error):
        pass
    return 1


def _valid(orientation: int) -> int:
    return orientation if 1 <= orientation <= 8 else 1


# JPEG ---------------------------------------------------------------------------------------------

_START_OF_SCAN: Final = 0xDA
_MAX_SCANS: Final = 30
"""Scans of a progressive JPEG, each of which passes over the whole picture; encoders write about ten."""
_WITHOUT_LENGTH: Final = (0x01, *range(0xD0, 0xDA))


def _jpeg(content: bytes) -> Pixels:
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    exif, place = b"", 2
    for _ in range(_MAX_PARTS):
        place = content.find(b"\xff", place)
        if place < 0:
            break
        marker = content[place + 1] if place + 1 < len(content) else 0xFF
        if marker in (0, 0xFF) or marker in _WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == _START_OF_SCAN:
            if content.count(b"\xff\xda", place) > _MAX_SCANS:
                raise RefusedError(f"has more than {_MAX_SCANS} scans; export it again")
            kept.append(memoryview(content)[place:])
            break
        (length,) = unpack_from(">H", content, place + 2)
        segment = content[place + 4 : place + 2 + length]
        if marker == 0xE1 and segment.startswith(b"Exif\0\0") and not exif:
            exif = segment
        if _tells_the_colors(marker, segment):
            kept.append(content[place : place + 2 + length])
        place += 2 + length
    return Pixels(io.BytesIO(b"".join(kept)), exif)


def _tells_the_colors(marker: int, segment: bytes) -> bool:
    """Return whether a segment of a JPEG takes part in decoding: of the application's, JFIF's and Adobe's."""
    if marker == 0xE0:
        return segment.startswith(b"JFIF\0") and len(segment) >= 12
    if marker == 0xEE:
        return segment.startswith(b"Adobe") and len(segment) >= 12
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


# PNG ----------------------------------------------------------------------------------------------

_PIXEL_CHUNKS: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def _png(content: bytes) -> Pixels:
    kept, exif, is_damaged = [content[:8]], b"", False
    depth = color = 0
    for name, data, is_whole in _chunks(content):
        is_damaged = is_damaged or not is_whole
        if name == b"eXIf" and not exif:
            exif = data
        if not is_whole and name in (b"IHDR", b"PLTE"):
            raise ValueError("size and colors cannot be trusted")
        if not is_whole and name == b"tRNS":
            continue
        if name == b"IHDR":
            depth, color = data[8], data[9]
        if name == b"tRNS":
            data = _transparency(data, depth, color)
        if name in _PIXEL_CHUNKS:
            kept.append(pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data)))
        if name == b"IEND":
            break
    else:
        is_damaged = True
    return Pixels(io.BytesIO(b"".join(kept)), exif, is_damaged=is_damaged)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield name, data and whether the checksum is right, for each chunk of a PNG."""
    place = 8
    for _ in range(_MAX_PARTS):
        if place + 8 > len(content):
            break
        (length,) = unpack_from(">I", content, place)
        name = content[place + 4 : place + 8]
        data = content[place + 8 : place + 8 + length]
        checksum = content[place + 8 + length : place + 12 + length]
        yield name, data, checksum == pack(">I", zlib.crc32(name + data))
        place += 12 + length


def _transparency(data: bytes, depth: int, color: int) -> bytes:
    """Return the transparent color of a PNG in 8 bits where Pillow compares it with 8 bits."""
    if color == 0 and depth < 8:
        return pack(">H", (unpack_from(">H", data)[0] & 0xFF) * (255 // (2**depth - 1)))
    if color == 2 and depth == 16:
        return b"".join(b"\0" + data[channel : channel + 1] for channel in (0, 2, 4))
    return data


# AVIF ---------------------------------------------------------------------------------------------


def _avif(content: bytes) -> Pixels:
    """Hide the EXIF item: AVIF keeps the orientation as a property of the picture."""
    return Pixels(
        io.BytesIO(re.sub(rb"(infe[\x02\x03].{7,9})Exif", rb"\1free", content, flags=re.DOTALL))
    )


# TIFF ---------------------------------------------------------------------------------------------

_INTEGERS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""Number types of TIFF and EXIF -> those of ``struct``."""

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _SAMPLE_FORMAT = 284, 322, 323, 339
_UNSIGNED, _FLOAT = 1, 3
_SEPARATE_PLANES: Final = 2
_WHITE_IS_ZERO: Final = 0

_STRUCTURE: Final = {
    *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _PLANAR, _SAMPLE_FORMAT),
    *(_TILE_WIDTH, _TILE_HEIGHT, 324, 325),  # tiles
    # Strips, fax, predictor, colors, tables.
    *(266, 273, 277, 278, 279, 292, 293, 317, 320, 338, 347),
    *(512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),  # JPEG and YCbCr
}
"""Entries of a TIFF that its pixels need."""

_MAX_TILE: Final = 2**26
"""Pixels of a tile, which is decoded whole even for a picture that is smaller."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes of the parts of a directory, which differ between TIFF and BigTIFF."""

    count: Struct
    entry: Struct
    """Tag, number type, count, and the value or where it lies."""
    offset: Struct


def _tiff(file: io.BytesIO) -> Pixels:
    """Cut the entries off that the pixels do not need, in place, and what follows the first picture."""
    with file.getbuffer() as content:
        order = "<" if content[0] == ord("I") else ">"
        is_big = 43 in content[2:4]
        sizes = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
        layout = _Layout(*(Struct(order + size) for size in sizes))
        (start,) = layout.offset.unpack_from(content, 8 if is_big else 4)
        (count,) = layout.count.unpack_from(content, start)
        first = start + layout.count.size
        count = min(count, _MAX_PARTS)
        last = min(first + count * layout.entry.size, len(content) - layout.entry.size + 1)
        entries = [
            layout.entry.unpack_from(content, place)
            for place in range(first, last, layout.entry.size)
        ]
        numbers = {entry[0]: _numbers(content, order, layout, entry) for entry in entries}
        kept = [layout.entry.pack(*entry) for entry in entries if entry[0] in _STRUCTURE]
        directory = layout.count.pack(len(kept)) + b"".join(kept)
        content[start : start + len(directory)] = directory
        end = start + len(directory)
        content[end : end + layout.offset.size] = bytes(len(content[end:][: layout.offset.size]))
    levels = _levels(numbers)
    if levels.white == 1 and order == ">" and numbers.get(_COMPRESSION, (1,)) != (1,):
        raise _other_tiff("compressed big-endian floats, which Pillow reads in the wrong order")
    orientation = numbers.get(ORIENTATION, ())
    return Pixels(
        file, orientation=_valid(orientation[0]) if len(orientation) == 1 else 1, levels=levels
    )


def _numbers(
    content: memoryview, order: str, layout: _Layout, entry: tuple[int, int, int, bytes]
) -> tuple[int, ...]:
    """Return the first integers of an entry; () for other types."""
    _, kind, count, value = entry
    if kind not in _INTEGERS:
        return ()
    number = Struct(order + _INTEGERS[kind])
    if number.size * count <= len(value):
        source, place = memoryview(value), 0
    else:
        source, place = content, layout.offset.unpack(value)[0]
    count = min(count, 8, (len(source) - place) // number.size)
    return tuple(number.unpack_from(source, place + i * number.size)[0] for i in range(count))


def _levels(numbers: dict[int, tuple[int, ...]]) -> Levels:
    """Return how the numbers of a TIFF's pixels are meant.

    Raises:
        RefusedError: for kinds that Pillow would read as black, negative or noise.
    """
    bits = max(numbers.get(_BITS) or (1,))
    formats = set(numbers.get(_SAMPLE_FORMAT) or (_UNSIGNED,))
    is_float = formats == {_FLOAT} and bits == 32
    if not is_float and (formats != {_UNSIGNED} or bits > 16):
        raise _other_tiff(
            "its pixels are not whole numbers from 0 on, of at most 16 bits, or 32-bit floats"
        )
    if bits > 8 and numbers.get(_PLANAR) == (_SEPARATE_PLANES,):
        raise _other_tiff(f"its colors lie in separate planes of {bits} bits")
    tile = (*numbers.get(_TILE_WIDTH, (1,)), 1)[0] * (*numbers.get(_TILE_HEIGHT, (1,)), 1)[0]
    if tile > _MAX_TILE:
        raise _other_tiff("its tiles are too large")
    is_inverted = bits > 8 and numbers.get(_PHOTOMETRIC) == (_WHITE_IS_ZERO,)
    return Levels(1.0 if is_float else float(2**bits - 1), is_inverted=is_inverted)


def _other_tiff(reason: str) -> RefusedError:
    return RefusedError(
        f"is a TIFF of a kind that cannot be read here ({reason}); save it as PNG or JPEG"
    )

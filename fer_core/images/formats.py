"""The picture formats that are opened, told apart by how their files begin."""

from typing import Final

from fer_core.errors import UserError

FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".pgm", ".ppm", ".pbm", ".pnm"),
}
"""Format, as Pillow names it -> suffixes of its files, the usual one first.

Pillow knows forty more; one of them (EPS) starts Ghostscript. None of those is opened, whatever the file's
name."""

SUFFIXES: Final = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
"""Suffixes of picture files, in lower case."""

HEAD: Final = 64
"""Bytes at the beginning of a file that tell its format."""

_BEGINNINGS: Final = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_HEIF_BRANDS: Final = {b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}


class ImageError(UserError):
    """An image that cannot be used; the message tells the user in one sentence what to do."""


class RefusedError(Exception):
    """What is wrong with a picture: the end of a sentence that begins with its name."""


def find_format(head: bytes) -> str:
    """Return the format of a file that begins with ``head``, a key of ``FORMATS``.

    Raises:
        RefusedError: if it is none of them.
    """
    for beginning, name in _BEGINNINGS.items():
        if head.startswith(beginning):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    if head[4:8] == b"ftyp":
        end = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[start : start + 4] for start in range(8, end, 4)}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            raise RefusedError(
                "is a HEIC picture, which cannot be read here; export it as JPEG (on an iPhone: Settings, "
                "Camera, Formats, Most Compatible)"
            )
    raise RefusedError("is not an image; give a JPEG, PNG or WebP file")

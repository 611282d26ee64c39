"""Pictures that viewers give: which files a page takes, and how large they may be."""

from typing import Final

from fer_core.images import (
    MAX_JPEG_MEGAPIXELS,
    SUFFIXES,
    DecodedImage,
    decode_image,
)

MAX_UPLOAD_MEGAPIXELS: Final = 25
"""Largest decoded picture on the pages, whose viewers share the server's memory; a larger JPEG is scaled."""

MAX_FILES: Final = 100
"""Files that one viewer may have uploaded at a time."""

MAX_VIEWER_MB: Final = 200
"""Size of all files of one viewer, in MB: they stay in the server's memory."""

MAX_SERVER_MB: Final = 1000
"""Size of the files of all viewers together, in MB."""

PICTURE_TYPES: Final = [suffix.removeprefix(".") for suffix in SUFFIXES]
"""Endings of the files that a page takes. HEIC is not among them on purpose: an iPhone sends JPEG to a page
that does not take HEIC."""

PICTURES_HELP: Final = (
    f"Up to {MAX_UPLOAD_MEGAPIXELS} megapixels each, JPEG up to {MAX_JPEG_MEGAPIXELS}. HEIC files have to be "
    "exported as JPEG first."
)


def decode_upload(content: bytes) -> DecodedImage:
    """Return the picture in a file, with notes on what is not as in the file.

    Raises:
        ImageError: as ``fer_core.images.decode_image`` does.
    """
    return decode_image(content, max_megapixels=MAX_UPLOAD_MEGAPIXELS)

"""Picture files and arrays of pixels as 8-bit RGB or gray.

``FORMATS`` names the formats that are opened, on the pages, the command line and in datasets alike. Of what
a file holds beside its pixels only the orientation is read, so nothing else there can stop a picture.
"""

from fer_core.images.arrays import as_sequence, to_gray, to_rgb
from fer_core.images.formats import FORMATS, SUFFIXES, ImageError
from fer_core.images.reading import (
    MAX_JPEG_MEGAPIXELS,
    MAX_MEGAPIXELS,
    MAX_SIDE,
    DecodedImage,
    decode_image,
    read_image,
)

__all__ = [
    "FORMATS",
    "MAX_JPEG_MEGAPIXELS",
    "MAX_MEGAPIXELS",
    "MAX_SIDE",
    "SUFFIXES",
    "DecodedImage",
    "ImageError",
    "as_sequence",
    "decode_image",
    "read_image",
    "to_gray",
    "to_rgb",
]

"""Pictures as addresses that hold them whole, for charts and components that show them."""

from base64 import b64encode
from typing import Final

import cv2

from fer_core.export import png_bytes
from fer_core.types import Image

QUALITY: Final = 92
"""Of the JPEG, 0..100."""


def png_address(picture: Image) -> str:
    """Return an (H, W, 3) RGB picture without loss."""
    return f"data:image/png;base64,{b64encode(png_bytes(picture)).decode()}"


def jpeg_address(picture: Image) -> str:
    """Return an (H, W, 3) RGB picture that is small and quickly made, for one that moves."""
    encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, QUALITY)
    )[1]
    return f"data:image/jpeg;base64,{b64encode(encoded.tobytes()).decode()}"

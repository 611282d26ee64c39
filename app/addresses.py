"""Pictures as addresses that hold them whole, for components that show them."""

from base64 import b64encode
from typing import Final

import cv2

from fer_core.types import Image

QUALITY: Final = 92
"""Of the JPEG, 0..100."""


def data_address(picture: Image) -> str:
    """Return a picture as an address that holds it whole."""
    encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, QUALITY)
    )[1]
    return f"data:image/jpeg;base64,{b64encode(encoded.tobytes()).decode()}"

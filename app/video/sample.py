"""The sample clip of the page Video."""

import io
from fractions import Fraction
from typing import Final

import av
import cv2
import numpy as np
import streamlit as st

from app.samples import covered, portrait

SIZE: Final = (480, 360)
"""Width and height in pixels."""
RATE: Final = 20
"""Frames a second."""
FRAMES: Final = 60


@st.cache_data(show_spinner="Making the sample …")
def sample_clip() -> bytes:
    """Return an MP4 of three seconds: a face comes closer and moves; for one second its mouth is covered."""
    free, hidden = portrait(), covered("mouth")
    width, height = SIZE
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("h264", RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(FRAMES):
            scale = 0.45 + 0.1 * np.sin(number / 20)
            x = width / 2 - 540 * scale + 25 * np.cos(number / 8)
            y = height / 2 - 375 * scale
            transform = np.array([[scale, 0, x], [0, scale, y]], np.float32)
            image = hidden if 20 <= number < 40 else free
            moved = cv2.warpAffine(image, transform, SIZE, borderMode=cv2.BORDER_REFLECT)
            frame = av.VideoFrame.from_ndarray(np.asarray(moved, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()

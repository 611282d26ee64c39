"""A short film of a drawn character that goes through all seven expressions: it needs nobody's consent, and
no camera."""

from functools import lru_cache
from math import pi, sin
from typing import Final

import cv2
import numpy as np

from app.samples import DRAWN
from fer_core.cartoon import Pose, Scene, between, draw_face, expression_actions, get_character
from fer_core.types import Image

ORDER: Final = ("neutral", "happy", "surprise", "fear", "sad", "angry", "disgust")
"""Expressions in the order of the film, which begins again after the last."""

STEP: Final = 1.5
"""Time from one expression to the next, in seconds."""

CHANGE: Final = 0.5
"""Time in which a face goes over to the next expression, in seconds."""

RATE: Final = 10
"""Frames per second."""

FRAMES: Final = round(len(ORDER) * STEP * RATE)

SIZE: Final = (640, 480)
"""Width and height in pixels."""

QUALITY: Final = 95
"""Of the JPEG in which frames are kept: all of them take 4 MB, and 97 MB as arrays."""


def film_frame(number: int) -> Image:
    """Return a frame of the film, (480, 640, 3); after the last frame it begins again."""
    encoded = np.frombuffer(_encoded_frame(number % FRAMES), np.uint8)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)


@lru_cache(maxsize=FRAMES)
def _encoded_frame(number: int) -> bytes:
    """Draw a frame of the film; return it as a JPEG."""
    picture = cv2.cvtColor(draw_frame(number / RATE), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


def draw_frame(time: float) -> Image:
    """Draw the character at a time in seconds, (480, 640, 3): it moves its head a little meanwhile."""
    width, height = SIZE
    step, since = divmod(time, STEP)
    first, second = (
        expression_actions(ORDER[(int(step) + offset) % len(ORDER)]) for offset in (0, 1)
    )
    share = max(0.0, 1 - (STEP - since) / CHANGE)
    actions = between(first, second, share * share * (3 - 2 * share))
    phase = 2 * pi * time / (len(ORDER) * STEP)
    pose = Pose(turn=5 * sin(2 * phase), nod=2 * sin(3 * phase), tilt=3 * sin(phase))
    # The bars have room beside the face.
    scene = Scene(scale=0.25, center=(0.42 + 0.02 * sin(phase), 0.5))
    drawn = draw_face(get_character(DRAWN[1]), actions, pose, scene, size=height).image
    margin = (width - height) // 2
    wide = cv2.copyMakeBorder(drawn, 0, 0, margin, margin, cv2.BORDER_REPLICATE)
    return np.asarray(wide, np.uint8)

"""Sample pictures, which need nobody's consent: a smiling portrait with parts of it covered, a portrait at
rest that is moved by its landmarks, and drawn faces of all classes.

The smile is that of Eileen Collins, NASA astronaut (public domain, shipped with scikit-image); at rest is
Grace Hopper, computer scientist and rear admiral of the US Navy (public domain, shipped with Matplotlib).
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final

import cv2
import numpy as np
from matplotlib.cbook import get_sample_data
from skimage.data import astronaut

from fer_core.cartoon import FaceActions, draw_face, expression_actions, get_character, move_face
from fer_core.explain.covers import cover_picture
from fer_core.faces import find_faces, load_detector
from fer_core.faces.description import load_describer
from fer_core.images import decode_image, to_gray
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image


def portrait() -> Image:
    """Return the portrait, head and shoulders, (810, 1080, 3)."""
    head = np.asarray(astronaut(), np.uint8)[0:270, 48:408]  # type: ignore[no-untyped-call]
    return np.asarray(cv2.resize(head, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8)


@lru_cache(maxsize=4)
def covered(part: str) -> Image:
    """Return the portrait with a part of its face covered, as on every page."""
    image = portrait()
    return cover_picture(image, find_landmarks(image), part)


def tilted(degrees: float) -> Image:
    """Return the portrait turned around its center."""
    image = portrait()
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.uint8)


@lru_cache(maxsize=1)
def resting_portrait() -> Image:
    """Return a portrait with a closed mouth and a neutral look, (400, 410, 3)."""
    file = str(get_sample_data("grace_hopper.jpg", asfileobj=False))
    return decode_image(file).pixels[30:430, 60:470].copy()


@lru_cache(maxsize=1)
def resting_landmarks() -> Floats:
    """Return the (78, 2) landmarks of the portrait at rest, in pixels."""
    return find_landmarks(resting_portrait())


def find_landmarks(image: Image) -> Floats:
    """Return the (78, 2) landmarks of the face in a sample, in pixels."""
    faces = find_faces(image, load_detector("mtcnn"))
    landmarks = load_describer().describe([to_gray(image)], faces)[0].landmarks
    assert landmarks is not None
    return landmarks


def moved_portrait(actions: FaceActions) -> Image:
    """Return the portrait at rest, moved by facial actions."""
    return move_face(resting_portrait(), resting_landmarks(), actions).image


def drawn(name: str, expression: str) -> Image:
    """Return a drawn character with an expression, (512, 512, 3)."""
    return draw_face(get_character(name), expression_actions(expression), size=512).image


DRAWN: Final = ("Hugo", "Ines")
"""The characters of the drawn samples, by turns; they have taught the networks nothing."""

SAMPLES: Final[dict[str, Callable[[], Image]]] = {
    "Smile": portrait,
    "Mouth covered": partial(covered, "mouth"),
    "Eyes covered": partial(covered, "eyes"),
    "Tilted": partial(tilted, 30),
    **{
        f"{DRAWN[number % 2]}, {name}": partial(drawn, DRAWN[number % 2], name)
        for number, name in enumerate(EXPRESSIONS)
    },
    "At rest": resting_portrait,
    "Corners up": partial(
        moved_portrait, FaceActions(smile_left=1, smile_right=1, cheek_raise=0.7)
    ),
    "Corners down": partial(moved_portrait, FaceActions(frown=1, brow_inner_up=1)),
    "Brows down": partial(moved_portrait, FaceActions(brow_down=1, lip_press=0.7)),
}

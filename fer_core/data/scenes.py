"""Pictures in which a face detector learns to look, and in which detectors are measured."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.data.readers.landmarks import LandmarkSet
from fer_core.faces.landmarks import five_points
from fer_core.geometry import alignment
from fer_core.images import to_gray
from fer_core.types import Floats, Image

FACELESS: Final = (
    *("brick", "chelsea", "clock", "coffee", "grass", "gravel", "hubble_deep_field"),
    *("immunohistochemistry", "page", "rocket", "stereo_motorcycle", "text"),
)
"""Sample images of scikit-image without people; scikit-learn adds a temple and a flower."""

BORDER: Final = 0.25
"""Of a picture's side, repeated around it: the press photographs end where the face does."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture with one face or none."""

    image: Image
    """(H, W) uint8."""
    box: Floats
    """(1 or 0, 4) the upright square in which the mean layout puts the face's points, in pixels."""
    points: Floats
    """(1 or 0, 5, 2) in pixels."""


NOBODY: Final = (np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32))
"""Box and points of a picture without a face."""


def face_scenes(faces: LandmarkSet) -> list[Scene]:
    """One face each, with room around it."""
    scenes = []
    for image, points in zip(faces.images, five_points(faces.points), strict=True):
        border = round(BORDER * len(image))
        framed = cv2.copyMakeBorder(image, *(border,) * 4, cv2.BORDER_REPLICATE)
        moved = points + np.float32(border)
        scenes.append(Scene(np.asarray(framed, np.uint8), _square(moved)[None], moved[None]))
    return scenes


def faceless_scenes() -> list[Scene]:
    """Sample images as they are, upside down, and half as large."""
    import skimage.data
    from sklearn.datasets import load_sample_images

    loaded = [getattr(skimage.data, name)() for name in FACELESS]
    images = [image[0] if isinstance(image, tuple) else image for image in loaded]
    scenes = []
    for grey in map(to_gray, (*images, *load_sample_images().images)):
        half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for image in (grey, grey[::-1], half):
            scenes.append(Scene(np.ascontiguousarray(image, np.uint8), *NOBODY))
    return scenes


def turned(scene: Scene, quarters: int) -> Scene:
    """The picture on its side or head, where no face is upright: real skin, hair and clothes without one."""
    image = np.ascontiguousarray(np.rot90(scene.image, quarters))
    return Scene(image, *NOBODY)


def _square(points: Floats) -> Floats:
    """(4,) around the five points of a face; its sides stay upright, however the face is turned."""
    back = cv2.invertAffineTransform(alignment(points, 1))
    centre = back @ (0.5, 0.5, 1)
    reach = np.hypot(back[0, 0], back[1, 0]) / 2
    return np.concatenate([centre - reach, centre + reach]).astype(np.float32)

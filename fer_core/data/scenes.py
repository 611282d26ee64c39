"""Images for training and measuring face detectors."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.data.readers.landmarks import LandmarkSet
from fer_core.faces.landmarks import five_points
from fer_core.geometry import upright_square
from fer_core.images import to_gray
from fer_core.types import Floats, Image

FACELESS: Final = (
    *("brick", "chelsea", "clock", "coffee", "grass", "gravel", "hubble_deep_field"),
    *("immunohistochemistry", "page", "rocket", "stereo_motorcycle", "text"),
    *("cell", "checkerboard", "coins", "horse", "microaneurysms", "moon", "retina"),
)
"""Sample images of scikit-image without people, some of them of round things; scikit-learn adds a temple and
a flower."""
VIEWS: Final = 3
"""Views of each sample image: unchanged, upside down, and at half size."""

BORDER: Final = 0.25
"""Width of the replicated border, as a fraction of the image's side: the press photographs are cropped
closely to the face."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """An image with one face or none."""

    image: Image
    """(H, W) gray, uint8."""
    box: Floats
    """(1 or 0, 4) upright square into which the mean layout puts the face's points, in pixels."""
    points: Floats
    """(1 or 0, 5, 2) landmarks, in pixels."""


NO_FACE: Final = (np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32))
"""Box and points of an image without a face."""


def face_scenes(faces: LandmarkSet) -> list[Scene]:
    """Return one image for each face, with a border around it."""
    scenes = []
    for image, points in zip(faces.images, five_points(faces.points), strict=True):
        border = round(BORDER * len(image))
        framed = cv2.copyMakeBorder(image, *(border,) * 4, cv2.BORDER_REPLICATE)
        shifted = points + np.float32(border)
        scenes.append(
            Scene(np.asarray(framed, np.uint8), upright_square(shifted)[None], shifted[None])
        )
    return scenes


def faceless_scenes() -> list[Scene]:
    """Return the sample images unchanged, upside down, and at half size."""
    import skimage.data
    from sklearn.datasets import load_sample_images

    loaded = [getattr(skimage.data, name)() for name in FACELESS]
    images = [image[0] if isinstance(image, tuple) else image for image in loaded]
    scenes = []
    for gray in map(to_gray, (*images, *load_sample_images().images)):
        half = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for image in (gray, gray[::-1], half):
            scenes.append(Scene(np.ascontiguousarray(image, np.uint8), *NO_FACE))
    return scenes


def turned(scene: Scene, quarters: int) -> Scene:
    """Rotate an image by quarter turns, so that it shows skin, hair and clothes but no upright face."""
    image = np.ascontiguousarray(np.rot90(scene.image, quarters))
    return Scene(image, *NO_FACE)

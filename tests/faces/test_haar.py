"""The Haar cascade's scores and points."""

import numpy as np
import pytest

from fer_core.faces.haar import PROPORTIONS, Haar
from fer_core.types import Image


def test_points_have_the_mean_proportions_of_the_box(astronaut: Image) -> None:
    (face,) = Haar().detect(astronaut)
    fractions = (face.points - face.box[:2]) / (face.width, face.height)
    assert fractions == pytest.approx(PROPORTIONS, abs=1e-4)
    assert face.width == face.height


def test_faces_below_min_face_are_not_found(astronaut: Image) -> None:
    assert len(Haar(min_face=90).detect(astronaut)) == 1
    assert Haar(min_face=130).detect(astronaut) == []


@pytest.mark.parametrize("shape", [(240, 320, 3), (1, 1, 3)])
def test_images_without_a_face_give_none(shape: tuple[int, ...]) -> None:
    assert Haar().detect(np.full(shape, 90, np.uint8)) == []

"""Outlines of the parts of a face."""

import cv2
import numpy as np
import pytest

from fer_core.faces.parts import part_outlines
from fer_core.labels import PARTS
from fer_core.types import Floats


@pytest.fixture
def landmarks() -> Floats:
    """Return (78, 2) landmarks of a face of straight lines, with eyes 100 pixels apart."""
    points = np.full((78, 2), 150.0, np.float32)
    points[17:22] = [(70 + 15 * k, 70) for k in range(5)]
    points[22:27] = [(170 + 15 * k, 70) for k in range(5)]
    points[27:36] = [(150, 100 + 10 * k) for k in range(4)] + [
        (130 + 10 * k, 140) for k in range(5)
    ]
    for first, x in ((36, 100), (42, 200)):
        offsets = ((-20, 0), (-7, -6), (7, -6), (20, 0), (7, 6), (-7, 6))
        points[first : first + 6] = [(x + dx, 100 + dy) for dx, dy in offsets]
    turns = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([150 + 110 * np.cos(turns), 90 + 150 * np.sin(turns)], axis=1)
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    points[48:60] = np.stack([150 + 40 * np.cos(angles), 190 + 15 * np.sin(angles)], axis=1)
    return points


def test_every_outline_contains_its_landmarks(landmarks: Floats) -> None:
    outlines = part_outlines(landmarks)
    assert set(outlines) == set(PARTS)
    inside = {"brows": (100, 70), "eyes": (200, 100), "nose": (150, 120), "mouth": (150, 190)}
    inside |= {"cheeks": (80, 150), "chin": (150, 225), "forehead": (150, 50)}
    for part, point in inside.items():
        owners = [
            name
            for name, pieces in outlines.items()
            if any(cv2.pointPolygonTest(piece, point, measureDist=False) > 0 for piece in pieces)
        ]
        assert owners[-1] == part, "a place belongs to the last outline that contains it"


def test_outlines_of_brows_have_an_area(landmarks: Floats) -> None:
    left, right = part_outlines(landmarks)["brows"]
    assert left[:, 1].min() == pytest.approx(70 - 12, abs=0.5)
    assert left[:, 1].max() == pytest.approx(70 + 12, abs=0.5)
    assert cv2.contourArea(left) == pytest.approx(cv2.contourArea(right), rel=1e-3)

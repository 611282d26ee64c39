"""Head pose and gaze, from the landmarks of a face."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.errors import UserError
from fer_core.types import Floats

RIGID: Final = (17, 21, 22, 26, 36, 39, 42, 45, 31, 35, 48, 54, 57, 8)
"""Landmarks that the head model knows: ends of the brows, corners of the eyes, sides of the nose, mouth and
chin."""

HEAD: Final = np.array(
    [
        *([-6.825897, -6.760612, 4.402142], [-1.330353, -7.122144, 6.903745]),
        *([1.330353, -7.122144, 6.903745], [6.825897, -6.760612, 4.402142]),
        *([-5.311432, -5.485328, 3.987654], [-1.789930, -5.393625, 4.413414]),
        *([1.789930, -5.393625, 4.413414], [5.311432, -5.485328, 3.987654]),
        *([-2.005628, -1.409845, 6.165652], [2.005628, -1.409845, 6.165652]),
        *([-2.774015, 2.080775, 5.048531], [2.774015, 2.080775, 5.048531]),
        *([0.0, 3.116408, 6.097667], [0.0, 7.415691, 4.070434]),
    ]
)
"""(14, 3) their places on an anthropometric head, in centimeters: x to the image's right, y down, z toward
the camera (glAnthropometric3DModel of the Institute of Systems and Robotics, University of Coimbra; Martins
and Batista 2008, "Accurate single view model-based head pose estimation")."""

EYE_CORNERS: Final = ((36, 39), (42, 45))
"""Landmarks of the corners of each eye, the image's left first."""
IRISES: Final = (68, 73)
"""Landmarks of the centers of the irises, the image's left first."""
LANDMARKS: Final = 78
"""Number of landmarks of a face."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, in degrees; all zero for a face that looks straight into the camera."""

    pitch: float
    """Up is positive."""
    yaw: float
    """To the image's right is positive."""
    roll: float
    """Clockwise in the image is positive."""


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where the eyes point within the head: the places of the irises, the mean of both eyes."""

    horizontal: float
    """-1 at the corners of the eyes on the image's left, 1 at those on its right."""
    vertical: float
    """In half widths of the eyes, up is positive."""


def head_pose(landmarks: Floats) -> Pose:
    """Estimate the pose of a head from its landmarks, as seen from far away.

    Scaled orthographic projection: the affine map from the head model to the landmarks with the least squared
    error, and the rotation that is nearest to it (POS of DeMenthon and Davis 1995).

    Args:
        landmarks: (78, 2) x, y in pixels of any image.

    Raises:
        UserError: for an array of another shape.
    """
    _check(landmarks)
    model = HEAD - HEAD.mean(axis=0)
    seen = landmarks[list(RIGID)] - landmarks[list(RIGID)].mean(axis=0)
    affine = np.linalg.lstsq(model, seen.astype(np.float64), rcond=None)[0].T
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    first, second = left @ right
    third = np.cross(first, second)
    return Pose(
        pitch=float(np.degrees(np.arctan2(third[1], third[2]))),
        yaw=float(np.degrees(np.arctan2(-third[0], np.hypot(third[1], third[2])))),
        roll=float(np.degrees(np.arctan2(second[0], first[0]))),
    )


def gaze(landmarks: Floats) -> Gaze:
    """Estimate where the eyes point, from the irises between the corners of the eyes.

    Args:
        landmarks: (78, 2) x, y in pixels of any image.

    Raises:
        UserError: for an array of another shape.
    """
    _check(landmarks)
    places = []
    for ends, iris in zip(EYE_CORNERS, IRISES, strict=True):
        corners = landmarks[list(ends)].astype(np.float64)
        along = (corners[1] - corners[0]) / 2
        across = np.array([along[1], -along[0]])
        offset = landmarks[iris] - corners.mean(axis=0)
        half_width_squared = max(float(along @ along), 1e-6)
        places.append([offset @ along / half_width_squared, offset @ across / half_width_squared])
    horizontal, vertical = np.mean(places, axis=0)
    return Gaze(float(horizontal), float(vertical))


def _check(landmarks: Floats) -> None:
    if landmarks.shape != (LANDMARKS, 2):
        raise UserError(f"landmarks are of shape {(LANDMARKS, 2)}, not {landmarks.shape}")

"""Landmarks, facial actions and eyes of faces, and following faces by them from frame to frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fer_core.faces.alignment import find_eyes, find_landmarks
from fer_core.faces.eyes import EyeReader, load_eye_reader
from fer_core.faces.landmarks import STILL_THERE, Landmarker, five_points, load_landmarker
from fer_core.geometry import move_box, similarity
from fer_core.labels import ACTIONS
from fer_core.types import Face, Floats, Image

FAST: Final = 0.08
"""Distance between expected and found points from which a followed face is looked at again, in widths of its
box: as far off as that, the landmarks are less precise."""


@dataclass(frozen=True, slots=True)
class FaceDescriber:
    """The landmark and the eye network. It keeps no faces and may be shared by threads."""

    landmarker: Landmarker
    eye_reader: EyeReader

    def describe(self, grays: Sequence[Image], faces: Sequence[Face]) -> list[Face]:
        """Return faces with landmarks, facial actions and eyes, where they lack them.

        Args:
            grays: the image of each face, (H, W) gray uint8.
        """
        missing = [number for number, face in enumerate(faces) if face.landmarks is None]
        if not missing:
            return list(faces)
        images = [grays[number] for number in missing]
        points = np.stack([faces[number].points for number in missing])
        found = find_landmarks(images, points, self.landmarker)
        eyes = find_eyes(images, found.points, self.eye_reader)
        complete = list(faces)
        for row, number in enumerate(missing):
            complete[number] = _described(
                faces[number], found.points[row], found.actions[row], eyes[row]
            )
        return complete

    def follow(self, gray: Image, faces: Sequence[Face]) -> list[Face | None]:
        """Find known faces again near where they are expected, by the landmark network alone.

        Args:
            gray: (H, W) uint8.
            faces: of the frame before, with landmarks, moved to where they are expected.

        Returns:
            For each the face, complete, its box moved with its points; None where it is not there any more.
        """
        if not faces:
            return []
        grays = [gray] * len(faces)
        expected = five_points(np.stack([_landmarks(face) for face in faces]))
        found = find_landmarks(grays, expected, self.landmarker)
        points = five_points(found.points)
        off = np.linalg.norm(points - expected, axis=2).mean(axis=1)
        fast = (off > FAST * np.array([f.width for f in faces])) & (found.present >= STILL_THERE)
        if fast.any():
            again = find_landmarks(grays[: int(fast.sum())], points[fast], self.landmarker)
            for values, better in zip(found, again, strict=True):
                values[fast] = better
            points = five_points(found.points)
        eyes = find_eyes(grays, found.points, self.eye_reader)
        followed: list[Face | None] = []
        for row, face in enumerate(faces):
            if found.present[row] < STILL_THERE:
                followed.append(None)
                continue
            box = move_box(face.box, similarity(expected[row], points[row]), gray.shape)
            moved = replace(face, box=box, points=points[row])
            followed.append(_described(moved, found.points[row], found.actions[row], eyes[row]))
        return followed


def load_describer(device: str = "cpu") -> FaceDescriber:
    """Load the trained landmark and eye network.

    Raises:
        WeightsError: if their files are missing, damaged or do not fit.
    """
    return FaceDescriber(load_landmarker(device), load_eye_reader(device))


def _described(face: Face, landmarks: Floats, actions: Floats, eyes: Floats) -> Face:
    """Return a face with what the landmark and the eye network found in it."""
    left, right = eyes.tolist()
    return replace(
        face,
        landmarks=landmarks,
        actions=dict(zip(ACTIONS, actions.tolist(), strict=True)),
        eyes=None if np.isnan(eyes).any() else (left, right),
    )


def _landmarks(face: Face) -> Floats:
    assert face.landmarks is not None, "a face is followed by its landmarks"
    return face.landmarks

"""Where the parts of a drawn face lie: 78 landmarks moved by facial actions, turned like a head."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.cartoon.actions import FaceActions
from fer_core.cartoon.characters import Character
from fer_core.types import Floats

EYE_X: Final = 0.42
EYE_Y: Final = -0.06
MOUTH_Y: Final = 0.78
BROW_Y: Final = -0.36


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head is and looks."""

    turn: float = 0.0
    """Degrees to the image's right."""
    nod: float = 0.0
    """Degrees downward."""
    tilt: float = 0.0
    """Degrees clockwise in the image."""
    gaze: tuple[float, float] = (0.0, 0.0)
    """How far the eyes look to the right and down, -1..1."""


def landmarks(character: Character, actions: FaceActions, pose: Pose) -> Floats:
    """Return (78, 2) landmarks in units of half the face's width, with the origin between the eyes and nose.

    The 68 standard points, those on the image's left first, then five of each iris.
    """
    parts = (
        _jaw(character, actions),
        _brows(actions),
        _nose(character, actions),
        _eyes(character, actions),
        _mouth(character, actions),
        _irises(character, actions, pose),
    )
    flat = np.concatenate(parts).astype(np.float32)
    flat[:, 1] *= character.length
    return project(flat, pose)


def project(points: Floats, pose: Pose) -> Floats:
    """Turn (N, 2) points of a face that looks straight ahead, as if they lay on a head."""
    x, y = points[:, 0], points[:, 1]
    depth = 0.9 * np.sqrt(np.clip(1.3 - (x / 1.1) ** 2 - (y / 1.7) ** 2, 0, None))
    depth = depth + 0.25 * np.exp(-((x / 0.14) ** 2) - ((y - 0.28) / 0.2) ** 2)  # the nose
    turn, nod, tilt = np.radians((pose.turn, pose.nod, pose.tilt))
    turned = x * np.cos(turn) + depth * np.sin(turn)
    depth = depth * np.cos(turn) - x * np.sin(turn)
    nodded = y * np.cos(nod) + depth * np.sin(nod)
    # The middle of the head stays where it is.
    turned, nodded = turned - 0.75 * np.sin(turn), nodded - 0.75 * np.sin(nod)
    rotation = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    return np.asarray(np.stack([turned, nodded], 1) @ rotation.T, np.float32)


def _jaw(character: Character, actions: FaceActions) -> Floats:
    """Return 17 points from ear to ear, by the chin."""
    angles = np.linspace(np.pi, 0, 17)
    squareness = 0.82 + 0.08 * character.jaw
    x = np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** squareness
    y = -0.1 + 1.42 * np.sin(angles) ** 0.86
    chin = np.sin(angles) ** 6
    x = x * (1 - (0.34 - 0.2 * (character.jaw - 0.9)) * np.sin(angles) ** 2.2 * np.abs(x))
    return np.stack([x, y + 0.2 * actions.jaw_open * chin], 1)


def _brows(actions: FaceActions) -> Floats:
    """Return five points of each brow, from the image's left."""
    t = np.linspace(0, 1, 5)  # from the outer to the inner end
    inner, outer = t**1.6, (1 - t) ** 1.4
    x = -0.74 + 0.53 * t + 0.05 * actions.brow_down * inner
    y = BROW_Y - 0.09 * np.sin(np.pi * (0.15 + 0.7 * t))
    y = (
        y
        - 0.19 * actions.brow_inner_up * inner
        - 0.2 * actions.brow_outer_up * (outer + 0.45 * t * (1 - t) * 4)
    )
    y = y + actions.brow_down * (0.05 + 0.14 * inner) + 0.04 * actions.brow_inner_up * outer
    y = y + 0.03 * actions.nose_sneer * inner
    left = np.stack([x, y], 1)
    return np.concatenate([left, left[::-1] * (-1, 1)])


def _nose(character: Character, actions: FaceActions) -> Floats:
    """Return four points of the bridge and five of the base."""
    size, lift = character.nose, 0.06 * actions.nose_sneer
    bridge = np.stack([np.zeros(4), np.linspace(0.0, 0.39 * size - lift, 4)], 1)
    x = (
        np.array([-0.17, -0.09, 0.0, 0.09, 0.17])
        * size
        * (1 + 0.12 * actions.nose_sneer + 0.1 * _smile(actions))
    )
    y = (
        0.45 * size
        + np.array([-0.02, 0.03, 0.05, 0.03, -0.02])
        - lift * np.array([1.2, 0.8, 0.5, 0.8, 1.2])
    )
    return np.concatenate([bridge, np.stack([x, y], 1)])


def _lid_heights(character: Character, actions: FaceActions, closed: float) -> tuple[float, float]:
    """Return how far the upper lid lies above, and the lower lid below, the line through the corners."""
    upper = 0.09 * character.eye * (1 + 0.85 * actions.eye_wide - 0.4 * actions.eye_squint)
    lower = 0.07 * character.eye * (1 + 0.3 * actions.eye_wide - 0.55 * actions.eye_squint)
    lower = lower - 0.05 * actions.cheek_raise
    return upper * (1 - closed) - lower * closed * 0.9, lower


def _eyes(character: Character, actions: FaceActions) -> Floats:
    """Return six points of each eye, clockwise from the left corner."""
    eyes = []
    half = 0.215 * character.eye
    for side, closed in ((-1, actions.blink_left), (1, actions.blink_right)):
        up, down = _lid_heights(character, actions, closed)
        x = EYE_X * side + half * np.array([-1.0, -0.4, 0.4, 1.0, 0.4, -0.4])
        outer = 0.02 * side  # the outer corner lies a little higher
        y = EYE_Y + np.array([outer, -up, -up, -outer, down, down])
        eyes.append(np.stack([x, y], 1))
    return np.concatenate(eyes)


def _smile(actions: FaceActions) -> float:
    return (actions.smile_left + actions.smile_right) / 2


def _mouth(character: Character, actions: FaceActions) -> Floats:
    """Return twelve points of the outer edge of the lips and eight of the inner one."""
    smile, open_, press = _smile(actions), actions.jaw_open, actions.lip_press
    half = (
        0.35
        * character.mouth
        * (1 + 0.2 * actions.stretch - 0.38 * actions.pucker - 0.2 * open_ * (1 - smile))
    )
    corners = []
    for side, pull in ((-1, actions.smile_left), (1, actions.smile_right)):
        x = side * (half + 0.1 * pull)
        y = MOUTH_Y - 0.17 * pull + 0.14 * actions.frown + 0.04 * actions.stretch + 0.09 * open_
        corners.append((x, y))
    (left_x, left_y), (right_x, right_y) = corners
    middle = MOUTH_Y - 0.03 * actions.frown + 0.03 * smile
    full = (1 - 0.75 * press) * (1 + 0.5 * actions.pucker)
    gap = 0.04 * smile * (0.5 + actions.upper_lip_up) + 0.03 * actions.stretch
    inner_up = middle - 0.02 * open_ - 0.085 * actions.upper_lip_up * (1 - press) - gap / 2
    inner_down = (
        middle + 0.38 * open_ * (1 - press) + gap * (1 - press) + 0.03 * actions.upper_lip_up
    )
    outer_up = inner_up - 0.075 * full
    outer_down = inner_down + 0.105 * full

    def edge(height: float, count: int, bow: float = 0.0) -> list[tuple[float, float]]:
        """Return points between the corners, on a curve whose middle is at ``height``; rounder where the
        jaw is open."""
        points = []
        for t in np.linspace(0, 1, count + 2)[1:-1]:
            x, line = left_x + (right_x - left_x) * t, left_y + (right_y - left_y) * t
            dip = bow if abs(t - 0.5) < 0.1 else 0.0
            points.append((x, line + (height - line) * (1 - abs(2 * t - 1) ** (2 + open_)) + dip))
        return points

    upper = edge(outer_up, 5, 0.022)
    lower = edge(outer_down, 5)[::-1]
    inner_left, inner_right = (left_x * 0.94, left_y), (right_x * 0.94, right_y)
    outer = [(left_x, left_y), *upper, (right_x, right_y), *lower]
    inner = [inner_left, *edge(inner_up, 3), inner_right, *edge(inner_down, 3)[::-1]]
    return np.array([*outer, *inner])


def _irises(character: Character, actions: FaceActions, pose: Pose) -> Floats:
    """Return the center and four points of the rim of each iris."""
    radius = 0.105 * character.eye
    irises = []
    for side in (-1, 1):
        center = np.array([EYE_X * side + 0.09 * pose.gaze[0], EYE_Y - 0.015 + 0.05 * pose.gaze[1]])
        rim = center + radius * np.array([(1, 0), (0, -1), (-1, 0), (0, 1)])
        irises.append(np.concatenate([center[None], rim]))
    return np.concatenate(irises)

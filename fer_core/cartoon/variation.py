"""Drawings at random: another hand, light, pose and intensity each time, the same for the same seed."""

from dataclasses import dataclass

import numpy as np

from fer_core.cartoon.actions import MIN_INTENSITY, FaceActions, expression_actions
from fer_core.cartoon.anatomy import Pose
from fer_core.cartoon.canvas import Scene
from fer_core.cartoon.characters import Character, varied
from fer_core.cartoon.drawing import Drawing, draw_face


@dataclass(frozen=True, slots=True, eq=False)
class RandomDrawing:
    """A drawing with everything that was drawn by chance."""

    drawing: Drawing
    intensity: float
    actions: FaceActions
    pose: Pose


def draw_at_random(
    character: Character,
    expression: str,
    random: np.random.Generator,
    *,
    intensity: float | None = None,
    size: int = 256,
) -> RandomDrawing:
    """Draw a character with an expression.

    Args:
        expression: a class.
        intensity: 0..1; by chance from ``MIN_INTENSITY`` on by default.
        size: side of the picture in pixels.

    Raises:
        UserError: for an unknown class, or an intensity out of range.
    """
    strength = float(random.uniform(MIN_INTENSITY, 1.0)) if intensity is None else intensity
    actions = expression_actions(expression, strength, random)
    turn, nod, tilt = (float(random.normal(0, width)) for width in (9.0, 4.0, 5.0))
    pose = Pose(
        turn=float(np.clip(turn, -20, 20)),
        nod=float(np.clip(nod, -10, 10)),
        tilt=float(np.clip(tilt, -15, 15)),
        gaze=(float(random.uniform(-0.6, 0.6)), float(random.uniform(-0.3, 0.3))),
    )
    red, green, blue = random.integers(60, 230, 3).tolist()
    scene = Scene(
        background=(red, green, blue),
        light=float(random.uniform(-1, 1)),
        contrast=float(random.uniform(0.7, 1.2)),
        scale=float(random.uniform(0.25, 0.31)),
        center=(float(random.uniform(0.46, 0.54)), float(random.uniform(0.47, 0.53))),
    )
    drawing = draw_face(varied(character, random), actions, pose, scene, size=size)
    return RandomDrawing(drawing, strength, actions, pose)

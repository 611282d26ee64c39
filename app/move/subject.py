"""Who is moved, a drawn character or the portrait at rest, and what the network says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.samples import resting_landmarks, resting_portrait
from app.session import PageSettings
from fer_core.cartoon import (
    CHARACTERS,
    Drawing,
    FaceActions,
    Pose,
    draw_face,
    get_character,
    move_face,
)
from fer_core.cartoon.effects import ACTION_NAMES
from fer_core.cartoon.portrait import HIDDEN
from fer_core.faces.landmarks import five_points
from fer_core.options import AnalysisOptions
from fer_core.types import Face, Floats, FrameResult

PHOTOGRAPH: Final = "Grace Hopper, a photograph"
SUBJECTS: Final = (*(character.name for character in CHARACTERS), PHOTOGRAPH)

SIZE: Final = 320
"""Side of a drawing in pixels, shown or not: another size would be read a little differently."""
SMALL: Final = 96
"""Side of a drawing of which only the landmarks are wanted."""


@dataclass(frozen=True)
class Subject:
    """Somebody who can be moved."""

    name: str
    """One of ``SUBJECTS``."""

    @property
    def is_drawn(self) -> bool:
        """Whether it is a drawing, not a photograph."""
        return self.name != PHOTOGRAPH

    @property
    def actions(self) -> tuple[str, ...]:
        """The facial actions that can be shown on it."""
        return tuple(name for name in ACTION_NAMES if self.is_drawn or name not in HIDDEN)

    def draw(self, actions: FaceActions, pose: Pose, size: int = SIZE) -> Drawing:
        """Return the face with some actions; a photograph has its own size and pose."""
        if self.is_drawn:
            return draw_face(get_character(self.name), actions, pose, size=size)
        return move_face(resting_portrait(), resting_landmarks(), actions)

    def landmarks(self, actions: FaceActions, pose: Pose) -> Floats:
        """Return the (78, 2) landmarks as shares of the picture's width and height."""
        drawing = self.draw(actions, pose, SMALL)
        height, width = drawing.image.shape[:2]
        return np.asarray(drawing.landmarks / (width, height), np.float32)


def read_drawings(
    drawings: Sequence[Drawing], settings: PageSettings, *, with_map: bool = False
) -> list[FrameResult]:
    """Read faces whose landmarks are known, so that nothing has to be found; all in one pass.

    Args:
        with_map: explain the likeliest class of each too.
    """
    options = AnalysisOptions(
        model=settings.model,
        prior=settings.prior,
        maps=("top",) if with_map else (),
        landmarks=False,
    )
    frames = [(drawing.image, [known_face(drawing.landmarks)]) for drawing in drawings]
    observations = settings.analyzer.observe(frames, options, {})
    return [settings.analyzer.frame_result(each, options, {}) for each in observations]


def known_face(landmarks: Floats) -> Face:
    """Return the face around (78, 2) landmarks, with a box like a detector's."""
    (x0, y0), (x1, y1) = landmarks.min(axis=0).tolist(), landmarks.max(axis=0).tolist()
    forehead = 0.15 * (y1 - y0)
    points = five_points(landmarks[None])[0]
    return Face(box=(x0, y0 - forehead, x1, y1), score=1.0, points=points, landmarks=landmarks)


def probabilities(
    subject: Subject, faces: Sequence[FaceActions], pose: Pose, settings: PageSettings
) -> Floats:
    """Return the (N, 7) probabilities of a subject with N sets of actions."""
    drawings = [subject.draw(actions, pose) for actions in faces]
    results = read_drawings(drawings, settings)
    return np.stack([result.readings[0].probabilities for result in results])

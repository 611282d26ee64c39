"""Facial actions of a clip that change most."""

from typing import Final

import numpy as np

from fer_core.labels import ACTIONS, action_title
from fer_core.types import Floats
from fer_core.video.timeline import Timeline

DIRECTIONS: Final = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
"""Actions whose name ends with a direction of movement, not with a side of the face."""


def liveliest_actions(timeline: Timeline, track: int, number: int = 8) -> dict[str, Floats]:
    """Return the facial actions with the widest range in the rows of one face.

    The range lies between the 5th and the 95th percentile, so that a single frame does not decide it.
    An action of two sides is the mean of both.

    Args:
        timeline: predictions of the clip.
        track: number of the face.
        number: how many actions to return.

    Returns:
        Title of the action -> (T,) activation in each row of the face, 0..1; the widest range first.
    """
    activations = timeline.of(track)["actions"] / np.float32(255)
    if not len(activations):
        return {}
    sides: dict[str, list[Floats]] = {}
    for name, activation in zip(ACTIONS, activations.T, strict=True):
        base = name if name in DIRECTIONS else name.removesuffix("Left").removesuffix("Right")
        sides.setdefault(action_title(base), []).append(activation)
    mean_activations = {title: np.mean(pair, axis=0) for title, pair in sides.items()}
    ranges = {
        title: np.ptp(np.percentile(mean, (5, 95))) for title, mean in mean_activations.items()
    }
    widest = sorted(mean_activations, key=lambda title: -ranges[title])[:number]
    return {title: mean_activations[title] for title in widest}

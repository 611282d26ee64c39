"""Dense landmarks and facial actions of an aligned face, by a small network trained here.

The points are the 68 of the 300 Faces in-the-Wild Challenge (Sagonas et al. 2013), the image's left
first, then five of each iris: center, right, top, left, bottom. The actions are the 52 blendshapes of
MediaPipe's FaceLandmarker, from which the network was distilled (Hinton et al. 2015).
"""

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from fer_core.labels import ACTIONS
from fer_core.runtime import ForwardPass, Trial, open_passes
from fer_core.types import Floats, Image
from fer_core.weights import LANDMARKS, WEIGHTS, Card, load_card

POINTS: Final = 78
EYES: Final = (slice(36, 42), slice(42, 48))
"""Landmarks of the image's left and right eye: the left corner first, then clockwise around the eyelids."""
NOSE_TIP: Final = 30
MOUTH_CORNERS: Final = (48, 54)


def _shares() -> Floats:
    """Return (5, 78), the share of each landmark in the five points."""
    shares = np.zeros((5, POINTS), np.float32)
    for row, eye in enumerate(EYES):
        shares[row, eye] = 1 / 6
    shares[(2, 3, 4), (NOSE_TIP, *MOUTH_CORNERS)] = 1
    return shares


_FIVE: Final = _shares()

STILL_THERE: Final = 0.5
"""Probability from which a followed face counts as present."""

BATCH: Final = 256
"""Faces per forward pass; bounds the memory."""

MIRRORED_POINTS: Final = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
    *(73, 76, 75, 74, 77),
    *(68, 71, 70, 69, 72),
)
"""Index of each landmark's counterpart in the mirrored face."""

MIRRORED_ACTIONS: Final = tuple(
    ACTIONS.index(name.replace("Left", "-").replace("Right", "Left").replace("-", "Right"))
    for name in ACTIONS
)
"""Index of each action's counterpart in the mirrored face."""


def five_points(points: Floats) -> Floats:
    """(N, 78, 2) -> (N, 5, 2): the centers of the eyes, the tip of the nose, the corners of the mouth."""
    return np.asarray(_FIVE @ points, np.float32)


class DenseLandmarks(NamedTuple):
    """What the landmark network finds in N faces."""

    points: Floats
    """(N, 78, 2), in pixels."""
    actions: Floats
    """(N, 52) facial actions, 0..1."""
    present: Floats
    """(N,) probability that the face is in its square, 0..1."""


class Landmarker:
    """The trained landmark network with its card. It keeps no faces and may be shared by threads.

    Args:
        card: its model card.
        forward_pass: computes ``points``, ``actions`` and ``present`` from (N, 1, S, S) gray values 0..255,
            uint8.
    """

    def __init__(self, card: Card, forward_pass: ForwardPass) -> None:
        self.card = card
        self.input_size = card.input_size
        self._forward_pass = forward_pass

    def __call__(self, aligned: Image) -> DenseLandmarks:
        """Predict from (N, S, S) uint8 aligned faces; the points are in pixels of the square."""
        parts = [
            self._forward_pass(np.ascontiguousarray(aligned[start : start + BATCH, None]))
            for start in range(0, len(aligned), BATCH)
        ]
        points, actions, present = (
            np.concatenate([part[name] for part in parts])
            for name in ("points", "actions", "present")
        )
        return DenseLandmarks(points * np.float32(self.input_size), actions, present)


def load_landmarker(
    device: str = "cpu", folder: Path = WEIGHTS, *, runtime: str = "auto"
) -> Landmarker:
    """Load the trained landmark network.

    Args:
        runtime: one of ``fer_core.runtime.RUNTIMES``.

    Raises:
        UserError: for a runtime that cannot run it.
        WeightsError: if its files are missing, damaged or do not fit the network.
    """

    def by_torch() -> dict[str, ForwardPass]:
        from fer_core.faces.landmark_network import LandmarkNetwork
        from fer_core.faces.trained import load_trained
        from fer_core.runtime.torch import TorchPass

        network = load_trained(LandmarkNetwork, LANDMARKS, device, folder)
        return {LANDMARKS: TorchPass(network.predictions, device)}

    card = load_card(LANDMARKS, folder)
    side = card.input_size
    outputs = {"points": (1, POINTS, 2), "actions": (1, len(ACTIONS)), "present": (1,)}
    trials = {LANDMARKS: Trial((1, 1, side, side), outputs)}
    passes = open_passes(LANDMARKS, by_torch, trials, device=device, folder=folder, runtime=runtime)
    return Landmarker(card, passes[LANDMARKS])


@cache
def shared_landmarker(device: str) -> Landmarker:
    """Return the process's landmark network for bare crops, loaded once."""
    return load_landmarker(device)

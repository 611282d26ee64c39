"""Dense landmarks and facial actions of an aligned face, by a small network trained here.

The points are the 68 of the 300 Faces in-the-Wild Challenge (Sagonas et al. 2013), the image's left
first, then five of each iris: center, right, top, left, bottom. The actions are the 52 blendshapes of
MediaPipe's FaceLandmarker, from which the network was distilled (Hinton et al. 2015).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import timm
import torch
from torch import Tensor, nn

from fer_core.labels import ACTIONS
from fer_core.types import Floats, Image
from fer_core.weights import LANDMARKS, WEIGHTS, Card, fold_batch_norms, load_weights, put_arrays

POINTS: Final = 78
EYES: Final = (slice(36, 42), slice(42, 48))
"""Landmarks of the image's left and right eye: the left corner first, then clockwise around the eyelids."""
NOSE_TIP: Final = 30
MOUTH_CORNERS: Final = (48, 54)

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
    eyes = [points[:, eye].mean(axis=1) for eye in EYES]
    others = [points[:, index] for index in (NOSE_TIP, *MOUTH_CORNERS)]
    return np.stack([*eyes, *others], axis=1)


class LandmarkNetwork(nn.Module):
    """Predict 78 landmarks and 52 facial actions of aligned faces.

    A timm backbone, then without pooling (since places matter) one linear layer for the landmarks and one
    for the actions.

    Args:
        input_size: side of the aligned square, in pixels.
        width: channels to which the last feature map is reduced.
        backbone: timm's name of the architecture, and its options.
    """

    def __init__(self, *, input_size: int, width: int, backbone: Mapping[str, Any]) -> None:
        super().__init__()
        self.input_size = input_size
        options = dict(backbone)
        body: Any = timm.create_model(
            options.pop("name"), features_only=True, in_chans=1, **options
        )
        body.maxpool = nn.Identity()
        channels = body.feature_info.channels()[-1]
        stride = body.feature_info.reduction()[-1] // 2  # without the pooling
        self.body = body
        self.squeeze = nn.Sequential(nn.Conv2d(channels, width, 1), nn.ReLU(), nn.Flatten())
        cells = (input_size // stride) ** 2
        self.points = nn.Linear(width * cells, 2 * POINTS)
        self.actions = nn.Linear(width * cells, len(ACTIONS))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, S, S) gray values 0..255 -> (N, 78, 2) fractions of the square, where points of the jaw may
        lie outside 0..1, and (N, 52) logits of the actions."""
        features = self.squeeze(self.body(faces.float() / 127.5 - 1)[-1])
        return self.points(features).unflatten(1, (POINTS, 2)), self.actions(features)


class Landmarker:
    """The trained landmark network with its card. It keeps no faces and may be shared by threads."""

    def __init__(self, network: LandmarkNetwork, card: Card, device: str = "cpu") -> None:
        self.network = network.eval().requires_grad_(False).to(device)
        self.card = card
        self.device = torch.device(device)
        self.input_size = network.input_size

    @torch.inference_mode()
    def __call__(self, aligned: Image) -> tuple[Floats, Floats]:
        """Predict from (N, S, S) uint8 aligned faces: (N, 78, 2) in pixels of the square, (N, 52) in 0..1."""
        parts = []
        for start in range(0, len(aligned), BATCH):
            faces = torch.from_numpy(aligned[start : start + BATCH, None]).to(self.device)
            points, actions = self.network(faces)
            parts.append((points.float() * self.input_size, actions.float().sigmoid()))
        points, actions = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
        return points, actions


def load_landmarker(device: str = "cpu", folder: Path = WEIGHTS) -> Landmarker:
    """Load the trained landmark network.

    Raises:
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card, arrays = load_weights(LANDMARKS, folder)
    network = LandmarkNetwork(**card.network)
    put_arrays(network, arrays, folder / f"{card.name}.safetensors")
    fold_batch_norms(network.body)
    return Landmarker(network, card, device)


@cache
def shared_landmarker(device: str) -> Landmarker:
    """Return the process's landmark network for bare crops, loaded once."""
    return load_landmarker(device)

"""The torch network behind the landmarks; ``fer_core.faces.landmarks`` runs it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import Tensor, nn

from fer_core.building import create_timm
from fer_core.faces.trained import load_trained
from fer_core.labels import ACTIONS
from fer_core.pose import LANDMARKS as POINTS
from fer_core.weights import LANDMARKS


class LandmarkNetwork(nn.Module):
    """Predict 78 landmarks and 52 facial actions of aligned faces.

    A timm backbone, then without pooling (since places matter) one linear layer for the landmarks, one for
    the actions, and one for whether the face is in its square.

    Args:
        input_size: side of the aligned square, in pixels.
        width: channels to which the last feature map is reduced.
        backbone: timm's name of the architecture, and its options.
    """

    def __init__(self, *, input_size: int, width: int, backbone: Mapping[str, Any]) -> None:
        super().__init__()
        self.input_size = input_size
        options = dict(backbone)
        body = create_timm(options.pop("name"), features_only=True, in_chans=1, **options)
        body.maxpool = nn.Identity()
        channels = body.feature_info.channels()[-1]
        stride = body.feature_info.reduction()[-1] // 2  # without the pooling
        self.body = body
        self.squeeze = nn.Sequential(nn.Conv2d(channels, width, 1), nn.ReLU(), nn.Flatten())
        cells = (input_size // stride) ** 2
        self.points = nn.Linear(width * cells, 2 * POINTS)
        self.actions = nn.Linear(width * cells, len(ACTIONS))
        self.present = nn.Linear(width * cells, 1)

    def trunk(self, faces: Tensor) -> Tensor:
        """(N, 1, S, S) gray values 0..255 -> (N, C) features on which the heads stand."""
        features: Tensor = self.squeeze(self.body(faces.float() / 127.5 - 1)[-1])
        return features

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, S, S) gray values 0..255 -> (N, 78, 2) fractions of the square, where points of the jaw may
        lie outside 0..1, and (N, 52) logits of the actions."""
        features = self.trunk(faces)
        return self.points(features).unflatten(1, (POINTS, 2)), self.actions(features)

    def predictions(self, faces: Tensor) -> dict[str, Tensor]:
        """Compute ``points`` as fractions of the square, ``actions`` in 0..1, and ``present`` (N,) in 0..1:
        whether the face is in its square."""
        features = self.trunk(faces)
        return {
            "points": self.points(features).unflatten(1, (POINTS, 2)),
            "actions": self.actions(features).float().sigmoid(),
            "present": self.present(features)[:, 0].float().sigmoid(),
        }


@cache
def shared_landmark_network(device: str) -> LandmarkNetwork:
    """Return the process's landmark network for torch, loaded once."""
    return load_trained(LandmarkNetwork, LANDMARKS, device)

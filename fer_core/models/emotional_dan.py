"""``emotional_dan``: landmarks and expressions in one network; the second stage sees the landmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer_core.faces.landmarks import POINTS
from fer_core.models.base import NetworkOutput, PooledNetwork, normalize
from fer_core.models.registry import register_network
from fer_core.models.simple_cnn import stacked

CELLS: Final = 6
"""Side of the last feature maps, which the landmark layers are built for, in cells."""
HEAT_SIDE: Final = 24.0
"""Side of the square in the units in which the heat of a landmark falls with its distance."""


@register_network("emotional_dan", description="finds landmarks first, then looks again near them")
class EmotionalDAN(PooledNetwork):
    """Deep alignment network with an expression head (Tautkute et al. 2018,
    https://arxiv.org/abs/1805.00326).

    The first stage predicts the landmarks. The input of the second is the face and a heatmap of them; it
    predicts them again, and the class. The paper aligns the face between the stages; here it is already
    aligned.

    Args:
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        widths: channels of each of the two trunks.
        affect: whether it has a head for valence and arousal.
    """

    landmarks = True

    def __init__(
        self,
        *,
        input_size: int,
        dropout: float,
        widths: Sequence[Sequence[int]] = ((16, 32, 64, 96), (16, 32, 64, 128)),
        affect: bool = False,
    ) -> None:
        first, second = widths
        super().__init__(
            stacked(second, in_channels=2), input_size=input_size, dropout=dropout, affect=affect
        )
        self.first = stacked(first)
        self.first_points = point_layers(self.first.channels)
        self.points = point_layers(self.backbone.channels)

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self._stages(faces)[1]}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        output = super().head(features, hold_attention=hold_attention)
        return replace(output, points=self._find(self.points, features["face"])[None])

    def forward(self, faces: Tensor) -> NetworkOutput:
        first_points, feature_map = self._stages(faces)
        output = self.head({"face": feature_map})
        assert output.points is not None
        return replace(output, points=torch.cat([first_points[None], output.points]))

    def _stages(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Return (N, 78, 2) landmarks of the first stage and the feature map of the second."""
        faces = normalize(faces)
        points = self._find(self.first_points, self.first(faces))
        heat = landmark_heat(points.detach(), faces.shape[-1] // 2).to(faces.dtype)
        heat = F.interpolate(heat, faces.shape[2:], mode="bilinear", align_corners=False)
        return points, self.backbone(torch.cat([faces, heat], dim=1))

    def _find(self, layers: nn.Module, feature_map: Tensor) -> Tensor:
        points: Tensor = layers(F.adaptive_avg_pool2d(feature_map, CELLS))
        return points.float().reshape(-1, POINTS, 2)


def point_layers(channels: int, width: int = 20) -> nn.Module:
    """Build layers from a map of 6x6 cells, without pooling since places matter, to 2 x 78 coordinates."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(width * CELLS**2, 2 * POINTS),
    )


def landmark_heat(points: Tensor, size: int) -> Tensor:
    """Compute a heatmap of landmarks: 1 / (1 + distance to the nearest one), by equation 3 of Kowalski et al.
    2017 (https://arxiv.org/abs/1706.01789).

    Args:
        points: (N, 78, 2) landmarks as fractions of the square.
        size: side of the map, in cells.

    Returns:
        (N, 1, size, size), 0..1.
    """
    centers = (torch.arange(size, device=points.device) + 0.5) / size
    rows, columns = torch.meshgrid(centers, centers, indexing="ij")
    cells = torch.stack([columns, rows], dim=-1).flatten(0, 1)
    squares = (cells[:, None] - points.float()[:, None]).square().sum(-1)  # (N, cells, 78)
    nearest = squares.amin(2).sqrt()
    return (1 / (1 + HEAT_SIDE * nearest)).reshape(-1, 1, size, size)

"""``emotional_dan``: landmarks and expressions in one network, the second stage shown the landmarks."""

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
"""Side of the last maps, for which the landmarks' layers are made."""
FALL: Final = 24.0
"""Side of the square over which the heat of a landmark is told, as in pixels."""


@register_network("emotional_dan", description="finds landmarks first, then looks again near them")
class EmotionalDAN(PooledNetwork):
    """Deep alignment network with an expression head (Tautkute et al. 2018,
    https://arxiv.org/abs/1805.00326).

    The first stage finds the landmarks; the second sees the face beside a map that is warm near them, finds
    them once more and assigns the class. The paper turns the face upright between the stages: here it
    comes upright.

    Args:
        widths: channels of each of the two trunks.
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
        found, feature_map = self._stages(faces)
        output = self.head({"face": feature_map})
        assert output.points is not None
        return replace(output, points=torch.cat([found[None], output.points]))

    def _stages(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 78, 2) landmarks of the first stage, and the second stage's map."""
        faces = normalize(faces)
        found = self._find(self.first_points, self.first(faces))
        heat = landmark_heat(found.detach(), faces.shape[-1] // 2).to(faces.dtype)
        heat = F.interpolate(heat, faces.shape[2:], mode="bilinear", align_corners=False)
        return found, self.backbone(torch.cat([faces, heat], dim=1))

    def _find(self, layers: nn.Module, feature_map: Tensor) -> Tensor:
        found: Tensor = layers(F.adaptive_avg_pool2d(feature_map, CELLS))
        return found.float().reshape(-1, POINTS, 2)


def point_layers(channels: int, width: int = 20) -> nn.Module:
    """A map of 6x6 cells, kept apart since they say where things are -> 2 x 78 numbers."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(width * CELLS**2, 2 * POINTS),
    )


def landmark_heat(points: Tensor, size: int) -> Tensor:
    """(N, 1, size, size): one over one plus the distance to the nearest landmark, by equation 3 of Kowalski
    et al. 2017 (https://arxiv.org/abs/1706.01789).

    Args:
        points: (N, 78, 2) fractions of the square.
    """
    centres = (torch.arange(size, device=points.device) + 0.5) / size
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    cells = torch.stack([columns, rows], dim=-1).flatten(0, 1)
    nearest = torch.cdist(cells.expand(len(points), -1, -1), points.float()).amin(2)
    return (1 / (1 + FALL * nearest)).reshape(-1, 1, size, size)

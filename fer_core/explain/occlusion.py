"""Occlusion: cover one place after another and measure what the class scores lose; works for every model."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from fer_core.explain.method import Method
from fer_core.models.base import GRAY_MEAN, Network
from fer_core.models.classifier import BATCH
from fer_core.types import Floats

CELLS: Final = 6
"""Cells along each side, as many as the other maps have."""
COVER: Final = 3
"""Side of the cover in cells. It hides a mouth with its corners: networks trained with random erasing hardly
miss less."""


@torch.inference_mode()
def occlusion(network: Network, faces: Tensor) -> Floats:
    """Compute what each class score loses where a gray square lies on the face (Zeiler and Fergus 2014).

    The square moves by one cell at a time, beyond the border by all but one, so that every cell lies under
    equally many covers. All classes come from the same passes.

    Args:
        faces: (1, 1, S, S) gray values 0..255.

    Returns:
        (7, 6, 6) logits: for each cell the mean loss over the covers that lie on it, negative where the class
        gains.
    """
    edges = np.arange(CELLS + 1) * faces.shape[-1] // CELLS
    spans = [(max(0, end - COVER), min(end, CELLS)) for end in range(1, CELLS + COVER)]
    places = [(rows, columns) for rows in spans for columns in spans]
    covered = faces.float().repeat(len(places), 1, 1, 1)
    for face, ((top, bottom), (left, right)) in zip(covered, places, strict=True):
        face[:, edges[top] : edges[bottom], edges[left] : edges[right]] = 255 * GRAY_MEAN
    scores = torch.cat([network(batch).logits for batch in torch.split(covered, BATCH)])
    lost = (network(faces).logits - scores).float().cpu().numpy()
    summed = np.zeros((lost.shape[1], CELLS, CELLS), np.float32)
    for loss, ((top, bottom), (left, right)) in zip(lost, places, strict=True):
        summed[:, top:bottom, left:right] += loss[:, None, None]
    return np.asarray(summed / COVER**2, np.float32)


def compute_occlusion(
    network: Network, faces: Tensor, indices: Sequence[int], layer: int | None
) -> Floats:
    """Return (K, 6, 6) maps of K classes; all seven come from the same passes."""
    return occlusion(network, faces)[list(indices)]


OCCLUSION: Final = Method(
    name="occlusion",
    title="Occlusion",
    sentence="Lays a gray square on one place after another, and shows what the class score loses.",
    caution="It needs nothing but answers, so it works for every model; a gray square is itself "
    "like nothing that it has learned from.",
    formula=r"L^c_{ij} = \operatorname{mean}_{M \ni ij} \big(y^c(x) - y^c(x \text{ with } M "
    r"\text{ gray})\big)",
    paper="Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901",
    looks_at="scores",
    class_dependent=True,
    signed=True,
    needs_backward=False,
    fast=False,
    compute=compute_occlusion,
)

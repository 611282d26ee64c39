"""Cover one place after another and see what the class score loses: it asks nothing of a model."""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from fer_core.models.base import GREY_MEAN, Network
from fer_core.models.classifier import BATCH
from fer_core.types import Floats

CELLS: Final = 12
"""Places along each side."""
COVER: Final = 3
"""Side of the cover, in cells."""


@torch.inference_mode()
def occlusion(network: Network, faces: Tensor, index: int) -> Floats:
    """What the score of a class loses where a grey square lies on the face (Zeiler and Fergus 2014).

    Args:
        faces: (1, 1, S, S) grey values 0..255.
        index: number of the class.

    Returns:
        (12, 12) logits: for each cell the mean over the covers that lie on it, negative where the class
        gains by the cover.
    """
    size = faces.shape[-1]
    starts = range(1 - COVER, CELLS)
    squares = [(slice(max(0, s), s + COVER)) for s in starts]
    places = [(rows, columns) for rows in squares for columns in squares]
    edges = np.arange(CELLS + 1) * size // CELLS
    covered = faces.float().repeat(len(places), 1, 1, 1)
    for face, place in zip(covered, places, strict=True):
        rows, columns = (slice(edges[s.start], edges[min(s.stop, CELLS)]) for s in place)
        face[:, rows, columns] = 255 * GREY_MEAN
    scores = [network(batch).logits[:, index].float() for batch in torch.split(covered, BATCH)]
    lost = network(faces).logits[0, index].float() - torch.cat(scores)
    summed, count = np.zeros((CELLS, CELLS), np.float32), np.zeros((CELLS, CELLS), np.float32)
    for place, loss in zip(places, lost.tolist(), strict=True):
        summed[place] += loss
        count[place] += 1
    return summed / count

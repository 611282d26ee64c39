"""Is a map true? What the probability of a class does when the places that its map marks go, or come.

A map that marks what the network uses loses the class quickly when its hottest pixels go, and finds it
quickly when they come. How quickly says little by itself, since faces with holes are like nothing that the
network has learned from: compare a map with ``random_map`` and ``centre_map``, which know nothing of the
network, and a map of single pixels with a flat one, since scattered holes hurt more than one large hole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.explain.attribution_shares import FLAT, is_flat, positive_part
from fer_core.labels import expression_index
from fer_core.models.base import GREY_MEAN
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image

ROAD_SHARES: Final = (0.2, 0.4, 0.6, 0.8)
"""Of the pixels, hottest first, that ROAD removes."""
ROAD_NOISE: Final = 0.01
"""Standard deviation of its noise, on a scale of 0..1, as its authors have it."""
BLUR: Final = 1 / 8
"""Standard deviation of the blur that insertion starts from, in sides of the face: no expression is left."""
COARSE: Final = 6
"""Cells along each side of random noise, as many as the maps of most last layers have."""


@dataclass(frozen=True, slots=True, eq=False)
class Faithfulness:
    """What one map is worth on one face. All probabilities are calibrated, those of the class explained."""

    shares: Floats
    """(n,) of the pixels, hottest first, 0..1."""
    deletion: Floats
    """(n,) probability when they are grey and the others as they were."""
    insertion: Floats
    """(n,) probability when they are as they were and the others blurred."""
    road: float
    """ROAD, most relevant first: mean probability when 20 to 80 % of the pixels are filled in from their
    neighbours, so that the edges of holes tell nothing (Rong et al. 2022, https://arxiv.org/abs/2202.00449).
    Lower is better."""
    average_drop: float
    """0..1, the part of the probability that goes when the face is multiplied by its map, with grey for what
    is hidden (Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063). Lower is better."""
    increase: bool
    """The class is likelier on that picture than on the face (likewise)."""

    @property
    def deletion_area(self) -> float:
        """0..1 under the curve; lower is better (Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421)."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """0..1 under the curve; higher is better (likewise)."""
        return float(np.trapezoid(self.insertion, self.shares))


def faithfulness(
    classifier: Classifier,
    aligned: Image,
    target: str,
    maps: Mapping[str, Floats],
    *,
    steps: int = 24,
) -> dict[str, Faithfulness]:
    """Judge several maps of one class on one face, all from the same passes.

    Args:
        aligned: (S, S) uint8.
        target: name of the class.
        maps: name -> (h, w) raw map. Pixels that are equally hot are sorted at random, so a flat map, or one
            with NaN or infinite cells, is worth what a random order is.
        steps: of both curves, from no pixel to all of them.

    Raises:
        UserError: for an unknown class; the message lists the valid ones.
    """
    index = expression_index(target)
    shares = np.linspace(0, 1, steps + 1, dtype=np.float32)
    pictures = np.concatenate(
        [aligned[None], *(_pictures(aligned, raw, shares) for raw in maps.values())]
    )
    # Maps share the ends of their curves, and some methods are the same for some networks.
    different, places = np.unique(pictures, axis=0, return_inverse=True)
    probabilities = classifier.calibrate(classifier.logits(different)[0])[places, index]
    whole = float(probabilities[0])
    found = {}
    for name, own in zip(maps, probabilities[1:].reshape(len(maps), -1), strict=True):
        deletion, insertion, road, shown = np.split(
            own, np.cumsum([steps + 1, steps + 1, len(ROAD_SHARES)])
        )
        found[name] = Faithfulness(
            shares=shares,
            deletion=deletion,
            insertion=insertion,
            road=float(road.mean()),
            average_drop=max(0.0, 1 - float(shown[0]) / whole),
            increase=bool(shown[0] > whole),
        )
    return found


def _pictures(aligned: Image, raw: Floats, shares: Floats) -> Image:
    """(2 n + 5, S, S): deletion, insertion, ROAD, and the face multiplied by its map."""
    size = len(aligned)
    grey = np.uint8(round(255 * GREY_MEAN))
    blurred = cv2.GaussianBlur(aligned, (0, 0), BLUR * size)
    ranks = _ranks(raw, size)
    hottest = ranks < np.round(shares * ranks.size)[:, None, None]
    heat = np.zeros_like(raw) if is_flat(raw) else positive_part(raw) / positive_part(raw).max()
    shown = grey + cv2.resize(heat, (size, size)) * (aligned.astype(np.float32) - grey)
    return np.concatenate(
        [
            np.where(hottest, grey, aligned),
            np.where(hottest, aligned, blurred),
            *(filled_in(aligned, ranks < share * ranks.size)[None] for share in ROAD_SHARES),
            np.round(shown).astype(np.uint8)[None],
        ]
    )


def _ranks(raw: Floats, size: int) -> NDArray[np.int64]:
    """(S, S) place of each pixel among all of them, the hottest at 0, equally hot ones at random."""
    spread = np.ptp(raw)
    if not np.isfinite(raw).all() or spread <= FLAT * abs(raw).max():
        heat = np.zeros((size, size), np.float32)
    else:
        # Cells that are alike differ by what rounding leaves, which would sort them in a pattern.
        heat = np.round(cv2.resize(raw / spread, (size, size)) / FLAT)
    chance = np.random.default_rng(0).random(heat.size)
    ranks = np.empty(heat.size, np.int64)
    ranks[np.lexsort((chance, -heat.ravel()))] = np.arange(heat.size)
    return ranks.reshape(size, size)


def filled_in(aligned: Image, missing: NDArray[np.bool_]) -> Image:
    """The face with missing pixels as weighted means of their neighbours, and a little noise."""
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer, neighbors_weights  # two seconds
    from scipy.sparse.linalg import spsolve

    # Called as a whole it would draw its noise from the generator that all of torch shares.
    matrix, known = NoisyLinearImputer.setup_sparse_system(
        1 - missing.astype(np.float32), aligned[None] / 255, neighbors_weights
    )
    smooth = spsolve(matrix.tocsc(), known).ravel()
    noise = np.random.default_rng(0).normal(0, ROAD_NOISE, smooth.shape)
    filled = aligned.copy()
    filled[missing] = np.clip(np.round(255 * (smooth + noise)), 0, 255)
    return filled


def random_map(side: int, seed: int) -> Floats:
    """(side, side) noise as smooth as the maps of a last layer, for a network that nobody asked."""
    noise = np.random.default_rng(seed).standard_normal((COARSE, COARSE), np.float32)
    return np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def center_map(side: int) -> Floats:
    """(side, side) a blob in the middle, where on an aligned face the nose is."""
    places = (np.arange(side) + 0.5) / side - 0.5
    slope = np.exp(-((places / 0.25) ** 2) / 2)
    return np.outer(slope, slope).astype(np.float32)


def bootstrap(values: Floats, *, seed: int = 0, repeats: int = 2000) -> tuple[float, float]:
    """Ends of the 95 % interval of the mean of (n,) values, by percentiles (Efron 1979)."""
    drawn = np.random.default_rng(seed).choice(values, (repeats, len(values)))
    low, high = np.quantile(drawn.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)

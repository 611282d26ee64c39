"""Faithfulness of explanation maps: how a class's probability changes when marked pixels are hidden or shown.

If a map marks the pixels that the network uses, the probability falls quickly when the hottest pixels are
deleted first, and rises quickly when they are inserted first. A single value means little, since faces with
holes are unlike the training data. So compare a map with ``random_map`` and ``center_map``, which do not
depend on the network, and a map of single pixels with a flat one: scattered holes lower the probability more
than one large hole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.explain.attribution_shares import FLAT, is_flat, positive_part
from fer_core.labels import expression_index
from fer_core.models.base import GRAY_MEAN
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image

ROAD_SHARES: Final = (0.2, 0.4, 0.6, 0.8)
"""Shares of the pixels that ROAD removes, hottest first."""
ROAD_NOISE: Final = 0.01
"""Standard deviation of ROAD's noise, for gray values in 0..1, as in its paper."""
BLUR: Final = 1 / 8
"""Standard deviation of the blur from which insertion starts, as a fraction of the face's side: it leaves no
expression."""
NOISE_CELLS: Final = 6
"""Cells along each side of ``random_map``, as in the last feature maps of most networks."""


@dataclass(frozen=True, slots=True, eq=False)
class Faithfulness:
    """Faithfulness of one map on one face; probabilities are calibrated, for the explained class."""

    shares: Floats
    """(n,) shares of the changed pixels, hottest first, 0..1."""
    deletion: Floats
    """(n,) probability with these pixels gray and the others unchanged."""
    insertion: Floats
    """(n,) probability with these pixels unchanged and the others blurred."""
    road: float
    """ROAD, most relevant first: mean probability with 20 to 80 % of the pixels imputed from their neighbors,
    so that the edges of holes carry no information (Rong et al. 2022, https://arxiv.org/abs/2202.00449).
    Lower is better."""
    average_drop: float
    """Relative drop of the probability, 0..1, when the face is multiplied by its map, with gray for hidden
    pixels (Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063). Lower is better."""
    increase: bool
    """Whether the probability is higher on that image than on the face (Chattopadhay et al. 2018)."""

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve, 0..1; lower is better (Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421)."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve, 0..1; higher is better (Petsiuk et al. 2018)."""
        return float(np.trapezoid(self.insertion, self.shares))


def faithfulness(
    classifier: Classifier,
    aligned: Image,
    target: str,
    maps: Mapping[str, Floats],
    *,
    steps: int = 24,
    prior: str | None = None,
) -> dict[str, Faithfulness]:
    """Measure several maps of one class on one face, with shared forward passes.

    Args:
        classifier: the model.
        aligned: (S, S) gray, uint8.
        target: name of the class.
        maps: name -> (h, w) raw map. Equally hot pixels are sorted at random, so a flat map, or one with NaN
            or infinite cells, has the values of a random order.
        steps: number of steps of both curves, from no pixel to all pixels.
        prior: shares of the classes that the probabilities assume, a key of ``PRIORS``; by default the
            card's.

    Returns:
        Name of each map -> its faithfulness.

    Raises:
        UserError: if the class is unknown; the message lists the valid ones.
    """
    index = expression_index(target)
    shares = np.linspace(0, 1, steps + 1, dtype=np.float32)
    pictures = np.concatenate(
        [aligned[None], *(_pictures(aligned, raw, shares) for raw in maps.values())]
    )
    # Maps share the ends of their curves, and some methods give the same map for some networks.
    unique_pictures, positions = np.unique(pictures, axis=0, return_inverse=True)
    logits = classifier.logits(unique_pictures)[0]
    probabilities = classifier.calibrate(logits, prior)[positions, index]
    unchanged = float(probabilities[0])
    results = {}
    for name, values in zip(maps, probabilities[1:].reshape(len(maps), -1), strict=True):
        deletion, insertion, road, masked = np.split(
            values, np.cumsum([steps + 1, steps + 1, len(ROAD_SHARES)])
        )
        results[name] = Faithfulness(
            shares=shares,
            deletion=deletion,
            insertion=insertion,
            road=float(road.mean()),
            average_drop=max(0.0, 1 - float(masked[0]) / unchanged),
            increase=bool(masked[0] > unchanged),
        )
    return results


def _pictures(aligned: Image, raw: Floats, shares: Floats) -> Image:
    """Return (2 n + 5, S, S) images: deletion, insertion, ROAD, and the face multiplied by its map."""
    size = len(aligned)
    gray = np.uint8(round(255 * GRAY_MEAN))
    blurred = cv2.GaussianBlur(aligned, (0, 0), BLUR * size)
    ranks = _ranks(raw, size)
    hottest = ranks < np.round(shares * ranks.size)[:, None, None]
    heat = np.zeros_like(raw) if is_flat(raw) else positive_part(raw) / positive_part(raw).max()
    masked = gray + cv2.resize(heat, (size, size)) * (aligned.astype(np.float32) - gray)
    return np.concatenate(
        [
            np.where(hottest, gray, aligned),
            np.where(hottest, aligned, blurred),
            *(impute(aligned, ranks < share * ranks.size)[None] for share in ROAD_SHARES),
            np.round(masked).astype(np.uint8)[None],
        ]
    )


def _ranks(raw: Floats, size: int) -> NDArray[np.int64]:
    """Return the (S, S) rank of each pixel: 0 for the hottest, random among equally hot ones."""
    spread = np.ptp(raw)
    if not np.isfinite(raw).all() or spread <= FLAT * abs(raw).max():
        heat = np.zeros((size, size), np.float32)
    else:
        # Equal cells differ by rounding errors, which would sort them in a pattern.
        heat = np.round(cv2.resize(raw / spread, (size, size)) / FLAT)
    random_order = np.random.default_rng(0).random(heat.size)
    ranks = np.empty(heat.size, np.int64)
    ranks[np.lexsort((random_order, -heat.ravel()))] = np.arange(heat.size)
    return ranks.reshape(size, size)


def impute(aligned: Image, missing: NDArray[np.bool_]) -> Image:
    """Replace missing pixels by weighted means of their neighbors plus a little noise, as ROAD does.

    Args:
        aligned: (S, S) gray, uint8.
        missing: (S, S) whether a pixel is missing.

    Returns:
        (S, S) gray, uint8.
    """
    from pytorch_grad_cam.metrics.road import (  # takes two seconds
        NoisyLinearImputer,
        neighbors_weights,
    )
    from scipy.sparse.linalg import spsolve

    # Calling the imputer itself would draw the noise from torch's global generator.
    matrix, neighbors = NoisyLinearImputer.setup_sparse_system(
        1 - missing.astype(np.float32), aligned[None] / 255, neighbors_weights
    )
    smooth = spsolve(matrix.tocsc(), neighbors).ravel()
    noise = np.random.default_rng(0).normal(0, ROAD_NOISE, smooth.shape)
    filled = aligned.copy()
    filled[missing] = np.clip(np.round(255 * (smooth + noise)), 0, 255)
    return filled


def random_map(side: int, seed: int) -> Floats:
    """Return (side, side) noise as smooth as maps of a last layer: a baseline without any network."""
    noise = np.random.default_rng(seed).standard_normal((NOISE_CELLS, NOISE_CELLS), np.float32)
    return np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def center_map(side: int) -> Floats:
    """Return a (side, side) Gaussian in the center, at the nose of an aligned face: another baseline."""
    positions = (np.arange(side) + 0.5) / side - 0.5
    profile = np.exp(-((positions / 0.25) ** 2) / 2)
    return np.outer(profile, profile).astype(np.float32)


def bootstrap(values: Floats, *, seed: int = 0, repeats: int = 2000) -> tuple[float, float]:
    """Return the 95 % confidence interval of the mean of (n,) values by bootstrap (Efron 1979)."""
    resamples = np.random.default_rng(seed).choice(values, (repeats, len(values)))
    low, high = np.quantile(resamples.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)

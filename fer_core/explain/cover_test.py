"""Occlusion test: cover a part of a face, and check whether a map predicted the effect."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from fer_core.explain.attribution_shares import FINE, positive_part
from fer_core.explain.covers import Cover, cover_mask, covered, heat_under, rectangle
from fer_core.labels import expression_index
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image

SEEN: Final = 0.05
"""Smallest change of a probability that counts as one."""
MUCH_HEAT: Final = 0.1
"""Distance between the shares of heat and of area under a cover from which a map claims something."""
LITTLE_HEAT: Final = 0.05
"""Share of the heat below which a map claims that a place does not count."""

GRID: Final = 12
"""Cells along each side of ``cover_grid``: twice as many as most maps have."""

COMPARED_PLACES: Final = 40
"""Number of equal covers on other places, for comparison."""


@dataclass(frozen=True, slots=True, eq=False)
class OcclusionTest:
    """Effect of a cover on one class, and what the map of the class predicted."""

    covered: Image
    """(S, S) uint8."""
    before: Floats
    """(7,) probabilities of the whole face, in the order of ``EXPRESSIONS``."""
    after: Floats
    """(7,) probabilities of the covered face."""
    heat: float
    """Share of the map's positive heat under the cover, 0..1."""
    area: float
    """Share of the face that is covered, 0..1: the heat that an even map would have there."""
    lost: float
    """Logits that the class loses; negative where it gains."""
    heat_rank: float
    """Share of equal covers on other places with less heat under them, 0..1."""
    lost_rank: float
    """Share of equal covers on other places by which the class loses less, 0..1."""
    correlation: float
    """Correlation over all these places between covered heat and lost logits, -1..1; 0 where either does not
    vary."""

    target: str
    """The class whose map it is."""

    @property
    def change(self) -> float:
        """Change of the probability of the class, -1..1."""
        index = expression_index(self.target)
        return float(self.after[index] - self.before[index])

    @property
    def verdict(self) -> Literal["right", "wrong", "too small"]:
        """Whether the map predicted what the cover did, by sizes that can be seen.

        With ``MUCH_HEAT`` more than an even map would have under the cover, the map claims that the class
        loses; with that much less, or hardly any, that it does not. A change below ``SEEN`` is none. Between
        both claims it is too small to tell.
        """
        loses = self.change <= -SEEN
        if self.heat - self.area >= MUCH_HEAT:
            return "right" if loses else "wrong"
        if self.area - self.heat >= MUCH_HEAT or self.heat < LITTLE_HEAT:
            return "wrong" if loses else "right"
        return "too small"


def occlusion_test(
    classifier: Classifier,
    aligned: Image,
    polygons: Cover,
    target: str,
    raw: Floats,
    prior: str | None = None,
) -> OcclusionTest:
    """Cover a part of an aligned face, and equally large other places for comparison.

    Args:
        polygons: at least one, with some area inside the square.
        target: the class whose map ``raw`` is, (h, w).
        prior: shares of the classes that the probabilities assume, a key of ``PRIORS``; by default the
            card's.

    Raises:
        UserError: for an unknown class or prior.
    """
    index = expression_index(target)
    places = [polygons, *_elsewhere(polygons)]
    faces = np.stack([aligned, *(covered(aligned, place) for place in places)])
    logits = classifier.logits(faces)[0]
    whole, *rest = logits[:, index]
    lost = whole - np.array(rest, np.float32)
    positive = positive_part(raw)
    heat = np.array([heat_under(positive, place, FINE) for place in places], np.float32)
    probabilities = classifier.calibrate(logits[:2], prior)
    varies = np.ptp(lost) > 0 and np.ptp(heat) > 0
    return OcclusionTest(
        covered=faces[1],
        before=probabilities[0],
        after=probabilities[1],
        heat=float(heat[0]),
        area=float(cover_mask(polygons, FINE).mean()),
        lost=float(lost[0]),
        heat_rank=float((heat[1:] < heat[0]).mean()),
        lost_rank=float((lost[1:] < lost[0]).mean()),
        correlation=float(np.corrcoef(heat, lost)[0, 1]) if varies else 0.0,
        target=target,
    )


def cover_grid(
    classifier: Classifier, aligned: Image, side: float, prior: str | None = None
) -> Floats:
    """Cover an aligned face with a square at each cell of a grid, in one batch.

    Args:
        side: of the square, as a fraction of the face's side.
        prior: shares of the classes that the probabilities assume, a key of ``PRIORS``; by default the
            card's.

    Returns:
        (12, 12, 7) probabilities with the square around the center of each cell, cut off at the border.
    """
    centers, half = (np.arange(GRID) + 0.5) / GRID, side / 2
    squares = (rectangle(x - half, y - half, x + half, y + half) for y in centers for x in centers)
    faces = np.stack([covered(aligned, (square,)) for square in squares])
    probabilities = classifier.calibrate(classifier.logits(faces)[0], prior)
    return probabilities.reshape(GRID, GRID, -1)


def _elsewhere(polygons: Cover) -> list[Cover]:
    """Return the same polygons, moved together to random places inside the square."""
    corners = np.concatenate([np.array(each) for each in polygons])
    low, high = -corners.min(axis=0), 1 - corners.max(axis=0)
    moves = np.random.default_rng(0).uniform(low, high, (COMPARED_PLACES, 2))
    return [
        tuple(tuple((x + dx, y + dy) for x, y in polygon) for polygon in polygons)
        for dx, dy in moves.tolist()
    ]

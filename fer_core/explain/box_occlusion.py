"""Occlusion test: cover parts of a face with boxes, and check whether a map predicted the effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.explain.attribution_shares import FINE, positive_part
from fer_core.faces.parts import part_outlines
from fer_core.labels import PARTS, expression_index
from fer_core.models.base import GRAY_MEAN
from fer_core.models.classifier import Classifier
from fer_core.types import Face, Floats, Image

SEEN: Final = 0.05
"""Smallest change of a probability that counts as one."""
MUCH_HEAT: Final = 0.1
"""Distance between the shares of heat and of area under a cover from which a map claims something."""
LITTLE_HEAT: Final = 0.05
"""Share of the heat below which a map claims that a place does not count."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the aligned square."""

COMPARED_PLACES: Final = 40
"""Number of equal covers on other places, for comparison."""


PART_MARGIN: Final = 0.12
"""Margin of ``part_cover``, as a fraction of the width of the face."""

MIN_DRAWN: Final = 0.02
"""Smallest side of a box that counts as drawn, as a fraction of the square."""


def part_boxes(landmarks: Floats) -> dict[str, tuple[Box, ...]]:
    """Return boxes that cover each part of a face.

    Args:
        landmarks: (78, 2) in fractions of the aligned square.

    Returns:
        brows / eyes / nose / mouth / left half / right half -> boxes; the halves are those of the image.
    """
    outlines = part_outlines(landmarks)
    boxes = {part: tuple(_around(piece) for piece in outlines[part]) for part in PARTS}
    middle = float(landmarks[27:31, 0].mean())  # the bridge of the nose
    halves: dict[str, tuple[Box, ...]] = {
        "left half": ((0.0, 0.0, middle, 1.0),),
        "right half": ((middle, 0.0, 1.0, 1.0),),
    }
    return boxes | halves


def occlude(aligned: Image, boxes: Sequence[Box]) -> Image:
    """Return the (S, S) uint8 face with the mean gray of the training images in the boxes."""
    covered = aligned.copy()
    for x0, y0, x1, y1 in np.round(np.array(boxes).reshape(-1, 4) * len(aligned)).astype(int):
        covered[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = round(255 * GRAY_MEAN)
    return covered


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
    boxes: Sequence[Box],
    target: str,
    raw: Floats,
    prior: str | None = None,
) -> OcclusionTest:
    """Cover an aligned face with boxes, and with the same boxes on other places for comparison.

    Args:
        boxes: at least one, with some area inside the square.
        target: the class whose map ``raw`` is, (h, w).
        prior: shares of the classes that the probabilities assume, a key of ``PRIORS``; by default the
            card's.

    Raises:
        UserError: for an unknown class or prior.
    """
    index = expression_index(target)
    places = [tuple(boxes), *_elsewhere(boxes)]
    faces = np.stack([aligned, *(occlude(aligned, place) for place in places)])
    logits = classifier.logits(faces)[0]
    whole, *rest = logits[:, index]
    lost = whole - np.array(rest, np.float32)
    heat = np.array([heat_under(raw, place) for place in places], np.float32)
    probabilities = classifier.calibrate(logits[:2], prior)
    varies = np.ptp(lost) > 0 and np.ptp(heat) > 0
    return OcclusionTest(
        covered=faces[1],
        before=probabilities[0],
        after=probabilities[1],
        heat=float(heat[0]),
        area=float(_mask(boxes).mean()),
        lost=float(lost[0]),
        heat_rank=float((heat[1:] < heat[0]).mean()),
        lost_rank=float((lost[1:] < lost[0]).mean()),
        correlation=float(np.corrcoef(heat, lost)[0, 1]) if varies else 0.0,
        target=target,
    )


def heat_under(raw: Floats, boxes: Sequence[Box]) -> float:
    """Return the share of a map's positive heat under the boxes, 0..1; 0 for a map without heat."""
    heat = cv2.resize(positive_part(raw), (FINE, FINE), interpolation=cv2.INTER_LINEAR)
    total = float(heat.sum())
    return float(heat[_mask(boxes)].sum()) / total if total > 0 else 0.0


def _elsewhere(boxes: Sequence[Box]) -> list[tuple[Box, ...]]:
    """Return the same boxes, moved together to random places inside the square."""
    corners = np.clip(np.array(boxes), 0, 1)
    low, high = -corners[:, :2].min(axis=0), 1 - corners[:, 2:].max(axis=0)
    moves = np.random.default_rng(0).uniform(low, high, (COMPARED_PLACES, 2))
    return [tuple((x0 + x, y0 + y, x1 + x, y1 + y) for x0, y0, x1, y1 in corners) for x, y in moves]


def _mask(boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """Return a (FINE, FINE) mask of what is covered."""
    mask = np.zeros((FINE, FINE), bool)
    for x0, y0, x1, y1 in np.clip(np.round(np.array(boxes) * FINE), 0, FINE).astype(int):
        mask[y0:y1, x0:x1] = True
    return mask


def _around(outline: Floats) -> Box:
    """Return the bounding box of an outline, clipped to the square."""
    (x0, y0), (x1, y1) = np.clip(outline.min(axis=0), 0, 1), np.clip(outline.max(axis=0), 0, 1)
    return float(x0), float(y0), float(x1), float(y1)


def clip_boxes(boxes: Sequence[tuple[float, float, float, float]]) -> tuple[Box, ...]:
    """Return drawn boxes within the square; those that are thinner than a fiftieth of it are dropped.

    Args:
        boxes: two x and two y coordinates of each, in any order, as fractions of the square.
    """
    clipped = (
        (max(0.0, min(x0, x1)), max(0.0, min(y0, y1)), min(1.0, max(x0, x1)), min(1.0, max(y0, y1)))
        for x0, x1, y0, y1 in boxes
    )
    return tuple(
        box for box in clipped if box[2] - box[0] > MIN_DRAWN and box[3] - box[1] > MIN_DRAWN
    )


def part_cover(face: Face, part: str) -> tuple[int, int, int, int]:
    """Return the box x0, y0, x1, y1 in frame pixels that covers a part of a face.

    The margin of an eighth of the face is there because a smile reaches into the cheeks, and because covers
    of mouth and eyes have to be of about the same size: otherwise the larger one would matter more.

    Args:
        face: with landmarks.
        part: one of ``PARTS``.
    """
    assert face.landmarks is not None
    points = np.concatenate(part_outlines(face.landmarks)[part])
    margin = PART_MARGIN * face.width
    x0, y0 = np.floor(points.min(axis=0) - margin).astype(int).tolist()
    x1, y1 = np.ceil(points.max(axis=0) + margin).astype(int).tolist()
    return x0, y0, x1, y1

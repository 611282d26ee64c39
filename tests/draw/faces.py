"""Readings and explanations with known values, to be drawn."""

import numpy as np

from fer_core.geometry import MEAN_POINTS, alignment, quads
from fer_core.labels import EXPRESSIONS
from fer_core.types import Explanation, Face, Floats, Reading, Regions

SIZE = 48


def make_reading(
    box: tuple[float, float, float, float],
    *,
    top: str = "happy",
    probability: float = 0.82,
    unsure: bool = False,
    attention: bool = True,
    track: int | None = None,
    label: str | None = None,
    places: Floats | None = None,
) -> Reading:
    """Return a reading of a face in ``box``, with the aligned square around the center of the box."""
    x0, y0, x1, y1 = box
    side = max(x1 - x0, y1 - y0)
    corner = np.array([(x0 + x1 - side) / 2, (y0 + y1 - side) / 2], np.float32)
    points = (MEAN_POINTS * side + corner).astype(np.float32)
    transform = alignment(points, SIZE)
    crop = np.full((SIZE, SIZE), 128, np.uint8)
    rest = (1 - probability) / (len(EXPRESSIONS) - 1)
    probabilities = np.array([probability if e == top else rest for e in EXPRESSIONS], np.float32)
    return Reading(
        face=Face(box=box, score=0.99, points=points, track_id=track),
        regions=Regions(crop, crop[:24], crop[24:, 8:40], transform, quads(transform, SIZE)),
        model="prior_attention",
        logits=np.log(probabilities),
        probabilities=probabilities,
        unsure=unsure,
        region_attention={"face": 0.5, "upper": 0.2, "lower": 0.3} if attention else None,
        attention=places,
        label=label,
    )


def make_explanation(
    shape: tuple[int, int], hot: tuple[int, int, int, int], target: str = "happy"
) -> Explanation:
    """Return an explanation with heat 1 inside ``hot`` (x0, y0, x1, y1) of a frame, 0 elsewhere."""
    heatmap = np.zeros(shape, np.float32)
    x0, y0, x1, y1 = hot
    heatmap[y0:y1, x0:x1] = 1
    raw = np.zeros((6, 6), np.float32)
    raw[4, 2:4] = 2
    share = {"upper": 0.0, "lower": 1.0, "elsewhere": 0.0}
    return Explanation(target, "gradcam", raw, heatmap, share, is_flat=False, seconds=0.01)

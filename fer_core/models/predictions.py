"""What a network predicts for some faces, as arrays."""

from dataclasses import dataclass, fields
from typing import Any, Final

from fer_core.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class FacePredictions:
    """Output of one forward pass for N faces, before calibration; float32 arrays."""

    logits: Floats
    """(N, 7) in the order of ``EXPRESSIONS``."""
    votes: Floats
    """(N, 8) logits of the FER+ head, in the order of ``FERPLUS_EXPRESSIONS``."""
    affect: Floats | None = None
    """(N, 2) valence and arousal, -1..1; None for networks without a head for them."""
    region_attention: Floats | None = None
    """(N, regions) in the order of ``Classifier.regions``; each row sums to 1."""
    attention: Floats | None = None
    """(N, h, w) or (N, heads, h, w) spatial attention weights, which sum to 1 for each face and head; None
    for networks without spatial attention."""
    rows: Floats | None = None
    """(N, rows, C) features of the face's rows, forehead to chin; only of networks that read sequences."""
    evidence: Floats | None = None
    """(N, 7, h, w) Grad-CAM of every class, without a backward pass: each map sums to the logit less its
    bias. None for networks whose scores do not split into places."""

    def part(self, faces: slice) -> "FacePredictions":
        """Return the predictions for some of the faces."""
        parts: dict[str, Any] = {}
        for name in PREDICTED:
            values = getattr(self, name)
            parts[name] = None if values is None else values[faces]
        return FacePredictions(**parts)


PREDICTED: Final = tuple(each.name for each in fields(FacePredictions))
"""Names of the outputs that a network may have."""

"""Tests of a common claim about models: happiness shows in eyes and mouth, sadness and anger in the brows."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from fer_core.evaluation.averages import Averages

CLAIMED_PARTS: Final = {"happy": ("eyes", "mouth"), "angry": ("brows",), "sad": ("brows",)}
"""Class -> parts of the face that are said to decide."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Test of the claim that some parts of the face hold more heat for one class than for the others."""

    target: str
    """Name of the class."""
    parts: tuple[str, ...]
    """Names of the claimed parts."""
    share: float
    """Mean share of these parts in the heat of the class, 0..1."""
    others: float
    """Mean of their shares over the other classes, 0..1."""
    low: float
    """Lower end of the 95 % confidence interval of ``share - others``."""
    high: float
    """Upper end of this interval."""

    @property
    def holds(self) -> bool:
        """Whether the share is significantly larger than for the other classes."""
        return self.low > 0

    def verdict(self, even_share: float) -> Literal["holds", "partly", "fails"]:
        """Return whether the claim holds.

        ``partly`` means that the parts hold more heat than for other classes, but no more than in a uniform
        map.

        Args:
            even_share: share of these parts in a uniform map, 0..1.
        """
        if not self.holds:
            return "fails"
        return "holds" if self.share > even_share else "partly"


def evaluate_claims(averages: Averages, model: str) -> tuple[Claim, ...]:
    """Test each of ``CLAIMED_PARTS`` with the average maps of a model.

    The interval is that of a difference of means of independent faces. The other classes have equal weights,
    whatever their numbers of faces. Classes with fewer than two faces are left out.

    Args:
        averages: average maps of all models.
        model: name of the model.

    Returns:
        One claim for each class that can be tested; () for an unknown model.
    """
    maps = {name: each for name, each in averages.maps.get(model, {}).items() if each.n > 1}
    claims = []
    for target, parts in CLAIMED_PARTS.items():
        rest = [average for name, average in maps.items() if name != target]
        if target not in maps or not rest:
            continue
        share = maps[target].share(parts)
        others = float(np.mean([average.share(parts) for average in rest]))
        errors = [maps[target].error(parts), *(each.error(parts) / len(rest) for each in rest)]
        half_width = 1.96 * float(np.linalg.norm(errors))
        difference = share - others
        low, high = difference - half_width, difference + half_width
        claims.append(Claim(target, parts, share, others, low, high))
    return tuple(claims)

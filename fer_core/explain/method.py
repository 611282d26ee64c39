"""What a map method is: its description for people, and the function that computes its maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from fer_core.models.base import Network
from fer_core.types import Floats

Compute = Callable[[Network, Tensor, Sequence[int], int | None], Floats]
"""Network, (1, 1, S, S) gray values 0..255, K class numbers, number of a layer (None for the last one;
ignored by methods that do not look at a layer) -> (K, h, w) raw maps."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way of showing where the evidence for a class lies."""

    name: str
    """Its name in this library."""
    title: str
    """Its name in the literature."""
    sentence: str
    """How it works, for people who see its maps."""
    caution: str
    """What to know before believing it."""
    formula: str
    """LaTeX of the map L of class c, from its score y, feature maps A and pixels x, cell by cell."""
    paper: str
    looks_at: Literal["layer", "pixels", "scores"]
    """What it uses of a network: the feature maps of a layer, which can be chosen; the gradient of every
    pixel; or its outputs alone."""
    class_dependent: bool
    """Its map changes with the class that is explained."""
    signed: bool
    """Negative cells speak against the class. Without signs, cells below zero mean nothing."""
    needs_backward: bool
    """It uses the gradient of the class score."""
    fast: bool
    """One pass gives the maps of all classes; otherwise there are several to hundreds."""
    compute: Compute
    """The maps of some classes, from as few passes as possible."""

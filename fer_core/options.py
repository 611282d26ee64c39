"""What is computed for a frame."""

from dataclasses import dataclass
from typing import Final, TypedDict

from fer_core.labels import prior_strength
from fer_core.types import Baseline


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """What is computed for a frame. None stands for the analyzer's own choice."""

    model: str | None = None
    detector: str | None = None
    min_face: int | None = None
    """Side of the smallest face to look for, in pixels of the searched frame."""
    maps: tuple[str, ...] = ("top",)
    """Classes to explain for each face; "top" is the one that is shown, the likeliest."""
    other: str | None = None
    """A class whose map is subtracted from each of ``maps``: what speaks for them rather than for it."""
    method: str = "gradcam"
    """One of ``fer_core.explain.list_methods()``."""
    landmarks: bool = True
    """Find dense landmarks, facial actions and eyes too, and with maps the shares of brows, eyes, nose and
    mouth."""
    prior: str | None = None
    """Shares of the classes that probabilities assume: a key of ``PRIORS``; None for that of the model's
    card. An unknown one is a UserError."""

    baseline: Baseline | None = None
    """The neutral face of the person on the image, with which each face is compared; None for no
    comparison. With it, maps of models with exact evidence show what moved."""

    def __post_init__(self) -> None:
        if self.prior is not None:
            prior_strength(self.prior)


class OptionChanges(TypedDict, total=False):
    """The fields of ``AnalysisOptions`` as keyword arguments."""

    model: str | None
    detector: str | None
    min_face: int | None
    maps: tuple[str, ...]
    other: str | None
    method: str
    landmarks: bool
    prior: str | None
    baseline: Baseline | None


FULL: Final = AnalysisOptions()
CLASSES_ONLY: Final = AnalysisOptions(maps=(), landmarks=False)

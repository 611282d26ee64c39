"""What augmentation does to a face, one change at a time, for people to look at."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from fer_core.data.augmentation import Augmentation, augment
from fer_core.types import Floats, Image

NOTHING: Final = Augmentation(**dict.fromkeys((f.name for f in fields(Augmentation)), 0.0))
"""Leaves every face as it is."""

WIDTHS: Final = ("rotation", "scale", "shift", "brightness", "contrast")
"""The changes that have a size; the others have a probability."""


class _Strongest(np.random.Generator):
    """Draws the upper end of every range, and lets happen what may happen."""

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return high if size is None else np.full(size, high)

    def random(self, *_: Any, **__: Any) -> Any:
        return 0.0


def settings_of(recipe: Mapping[str, Any]) -> Augmentation:
    """The augmentation of a card's recipe; the usual one where the card tells none."""
    known = {f.name for f in fields(Augmentation)}
    table = recipe.get("augmentation", {})
    return Augmentation(**{name: value for name, value in table.items() if name in known})


def times(options: Augmentation, factor: float) -> Augmentation:
    """The same changes, each that has a size ``factor`` times as large."""
    return replace(options, **{name: factor * getattr(options, name) for name in WIDTHS})


def strongest(
    image: Image, transform: Floats, size: int, options: Augmentation
) -> dict[str, Image]:
    """Each change alone, as large as training ever makes it; by the code that training runs.

    Args:
        image: grey, uint8.
        transform: (2, 3) image -> aligned square.
        size: side of the aligned square.

    Returns:
        Name of the option -> (size, size) uint8, for those that ``options`` makes use of.
    """
    alone = {
        f.name: replace(NOTHING, **{f.name: getattr(options, f.name)})
        for f in fields(options)
        if getattr(options, f.name) > 0
    }
    if "far" in alone:
        moves = {name: getattr(options, name) for name in ("rotation", "scale", "shift")}
        alone["far"] = replace(alone["far"], **moves)
    return {
        name: augment(image, transform, size, one, _Strongest(np.random.PCG64(0)))
        for name, one in alone.items()
    }


def draws(
    image: Image, transform: Floats, size: int, options: Augmentation, *, number: int, seed: int
) -> list[Image]:
    """The face as training may see it: (size, size) uint8, ``number`` times at random."""
    rng = np.random.default_rng(seed)
    return [augment(image, transform, size, options, rng) for _ in range(number)]

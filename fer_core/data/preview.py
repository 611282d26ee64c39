"""Preview of the augmentation: each change alone at its strongest, or all at random."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from fer_core.data.augmentation import Augmentation, augment
from fer_core.errors import UserError
from fer_core.fields import check_fields
from fer_core.types import Floats, Image

LARGEST: Final = ("max_blur", "max_noise")
"""Options that bound another change; they change nothing by themselves."""

NO_AUGMENTATION: Final = Augmentation(
    **{f.name: 0.0 for f in fields(Augmentation) if f.name not in LARGEST}
)
"""Options that leave every face unchanged."""

GEOMETRIC: Final = ("rotation", "scale", "shift", "stretch", "shear")
"""Half-widths that ``far`` enlarges."""

SCALED_OPTIONS: Final = (*GEOMETRIC, "brightness", "contrast")
"""Options that are half-widths; the others are probabilities."""


class _UpperLimits(np.random.Generator):
    """Generator that returns the upper limit of each range, and makes every random event happen."""

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return high if size is None else np.full(size, high)

    def random(self, *_: Any, **__: Any) -> Any:
        return 0.0


def augmentation_of_recipe(recipe: Mapping[str, Any]) -> Augmentation:
    """Return the augmentation in a model card's recipe; defaults where the recipe has none.

    Raises:
        UserError: if it is not one.
    """
    names = {f.name for f in fields(Augmentation)}
    table = recipe.get("augmentation", {})
    if not isinstance(table, Mapping):
        raise UserError("the augmentation in the card's recipe must be a table; restore the card")
    options = Augmentation(**{name: value for name, value in table.items() if name in names})
    check_fields(options)
    return options


def scale_augmentation(options: Augmentation, factor: float) -> Augmentation:
    """Return the options with each of ``SCALED_OPTIONS`` multiplied by ``factor``."""
    return replace(options, **{name: factor * getattr(options, name) for name in SCALED_OPTIONS})


def strongest_of_each(
    image: Image, transform: Floats, size: int, options: Augmentation
) -> dict[str, Image]:
    """Apply each change alone, as strong as training ever makes it, with the code that training runs.

    Args:
        image: (H, W) gray, uint8.
        transform: (2, 3) similarity, image -> aligned square.
        size: side of the aligned square, in pixels.
        options: the augmentation.

    Returns:
        Name of the option -> (size, size) gray, uint8, for the options above zero.
    """
    nothing = replace(NO_AUGMENTATION, **{name: getattr(options, name) for name in LARGEST})
    single_options = {
        f.name: replace(nothing, **{f.name: getattr(options, f.name)})
        for f in fields(options)
        if getattr(options, f.name) > 0 and f.name not in LARGEST
    }
    if "far" in single_options:
        geometric = {name: getattr(options, name) for name in GEOMETRIC}
        single_options["far"] = replace(single_options["far"], **geometric)
    return {
        name: augment(image, transform, size, single, _UpperLimits(np.random.PCG64(0)))
        for name, single in single_options.items()
    }


def random_draws(
    image: Image, transform: Floats, size: int, options: Augmentation, *, number: int, seed: int
) -> list[Image]:
    """Augment a face at random, as training does.

    Args:
        image: (H, W) gray, uint8.
        transform: (2, 3) similarity, image -> aligned square.
        size: side of the aligned square, in pixels.
        options: the augmentation.
        number: how many results to draw.
        seed: seed of the random numbers.

    Returns:
        ``number`` faces (size, size) gray, uint8.
    """
    rng = np.random.default_rng(seed)
    return [augment(image, transform, size, options, rng) for _ in range(number)]

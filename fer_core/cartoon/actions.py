"""What a drawn face does: fourteen facial actions, and the seven expressions as ranges of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from fer_core.errors import UserError
from fer_core.labels import EXPRESSIONS, expression_index

MIN_INTENSITY: Final = 0.3
"""Weakest expression that is drawn; neighboring classes overlap there, as in life."""


@dataclass(frozen=True, slots=True)
class FaceActions:
    """Facial actions, each 0..1; names and meaning are near those of ``fer_core.labels.ACTIONS``."""

    brow_inner_up: float = 0.0
    brow_outer_up: float = 0.0
    brow_down: float = 0.0
    eye_wide: float = 0.0
    eye_squint: float = 0.0
    blink_left: float = 0.0
    """How far the eye on the image's left is closed."""
    blink_right: float = 0.0
    nose_sneer: float = 0.0
    cheek_raise: float = 0.0
    smile_left: float = 0.0
    """How far the corner of the mouth on the image's left is pulled up."""
    smile_right: float = 0.0
    frown: float = 0.0
    jaw_open: float = 0.0
    lip_press: float = 0.0
    pucker: float = 0.0
    upper_lip_up: float = 0.0
    stretch: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise UserError(f"{field.name} must be between 0 and 1, not {value}")


Range = tuple[float, float]

PROTOTYPES: Final[Mapping[str, Mapping[str, Range]]] = {
    "angry": {
        "brow_down": (0.8, 1.0),
        "eye_squint": (0.2, 0.6),
        "eye_wide": (0.0, 0.4),
        "lip_press": (0.5, 1.0),
        "frown": (0.1, 0.4),
        "nose_sneer": (0.0, 0.2),
    },
    "disgust": {
        "nose_sneer": (0.8, 1.0),
        "upper_lip_up": (0.7, 1.0),
        "brow_down": (0.3, 0.6),
        "eye_squint": (0.4, 0.8),
        "cheek_raise": (0.3, 0.7),
        "frown": (0.2, 0.5),
    },
    "fear": {
        "brow_inner_up": (0.8, 1.0),
        "brow_outer_up": (0.2, 0.5),
        "brow_down": (0.2, 0.4),
        "eye_wide": (0.8, 1.0),
        "stretch": (0.7, 1.0),
        "jaw_open": (0.2, 0.5),
        "frown": (0.1, 0.3),
    },
    "happy": {
        "smile": (0.8, 1.0),
        "cheek_raise": (0.5, 1.0),
        "eye_squint": (0.1, 0.4),
        "jaw_open": (0.0, 0.35),
        "upper_lip_up": (0.1, 0.4),
    },
    "sad": {
        "brow_inner_up": (0.7, 1.0),
        "brow_down": (0.1, 0.3),
        "frown": (0.8, 1.0),
        "eye_squint": (0.2, 0.5),
        "lip_press": (0.0, 0.3),
    },
    "surprise": {
        "brow_inner_up": (0.8, 1.0),
        "brow_outer_up": (0.8, 1.0),
        "eye_wide": (0.7, 1.0),
        "jaw_open": (0.6, 1.0),
        "pucker": (0.0, 0.3),
    },
    "neutral": {},
}
"""Class -> actions at full intensity, as ranges: the action units that most people show in Du, Tao and
Martinez 2014 ("Compound facial expressions of emotion", PNAS 111), with some that fewer show. ``smile`` is
both corners of the mouth."""


def expression_actions(
    name: str, intensity: float = 1.0, random: np.random.Generator | None = None
) -> FaceActions:
    """Return the actions of an expression.

    Args:
        name: a class.
        intensity: 0..1; it scales all actions.
        random: draws each action from its range, and lets sides differ a little; without it each is in
            the middle of its range and both sides are alike.

    Raises:
        UserError: for an unknown class, or an intensity out of range.
    """
    if not 0 <= intensity <= 1:
        raise UserError(f"intensity must be between 0 and 1, not {intensity}")
    values: dict[str, float] = {}
    for action, (low, high) in PROTOTYPES[EXPRESSIONS[expression_index(name)]].items():
        value = (low + high) / 2 if random is None else random.uniform(low, high)
        if action == "smile":
            uneven = 0.0 if random is None else random.uniform(-0.1, 0.1)
            values["smile_left"] = intensity * min(value + max(uneven, 0.0), 1.0)
            values["smile_right"] = intensity * min(value + max(-uneven, 0.0), 1.0)
        else:
            values[action] = intensity * value
    if random is not None:
        lids = random.uniform(0, 0.08)
        values["blink_left"] = values["blink_right"] = lids
    return FaceActions(**values)

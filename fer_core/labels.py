"""Names and orders that every module shares."""

from typing import Final

from fer_core.errors import UserError

EXPRESSIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven classes in FER2013's order; index = class number."""

FERPLUS_EXPRESSIONS: Final = (
    "neutral",
    "happy",
    "surprise",
    "sad",
    "angry",
    "disgust",
    "fear",
    "contempt",
)
"""The eight classes of FER+ in the column order of ``fer2013new.csv`` (Barsoum et al. 2016)."""

REGIONS: Final = ("face", "upper", "lower")
"""What a prior-attention network looks at: the whole face, eyes + brows, mouth."""

POINTS: Final = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""The five points of a face; left and right are those of the image."""


def expression_index(name: str) -> int:
    """Class number of an expression.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
    """
    try:
        return EXPRESSIONS.index(name)
    except ValueError:
        raise UserError(
            f"unknown expression class {name!r}; choose one of {', '.join(EXPRESSIONS)}"
        ) from None

"""Pictures from the types of the library. Nothing is decided here."""

from typing import Final

Color = tuple[int, int, int]
"""Red, green, blue; 0..255."""

EXPRESSION_COLORS: Final = {
    "angry": "#C45A61",
    "disgust": "#3A6F12",
    "fear": "#8C4C7C",
    "happy": "#B08E00",
    "sad": "#0A65D4",
    "surprise": "#009CC7",
    "neutral": "#909294",
}
"""Class -> its color everywhere; ``.streamlit/config.toml`` repeats them and says how they were chosen."""


ROUNDING: Final = 1e-6
"""Distance from 1 that sums of float32 shares have by rounding."""

WIDEST_PERCENT: Final = "> 99 %"
"""The widest text that ``percent`` returns."""


def rgb(color: str) -> Color:
    """Return the channels of a color: ``"#C45A61"`` -> (196, 90, 97)."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def percent(share: float) -> str:
    """Return a share in whole percent, as people read it: 0.834 -> ``"83 %"``.

    What is not quite nothing or all keeps a sign: six classes of 0.8 % beside one of 95 % would add up to
    101 % if each were "1 %", and 99.7 % is not "100 %".
    """
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1 - ROUNDING:
        return "> 99 %"
    return f"{100 * share:.0f} %"

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


def rgb(color: str) -> Color:
    """Return the channels of a color: ``"#C45A61"`` -> (196, 90, 97)."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def percent(share: float) -> str:
    """Return a share in whole percent: 0.834 -> ``"83 %"``."""
    return f"{100 * share:.0f} %"

"""Short texts on a rounded ground: the class at a face, the weights of its blocks, a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fer_core.draw import Color, percent
from fer_core.draw.heat import ATTENTION
from fer_core.draw.panels import BLOCK_NAMES, COLORS
from fer_core.draw.text import INK, WHITE, fill, put_text, text_size
from fer_core.draw.units import Box, font_size, shared_area, unit_of
from fer_core.types import Image, Reading

UNSURE: Final[Color] = (226, 230, 232)
"""Color of a face whose class is unsure."""
ATTENTION_NAME: Final = "attention"


@dataclass(frozen=True, slots=True)
class Pill:
    """A short text on a rounded ground."""

    text: str
    size: int
    """Size of the letters, in pixels."""
    color: Color
    """Color of the ground; the letters are black or white."""
    opacity: float = 1.0

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height in pixels."""
        width, height = text_size(self.text, self.size)
        return width + self.size, height + 0.3 * self.size

    def draw(self, image: Image, left: float, top: float) -> None:
        """Draw it into an RGB image, in place; moved into the picture where it would leave it."""
        width, height = self.extent
        left = max(0.0, min(left, image.shape[1] - width))
        top = max(0.0, min(top, image.shape[0] - height))
        box = (left, top, left + width, top + height)
        fill(image, box, height / 3, self.color, self.opacity)
        ink = _ink_on(self.color)
        put_text(image, self.text, left + 0.5 * self.size, top + 0.15 * self.size, self.size, ink)


def headline(reading: Reading) -> str:
    """Return ``"happy 83 %"``, or ``"unsure: sad 31 %"`` where no class is assigned."""
    name, probability = reading.shown
    return f"{'unsure: ' * reading.unsure}{name} {percent(probability)}"


def color_of(reading: Reading) -> Color:
    """Return the color of the class that is shown."""
    return UNSURE if reading.unsure else COLORS[reading.shown[0]]


COMPARED: Final = "Δ"
"""Mark of a face that was compared with the person's neutral face."""


def draw_label(image: Image, reading: Reading, unit: float, number: int | None) -> None:
    """Draw the class above the box, or inside it where there is no room above.

    Args:
        number: of the face, left of the class; as large at small faces as at large ones. None for none.
    """
    text = headline(reading) if reading.baseline is None else f"{COMPARED} {headline(reading)}"
    x0, y0, _, _ = reading.face.box
    label = Pill(text, font_size(20 * unit), color_of(reading))
    pills = [label] if number is None else [_number_pill(image, number, label), label]
    height = max(pill.extent[1] for pill in pills)
    above = y0 - height - 4 * unit
    bottom = (above if above >= 0 else y0 + 4 * unit) + height
    left = max(0.0, min(x0, image.shape[1] - sum(pill.extent[0] for pill in pills)))
    for pill in pills:
        pill.draw(image, left, bottom - pill.extent[1])
        left += pill.extent[0] + unit


def _number_pill(image: Image, number: int, label: Pill) -> Pill:
    return Pill(f"{number}", font_size(20 * unit_of(image)), label.color)


def draw_weights(image: Image, reading: Reading, unit: float, taken: Sequence[Box]) -> None:
    """Draw the weight of each block.

    It stands right of the block and of the face's box, else left of both, else at the block's right end.

    Args:
        taken: boxes that stay free.
    """
    gap = 6 * unit
    x0, _, x1, _ = reading.face.box
    for region, weight in (reading.region_attention or {}).items():
        text = f"{BLOCK_NAMES[region]} {percent(weight)}"
        pill = Pill(text, font_size(16 * unit), INK, 0.8)
        width, height = pill.extent
        corners = reading.regions.quads[region]
        (left, left_y), (right, right_y) = (
            ((corners[a] + corners[b]) / 2).tolist() for a, b in ((0, 3), (1, 2))
        )
        places = (
            (max(right, x1) + gap, right_y - height / 2),
            (min(left, x0) - gap - width, left_y - height / 2),
            (right - gap - width, right_y - height / 2),
        )
        pill.draw(image, *_free_place(image, places, (width, height), taken))


def draw_legend(image: Image, reading: Reading, unit: float, taken: Sequence[Box]) -> None:
    """Draw what the color of the attention means: below the face's box, else inside it.

    Args:
        taken: boxes that stay free.
    """
    if reading.attention is None:
        return
    gap = 4 * unit
    pill = Pill(ATTENTION_NAME, font_size(16 * unit), ATTENTION)
    width, height = pill.extent
    x0, _, x1, y1 = reading.face.box
    places = ((x0, y1 + gap), (x1 - width, y1 + gap), (x0 + gap, y1 - gap - height))
    pill.draw(image, *_free_place(image, places, (width, height), taken))


def _free_place(
    image: Image,
    places: Sequence[tuple[float, float]],
    size: tuple[float, float],
    taken: Sequence[Box],
) -> tuple[float, float]:
    """Return the first left and top at which a label of this width and height lies in the picture and beside
    the taken boxes; the last where there is none."""
    for left, top in places:
        label = (left, top, left + size[0], top + size[1])
        inside = left >= 0 and label[2] <= image.shape[1] and label[3] <= image.shape[0]
        if inside and not any(shared_area(label, panel) for panel in taken):
            return left, top
    return places[-1]


def _ink_on(color: Color) -> Color:
    """Return black or white, whichever is easier to read on a color (luminance after Rec. 709)."""
    red, green, blue = color
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 140 else WHITE

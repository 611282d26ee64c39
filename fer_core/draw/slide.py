"""One explanation as a figure for a slide."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.draw.tiles import heat_scale, heat_tiles
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#14191B"
FADED: Final = 0.45
"""Opacity of the bars of classes that the slide is not about."""
TILE: Final = 336
"""Side of a small map, in pixels."""
LARGE: Final = 672
"""Side of a large picture, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Slide:
    """What a slide shows: the face, the map of one class or the difference of two, and the probabilities."""

    crop: Image
    """(S, S) gray aligned face."""
    maps: Mapping[str, Floats]
    """Class -> (h, w) raw map, for all of ``EXPRESSIONS``."""
    probabilities: Floats
    """(7,) in the order of ``EXPRESSIONS``."""
    target: str
    """Class that is explained."""
    footnote: str
    other: str | None = None
    """Class that the first one is compared with."""
    signed: bool = True
    """Whether the maps know evidence against a class."""

    @property
    def top(self) -> str:
        """The likeliest class."""
        return EXPRESSIONS[int(self.probabilities.argmax())]

    @property
    def title(self) -> str:
        """The question that the slide answers: why not, for a class that is not the likeliest."""
        if self.other:
            return f"Why {self.target} rather than {self.other}?"
        return f"Why {self.target}?" if self.target == self.top else f"Why not {self.target}?"

    @property
    def subtitle(self) -> str:
        """The likeliest class, and the probability of each class that the slide is about."""
        others = [name for name in (self.target, self.other) if name and name != self.top]
        described = [f"{name.capitalize()} has {self._probability(name)}." for name in others]
        likeliest = f"The likeliest class is {self.top}, {self._probability(self.top)}."
        return " ".join([likeliest, *described])

    def _probability(self, name: str) -> str:
        return percent(float(self.probabilities[EXPRESSIONS.index(name)]))


def draw_slide(slide: Slide, form: Literal["png", "svg"] = "png") -> bytes:
    """Draw a slide of 16:9.

    Args:
        form: PNG of 1920 x 1080 pixels, or SVG with text as text.

    Returns:
        The bytes of the file.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "text.color": INK, "font.size": 15}):
        figure = Figure(figsize=(16, 9), dpi=120)
        figure.text(0.03, 0.93, slide.title, fontsize=26, weight="bold")
        figure.text(0.03, 0.882, slide.subtitle, fontsize=16)
        figure.text(0.03, 0.03, slide.footnote, fontsize=12, alpha=0.8)
        if slide.other:
            _draw_two_classes(figure, slide, slide.other)
        else:
            _draw_one_class(figure, slide)
        file = io.BytesIO()
        figure.savefig(file, format=form)
    return file.getvalue()


def _draw_one_class(figure: "Figure", slide: Slide) -> None:
    """Draw the face and the map of the class, the bars, and the maps of all classes below."""
    name = slide.target
    large = heat_tiles(slide.crop, {name: slide.maps[name]}, size=LARGE)[name]
    _draw_picture(figure, (0.03, 0.385, 0.25, 0.43), slide.crop, "what the network gets")
    words = f"evidence for and against {name}" if slide.signed else f"evidence for {name}"
    _draw_picture(figure, (0.30, 0.385, 0.25, 0.43), large, words)
    against = f"against {name}" if slide.signed else "none"
    _draw_scale(figure, (0.305, 0.355, 0.24), (against, f"for {name}"), signed=slide.signed)
    _draw_bars(figure, (0.65, 0.36, 0.32, 0.475), slide, [name, slide.top])
    figure.text(0.03, 0.265, "The maps of all seven classes on one scale:", fontsize=13, alpha=0.8)
    tiles = heat_tiles(slide.crop, slide.maps, size=TILE)
    for column, (each, tile) in enumerate(tiles.items()):
        _draw_picture(
            figure, (0.03 + 0.135 * column, 0.075, 0.13, 0.155), tile, each, bold=each == name
        )


def _draw_two_classes(figure: "Figure", slide: Slide, other: str) -> None:
    """Draw the face, the maps of both classes and their difference, and the bars below."""
    name = slide.target
    maps = {each: slide.maps[each] for each in (name, other)}
    tiles = heat_tiles(slide.crop, maps, size=LARGE)
    rather = heat_tiles(slide.crop, {"rather": maps[name] - maps[other]}, size=LARGE)["rather"]
    pictures = (
        (slide.crop, "what the network gets"),
        (tiles[name], f"evidence for {name}"),
        (tiles[other], f"evidence for {other}"),
        (rather, f"{name} rather than {other}"),
    )
    for column, (picture, words) in enumerate(pictures):
        left = 0.03 + 0.24 * column
        _draw_picture(figure, (left, 0.445, 0.22, 0.37), picture, words, bold=column == 3)
    low = "against" if slide.signed else "none"
    for left, ends, signed in (
        (0.28, (low, "for the class"), slide.signed),
        (0.76, (f"for {other}", f"for {name}"), True),
    ):
        _draw_scale(figure, (left, 0.415, 0.20), ends, signed=signed)
    figure.text(0.52, 0.40, "both classes on one scale", fontsize=13, alpha=0.8)
    _draw_bars(figure, (0.13, 0.075, 0.5, 0.285), slide, [name, other])


def _draw_picture(
    figure: "Figure",
    place: tuple[float, float, float, float],
    picture: Image,
    words: str,
    *,
    bold: bool = False,
) -> None:
    """Draw a square picture with words above.

    Args:
        place: left, bottom, width and height, as fractions of the slide.
    """
    axes = figure.add_axes(place)
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
    axes.set_title(words, fontsize=14, color=INK, weight="bold" if bold else "normal")
    axes.axis("off")


def _draw_scale(
    figure: "Figure",
    place: tuple[float, float, float],
    ends: tuple[str, str],
    *,
    signed: bool,
) -> None:
    """Draw the colors of the maps with words at both ends.

    Args:
        place: left, bottom and width, as fractions of the slide.
        signed: show the colors of evidence against a class, too.
    """
    left, bottom, width = place
    axes = figure.add_axes((left, bottom, width, 0.018))
    colors = heat_scale(480)
    axes.imshow(colors if signed else colors[:, 240:], aspect="auto")
    axes.axis("off")
    for x, words, side in ((left, ends[0], "left"), (left + width, ends[1], "right")):
        figure.text(x, bottom - 0.03, words, fontsize=13, ha=side)


def _draw_bars(
    figure: "Figure",
    place: tuple[float, float, float, float],
    slide: Slide,
    about: Sequence[str],
) -> None:
    """Draw the probabilities as bars.

    Args:
        place: left, bottom, width and height, as fractions of the slide.
        about: classes that stand out.
    """
    axes: Axes = figure.add_axes(place)
    colors: list[Any] = [EXPRESSION_COLORS[name] for name in EXPRESSIONS]
    bars = axes.barh(EXPRESSIONS, slide.probabilities, color=colors)
    for row, (name, p) in enumerate(zip(EXPRESSIONS, slide.probabilities, strict=True)):
        weight = "bold" if name in about else "normal"
        bars[row].set_alpha(1.0 if name in about else FADED)
        axes.text(float(p) + 0.015, row, percent(float(p)), va="center", weight=weight)
    axes.set_xlim(0, 1.15)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, colors=INK)
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() in about else "normal")
    for side in axes.spines.values():
        side.set_visible(False)

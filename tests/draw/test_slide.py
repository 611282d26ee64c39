"""An explanation as a slide."""

import io
from xml.etree import ElementTree

import numpy as np
from PIL import Image as Pillow

from fer_core.draw.slide import Slide, draw_slide
from fer_core.labels import EXPRESSIONS

CROP = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)


def test_a_slide_is_a_png_or_an_svg_with_text_as_text() -> None:
    maps = {name: np.full((6, 6), number, np.float32) for number, name in enumerate(EXPRESSIONS)}
    slide = Slide(
        crop=CROP,
        raw=maps["sad"],
        maps=maps,
        probabilities=np.full(7, 1 / 7, np.float32),
        target="sad",
        title="Why sad?",
        footnote="Grad-CAM on plain",
    )
    png = Pillow.open(io.BytesIO(draw_slide(slide)))
    assert png.size == (1920, 1080) and png.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    svg = draw_slide(slide, "svg").decode()
    ElementTree.fromstring(svg)
    assert "Why sad?" in svg and "Grad-CAM on plain" in svg, "text stays text"
    assert all(name in svg for name in EXPRESSIONS)

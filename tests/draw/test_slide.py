"""An explanation as a slide."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as Pillow

from fer_core.draw.slide import Slide, draw_slide
from fer_core.labels import EXPRESSIONS

CROP = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)


@pytest.fixture
def slide() -> Slide:
    """Return a slide about sad, of a face that is mostly happy."""
    maps = {name: np.full((6, 6), number, np.float32) for number, name in enumerate(EXPRESSIONS)}
    probabilities = np.array([0.02, 0.02, 0.02, 0.7, 0.2, 0.02, 0.02], np.float32)
    return Slide(CROP, maps, probabilities, target="sad", footnote="Grad-CAM on plain")


def texts(slide: Slide) -> list[str]:
    """Return the texts of a slide as SVG."""
    svg = ElementTree.fromstring(draw_slide(slide, "svg"))
    return [each.text or "" for each in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_a_slide_is_a_png_of_a_screen(slide: Slide) -> None:
    png = Pillow.open(io.BytesIO(draw_slide(slide)))
    assert png.size == (1920, 1080) and png.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_a_slide_asks_why_not_and_names_the_likeliest_class(slide: Slide) -> None:
    shown = texts(slide)
    assert {"Why not sad?", "Grad-CAM on plain", *EXPRESSIONS} <= set(shown), "text stays text"
    assert "The likeliest class is happy, 70 %. Sad has 20 %." in shown
    happy = texts(replace(slide, target="happy"))
    assert {"Why happy?", "The likeliest class is happy, 70 %."} <= set(happy)


def test_a_slide_names_both_ends_of_its_scale(slide: Slide) -> None:
    assert {"against sad", "for sad"} <= set(texts(slide))
    unsigned = set(texts(replace(slide, signed=False)))
    assert {"none", "for sad"} <= unsigned and "against sad" not in unsigned


def test_a_slide_of_two_classes_shows_both_maps_and_their_difference(slide: Slide) -> None:
    shown = set(texts(replace(slide, other="neutral")))
    assert {"Why sad rather than neutral?", "evidence for sad", "evidence for neutral"} <= shown
    assert {"sad rather than neutral", "for neutral", "for sad"} <= shown
    assert "The likeliest class is happy, 70 %. Sad has 20 %. Neutral has 2 %." in shown

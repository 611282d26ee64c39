"""Text and shapes in pictures: crisp, and every character one that the reader can make out."""

import unicodedata

import numpy as np
import pytest

from fer_core.draw.blend import lay_on
from fer_core.draw.heat import WARM, blend_heat
from fer_core.draw.text import WHITE, drawable, fill, put_text, rounded, text_size
from fer_core.types import Image

GRAY = 100


@pytest.fixture
def picture() -> Image:
    return np.full((60, 120, 3), GRAY, np.uint8)


def test_a_layer_covers_a_picture_by_its_opacity(picture: Image) -> None:
    paint, rest = np.full((20, 30, 3), 40, np.uint8), np.full((20, 30, 3), 204, np.uint8)
    lay_on(picture[10:30, 20:50], paint, rest)
    assert (picture[10:30, 20:50] == 40 + GRAY * 204 // 255).all()
    picture[10:30, 20:50] = GRAY
    assert (picture == GRAY).all(), "nothing else has changed"


def test_letters_reach_their_full_color_and_stay_within_their_size(picture: Image) -> None:
    color = (200, 30, 0)
    put_text(picture, "llll", 10.4, 20.6, 17, color)
    width, height = text_size("llll", 17)
    assert np.abs(picture.reshape(-1, 3).astype(int) - color).max(axis=1).min() <= 2
    picture[21 : 21 + height, 10 : 10 + width] = GRAY
    assert (picture == GRAY).all()


@pytest.mark.parametrize(("left", "top"), [(-20, -5), (100, 50), (-500, 0), (0, 500)])
def test_text_is_clipped_at_the_border(left: int, top: int) -> None:
    whole = np.full((1200, 1400, 3), GRAY, np.uint8)
    x, y = 600, 600
    part = whole[y : y + 60, x : x + 120].copy()
    put_text(part, "surprise", left, top, 20, WHITE)
    put_text(whole, "surprise", x + left, y + top, 20, WHITE)
    assert np.array_equal(part, whole[y : y + 60, x : x + 120])


def test_rounded_corners_lie_on_circles() -> None:
    outline = rounded((10, 20, 50, 80), 5)
    assert outline.shape == (32, 2) and outline.dtype == np.float32
    assert outline.min(axis=0) == pytest.approx((10, 20))
    assert outline.max(axis=0) == pytest.approx((50, 80))
    centers = np.where(outline < (30, 50), (15, 25), (45, 75))
    assert np.linalg.norm(outline - centers, axis=1) == pytest.approx(np.full(32, 5), rel=1e-5)
    largest = rounded((0, 0, 10, 4), 99)
    assert np.ptp(largest, axis=0) == pytest.approx((10, 4)), "the radius is half the side at most"


@pytest.mark.parametrize("opacity", [1.0, 0.72])
def test_boxes_are_filled_with_their_opacity_and_clipped(picture: Image, opacity: float) -> None:
    fill(picture, (-20.0, 10.0, 60.0, 40.0), 6, WHITE, opacity)
    inside = GRAY + opacity * (255 - GRAY)
    assert np.abs(picture[11:39, :58] - inside).max() <= 1
    assert (picture[:9] == GRAY).all() and (picture[:, 62:] == GRAY).all()
    beyond = picture.copy()
    fill(beyond, (200.0, 200.0, 300.0, 300.0), 6, WHITE, opacity)
    assert np.array_equal(beyond, picture)


def test_heat_is_blended_by_its_shade_and_opacity(picture: Image) -> None:
    heat = np.tile(np.linspace(0, 1, 120, dtype=np.float32), (60, 1))
    shades = WARM[np.round(255 * heat).astype(int), 0]
    cover = 0.6 * heat[..., None]
    expected = cover * shades + (1 - cover) * GRAY
    blend_heat(picture, heat, 0.6)
    assert np.abs(picture - expected).max() <= 2


LETTERS = "".join(
    each
    for start, end in ((0x20, 0x250), (0x370, 0x400), (0x400, 0x500), (0x1E00, 0x1EFA))
    for each in map(chr, range(start, end))
    if unicodedata.category(each)[0] in "LNPS"
)
"""Letters, digits and signs of Latin, Greek and Cyrillic."""


def drawn(text: str, size: int = 40) -> bytes:
    """Return the pixels of a text, black on white."""
    width, height = text_size(text, size)
    image = np.full((height, width, 3), 255, np.uint8)
    put_text(image, text, 0, 0, size, (0, 0, 0))
    return image.tobytes()


def test_latin_greek_and_cyrillic_are_drawn() -> None:
    missing = set(unicodedata.normalize("NFC", LETTERS)) - set(drawable(LETTERS))
    assert len(LETTERS) > 1000 and missing == {"\u037f"}, "all but the letter yot, of 2014"
    for each in "üéß×–Ωйё’…":
        assert drawn(each) != drawn("é?")[: len(drawn(each))] and min(drawn(each)) < 128


def test_each_letter_has_a_shape_of_its_own() -> None:
    shapes = {drawn(each) for each in "aäàéüßøłžАБВДЖЩЯабвджщяΑΒΓΔΘΛΞΠΣΩαβγδθλξπσω×–"}
    assert len(shapes) == 43, "45, of which two Greek capitals look like Cyrillic ones"


@pytest.mark.parametrize("text", ["漢字", "\ufffe", "\U000f0000", "ԯ", "\ue000"])
def test_what_no_typeface_has_becomes_a_question_mark(text: str) -> None:
    assert drawable(text).strip(" ?") == ""
    assert drawn("é" + text) == drawn("é" + drawable(text))


def test_any_text_is_drawn_on_one_line() -> None:
    for text in ("", "a\nb", "a\tb\x00", "e\u0301", "\u202ea", "👩‍👧", "\ud800", "ﷺ", "๎"):
        width, height = text_size(text, 20)
        assert width >= 1 and height == text_size("x", 20)[1]
    assert drawable("e\u0301") == "é" and drawable("a\nb") == "a b"


def test_texts_of_both_typefaces_have_one_baseline_and_nearly_one_height() -> None:
    ink = {}
    for text in ("HH", "ÜH"):
        width, height = text_size(text, 100)
        image = np.full((height, width, 3), 255, np.uint8)
        put_text(image, text, 0, 0, 100, (0, 0, 0))
        rows = np.flatnonzero((image[:, width // 2 + 5 :, 0] < 128).any(axis=1))
        ink[text] = rows.min(), rows.max()
    assert abs(ink["HH"][0] - ink["ÜH"][0]) <= 3 and abs(ink["HH"][1] - ink["ÜH"][1]) <= 1

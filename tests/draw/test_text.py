"""Text in pictures: every character is one that the reader can make out."""

import unicodedata

import numpy as np
import pytest

from fer_core.draw.text import drawable, put_text, text_size

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

"""Results as files."""

import csv
import io

import pytest

from fer_core.export import csv_text


@pytest.mark.parametrize("name", ["=1+1.png", "+a", "-2.jpg", "@SUM(A1)", "\t=1", " =1", "\r\n=1"])
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(name: str) -> None:
    text = csv_text([{"path": name, "score": -0.5, "face": 1}], ("path", "score", "face"))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row == {"path": f"'{name}", "score": "-0.5", "face": "1"}


@pytest.mark.parametrize("name", ["a=b.png", "photo-1.jpg", "", "a,b", "o'clock"])
def test_other_texts_stay_as_they_are(name: str) -> None:
    text = csv_text([{"path": name, "top": None}], ("path", "top"))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row == {"path": name, "top": ""}

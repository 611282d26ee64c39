"""Results as files and tables."""

import csv
import io
import sys

import pytest

from fer_core import Analyzer
from fer_core.errors import UserError
from fer_core.export import (
    CSV_COLUMNS,
    DETAIL_COLUMNS,
    csv_rows,
    csv_text,
    data_frame,
    image_record,
)
from fer_core.types import Image


def test_readings_become_a_data_frame(astronaut: Image) -> None:
    readings = Analyzer(device="cpu").analyze(astronaut, maps=()).readings
    record = image_record("astronaut.png", astronaut, readings)
    frame = data_frame(csv_rows([record], details=True))
    assert tuple(frame.columns) == (*CSV_COLUMNS, *DETAIL_COLUMNS)
    assert frame["top"].tolist() == ["happy"] and frame["face"].tolist() == [1]
    assert abs(frame["yaw"].item()) < 10
    assert data_frame(csv_rows([])).empty


def test_without_pandas_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"need pandas.*pip install 'expression-lens\[train\]'"):
        data_frame([])


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

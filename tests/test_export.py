"""Results as tables."""

import sys

import pytest

from fer_core import Analyzer
from fer_core.errors import UserError
from fer_core.export import CSV_COLUMNS, DETAIL_COLUMNS, csv_rows, data_frame, image_record
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

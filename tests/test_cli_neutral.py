"""``--neutral``: faces compared with the person's neutral face, on the command line."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core import EXPRESSIONS
from fer_core.export import ALONE_COLUMNS, CSV_COLUMNS
from fer_core.types import Image
from tests.conftest import Run


@pytest.fixture
def clip(tmp_path: Path, astronaut: Image) -> Path:
    """Write ten frames of one face at five a second."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (256, 256))
    for _ in range(10):
        writer.write(cv2.cvtColor(cv2.resize(astronaut, (256, 256)), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_predict_compares_with_a_picture_and_keeps_both(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    table = tmp_path / "out.csv"
    assert run("predict", photo, "--neutral", photo, "--csv", table)[0] == 0
    (row,) = read_rows(table)
    assert list(row) == [*CSV_COLUMNS, *ALONE_COLUMNS]
    assert float(row["happy_alone"]) > 0.8 > float(row["happy"])
    code, out, _ = run("predict", photo, "--neutral", photo, "--json")
    (face,) = json.loads(out)[0]["faces"]
    assert code == 0 and set(face["probabilities_alone"]) == set(EXPRESSIONS)
    assert (
        "probabilities_alone" not in json.loads(run("predict", photo, "--json")[1])[0]["faces"][0]
    )


@pytest.mark.parametrize(("neutral", "name"), [("median", "median"), ("1", "1 s"), ("", "picture")])
def test_video_compares_with_a_moment_the_median_or_a_picture(
    run: Run, clip: Path, photo: Path, tmp_path: Path, neutral: str, name: str
) -> None:
    table = tmp_path / "out.csv"
    code, out, _ = run("video", clip, "--csv", table, "--neutral", neutral or photo)
    rows = read_rows(table)
    assert code == 0 and f"compared with the neutral face ({name})" in out
    assert {row["baseline"] for row in rows} == {name}
    assert len(rows) == 10 and all(float(row["happy"]) < 0.8 for row in rows)


def test_a_moment_without_a_face_keeps_what_was_read(run: Run, clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "out.csv"
    code, _, err = run("video", clip, "--csv", table, "--neutral", "9")
    assert code == 2 and "there is no face at 9.0 s; choose a moment with a neutral face" in err
    rows = read_rows(table)
    assert len(rows) == 10 and {row["baseline"] for row in rows} == {""}


def test_what_is_no_neutral_face_is_refused_before_the_work(
    run: Run, photo: Path, clip: Path, tmp_path: Path
) -> None:
    code, _, err = run("video", clip, "--neutral", "smile")
    assert code == 2 and "give a picture, a time in seconds, or median" in err
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.zeros((300, 300), np.uint8))
    for words in (("predict", photo), ("video", clip)):
        code, _, err = run(*words, "--neutral", blank)
        assert code == 2 and f"{blank}: no face was found" in err

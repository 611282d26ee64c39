"""The Photo page in a real browser: upload a picture, download the results."""

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.driver import Page, Server
from fer_core.labels import EXPRESSIONS
from fer_core.types import Image

pytestmark = pytest.mark.e2e


@pytest.fixture
def photo(tmp_path: Path, astronaut: Image) -> Path:
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    return path


def test_an_uploaded_photo_can_be_downloaded_as_json_csv_and_png(
    page: Page, server: Server, photo: Path, astronaut: Image, tmp_path: Path
) -> None:
    page.goto(server.url)
    page.get_by_role("link", name="Photo", exact=True).first.click()
    page.locator('input[type="file"]').set_input_files(photo)
    page.get_by_text("What the network sees").wait_for()

    def download(button: str) -> Path:
        with page.expect_download() as download_info:
            page.get_by_role("button", name=button).click()
        path = tmp_path / str(download_info.value.suggested_filename)
        download_info.value.save_as(path)
        return path

    (record,) = json.loads(download("Numbers as JSON").read_text())
    assert (record["path"], record["width"], record["height"]) == (photo.name, 512, 512)
    (face,) = record["faces"]
    assert tuple(face["probabilities"]) == EXPRESSIONS
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    x0, y0, x1, y1 = face["box"]
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((224, 118), abs=15)

    (row,) = csv.DictReader(download("Table as CSV").read_text().splitlines())
    assert row["path"] == photo.name
    assert row["top"] == face["top"]
    assert float(row["happy"]) == pytest.approx(face["probabilities"]["happy"], abs=1e-3)

    picture = cv2.imdecode(
        np.frombuffer(download("This picture as PNG").read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB
    )
    assert picture is not None
    changed = (picture != astronaut).any(axis=-1)
    assert changed[round(y0) : round(y1), round(x0) : round(x1)].any()
    assert not changed[400:].any(), "something is drawn far from the face"


def test_a_click_on_a_face_in_the_picture_chooses_it(
    page: Page, server: Server, astronaut: Image, tmp_path: Path
) -> None:
    face = cv2.cvtColor(astronaut[0:256, 96:352], cv2.COLOR_RGB2BGR)
    small = cv2.resize(face, (160, 160))
    crowd = np.full((600, 900, 3), 200, np.uint8)
    crowd[300:556, 40:296] = face
    for x in (20, 220, 420):
        crowd[20:180, x : x + 160] = small
    crowd[330:490, 500:660] = small
    path = tmp_path / "class.png"
    cv2.imwrite(str(path), crowd)
    page.goto(f"{server.url}/photo")
    page.locator('input[type="file"]').set_input_files(path)
    page.get_by_text("Face 4 of 5").wait_for()
    for number in (2, 5):
        page.get_by_role("button", name=re.compile(f"^Face {number}: ")).click()
        page.get_by_text(f"Face {number} of 5").wait_for()

"""The Video page in a real browser: read a clip, stop and continue, download the results."""

import csv
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from benchmarks.driver import Locator, Page, Server, wait_for, wait_until_idle
from fer_core.types import Image

pytestmark = pytest.mark.e2e

RATE, SECONDS = 30, 40


@pytest.fixture
def clip(tmp_path: Path, astronaut: Image) -> Path:
    """Write a clip of a smiling face, long enough to press Cancel in time."""
    picture = np.asarray(cv2.resize(astronaut, (320, 320)), np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    path = tmp_path / "lesson.mp4"
    with av.open(path, "w") as output:
        stream = output.add_stream("h264", RATE, {"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 320, "yuv420p"
        for number in range(RATE * SECONDS):
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def test_reading_a_clip_can_be_stopped_and_continued(
    page: Page, server: Server, clip: Path, tmp_path: Path
) -> None:
    page.goto(server.url)
    page.get_by_role("link", name="Video", exact=True).first.click()
    page.locator('input[type="file"]').set_input_files(clip)
    page.get_by_role("button", name="Analyze").click()
    page.get_by_text("s of the clip").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Stopped at").wait_for()

    def download_numbers() -> dict[str, Any]:
        with page.expect_download() as download_info:
            page.get_by_role("button", name="Numbers as JSON").click()
        path = tmp_path / download_info.value.suggested_filename
        download_info.value.save_as(path)
        record: dict[str, Any] = json.loads(path.read_text())
        return record

    part = download_numbers()
    assert part["stopped"] and 0 < part["frames"] < RATE * SECONDS
    assert [row["frame"] for row in part["rows"]] == list(range(part["frames"]))

    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.get_by_role("button", name="Cancel").wait_for(state="hidden")
    page.get_by_text("Stopped at").wait_for(state="hidden")
    page.get_by_role("button", name="Numbers as JSON").wait_for()
    whole = download_numbers()
    assert (whole["stopped"], whole["frames"]) == (False, RATE * SECONDS)
    assert whole["rows"][: part["frames"]] == part["rows"]
    (face,) = whole["by_face"]
    assert face["top"] == "happy" and face["blinks"] == 0

    page.get_by_text("Facial actions").first.click()
    page.get_by_text("The 8 actions that changed most").wait_for()
    with page.expect_download() as download_info:
        page.get_by_role("button", name="Table as CSV").click()
    table = tmp_path / "lesson.csv"
    download_info.value.save_as(table)
    assert len(list(csv.DictReader(table.read_text().splitlines()))) == len(whole["rows"])


def test_player_and_timeline_move_together_and_the_zoom_stays(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/video")
    page.get_by_role("button", name="Use the sample").click()
    page.get_by_role("button", name="Analyze").click()
    page.get_by_role("button", name="Numbers as JSON").wait_for()
    wait_until_idle(page)
    chart = page.locator(".st-key-video_timeline .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    chart.hover()
    chart.locator('[data-title="Zoom in"]').click()
    wait_for(lambda: zoomed(chart), "the zoom")
    ends = zoomed(chart)
    assert ends is not None
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    point = box["x"] + 0.5 * box["width"], box["y"] + 0.33 * box["height"]  # near a line
    page.mouse.move(*point)
    chart.locator(".hoverlayer .legend").wait_for()
    page.mouse.click(*point)
    middle = sum(ends) / 2
    wait_for(lambda: abs(shown_moment(page) - middle) < 0.2, "the frame that was clicked")
    wait_until_idle(page)
    assert zoomed(chart) == ends, "the zoom is lost"
    seconds = "document.querySelector('video').currentTime"
    wait_for(lambda: abs(page.evaluate(seconds) - middle) < 0.2, "the player's time")
    before = line_position(page)
    page.evaluate(f"{seconds} = {middle - 1.5}")
    wait_for(lambda: line_position(page) < before - 50, "the line follows the player")


def zoomed(chart: Locator) -> list[float] | None:
    """Return the ends of the time axis in seconds; None while it shows the whole clip."""
    first, last = chart.evaluate("chart => chart._fullLayout.xaxis.range")
    return [first, last] if last - first < 8 else None


def shown_moment(page: Page) -> float:
    """Return the time of the frame that is shown, in seconds."""
    words = page.get_by_text(re.compile(r"^Frame \d+, ")).inner_text()
    return float(words.split()[2])


def line_position(page: Page) -> float:
    """Return how far right the line stands in the chart, in pixels."""
    return float(page.locator(".moment-line").evaluate("line => parseFloat(line.style.left)"))

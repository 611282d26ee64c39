"""Who leaves a page and comes back finds their work: pictures, clip, analysis and choices."""

import re
from pathlib import Path

import cv2
import pytest

from app.video.sample import sample_clip
from benchmarks.driver import Page, Server, wait_for, wait_until_idle
from fer_core.types import Image

pytestmark = pytest.mark.e2e


@pytest.fixture
def photos(tmp_path: Path, astronaut: Image) -> list[Path]:
    """Write two pictures of the same face."""
    paths = [tmp_path / "first.png", tmp_path / "second.png"]
    for path in paths:
        cv2.imwrite(str(path), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    cv2.imwrite(str(paths[1]), cv2.cvtColor(astronaut[:, ::-1], cv2.COLOR_RGB2BGR))
    return paths


def go_to(page: Page, name: str) -> None:
    """Go to a page by the navigation, and wait until it is shown."""
    page.get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("heading", level=1, name=name, exact=True).wait_for()
    wait_until_idle(page)


def leave_and_return(page: Page, name: str) -> None:
    go_to(page, "Data")
    go_to(page, name)


def test_photo_keeps_its_pictures_and_choices(
    page: Page, server: Server, photos: list[Path]
) -> None:
    page.goto(f"{server.url}/photo")
    page.locator('input[type="file"]').set_input_files(photos)
    page.get_by_role("button", name="Everything as ZIP").wait_for()
    page.get_by_role("button", name="Landmarks").click()
    page.get_by_role("button", name="second.png", exact=True).click()
    page.get_by_text("second.png, 512 × 512 pixels").wait_for()
    leave_and_return(page, "Photo")
    page.get_by_text("second.png, 512 × 512 pixels").wait_for()
    page.get_by_text("first.png, second.png").wait_for()
    page.get_by_role("button", name="Landmarks", pressed=True).wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("No picture at hand?").wait_for()
    leave_and_return(page, "Photo")
    page.get_by_text("No picture at hand?").wait_for()


def test_video_keeps_its_clip_and_analysis(page: Page, server: Server, tmp_path: Path) -> None:
    clip = tmp_path / "lesson.mp4"
    clip.write_bytes(sample_clip())
    page.goto(f"{server.url}/video")
    page.locator('input[type="file"]').set_input_files(clip)
    page.get_by_role("button", name="Analyze").click()
    page.get_by_role("button", name="Numbers as JSON").wait_for()
    wait_until_idle(page)
    page.get_by_text("Facial actions").first.click()
    page.get_by_text("actions that changed most").wait_for()
    wait_until_idle(page)
    leave_and_return(page, "Video")
    page.get_by_role("button", name="Numbers as JSON").wait_for()
    page.get_by_text("actions that changed most").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Use the sample").wait_for()
    assert page.get_by_role("button", name="Numbers as JSON").count() == 0


def test_explain_keeps_its_picture_class_and_view(
    page: Page, server: Server, photos: list[Path]
) -> None:
    page.goto(f"{server.url}/explain")
    page.get_by_role("radio", name="Your own picture").click()
    page.locator('input[type="file"]').set_input_files(photos[0])
    page.get_by_role("button", name=re.compile(r"^sad (<|\d)")).click()
    page.get_by_text("sad, by Grad-CAM").wait_for()
    page.get_by_role("tab", name="Regions").click()
    wait_for(lambda: "explain_view=Regions" in page.url, "the view in the address")
    wait_until_idle(page)
    leave_and_return(page, "Explain")
    page.get_by_text("first.png").wait_for()
    page.get_by_text("sad, by Grad-CAM").wait_for()
    page.get_by_role("tab", name="Regions", selected=True).wait_for()


def test_back_leads_to_the_page_as_it_was_left_with_one_press(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_role("heading", level=1).wait_for()
    wait_until_idle(page)
    go_to(page, "Explain")
    page.get_by_role("radio", name="Tilted").click()
    wait_for(lambda: "explain_source=Tilted" in page.url, "the sample in the address")
    page.get_by_role("button", name=re.compile(r"^sad (<|\d)")).click()
    page.get_by_text("sad, by Grad-CAM").wait_for()
    wait_for(lambda: "explain_class=sad" in page.url, "the class in the address")
    wait_until_idle(page)
    left = page.url
    go_to(page, "Data")
    page.go_back()
    page.get_by_role("heading", level=1, name="Explain", exact=True).wait_for()
    page.get_by_text("sad, by Grad-CAM").wait_for()
    assert page.url == left
    go_to(page, "Data")
    go_to(page, "Explain")
    page.go_back()
    page.get_by_role("heading", level=1, name="Data", exact=True).wait_for()

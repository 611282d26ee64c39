"""Move a face in a real browser: a corner of the mouth is pulled, by pointer and by keys."""

import re

import pytest

from benchmarks.driver import Page, Server, wait_for, wait_until_idle

pytestmark = pytest.mark.e2e

CORNER = "Pull: right corner of the mouth"


def answer(page: Page) -> str:
    """Return the answer that stands in the picture."""
    return page.locator(".face p").inner_text()


def test_a_corner_of_the_mouth_is_pulled(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/move")
    page.get_by_role("heading", name="Move a face", exact=True).wait_for()
    wait_until_idle(page)
    picture = page.locator(".face img")
    wait_for(lambda: re.fullmatch(r"[a-z]+ \d+ %", answer(page)), "an answer")
    before = answer(page)
    first = picture.get_attribute("src")
    corner = page.get_by_role("button", name=CORNER)
    box = corner.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y - 18, steps=12)
    page.mouse.up()
    wait_for(lambda: picture.get_attribute("src") != first, "another picture")
    wait_until_idle(page)
    slider = page.get_by_role("slider", name="smile, right corner up")
    wait_for(lambda: float(slider.input_value()) > 0.3, "a smile")
    wait_for(lambda: answer(page) != before, "another answer")
    raised = float(slider.input_value())
    corner.focus()

    def lowered() -> bool:
        page.keyboard.press("ArrowDown")
        return float(slider.input_value()) < raised

    wait_for(lowered, "the keys to take the smile back", every=0.5)

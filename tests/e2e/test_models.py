"""The Models page in a real browser: a click on a row of the leaderboard."""

import pytest

from benchmarks.driver import Page, Server, wait_for, wait_until_idle
from fer_core.evaluation import leaderboard

pytestmark = pytest.mark.e2e

ROW = 35
"""Height of a row of the table, in pixels."""


def test_a_click_anywhere_in_a_row_shows_its_model(page: Page, server: Server) -> None:
    names = [row.name for row in leaderboard.read_leaderboard()]
    page.goto(f"{server.url}/models")
    page.get_by_role("heading", name="One model in detail").wait_for()
    wait_until_idle(page)
    click_row(page, 3, across=600)
    wait_for(lambda: shows(page, names[2]), "the detail of the third model in view")
    click_row(page, 4, across=100)
    wait_for(lambda: shows(page, names[3]), "the detail of the fourth model in view")


def click_row(page: Page, number: int, *, across: int) -> None:
    """Click a row of the table, so many pixels right of its left edge."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    wait_until_idle(page)
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + across, box["y"] + (number + 0.5) * ROW)


def shows(page: Page, name: str) -> bool:
    """Return whether a model is chosen, with its heading in the upper part of the window."""
    chosen = page.get_by_role("combobox", name="Model in detail").input_value()
    place = page.get_by_role("heading", name="One model in detail").bounding_box()
    return chosen == name and place is not None and 0 <= place["y"] < 300

"""Every page opens by its address, on a fresh server too, and fits a phone."""

from pathlib import Path

import pytest

from benchmarks.driver import ROOT, Browser, Page, Server, serve, wait_until_idle
from tests.e2e.conftest import tab

pytestmark = pytest.mark.e2e

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))

REMEMBER_FILE_NAMES = """
window.fileNamesAppeared = false
setInterval(() => {
    window.fileNamesAppeared ||= document.querySelector("[data-testid=stSidebarNav]") !== null
}, 20)
"""
"""Script of a tab: notices Streamlit's list of the files in ``pages/``, which a fresh server could show until
the entry file has run."""


def wait_until_shown(page: Page) -> None:
    """Wait until a page of the app has its title and its script has run to its end."""
    page.get_by_role("heading", level=1).wait_for()
    wait_until_idle(page)


def test_pages_fit_a_phone(phone: Page, server: Server) -> None:
    phone.goto(server.url)
    for name in PAGES:
        phone.get_by_role("heading", level=1).wait_for()
        phone.goto(f"{server.url}/{name}" if name != "start" else server.url)
        wait_until_shown(phone)
        assert phone.get_by_test_id("stException").count() == 0, name
        too_wide = phone.evaluate(
            "document.scrollingElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not too_wide, name


@pytest.mark.parametrize(
    ("address", "heading", "title"),
    [
        ("start", "See what a facial-expression classifier sees", "Expression Lens"),
        ("lesson?step=4", "4 · Each class has its own map", "Lesson · Expression Lens"),
    ],
)
def test_a_page_opens_by_its_address_on_a_fresh_server(
    browser: Browser, tmp_path: Path, address: str, heading: str, title: str
) -> None:
    log = tmp_path / "log.txt"
    with serve(log) as server, tab(browser, viewport={"width": 1440, "height": 900}) as page:
        page.add_init_script(REMEMBER_FILE_NAMES)
        page.goto(f"{server.url}/{address}")
        page.get_by_role("heading", name=heading).wait_for()
        wait_until_shown(page)
        assert page.get_by_test_id("stException").count() == 0
        assert page.get_by_test_id("stSidebarNav").count() == 0, "a list of file names"
        assert page.evaluate("window.fileNamesAppeared") is False, "a list of file names at first"
        assert page.title() == title
    assert "Traceback" not in log.read_text()

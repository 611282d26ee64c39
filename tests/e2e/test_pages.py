"""Every page loads on a phone: no error, and nothing wider than the screen."""

import pytest

from tests.e2e.driver import ROOT, Page, Server

pytestmark = pytest.mark.e2e

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


def test_pages_fit_a_phone(phone: Page, server: Server) -> None:
    phone.goto(server.url)
    for name in PAGES:
        phone.get_by_role("heading", level=1).wait_for()
        phone.goto(f"{server.url}/{name}" if name != "start" else server.url)
        phone.get_by_role("heading", level=1).wait_for()
        phone.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
        assert phone.get_by_test_id("stException").count() == 0, name
        too_wide = phone.evaluate(
            "document.scrollingElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not too_wide, name

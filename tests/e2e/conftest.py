"""One server and one browser for all end-to-end tests, which are skipped with a reason without Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.driver import (
    CHROMIUM,
    PATIENCE,
    Browser,
    Page,
    Server,
    chromium_arguments,
    serve,
    write_webcam,
)
from fer_core.types import Image


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serve(log) as server:
        yield server
    assert "Traceback" not in log.read_text(), "the server has logged an error"


@pytest.fixture(scope="session")
def webcam(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    """Return the film that the browser takes for its webcam."""
    return write_webcam(tmp_path_factory.mktemp("webcam") / "face.mjpeg", astronaut)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Any, webcam: Path) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=chromium_arguments(webcam))
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """Open an empty tab of the size of a laptop's screen."""
    with tab(browser, viewport={"width": 1440, "height": 900}) as page:
        yield page


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    """Open an empty tab of the size of a phone's screen."""
    size = {"width": 390, "height": 844}
    with tab(browser, viewport=size, has_touch=True, is_mobile=True) as page:
        yield page


@contextmanager
def tab(browser: Browser, **device: Any) -> Iterator[Page]:
    """Open a tab in which an uncaught error fails the test."""
    errors: list[object] = []
    with browser.new_context(**device) as context:
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: errors.append(error))
        yield page
    assert errors == []

"""Every page is checked by axe, in the light and the dark theme: nothing serious is found."""

from importlib import import_module
from typing import Literal

import pytest

from benchmarks.driver import Browser, Page, Server, wait_for, wait_until_idle
from tests.e2e.conftest import tab
from tests.e2e.test_pages import PAGES, wait_until_shown

pytestmark = pytest.mark.e2e

SERIOUS = ("serious", "critical")

CHART_TEXT = """
() => [...document.querySelectorAll('.js-plotly-plot :is(.xtick, .ytick, .legend) text')]
    .map(text => getComputedStyle(text).fill)
"""
"""Colors of names and numbers of charts, which axe leaves out."""


OUTLINED = """
document.activeElement.dataset.testid === 'stTopNavLink'
    && getComputedStyle(document.activeElement).outlineStyle === 'solid'
"""


def serious_findings(page: Page) -> list[str]:
    """Return what axe finds on a page."""
    axe = import_module("axe_playwright_python.sync_playwright").Axe()
    return [
        f"{found['id']}: {node['html'][:200]}"
        for found in axe.run(page).response["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


def luminance(color: str) -> float:
    """Return the relative luminance of ``rgb(r, g, b)`` (WCAG 2)."""
    values = [int(part) / 255 for part in color.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colors, 1..21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    browser: Browser, server: Server, scheme: Literal["light", "dark"]
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    size = {"width": 1440, "height": 900}
    with tab(browser, viewport=size, color_scheme=scheme) as page:
        for name in PAGES:
            page.goto(f"{server.url}/{name}" if name != "start" else server.url)
            wait_until_shown(page)
            wait_for(lambda: not serious_findings(page), f"{name}: {serious_findings(page)}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_while_this_device_reads(
    browser: Browser, server: Server, scheme: Literal["light", "dark"]
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    size = {"width": 1440, "height": 900}
    with tab(browser, viewport=size, color_scheme=scheme) as page:
        page.goto(f"{server.url}/live")
        page.get_by_role("radio", name="On this device").click()
        page.locator('.device button[name="start"]:enabled').click()
        page.get_by_text("frames so far").wait_for()
        wait_for(lambda: not serious_findings(page), f"{serious_findings(page)}")


@pytest.mark.parametrize(
    ("scheme", "paper"), [("light", "rgb(251, 251, 250)"), ("dark", "rgb(15, 21, 25)")]
)
def test_texts_of_charts_and_rings_of_choices_can_be_seen(
    browser: Browser, server: Server, scheme: Literal["light", "dark"], paper: str
) -> None:
    with tab(browser, viewport={"width": 1440, "height": 900}, color_scheme=scheme) as page:
        page.goto(f"{server.url}/lesson")
        wait_until_shown(page)
        page.locator(".js-plotly-plot .ytick text").first.wait_for()
        wait_until_idle(page)
        colors = page.evaluate(CHART_TEXT)
        assert colors and all(contrast(color, paper) >= 4.5 for color in colors)
        ring = page.get_by_test_id("stRadioOption").first.locator("> div > div").first
        color = ring.evaluate("ring => getComputedStyle(ring).borderColor")
        assert contrast(color, paper) >= 3


def test_the_keyboard_is_seen_in_the_navigation(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/limits")
    wait_until_shown(page)

    def outlined() -> bool:
        page.get_by_test_id("stTopNavLink").first.focus()
        page.keyboard.press("Tab")
        return bool(page.evaluate(OUTLINED))

    wait_for(outlined, "an outline around the link that has the keyboard")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720)])
def test_no_page_falls_out_of_the_navigation(
    browser: Browser, server: Server, width: int, height: int
) -> None:
    with tab(browser, viewport={"width": width, "height": height}) as page:
        page.goto(f"{server.url}/models")
        wait_until_shown(page)
        links = page.get_by_test_id("stTopNavLink")
        assert links.count() == len(PAGES)
        shown = [link.bounding_box() for link in links.all()]
        assert all(box and 0 < box["x"] < width - box["width"] for box in shown)


def test_a_page_is_presented_without_bars(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/photo")
    wait_until_shown(page)
    bars = page.locator("[data-testid=stHeader], [data-testid=stSidebar]")
    assert bars.first.is_visible()
    page.get_by_text("Present", exact=True).click()
    bars.first.wait_for(state="hidden")
    wait_until_idle(page)
    assert "present=true" in page.url
    page.get_by_text("Present", exact=True).click()
    bars.first.wait_for(state="visible")

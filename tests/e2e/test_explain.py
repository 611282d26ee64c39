"""The Explain page in a real browser: draw a cover, change the class, download the slide."""

import io
import re

import pytest
from PIL import Image as Pillow

from benchmarks.driver import Page, Server, wait_until_idle

pytestmark = pytest.mark.e2e


def wait_for_text(page: Page, text: str) -> None:
    """Wait until the page shows a text, which may be spread over several elements."""
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=text)


def open_explain(page: Page, server: Server, query: str = "") -> None:
    page.goto(f"{server.url}/explain{query}")
    page.get_by_role("heading", name="Explain", exact=True).wait_for()
    wait_until_idle(page)


def test_a_cover_is_drawn_with_the_pointer(page: Page, server: Server) -> None:
    open_explain(page, server, "?explain_view=Cover+it+yourself")
    board = page.locator(".js-plotly-plot:has(.imagelayer image) .nsewdrag").first
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    left, top = box["x"] + 0.3 * box["width"], box["y"] + 0.65 * box["height"]
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 0.4 * box["width"], top + 0.2 * box["height"], steps=8)
    page.mouse.up()
    wait_for_text(page, "You covered 8 %")


def test_the_chosen_class_is_kept_in_the_address(page: Page, server: Server) -> None:
    open_explain(page, server)
    page.get_by_role("button", name=re.compile(r"^sad (<|\d)")).click()
    wait_for_text(page, "sad, by Grad-CAM")
    wait_until_idle(page)
    assert "explain_class=sad" in page.url
    page.goto(page.url + "&model=plain&method=LayerCAM&explain_layer=3")
    wait_for_text(page, "sad, by LayerCAM, 12 × 12 cells")
    wait_for_text(page, "what plain gets: 48 × 48 dots")
    wait_until_idle(page)
    assert "explain_layer=3" in page.url


def test_the_slide_can_be_downloaded(page: Page, server: Server) -> None:
    open_explain(page, server)
    with page.expect_download() as download_info:
        page.get_by_role("button", name="Slide as PNG").click()
    download = download_info.value
    assert download.suggested_filename == "smile-prior_attention-happy-gradcam-layer-4.png"
    with open(download.path(), "rb") as file:
        assert Pillow.open(io.BytesIO(file.read())).size == (1920, 1080)


def test_the_tabs_are_seen_without_scrolling(page: Page, server: Server) -> None:
    open_explain(page, server)
    box = page.get_by_role("tab", name="Cover it yourself").bounding_box()
    assert box is not None and box["y"] + box["height"] < 900 - 60, "the tabs lie below the fold"
    chips, map_of_happy = (
        each.bounding_box()
        for each in (
            page.get_by_role("radio", name="surprise", exact=True),
            page.get_by_role("img", name="Map of the evidence for happy").first,
        )
    )
    assert chips is not None and map_of_happy is not None
    assert 0 < map_of_happy["y"] - (chips["y"] + chips["height"]) < 40


BARS = ".hiding .bars .share"
FACE = ".hiding .face"

REACTION = """face => {
    const shares = () => [...face.parentElement.querySelectorAll(".share")].map(e => e.textContent).join();
    const box = face.getBoundingClientRect(), before = shares();
    const times = [];
    for (let step = 1; step < 12; step++) {
        const at = {clientX: box.x + box.width / 2, clientY: box.y + box.height * step / 12};
        const start = performance.now();
        face.dispatchEvent(new PointerEvent("pointermove", at));
        shares(); face.getBoundingClientRect();  // the layout is done
        times.push(performance.now() - start);
    }
    return {changed: shares() !== before, fastest: Math.min(...times)};
}"""
"""Milliseconds from a move of the pointer until the bars have their new lengths."""


def open_hiding(page: Page, server: Server) -> None:
    open_explain(page, server, "?explain_view=Cover+it+yourself")
    page.locator(FACE).scroll_into_view_if_needed()


def test_a_place_is_hidden_without_a_request(page: Page, server: Server) -> None:
    open_hiding(page, server)
    whole = page.locator(BARS).all_text_contents()
    assert len(whole) == 7 and whole[3].endswith("%")
    page.context.set_offline(True)
    page.locator(FACE).hover(position={"x": 144, "y": 230})
    assert page.locator(".hiding .square").is_visible()
    assert page.locator(BARS).all_text_contents() != whole
    reaction = page.locator(FACE).evaluate(REACTION)
    assert reaction["changed"] and reaction["fastest"] <= 50
    page.mouse.move(5, 5)
    assert page.locator(BARS).all_text_contents() == whole, "the square stays without the pointer"
    page.context.set_offline(False)


def test_a_place_is_hidden_with_the_keyboard(page: Page, server: Server) -> None:
    open_hiding(page, server)
    whole = page.locator(BARS).all_text_contents()
    page.locator(FACE).focus()
    shares = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
        shares.append(page.locator(BARS).all_text_contents())
    assert len({tuple(each) for each in shares}) == 4 and whole != shares[-1]
    assert page.locator(".hiding .square").is_visible()
    names = [each.lower() for each in page.locator(".hiding .bars .label").all_text_contents()]
    spoken = page.locator(".hiding .spoken").text_content()
    assert spoken == ", ".join(map(" ".join, zip(names, shares[-1], strict=True)))
    page.keyboard.press("Escape")
    assert page.locator(BARS).all_text_contents() == whole


def test_a_place_is_hidden_with_a_finger(phone: Page, server: Server) -> None:
    open_hiding(phone, server)
    whole = phone.locator(BARS).all_text_contents()
    phone.locator(FACE).tap(position={"x": 144, "y": 230})
    assert phone.locator(BARS).all_text_contents() != whole, "a lifted finger takes the square away"
    assert phone.locator(FACE).evaluate("face => getComputedStyle(face).touchAction") == "none"


def test_the_slower_methods_can_be_stopped(page: Page, server: Server) -> None:
    open_explain(page, server, "?explain_view=Methods")
    page.get_by_test_id("stCheckbox").filter(has_text="The slower ones, too").click()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    page.get_by_role("switch", name="The slower ones, too", checked=False).wait_for()
    wait_until_idle(page)
    assert page.get_by_text("Integrated gradients", exact=True).count() <= 1, "in the list alone"

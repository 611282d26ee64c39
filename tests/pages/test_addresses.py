"""Every page opens whatever its address says, and the ways from page to page keep the settings."""

import logging
from itertools import cycle, islice
from typing import Final

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.session import OPENED_PAGE
from streamlit_app import PAGES
from tests.pages.conftest import APP, Camera

PARAMETERS: Final = (
    *("model", "prior", "method", "step", OPENED_PAGE, "models_source", "detector"),
    *("explain_source", "explain_class", "explain_other", "explain_layer", "explain_view"),
)
"""Names that pages read from their addresses, and one that none reads."""

BAD_VALUES: Final = [
    *(
        "",
        " ",
        "0",
        "-1",
        "8",
        "99",
        "1.5",
        "1e9",
        "NaN",
        "inf",
        "-inf",
        "1,2",
        "0x1",
        "１",
        "²",
        "1_0",
    ),
    *(
        "None",
        "null",
        "undefined",
        "true",
        "false",
        "[]",
        "[1]",
        "{}",
        "()",
        "''",
        '""',
        "%00",
        "%0a",
    ),
    *(
        "x",
        "DEFAULT",
        "default ",
        " default",
        "plain%20",
        "default,plain",
        "Smile%0a",
        "smile",
        "SMILE",
    ),
    *(
        "../default",
        "/etc/passwd",
        "..%2f..",
        "weights/default.json",
        "C:\\",
        "file:///",
        "~",
        "$HOME",
    ),
    *(
        "<script>alert(1)</script>",
        "![](https://example.org/x.png)",
        "[x](javascript:alert(1))",
        "`x`",
    ),
    *(
        "$x$",
        ":material/home:",
        ":red[x]",
        "**x**",
        "&lt;",
        "&",
        "=",
        "?",
        "#",
        "%",
        "%25",
        "+",
        ";",
    ),
    *(
        "a" * 3000,
        "9" * 400,
        "😀",
        "ä",
        "ß",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\x7f",
        "\x1b[31m",
    ),
    *(
        "select",
        "' or 1=1 --",
        "{{7*7}}",
        "${7*7}",
        "{0}",
        "{name}",
        "%s",
        "%d",
        "%n",
        "\\",
        "\\n",
        "|",
    ),
    *(
        "live",
        "lesson",
        "pages/live.py",
        "streamlit_app.py",
        "__class__",
        "gradcam ",
        "happyy",
        "top,top",
    ),
    *("equal,half", "own,", "three", "IV", "-0", "+1", "1 ", "01", "7.0", "8,1"),
]
"""Values that no page has an option for."""

ADDRESSES: Final = 10
"""Addresses for each page: a hundred in all."""


def address(number: int) -> dict[str, str | list[str]]:
    """Return a query in which each parameter has another bad value; every fourth query gives each twice."""
    values = islice(cycle(BAD_VALUES), number, None)
    pairs = {name: next(values) for name in PARAMETERS}
    return {name: [value, value] if number % 4 == 3 else value for name, value in pairs.items()}


def press(app: AppTest, label: str) -> None:
    """Press the button with this label."""
    (button,) = (button for button in app.button if button.label == label)
    button.click().run()


@pytest.mark.parametrize("number", range(len(PAGES)))
def test_a_page_opens_whatever_its_address_says(
    number: int, camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    page = PAGES[number][0]
    for query in (address(number * ADDRESSES + each) for each in range(ADDRESSES)):
        app = AppTest.from_file(str(APP), default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception and not app.error, query
        assert app.title or page == "limits", query
    messages = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each for each in messages if "missing ScriptRunContext" not in each] == []


def test_there_are_a_hundred_bad_values_and_each_stands_in_an_address() -> None:
    assert len(set(BAD_VALUES)) >= 100
    assert len(PAGES) * ADDRESSES >= len(BAD_VALUES) - len(PARAMETERS)


@pytest.mark.parametrize("page", ["lesson", "explain", "models"])
def test_an_address_without_a_value_chooses_the_default(page: str) -> None:
    key, default = ("step", 1) if page == "lesson" else (f"{page}_source", "Smile")
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.query_params[key] = ""
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    assert app.segmented_control(key=key).value == default


def test_next_goes_on_from_an_address_without_a_step() -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.query_params["step"] = ""
    app.switch_page("pages/lesson.py").run()
    app.button(key="lesson_next").click().run()
    assert app.title[0].value.startswith("2 ·")


def test_another_model_goes_along_to_the_webcam_and_to_its_snapshot(
    camera: Camera,
) -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.query_params["model"] = "plain"
    app.run()
    press(app, "Try it with your webcam")
    assert not app.exception
    assert (app.title[0].value, app.selectbox(key="model").value) == ("Live", "plain")
    camera.state.playing = True
    app.run()
    camera.show(np.full((480, 640, 3), 90, np.uint8))
    app.button(key="live_snapshot").click().run()
    assert not app.exception
    assert (app.title[0].value, app.selectbox(key="model").value) == ("Photo", "plain")


def test_the_router_leads_on_in_a_running_session_too() -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.query_params["model"] = "plain"
    app.run()
    app.query_params[OPENED_PAGE] = "lesson"
    app.run()
    assert not app.exception
    assert app.title[0].value.startswith("1 ·")
    assert app.selectbox(key="model").value == "plain"

"""The pages where the host has named an engine that computes the networks."""

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from app.networks import load_analyzer
from fer_core.types import Image
from tests.pages.conftest import Camera


@pytest.fixture
def without_its_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name an engine that nobody runs."""
    monkeypatch.setenv("EXPRESSION_LENS_ENGINE", "ray")
    monkeypatch.setenv("EXPRESSION_LENS_RAY_ADDRESS", "127.0.0.1:9")
    load_analyzer.clear()
    yield
    load_analyzer.clear()


def test_an_engine_that_is_lost_is_named_and_faces_are_read_here(
    without_its_engine: None,
    camera: Camera,
    open_page: Callable[[str], AppTest],
    astronaut: Image,
) -> None:
    page = open_page("live")
    assert not page.exception
    captions = " ".join(each.value for each in page.sidebar.caption)
    assert "The engine at 127" in captions and "the networks run in this process" in captions
    camera.state.playing = True
    page.run()
    camera.show(astronaut)
    result = page.session_state.live.monitor.activity(time=0.0).result
    assert result is not None and result.readings[0].top[0] == "happy"

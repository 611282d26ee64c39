"""The app without a browser, by Streamlit's AppTest."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import cv2
import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from app.live.session import LiveSession
from fer_core.types import Image

APP = Path(__file__).resolve().parents[2] / "streamlit_app.py"


@pytest.fixture(autouse=True)
def expect_navigation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Streamlit expect ``st.navigation`` from the first run on.

    Streamlit runs the files of a folder named ``pages`` directly until ``st.navigation`` has run once in the
    process, and AppTest resets that before each run.
    """
    init = PagesManager.__init__

    def init_with_navigation(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", init_with_navigation)


@pytest.fixture
def open_page() -> Callable[[str], AppTest]:
    """Return a function: ``open_page("photo")`` starts the app and goes to that page."""

    def open_named(name: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=120).run()
        return app.switch_page(f"pages/{name}.py").run()

    return open_named


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Return file name -> content of its download button; filled whenever a page runs."""
    contents: dict[str, bytes] = {}
    button = st.download_button

    def keep_content(label: str, data: Download, file_name: str, *args: Any, **kwargs: Any) -> bool:
        content = data() if callable(data) else data
        contents[file_name] = content.encode() if isinstance(content, str) else content
        return button(label, data, file_name, *args, **kwargs)

    monkeypatch.setattr(st, "download_button", keep_content)
    return contents


Download = str | bytes | Callable[[], str | bytes]
"""Content of a download, or a function that makes it."""


def encode(image: Image, suffix: str = ".png") -> bytes:
    """Return a picture as the bytes of a file."""
    return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


class Camera:
    """Replaces ``webrtc_streamer``: keeps the page's options, and plays when a test says so."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(playing=False, signalling=False)
        self.options: dict[str, Any] = {}

    def __call__(self, key: str, **options: Any) -> "Camera":
        self.options = options
        return self

    def _get_worker(self) -> None:
        """Return the connection's worker; here there is none."""

    def show(self, image: Image) -> Image:
        """Return the processed picture of a frame, before it is encoded."""
        session: LiveSession = self.options["source_video_track"].process.__self__
        return session.show(image, monotonic())


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    camera = Camera()
    monkeypatch.setattr("streamlit_webrtc.webrtc_streamer", camera)
    monkeypatch.delenv("ICE_SERVERS", raising=False)
    return camera

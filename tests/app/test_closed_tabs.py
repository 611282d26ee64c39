"""When the sessions of closed tabs are ended and emptied, with a clock that the test moves."""

from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from app.closed_tabs import INTERVAL, PATIENCE, PLACE_PATIENCE, ClosedTabs
from app.live.viewers import Viewers


class FakeRuntime:
    """Stands for Streamlit's runtime with one viewer, and takes note of what is asked of it."""

    def __init__(self) -> None:
        self.session = SimpleNamespace(id="viewer", session_state={"snapshot": b"a picture"})
        self.sessions = [SimpleNamespace(session=self.session)]
        self.connected = True
        self.calls: list[str] = []
        self.uploads: dict[str, list[bytes]] = {"viewer": [b"a file"]}
        self._session_mgr = SimpleNamespace(list_sessions=lambda: self.sessions)
        self.uploaded_file_mgr = SimpleNamespace(
            file_storage=self.uploads, remove_session_files=self.uploads.pop
        )
        self.media_file_mgr = SimpleNamespace(
            clear_session_refs=lambda session: self.calls.append(f"clear {session}"),
            remove_orphaned_files=lambda: self.calls.append("remove"),
        )

    def is_active_session(self, name: str) -> bool:
        return self.connected

    def close_session(self, name: str) -> None:
        self.calls.append(f"close {name}")
        self.sessions = []


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def tabs(runtime: Any) -> ClosedTabs:
    return ClosedTabs(runtime, Viewers(limit=2, at_a_time=1))


def test_a_closed_tab_is_forgotten_within_a_minute(runtime: FakeRuntime, tabs: ClosedTabs) -> None:
    tabs.sweep(0)
    runtime.connected = False
    tabs.sweep(INTERVAL)
    tabs.sweep(INTERVAL + PATIENCE - 1)
    assert runtime.calls == []
    tabs.sweep(INTERVAL + PATIENCE)
    assert runtime.calls == ["close viewer"]
    assert runtime.uploads == {}
    tabs.sweep(2 * INTERVAL + PATIENCE)
    assert runtime.calls == ["close viewer", "clear viewer", "remove"]
    assert runtime.session.session_state == {}
    assert tabs.gone_since == {} and tabs.closed == []
    # A tab that is closed just after a sweep is noticed by the next one, and closed by the first sweep after
    # PATIENCE, up to INTERVAL late. Its downloads go with one sweep more.
    assert PATIENCE + 3 * INTERVAL < 60


def test_a_tab_that_comes_back_is_kept(runtime: FakeRuntime, tabs: ClosedTabs) -> None:
    for now, connected in (
        (0, False),
        (PATIENCE - 1, True),
        (PATIENCE, False),
        (PATIENCE + 1, True),
    ):
        runtime.connected = connected
        tabs.sweep(now)
    runtime.connected = False
    tabs.sweep(2 * PATIENCE)
    assert runtime.calls == []
    assert runtime.uploads == {"viewer": [b"a file"]}


def test_a_closed_tab_frees_its_place_for_live_video_soon(
    runtime: FakeRuntime, tabs: ClosedTabs
) -> None:
    place = tabs.viewers.admit("viewer")
    assert place is not None
    ended = Event()
    place.stop = ended.set
    runtime.connected = False
    tabs.sweep(0)
    tabs.sweep(PLACE_PATIENCE - 1)
    assert tabs.viewers.count == 1, "a network may fail for a moment"
    tabs.sweep(PLACE_PATIENCE)
    assert ended.wait(60) and tabs.viewers.count == 0
    assert runtime.calls == [], "the session itself is kept longer"
    # Noticed by the next sweep, ended by the first one after PLACE_PATIENCE.
    assert PLACE_PATIENCE + 2 * INTERVAL < 10


def test_a_file_that_arrives_after_the_end_of_its_session_is_dropped(
    runtime: FakeRuntime, tabs: ClosedTabs
) -> None:
    runtime.uploads["somebody who left"] = [b"late"]
    tabs.sweep(0)
    assert set(runtime.uploads) == {"viewer"}

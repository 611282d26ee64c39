"""Closed tabs are forgotten: their pictures, uploads and results are freed, without another viewer."""

import asyncio
import logging
from threading import Thread
from time import monotonic
from typing import Any, Final

from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession

from app.live.viewers import Viewers

PATIENCE: Final = 30.0
"""Time for which a tab that is not connected is remembered, in seconds: a network may fail for a moment. A
tab that comes back later starts anew. Shorter than Streamlit's ``server.disconnectedSessionTTL``."""

PLACE_PATIENCE: Final = 4.0
"""Time for which such a tab keeps its place among those who stream, in seconds: others may wait for it."""

INTERVAL: Final = 2.0
"""Time between two sweeps, in seconds. The first closes a session, the second frees its downloads."""


class ClosedTabs:
    """Ends the sessions of closed tabs.

    Streamlit drops them some time after ``server.disconnectedSessionTTL``, when somebody else connects:
    perhaps never. What they hold goes with the next full garbage collection, from which ``freeze_garbage``
    exempts those of the first viewers. So they are closed and emptied here.

    All methods run in the thread of the server's event loop.
    """

    def __init__(self, runtime: Runtime, viewers: Viewers) -> None:
        self.runtime = runtime
        self.viewers = viewers
        self.manager: Any = runtime._session_mgr
        self.gone_since: dict[str, float] = {}
        """Session without a connection -> time at which it was noticed, in seconds."""
        self.closed: list[AppSession] = []
        """Sessions that the last sweep has closed."""

    def sweep(self, now: float) -> None:
        """Close the sessions of tabs that were closed ``PATIENCE`` ago; empty those of the last sweep.

        Their streams end earlier, ``PLACE_PATIENCE`` after the tab was closed.

        Args:
            now: in seconds, by a clock that never goes back.
        """
        sessions = {info.session.id: info.session for info in self.manager.list_sessions()}
        gone = [each for each in sessions if not self.runtime.is_active_session(each)]
        self.gone_since = {each: self.gone_since.get(each, now) for each in gone}
        self.empty_closed()
        for name, since in self.gone_since.items():
            if now - since >= PLACE_PATIENCE and self.viewers.holds(name):
                # In a thread of its own: it waits for the connection to close.
                Thread(target=self.viewers.stop, args=(name,), daemon=True).start()
            if now - since >= PATIENCE:
                self.runtime.close_session(name)
                self.closed.append(sessions[name])
        self.drop_late_uploads()

    def empty_closed(self) -> None:
        """Drop what the last sweep's sessions still hold: by now their scripts have stopped."""
        closed, self.closed = self.closed, []
        for session in closed:
            session.session_state.clear()
            self.runtime.media_file_mgr.clear_session_refs(session.id)
        if closed:
            self.runtime.media_file_mgr.remove_orphaned_files()

    def drop_late_uploads(self) -> None:
        """Drop files of sessions that have ended: those that arrived after their end."""
        uploads = self.runtime.uploaded_file_mgr
        known = {info.session.id for info in self.manager.list_sessions()}
        for name in set(uploads.file_storage) - known:  # type: ignore[attr-defined]
            uploads.remove_session_files(name)


async def sweep_for_ever(tabs: ClosedTabs) -> None:
    """Sweep again and again, until cancelled."""
    while True:
        await asyncio.sleep(INTERVAL)
        try:
            tabs.sweep(monotonic())
        except Exception:  # of one sweep; the next one may succeed
            logger = logging.getLogger("expression_lens.closed_tabs")
            logger.exception("Closed tabs could not be forgotten")

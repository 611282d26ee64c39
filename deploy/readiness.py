"""Whether the server can take viewers: the networks are loaded and warmed up, and it is not about to end."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.networks import warm_up
from fer_core import list_detectors, list_models


@dataclass
class Readiness:
    """The state of the server; read by the event loop, set by the thread that loads and by a signal."""

    loaded: bool = False
    failed: bool = False
    draining: bool = False
    """Whether the server is about to end."""

    @property
    def state(self) -> Literal["loading", "ready", "failed", "draining"]:
        """The state in a word; only ``ready`` takes viewers."""
        if self.draining:
            return "draining"
        if self.failed:
            return "failed"
        return "ready" if self.loaded else "loading"

    def load(self, load: Callable[[], None]) -> threading.Thread:
        """Run ``load`` in a thread; become ready when it returns.

        Nothing waits for the thread at the end of the process: a server that is stopped while it loads ends.
        """

        def run() -> None:
            log = logging.getLogger("expression_lens.readiness")
            try:
                load()
            except Exception:
                self.failed = True
                log.exception("The networks cannot be loaded, so the server takes no viewers")
            else:
                self.loaded = True
                log.info("Ready: the networks are loaded and warmed up")

        thread = threading.Thread(target=run, name="readiness", daemon=True)
        thread.start()
        return thread


def warm_up_default() -> None:
    """Load and run what a viewer gets who has chosen nothing: the first model and the first detector."""
    warm_up(list_models()[0], list_detectors()[0])

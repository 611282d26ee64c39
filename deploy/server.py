"""The server of a host: the same pages as ``streamlit run``, and an end that lets viewers finish."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any, Final

import click
import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from streamlit import config
from streamlit.web.bootstrap import load_config_options
from streamlit.web.cli import configurator_options

from app.background import run_background_tasks
from app.device.routes import device_routes
from app.live.viewers import Viewers, shared_viewers
from app.server import prepare_server
from deploy.endpoints import Endpoints
from deploy.logs import write_json_logs
from deploy.metrics import create_registry
from deploy.readiness import Readiness, warm_up_default
from deploy.settings import HostSettings, read_settings
from fer_core.errors import UserError

SCRIPT: Final = Path(__file__).resolve().parents[1] / "streamlit_app.py"

LOGGER: Final = "expression_lens.server"

MB: Final = 1024 * 1024

CLOSING: Final = 5
"""Time in which browsers may answer that their connection is closed, in seconds."""

LAST: Final = 10.0
"""Longest time from the end of the streams to that of the process, in seconds. Python waits for all of its
threads, and one that asks a silent server for a name may take minutes."""


def create_app(settings: HostSettings, viewers: Viewers, readiness: Readiness) -> st.App:
    """Return the app with what a host adds: endpoints before the pages, networks that load at the start."""

    @asynccontextmanager
    async def run_services(app: st.App) -> AsyncIterator[None]:
        async with run_background_tasks(app):
            readiness.load(warm_up_default)
            yield

    registry = create_registry(viewers, readiness)
    endpoints = Middleware(
        Endpoints, readiness=readiness, registry=registry, token=settings.metrics_token
    )
    lifespan: Any = run_services  # Streamlit's annotation asks for a state that it does not need
    return st.App(
        SCRIPT,
        routes=device_routes(),
        lifespan=lifespan,
        middleware=[endpoints, *prepare_server()],
    )


class DrainingServer(uvicorn.Server):
    """A server that SIGTERM or SIGINT ends in order: not ready at once, streams end, exit code 0.

    A second signal ends it at once.
    """

    def __init__(
        self, config: uvicorn.Config, viewers: Viewers, readiness: Readiness, grace: float
    ) -> None:
        super().__init__(config)
        self.viewers = viewers
        self.readiness = readiness
        self.grace = grace
        self.deadline: float | None = None
        """Time at which streams are ended, in seconds of ``monotonic``; None while nobody ends the server."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take note of a signal. It may interrupt anything, so that no lock is taken here."""
        if self.readiness.draining:
            os._exit(128 + sig)
        self.readiness.draining = True

    async def on_tick(self, counter: int) -> bool:
        """Go on draining; called ten times a second."""
        if self.readiness.draining:
            await self.drain(monotonic())
        return await super().on_tick(counter)

    async def drain(self, now: float) -> None:
        """Refuse new streams; end when nobody streams any more, or the grace time is over."""
        if self.deadline is None:
            self.deadline = now + self.grace
            self.viewers.drain()
            log = logging.getLogger(LOGGER)
            log.info("Draining: running streams: %d, seconds: %g", self.viewers.count, self.grace)
        if self.viewers.count == 0 or now >= self.deadline:
            # In a thread: the end of a stream waits for this event loop.
            await asyncio.to_thread(self.viewers.stop_all)
            if not self.should_exit:
                end_at_last(LAST)
            self.should_exit = True


def end_at_last(seconds: float) -> None:
    """End the process in some time, whatever its threads wait for."""

    def end() -> None:
        logging.getLogger(LOGGER).warning("A thread did not end; the server ends without it")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def server_config(app: st.App) -> uvicorn.Config:
    """Return the settings of uvicorn: address, port and messages as ``streamlit run`` takes them."""
    return uvicorn.Config(
        app,
        host=config.get_option("server.address") or "127.0.0.1",
        port=int(config.get_option("server.port")),
        ws="websockets-sansio",
        ws_max_size=MB * int(config.get_option("server.maxMessageSize")),
        ws_per_message_deflate=bool(config.get_option("server.enableWebsocketCompression")),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSING,
    )


@click.command()
@configurator_options
def main(**options: Any) -> None:
    """Serve the app until a signal ends it; options and variables are those of ``streamlit run``.

    Exit codes: 0 ended in order; 2 a setting is wrong, in one line.
    """
    os.chdir(SCRIPT.parent)  # Streamlit reads .streamlit/config.toml there
    load_config_options({**options, "server_fileWatcherType": "none"})
    write_json_logs()
    log = logging.getLogger(LOGGER)
    readiness = Readiness()
    try:
        settings, viewers = read_settings(), shared_viewers()
        app = create_app(settings, viewers, readiness)
    except UserError as error:
        log.error("%s", error)
        sys.exit(2)
    server = DrainingServer(server_config(app), viewers, readiness, settings.grace)
    log.info("Listening on %s, port %d", server.config.host, server.config.port)
    server.run()
    log.info("Ended in order")
    # Nothing is left to save. Python would wait for threads of libraries: 22 s after streams by relay.
    logging.shutdown()
    os._exit(0)

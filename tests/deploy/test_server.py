"""The hosted server: from its start to its end."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import uvicorn

from app.live.viewers import Viewers
from benchmarks.driver import ROOT, Server, serve, wait_for
from deploy.readiness import Readiness
from deploy.server import DrainingServer
from tests.coroutines import run_coroutine


def ask(server: Server, path: str, host: str | None = None) -> tuple[int, str]:
    """Return status and text of the answer to a request."""
    request = urllib.request.Request(server.url + path, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode().strip()


def test_the_server_loads_answers_and_ends_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with serve(log, hosted=True) as server:
        assert ask(server, "/healthz") == (200, "ok")
        wait_for(lambda: ask(server, "/readyz") == (200, "ready"), "the networks")
        assert ask(server, "/readyz", host="proxy.example") == (200, "ready")
        assert ask(server, "/", host="proxy.example")[0] == 421
        assert ask(server, "/photo")[0] == 200
        status, module = ask(server, "/device/view.js")
        assert status == 200 and "export function mount" in module
        assert ask(server, "/metrics") == ask(server, "/_stcore/metrics") == (404, "Not found")
        os.kill(server.pid, signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    assert {line["level"] for line in lines} == {"info"}
    messages = [line["message"] for line in lines]
    assert "Ready: the networks are loaded and warmed up" in messages
    assert messages[-1] == "Ended in order"
    assert len(messages) == 4, "nothing is logged of requests"


def test_a_wrong_setting_ends_the_start_with_a_sentence() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "deploy"],
        cwd=ROOT,
        env={**os.environ, "EXPRESSION_LENS_GRACE_SECONDS": "soon"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert json.loads(line)["message"].startswith("EXPRESSION_LENS_GRACE_SECONDS is 'soon'; give")


@pytest.fixture
def viewers() -> Iterator[Viewers]:
    viewers = Viewers(limit=2, at_a_time=1)
    yield viewers
    viewers.workers.shutdown()


@pytest.fixture(autouse=True)
def stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test end the process that runs it."""
    monkeypatch.setattr("deploy.server.end_at_last", lambda seconds: None)


def draining(viewers: Viewers, grace: float) -> DrainingServer:
    async def app(scope: object, receive: object, send: object) -> None: ...

    return DrainingServer(uvicorn.Config(app), viewers, Readiness(loaded=True), grace)


def test_streams_have_the_grace_time_and_new_ones_are_refused(viewers: Viewers) -> None:
    ended: list[str] = []
    place = viewers.admit("viewer")
    assert place is not None
    place.stop = lambda: ended.append("viewer")
    server = draining(viewers, grace=20)
    server.handle_exit(signal.SIGTERM, None)
    assert server.readiness.state == "draining"
    for now in (100.0, 119.9):
        run_coroutine(server.drain(now))
        assert (server.should_exit, ended, viewers.admit("other")) == (False, [], None)
    run_coroutine(server.drain(120.0))
    assert (server.should_exit, ended, viewers.count) == (True, ["viewer"], 0)


WAITING: Final = """
import asyncio, time
import uvicorn
from app.live.viewers import Viewers
from deploy import server
from deploy.readiness import Readiness

async def app(scope, receive, send):
    while True:
        event = (await receive())["type"]
        if event == "lifespan.startup":
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
        await send({"type": event + ".complete"})

server.LAST = 0.5
config = uvicorn.Config(app, port=0, log_config=None)
hosted = server.DrainingServer(config, Viewers(1, 1), Readiness(), grace=1)
hosted.handle_exit(15, None)
hosted.run()
"""
"""Program that is told to end while a thread waits for a minute."""


def test_a_thread_that_waits_does_not_keep_the_server_from_its_end() -> None:
    process = subprocess.run([sys.executable, "-c", WAITING], cwd=ROOT, timeout=30)
    assert process.returncode == 0


def test_the_server_ends_as_soon_as_nobody_streams(viewers: Viewers) -> None:
    place = viewers.admit("viewer")
    assert place is not None
    server = draining(viewers, grace=20)
    server.handle_exit(signal.SIGINT, None)
    run_coroutine(server.drain(100.0))
    assert not server.should_exit
    viewers.leave("viewer", place)
    run_coroutine(server.drain(100.1))
    assert server.should_exit


def test_a_second_signal_ends_the_process_at_once(
    viewers: Viewers, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    server = draining(viewers, grace=20)
    server.handle_exit(signal.SIGTERM, None)
    assert codes == []
    server.handle_exit(signal.SIGTERM, None)
    assert codes == [128 + signal.SIGTERM]

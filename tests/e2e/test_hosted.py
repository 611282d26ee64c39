"""The hosted app in a real browser: what a viewer sees when the server ends."""

import os
import signal
from pathlib import Path

import pytest

from benchmarks.driver import Browser, LivePage, serve, wait_for
from tests.e2e.conftest import tab

pytestmark = pytest.mark.e2e


def test_a_viewer_is_told_that_the_server_ends_and_it_ends_in_order(
    browser: Browser, tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    with (
        serve(log, hosted=True, settings={"EXPRESSION_LENS_GRACE_SECONDS": "5"}) as server,
        tab(browser) as page,
    ):
        live = LivePage(page, server)
        live.start()
        wait_for(live.shows_overlay, "a picture that went through the classifier")
        os.kill(server.pid, signal.SIGTERM)
        page.get_by_text("Server ends").wait_for()
        assert live.shows_overlay(), "the stream runs on during the grace time"
        assert server.process.wait(timeout=20) == 0
    assert "Traceback" not in log.read_text()
    assert "Draining: running streams: 1, seconds: 5" in log.read_text()

"""More viewers than places: who comes last is told, and gets the place of who leaves."""

from collections.abc import Iterator

import pytest

from benchmarks.driver import Server, serve
from benchmarks.session import Viewer
from tests.coroutines import run_coroutine

pytestmark = pytest.mark.e2e

FULL = "All 2 places for live video are taken"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with two places."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serve(log, settings={"EXPRESSION_LENS_VIEWERS": "2"}) as server:
        yield server
    assert "Traceback" not in log.read_text(), "the server has logged an error"


def test_the_viewer_beyond_the_limit_waits_for_the_tab_that_closes(small: Server) -> None:
    run_coroutine(fill_and_leave(small.url))


async def fill_and_leave(url: str) -> None:
    first, second, third = (Viewer(url) for _ in range(3))
    early = Viewer(url)
    await early.open()  # it sees the camera, and presses START too late
    for viewer in (first, second):
        await viewer.open()
        assert await viewer.start()
    await third.open()
    await third.wait_for(lambda: third.says(FULL))
    assert not third.mounted
    assert not await early.start()
    assert early.says(FULL)
    await first.wait_for(lambda: len(first.latencies) > 2)
    await second.wait_for(lambda: len(second.latencies) > 2)
    await first.vanish()
    await third.wait_for(lambda: third.mounted)
    assert await third.start()
    await third.wait_for(lambda: len(third.latencies) > 2)
    assert not any(viewer.says("Picture lost") for viewer in (second, third))
    for viewer in (second, third, early):
        assert not viewer.errors
        await viewer.stop()

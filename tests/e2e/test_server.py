"""The server: strangers who knock, names of files, and what is left of a closed tab."""

import os
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.driver import Browser, Page, Server, serve, wait_for, wait_until_idle
from fer_core.types import Image
from tests.e2e.conftest import tab

pytestmark = pytest.mark.e2e

HOSTILE = "![x](https:··example.org·x.png) :material·home: <img src=x> *a* www.example.org"
"""Name of a file that is all markup; an operating system allows no slash in it."""


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Return the requests to the outside: processes started by the test send them to a proxy of its own."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def take() -> None:
            while True:
                try:
                    connection, _ = proxy.accept()
                except OSError:
                    return
                with connection:
                    requests.append(connection.recv(200))

        threading.Thread(target=take, daemon=True).start()
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr("urllib.request._opener", None)  # it remembers the proxy
        yield requests
        proxy.shutdown(socket.SHUT_RDWR)


def knock(server: Server, host: str, origin: str) -> int:
    """Ask for a connection to the app; return the status of the answer."""
    port = int(server.url.rpartition(":")[2])
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        f"Origin: {origin}",
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""),
    ]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        return int(connection.recv(200).split()[1])


def status(url: str) -> int:
    """Return the status of the answer to a request."""
    try:
        with urllib.request.urlopen(url) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def held_bytes(server: Server) -> dict[str, int]:
    """Return the bytes of files that the server holds for its viewers, by kind; empty where it holds none."""
    with urllib.request.urlopen(f"{server.url}/_stcore/metrics") as response:
        text = response.read().decode()
    kinds = "UploadedFileManager|st_memory_media_file_storage|st_session_state"
    return {
        kind: int(size) for kind, size in re.findall(rf'cache_type="({kinds})".*}} (\d+)', text)
    }


def test_strangers_are_refused_without_a_call_to_the_outside(
    outside: list[bytes], tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    with serve(log) as server:
        own = server.url.removeprefix("http://")
        for number in range(20):
            assert knock(server, own, f"https://stranger{number}.example") == 403
        for origin in (
            "null",
            "http://[",
            "http://[::1",
            "",
            "\xff",
            "file://",
            "http://127.0.0.1.example",
        ):
            assert knock(server, own, origin) == 403, origin
        for host in ("stranger.example", "127.0.0.1.example", "[", ""):
            assert knock(server, host, f"http://{host}") == 403, host
        assert knock(server, own, server.url) == 101
        request = urllib.request.Request(server.url, headers={"Host": "stranger.example"})
        with pytest.raises(urllib.error.HTTPError, match="421"):
            urllib.request.urlopen(request)
    assert outside == []
    assert "Traceback" not in log.read_text()


@pytest.fixture
def hostile_file(tmp_path: Path, astronaut: Image) -> Path:
    """Write a picture without a face under a name that is all markup."""
    path = tmp_path / f"{HOSTILE}.png"
    cv2.imwrite(str(tmp_path / "plain.png"), np.full((64, 64, 3), 90, np.uint8))
    os.rename(tmp_path / "plain.png", path)
    return path


def test_the_name_of_a_file_is_shown_as_text_and_nobody_else_is_asked(
    page: Page, server: Server, hostile_file: Path
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/photo")
    page.locator('input[type="file"]').set_input_files(hostile_file)
    page.get_by_text("No face was found").wait_for()
    wait_until_idle(page)
    caption = page.get_by_test_id("stImageCaption").first
    assert caption.inner_text().replace("\u2060", "") == hostile_file.name
    assert caption.locator("img, a, em, [role=img]").count() == 0
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []


def test_a_closed_tab_leaves_nothing_behind(
    browser: Browser, tmp_path: Path, astronaut: Image
) -> None:
    """Nobody else is connected. The sweeps take less than a minute: ``tests/app/test_closed_tabs.py``."""
    photo = tmp_path / "astronaut.png"
    cv2.imwrite(str(photo), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    with serve(tmp_path / "log.txt") as server:
        with tab(browser) as page:
            page.goto(f"{server.url}/photo")
            page.locator('input[type="file"]').set_input_files(photo)
            page.get_by_text("What the network sees").wait_for()
            wait_until_idle(page)
            with page.expect_download() as download:
                page.get_by_role("button", name="This picture as PNG").click()
            pictures: list[str] = page.eval_on_selector_all(
                'img[src*="/media/"]', "images => images.map(image => image.src)"
            )
            urls = [*pictures, download.value.url]
            assert len(urls) > 8
            assert {status(url) for url in urls} == {200}
            assert held_bytes(server)["UploadedFileManager"] == photo.stat().st_size
        wait_for(
            lambda: {status(url) for url in urls} == {404}, "the end of the closed tab's pictures"
        )
        wait_for(lambda: not held_bytes(server), "the end of all that the closed tab has given")
    assert "Traceback" not in (tmp_path / "log.txt").read_text()


def test_files_that_are_cleared_are_freed_while_the_tab_is_open(
    browser: Browser, tmp_path: Path, astronaut: Image
) -> None:
    photo = tmp_path / "astronaut.png"
    cv2.imwrite(str(photo), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    with serve(tmp_path / "log.txt") as server, tab(browser) as page:
        page.goto(f"{server.url}/photo")
        page.locator('input[type="file"]').set_input_files(photo)
        page.get_by_text("What the network sees").wait_for()
        page.get_by_role("link", name="Limits, bias and law").click()
        page.get_by_text("What the network sees").wait_for(state="detached")
        wait_until_idle(page)
        assert held_bytes(server)["UploadedFileManager"] == photo.stat().st_size
        page.get_by_role("link", name="Photo", exact=True).first.click()
        page.get_by_text("What the network sees").wait_for()
        page.get_by_role("button", name="Clear").click()
        wait_for(lambda: "UploadedFileManager" not in held_bytes(server), "the end of the file")


def test_three_viewers_who_come_first_at_the_same_time_see_their_pictures(
    browser: Browser, tmp_path: Path, astronaut: Image
) -> None:
    photo = tmp_path / "astronaut.png"
    cv2.imwrite(str(photo), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    with (
        serve(tmp_path / "log.txt") as server,
        tab(browser) as first,
        tab(browser) as second,
        tab(browser) as third,
    ):
        viewers = (first, second, third)
        for page in viewers:
            page.goto(f"{server.url}/photo")
            page.locator('input[type="file"]').wait_for(state="attached")
            wait_until_idle(page)
        for page in viewers:
            page.locator('input[type="file"]').set_input_files(photo)
        for page in viewers:
            page.get_by_role("button", name="Numbers as JSON").wait_for()
    assert "Traceback" not in (tmp_path / "log.txt").read_text()

"""The hosted app behind a strict firewall: pages through the proxy, video through the relay, over TLS."""

import hmac
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any, Final

import cv2
import pytest

from app.live.ice import turn_credentials
from benchmarks.driver import (
    CHROMIUM,
    ROOT,
    LivePage,
    Page,
    Server,
    chromium_arguments,
    wait_for,
    wait_until_idle,
)
from fer_core.types import Image
from tests.e2e.conftest import tab
from tests.e2e.namespaces import (
    APP,
    APP_SIDE,
    BROWSER,
    BROWSER_SIDE,
    SECRET,
    SITE,
    Machines,
    machines,
    missing,
    write_certificates,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

URL = f"https://{SITE}"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Machines]:
    with machines(tmp_path) as rig:
        yield rig


@contextmanager
def tab_behind_the_firewall(playwright: Any, rig: Machines, webcam: Path) -> Iterator[Page]:
    """Open a tab on the browser's machine, which does not know the authority of the tests."""
    arguments = [*chromium_arguments(webcam), "--ignore-certificate-errors"]
    browser = playwright.chromium.launch(executable_path=rig.browser_program(), args=arguments)
    with tab(browser, ignore_https_errors=True) as page:
        yield page
    browser.close()


def test_the_video_goes_through_the_relay_and_comes_back_when_that_was_killed(
    playwright: Any, rig: Machines, webcam: Path
) -> None:
    relay = rig.start_turn()
    server = Server(URL, rig.start_app(8501, EXPRESSION_LENS_TURN_SECRET=SECRET))
    rig.start_proxy(8501)
    assert rig.status("browser", f"http://{APP}:8501/healthz") is None
    with tab_behind_the_firewall(playwright, rig, webcam) as page:
        live = LivePage(page, server)
        live.start()
        wait_for(live.shows_overlay, "a picture that went through the classifier")
        rig.kill(relay)
        page.get_by_text("does not answer").first.wait_for()
        page.get_by_text("The connection was lost.").wait_for()
        rig.start_turn()
        wait_for(live.shows_overlay, "the picture, without a click")
    assert "Traceback" not in rig.log_of("app8501.txt")


def test_a_relay_with_another_secret_is_named_on_the_page_and_in_the_log(
    playwright: Any, rig: Machines, webcam: Path
) -> None:
    rig.start_turn(secret="another-secret")
    server = Server(URL, rig.start_app(8501, EXPRESSION_LENS_TURN_SECRET=SECRET))
    rig.start_proxy(8501)
    url, sentence = "turns:turn.test:5349?transport=tcp", "refuses the credentials of this server"
    wait_for(lambda: f"{url} {sentence}" in rig.log_of("app8501.txt"), "the sentence in the log")
    with tab_behind_the_firewall(playwright, rig, webcam) as page:
        LivePage(page, server).start()
        page.get_by_text(sentence).wait_for()


BIND: Final = """
import asyncio, sys
from aioice.stun import TransactionError
from aioice.turn import create_turn_endpoint

async def bind():
    transport, _ = await create_turn_endpoint(
        asyncio.DatagramProtocol, ("turn.test", 3478), sys.argv[1], sys.argv[2]
    )
    for peer in sys.argv[3:]:
        try:
            await transport._TurnTransport__inner_protocol.channel_bind(0x4000, (peer, 8501))
            print("relays")
        except TransactionError as error:
            print(error.response.attributes["ERROR-CODE"][0])
    transport.close()

asyncio.run(bind())
"""
"""Program that asks the relay to send to each of several addresses, and prints what it answers."""


def test_the_relay_leads_to_the_app_only(rig: Machines) -> None:
    rig.start_turn()
    peers = ("127.0.0.1", APP_SIDE, BROWSER_SIDE, BROWSER, "10.77.2.1", "192.168.0.1", APP)
    credentials = turn_credentials(SECRET, "viewer", time() + 60).values()
    command = rig.inside("browser", sys.executable, "-c", BIND, *credentials, *peers)
    answers = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answers.stdout.split() == ["403"] * (len(peers) - 1) + ["relays"], answers.stderr


def test_the_relay_takes_a_renewed_certificate_without_an_end(rig: Machines) -> None:
    relay = rig.start_turn()
    first = rig.certificate()
    assert first.startswith("serial=")
    write_certificates(rig.folder)
    wait_for(lambda: rig.certificate() not in ("", first), "the new certificate")
    assert relay.poll() is None
    relay.terminate()
    assert relay.wait(timeout=10) in (0, 143)


def test_a_viewer_stays_with_a_replica_and_moves_on_when_it_ends(
    playwright: Any, rig: Machines, webcam: Path, astronaut: Image
) -> None:
    """Below a path, as a school may have it: https://lens.test/lens."""
    replicas = {
        port: rig.start_app(port, STREAMLIT_SERVER_BASE_URL_PATH="lens") for port in (8501, 8502)
    }
    rig.start_proxy(*replicas)
    for path in ("/metrics", "/_stcore/metrics", "/lens/_stcore/metrics"):
        assert rig.status("browser", URL + path) == 404
    photo = rig.folder / "astronaut.png"
    cv2.imwrite(str(photo), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    with tab_behind_the_firewall(playwright, rig, webcam) as page:
        response = page.goto(f"{URL}/lens")
        assert response is not None
        assert response.url == f"{URL}/lens/", "neither to http nor to another port"
        for _ in range(
            3
        ):  # by turns, two of three uploads would reach a replica without the session
            analyze(page, photo)
        first = replica_of(page)
        replicas[first].terminate()
        assert replicas[first].wait(timeout=30) == 0
        analyze(page, photo)
        assert replica_of(page) != first
    assert "Traceback" not in rig.log_of("app8501.txt") + rig.log_of("app8502.txt")


def analyze(page: Page, photo: Path) -> None:
    """Open the Photo page by its address, and have a picture analyzed."""
    page.goto(f"{URL}/lens/photo?model=plain")
    page.locator('input[type="file"]').set_input_files(photo)
    page.get_by_text("What the network sees").wait_for()
    wait_until_idle(page)
    assert page.url == f"{URL}/lens/photo?model=plain"


def replica_of(page: Page) -> int:
    """Return the port of the replica to which the proxy sends this browser."""
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "lens_replica"]
    names = {
        hmac.digest(b"", f"{APP}:{port}".encode(), "sha256").hex(): port for port in (8501, 8502)
    }
    return names[cookie["value"]]

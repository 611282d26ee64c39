"""The Live page in a real browser."""

import re

import pytest

from benchmarks.driver import LivePage, Page, Server, bar_pixels, udp_sockets, wait_for
from fer_core.video import Clip, Frame

pytestmark = pytest.mark.e2e

ONLY_RELAYS = """
const Connection = RTCPeerConnection
window.RTCPeerConnection = class extends Connection {
    constructor(configuration) { super({ ...configuration, iceTransportPolicy: "relay" }) }
}
"""

AFTER_A_SECOND = re.compile(r"Recording 0:(?!00)")
"""Text of a recording that is at least one second long."""


def wait_for_text(page: Page, text: str | re.Pattern[str]) -> None:
    page.get_by_text(text).first.wait_for()


def test_the_stream_starts_shows_the_overlay_and_stops(page: Page, server: Server) -> None:
    before = udp_sockets(server.pid)
    live = LivePage(page, server)
    assert live.picture() is None
    live.start()
    wait_for(live.shows_overlay, "a picture that went through the classifier")
    assert udp_sockets(server.pid) > before

    chart = page.locator(".js-plotly-plot .scatterlayer path.js-line").first
    line = chart.get_attribute("d")
    frames = live.frames()
    wait_for(lambda: chart.get_attribute("d") != line, "the chart's next point")
    wait_for(lambda: live.frames() > frames > 0, "the meter's next frame")
    assert live.shows_overlay()

    page.get_by_role("button", name="Probabilities").click()
    page.get_by_role("button", name="Box").click()
    wait_for(
        lambda: live.picture() is not None and not live.shows_overlay(), "a picture without bars"
    )
    assert wait_for(live.frames, "the meter") > frames, "the stream has been restarted"

    live.stop()
    wait_for_text(page, "Camera off")
    wait_for(lambda: udp_sockets(server.pid) <= before, "the end of the connection")
    wait_for(lambda: live.picture() is None, "the end of the video")


def test_a_snapshot_is_analyzed_on_the_photo_page(page: Page, server: Server) -> None:
    before = udp_sockets(server.pid)
    live = LivePage(page, server)
    live.start()
    wait_for(live.frames, "the first frame")
    page.get_by_role("button", name="Snapshot").click()
    wait_for_text(page, "From the live view")
    wait_for_text(page, "What the network sees")
    wait_for(lambda: udp_sockets(server.pid) <= before, "the end of the connection")


def test_a_face_is_compared_with_its_neutral_one(page: Page, server: Server) -> None:
    live = LivePage(page, server)
    live.start()
    wait_for(live.shows_overlay, "a picture that went through the classifier")
    page.get_by_role("button", name="Compare with my neutral face").click()
    wait_for_text(page, "Look into the camera with a relaxed face.")
    page.get_by_role("button", name="Take it anyway").click()  # the webcam's portrait smiles
    wait_for_text(page, "Δ marks a face that is compared. The heatmap shows what moved.")
    page.get_by_role("radio", name="Compared").click()
    bars = page.locator(".js-plotly-plot .barlayer .trace.bars")
    wait_for(lambda: bars.count() == 2, "both sets of bars")
    page.get_by_text("Compared with my neutral face").click()
    wait_for(lambda: bars.count() == 0, "a face that is not compared any more")
    page.get_by_text("Compared with my neutral face").click()
    page.get_by_role("radio", name="Compared").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Compare with my neutral face").wait_for()
    wait_for(lambda: page.get_by_role("radio", name="Compared").count() == 0, "no mark")


def test_a_recording_with_its_overlay_can_be_downloaded(page: Page, server: Server) -> None:
    live = LivePage(page, server)
    assert page.get_by_role("button", name="Record", exact=True).is_disabled()
    live.start()
    wait_for(live.shows_overlay, "a picture that went through the classifier")
    page.get_by_role("button", name="Record", exact=True).click()
    wait_for_text(page, AFTER_A_SECOND)
    processed = live.frames()
    wait_for(lambda: live.frames() > processed + 5, "frames in the recording")
    page.get_by_role("button", name="Stop recording").click()
    frames = download_recording(page)
    assert frames[-1].time >= 1
    assert len(frames) > 5
    # A browser on a busy machine sends smaller pictures, which are enlarged.
    ((height, width, _),) = {frame.image.shape for frame in frames}
    assert (width, height) == (640, 480)
    assert min(bar_pixels(frame.image) for frame in frames) > 60, "a frame without the overlay"
    assert page.get_by_text("Recording 0:").count() == 0

    page.get_by_role("button", name="Record", exact=True).click()
    wait_for_text(page, AFTER_A_SECOND)
    live.stop()
    assert download_recording(page)[-1].time >= 1, (
        "the recording goes on after the end of the stream"
    )
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Recording as MP4").wait_for(state="detached")


def download_recording(page: Page) -> list[Frame]:
    """Download the recording and return its frames."""
    with page.expect_download() as download_info:
        page.get_by_role("button", name="Recording as MP4").click()
    with Clip(download_info.value.path()) as clip:
        return list(clip.frames())


@pytest.mark.parametrize("button", ["Start", "Snapshot"])
def test_leaving_the_page_ends_a_recording_and_keeps_it(
    page: Page, server: Server, button: str
) -> None:
    live = LivePage(page, server)
    live.start()
    wait_for(live.frames, "the first frame")
    page.get_by_role("button", name="Record", exact=True).click()
    wait_for_text(page, AFTER_A_SECOND)
    if button == "Snapshot":
        page.get_by_role("button", name="Snapshot").click()
        wait_for_text(page, "What the network sees")
    else:
        page.get_by_role("link", name="Start", exact=True).first.click()
        page.get_by_role("heading", level=1, name="Live").wait_for(state="detached")
    page.get_by_role("link", name="Live", exact=True).first.click()
    assert download_recording(page)[-1].time >= 1
    assert page.get_by_text("Recording 0:").count() == 0


def test_closing_the_tab_ends_the_connection(page: Page, server: Server) -> None:
    before = udp_sockets(server.pid)
    live = LivePage(page, server)
    live.start()
    wait_for(live.frames, "the first frame")
    page.close()
    wait_for(lambda: udp_sockets(server.pid) <= before, "the end of the connection")


def test_single_pictures_are_offered_when_webrtc_fails(page: Page, server: Server) -> None:
    page.add_init_script(ONLY_RELAYS)
    live = LivePage(page, server)
    live.start()
    wait_for_text(page, "Connecting")
    wait_for_text(page, "No video yet")
    wait_for_text(page, "Firewall?")
    page.get_by_role("button", name="Use single pictures instead").click()
    wait_for_text(page, "Take Photo")


def test_single_pictures_are_analyzed(page: Page, server: Server) -> None:
    LivePage(page, server)
    page.get_by_role("radio", name="Single pictures").click()
    page.wait_for_function("document.querySelector('video')?.videoWidth > 0")
    page.get_by_role("button", name="Take Photo").click()
    wait_for_text(page, "Clear photo")
    page.get_by_test_id("stImage").wait_for()


def test_the_demo_moves_without_a_camera(page: Page, server: Server) -> None:
    page.add_init_script("navigator.mediaDevices.enumerateDevices = async () => []")
    live = LivePage(page, server)
    page.get_by_role("button", name="Show the demo").click()
    picture = page.get_by_alt_text("A drawn face that changes its expression")
    answers = {"happy", "surprise", "sad"}

    def hear() -> bool:
        alt = picture.get_attribute("alt") or ""
        answers.difference_update({name for name in answers if name in alt})
        return not answers

    wait_for(hear, "the answers to three expressions")
    wait_for(lambda: live.frames() > 3, "the meter")
    wait_for_text(page, "A drawn face in place of the camera")
    page.get_by_role("button", name="Snapshot").click()
    wait_for_text(page, "What the network sees")


@pytest.mark.parametrize(
    ("script", "state", "advice"),
    [
        (
            'navigator.permissions.query = async () => ({ state: "denied" })',
            "Camera blocked",
            "Allow it with the symbol beside the address",
        ),
        (
            "navigator.mediaDevices.enumerateDevices = async () => []",
            "No camera found",
            "Plug a camera in",
        ),
    ],
    ids=["denied", "missing"],
)
def test_a_camera_that_cannot_be_used_is_explained(
    page: Page, server: Server, script: str, state: str, advice: str
) -> None:
    page.add_init_script(script)
    LivePage(page, server)
    wait_for_text(page, state)
    wait_for_text(page, advice)

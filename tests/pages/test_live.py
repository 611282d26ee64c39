"""The Live page, with a camera that the test controls."""

import csv
import io
import logging
from collections.abc import Callable
from time import monotonic, time
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import streamlit as st
from av import VideoFrame
from streamlit.testing.v1 import AppTest
from streamlit_webrtc import WebRtcStreamerState

from app.live.ice import shared_probe
from app.live.readings import as_seen
from app.live.session import IDLE_MINUTES, LiveSession, idle_minutes
from app.live.states import STATES, connection_state
from app.live.viewers import Viewers
from app.widgets import DEFAULT_LAYERS
from fer_core import Analyzer
from fer_core.draw.overlay import OverlayStyle
from fer_core.errors import UserError
from fer_core.streaming.monitor import Activity
from fer_core.streaming.stream import Stream
from fer_core.types import FrameResult, Image
from fer_core.video import Clip, Frame
from fer_core.video.film import Film
from fer_core.video.record import MAX_SECONDS
from tests.pages.conftest import Camera, encode

LONG_AGO = 30.0
"""Age in seconds at which the page reports a failed connection or a lost picture."""


@pytest.fixture
def page(camera: Camera, open_page: Callable[[str], AppTest]) -> AppTest:
    """Open the Live page, before START."""
    return open_page("live")


@pytest.fixture
def live(page: AppTest, camera: Camera) -> AppTest:
    """Open the Live page, after START."""
    camera.state.playing = True
    return page.run()


@pytest.fixture(scope="module")
def face(astronaut: Image) -> Image:
    """Return a frame with the astronaut at the left, (480, 640, 3)."""
    return np.ascontiguousarray(np.pad(astronaut[:480], ((0, 0), (0, 128), (0, 0))))


@pytest.fixture(scope="module")
def nobody() -> Image:
    """Return a gray frame without a face, (480, 640, 3)."""
    return np.full((480, 640, 3), 90, np.uint8)


def page_text(page: AppTest) -> str:
    """Return all texts of the page."""
    elements = (*page.markdown, *page.caption, *page.warning, *page.error, *page.metric)
    return "\n".join(f"{getattr(element, 'label', '')} {element.value}" for element in elements)


def activity(page: AppTest) -> Activity:
    live: LiveSession = page.session_state.live
    return live.monitor.activity(time=monotonic())


def last_result(page: AppTest) -> FrameResult:
    result = activity(page).result
    assert result is not None
    return result


def test_before_start_the_page_asks_for_consent_and_the_camera_is_off(
    page: AppTest, camera: Camera
) -> None:
    assert not page.exception
    assert "Ask first" in page_text(page)
    assert "Camera off" in page_text(page)
    assert page.button(key="live_snapshot").disabled
    assert len(page.get("plotly_chart")) == 0
    assert camera.options["rtc_configuration"] == {"iceServers": []}
    constraints = camera.options["media_stream_constraints"]
    assert constraints["audio"] is False
    assert constraints["video"]["width"] == {"ideal": 640}
    assert constraints["video"]["height"] == {"ideal": 480}
    assert constraints["video"]["frameRate"] == {"ideal": 15}


def test_a_face_is_drawn_and_its_readings_are_shown(
    live: AppTest, camera: Camera, face: Image
) -> None:
    live.toggle(key="live_mirror").set_value(False).run()
    picture = camera.show(face)
    assert picture.shape == face.shape
    result = last_result(live)
    assert len(result.readings) == 1
    x0, y0, x1, y1 = (round(edge) for edge in result.readings[0].face.box)
    changed = (picture != face).any(axis=-1)
    assert changed[y0 : y1 + 1, x0 - 1 : x0 + 2].mean() > 0.5, "no left edge of the box"
    assert changed[(y0 + y1) // 2 :, (x0 + x1) // 2].any(), "no heat on the mouth"
    assert not changed[:, 560:].any(), "something is drawn far from the face and the bars"
    live.run()
    assert not live.exception
    assert "Live" in page_text(live)
    assert "1 frames so far" in page_text(live)
    assert {metric.label for metric in live.metric} == {
        "Frames per second",
        "Latency",
        "Blinks",
    }
    for stage in ("detect", "align", "predict", "map", "draw"):
        assert f"{stage} " in page_text(live)
    assert len(live.get("plotly_chart")) == 1
    live.segmented_control(key="live_chart").set_value("plane").run()
    assert not live.exception
    assert len(live.get("plotly_chart")) == 1, "one chart at a time"
    assert "Placed by its class probabilities" in page_text(live)
    live.segmented_control(key="live_chart").set_value("actions").run()
    assert not live.exception
    assert "How far each part of the face has moved" in page_text(live)


def test_the_frame_is_mirrored_before_text_is_drawn(
    live: AppTest, camera: Camera, face: Image
) -> None:
    camera.show(face)
    x0, _, x1, _ = last_result(live).readings[0].face.box
    assert (x0 + x1) / 2 == pytest.approx(640 - 224, abs=12)
    page = without_layers(live)
    assert (camera.show(face) == face[:, ::-1]).all()
    page.toggle(key="live_mirror").set_value(False).run()
    assert (camera.show(face) == face).all()


def without_layers(page: AppTest) -> AppTest:
    page.session_state.live_layers = []
    return page.run()


def test_settings_reach_the_running_stream(live: AppTest, camera: Camera, face: Image) -> None:
    camera.show(face)
    stream = live.session_state.live.stream
    assert stream.settings.maps == ("top",)
    live.selectbox(key="live_target").set_value("fear")
    live.slider(key="live_smoothing").set_value(0.0)
    live.selectbox(key="model").set_value("plain")
    live.selectbox(key="detector").set_value("haar").run()
    assert live.session_state.live.stream is stream
    assert stream.settings.maps == ("fear",)
    assert stream.settings.smoothing == 0.0
    assert stream.settings.model == "plain"
    assert stream.settings.detector == "haar"
    camera.show(face)
    assert last_result(live).explanations[0][0].target == "fear"
    assert last_result(live).readings[0].model == "plain"
    without_layers(live)
    assert stream.settings.maps == (), "a map is computed that is not shown"
    assert activity(live).frames == 2, "the stream has been restarted"


def test_a_model_without_feature_maps_has_no_live_heatmap(
    live: AppTest, camera: Camera, face: Image
) -> None:
    assert "No heatmap of" not in page_text(live)
    live.selectbox(key="model").set_value("svm_hog").run()
    assert not live.exception
    assert "No heatmap of *svm_hog* here" in page_text(live)
    camera.show(face)
    assert last_result(live).readings[0].model == "svm_hog"
    assert last_result(live).explanations == ()
    live.selectbox(key="model").set_value("prior_attention").run()
    assert "No heatmap of" not in page_text(live)
    assert live.session_state.live.stream.settings.maps == ("top",), "the choice has been kept"


def test_a_frame_without_a_face_says_so_below(
    live: AppTest, camera: Camera, face: Image, nobody: Image
) -> None:
    changed = (camera.show(nobody) != nobody).any(axis=-1)
    assert changed[400:].any() and not changed[:400].any()
    assert last_result(live).readings == ()
    assert np.isnan(activity(live).probabilities).all()
    live.run()
    assert not live.exception
    assert len(live.get("plotly_chart")) == 1


def test_a_face_that_is_lost_for_a_moment_is_not_reported(face: Image, nobody: Image) -> None:
    session = LiveSession(Stream(Analyzer()))
    found = session.stream.push(face, time=0.0)

    def says_so(result: FrameResult, now: float) -> bool:
        picture, _ = session.draw(nobody, result, now)
        return bool((picture[400:] != nobody[400:]).any())

    assert [says_so(FrameResult(), 0.0)] == [True]
    session.draw(nobody, found, 1.0)
    assert [says_so(FrameResult(), now) for now in (1.3, 1.6)] == [False, True]


def test_the_resolution_can_change_during_a_stream(
    live: AppTest, camera: Camera, face: Image
) -> None:
    sizes = {(640, 480): (640, 480), (320, 240): (640, 480), (1280, 720): (1280, 720)}
    for (width, height), shown in {**sizes, (161, 121): (640, 481), (240, 320): (480, 640)}.items():
        frame = cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA)
        picture = camera.show(np.asarray(frame, np.uint8))
        assert picture.shape[1::-1] == shown, "text cannot be read in a small picture"
        assert activity(live).error is None
        current = activity(live).frame
        assert current is not None and current.shape == (height, width, 3)
    assert activity(live).frames == 5


def test_a_frame_that_fails_shows_a_sentence_and_the_stream_continues(
    live: AppTest,
    camera: Camera,
    face: Image,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    without_layers(live).toggle(key="live_mirror").set_value(False).run()

    def fail(self: Stream, frame: Image, *, time: float) -> FrameResult:
        raise RuntimeError("the lens is dirty")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(Stream, "push", fail)
        pictures = [camera.show(face) for _ in range(3)]
    for picture in pictures:
        changed = (picture != face).any(axis=-1)
        assert changed[220:260, 280:360].any(), "no message is drawn into the picture"
        assert not changed[:100].any(), "the message hides the whole picture"
    (record,) = [entry for entry in caplog.records if entry.name == "expression_lens.live"]
    assert record.exc_info is not None and "the lens is dirty" in str(record.exc_info[1])
    assert "RuntimeError: the lens is dirty" in page_text(live.run())
    assert (camera.show(face) == face).all(), "the next frame should work again"
    assert "the lens is dirty" not in page_text(live.run())


def test_each_connection_state_has_its_advice(page: AppTest, camera: Camera, nobody: Image) -> None:
    camera.state.signalling = True
    page.run()
    assert "Connecting" in page_text(page)
    monitor = page.session_state.live.monitor
    monitor.restart(time=monotonic() - LONG_AGO)
    page.run()
    assert "No video yet" in page_text(page)
    assert "Firewall" in page_text(page)
    assert page.button(key="live_way_single")
    camera.state.signalling = False
    page.run()
    assert "No connection" in page_text(page)
    camera.state.playing = True
    page.run()
    assert "Connecting" in page_text(page), "a new attempt starts from the beginning"
    monitor.add(nobody, FrameResult(), time=monotonic() - LONG_AGO, timings={})
    page.run()
    assert "Picture lost" in page_text(page)
    camera.show(nobody)
    page.run()
    assert "Picture lost" not in page_text(page)
    camera.state.playing = False
    page.run()
    assert "Camera off" in page_text(page)
    assert activity(page).frame is None, "frames are kept after STOP"


@pytest.fixture
def viewers(monkeypatch: pytest.MonkeyPatch) -> Viewers:
    """Return the viewers of a server with one place."""
    viewers = Viewers(limit=1, at_a_time=1)
    monkeypatch.setattr("app.live.session.shared_viewers", lambda: viewers)
    return viewers


def test_a_server_without_a_free_place_says_so_and_offers_the_camera_later(
    viewers: Viewers, camera: Camera, open_page: Callable[[str], AppTest]
) -> None:
    other = viewers.admit("another viewer")
    assert other is not None
    page = open_page("live")
    assert not page.exception
    assert "All 1 places for live video are taken" in page_text(page)
    assert page.button(key="live_way_single"), "single pictures"
    assert page.get("html") and not camera.options
    viewers.leave("another viewer", other)
    page.run()
    assert camera.options
    assert "Camera off" in page_text(page)


def test_a_stream_that_finds_its_place_taken_is_refused(
    viewers: Viewers,
    camera: Camera,
    open_page: Callable[[str], AppTest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = open_page("live")
    assert viewers.admit("another viewer") is not None
    camera.options = {}
    monkeypatch.setattr("app.live.camera.browser_streams", lambda: True)
    page.run()
    assert not camera.options and viewers.refused == 1
    assert "All 1 places for live video are taken" in page_text(page)
    assert page.button(key="live_snapshot").disabled


def test_a_stream_without_a_face_ends_after_some_minutes(
    viewers: Viewers, live: AppTest, camera: Camera, nobody: Image
) -> None:
    camera.show(nobody)
    connection = live.session_state.live.connection
    assert connection.admit()
    live.run()
    assert viewers.count == 1
    live.session_state.live.monitor.restart(time=monotonic() - 60 * IDLE_MINUTES - 1)
    camera.show(nobody)
    live.run()
    assert viewers.count == 0
    assert camera.options["desired_playing_state"] is False
    camera.state.playing = False
    live.run()
    assert "Nobody was in the picture for 5 minutes" in page_text(live)
    assert camera.options["desired_playing_state"] is None, "START works"


def test_a_connection_that_breaks_is_opened_again(
    viewers: Viewers, live: AppTest, camera: Camera, nobody: Image
) -> None:
    camera.show(nobody)
    live.run()
    live.session_state.live.monitor.add(
        nobody, FrameResult(), time=monotonic() - LONG_AGO, timings={}
    )
    camera.state.playing = False
    live.run()
    assert camera.options["desired_playing_state"] is True
    assert "The connection was lost. It is opened again" in page_text(live)
    camera.state.signalling = True
    live.run()
    assert camera.options["desired_playing_state"] is None
    assert "Reconnecting" in page_text(live)
    camera.state.signalling, camera.state.playing = False, True
    camera.show(nobody)
    live.run()
    assert live.session_state.live.connection.ended is None
    camera.state.playing = False
    live.run()
    assert "Camera off" in page_text(live), "STOP is no loss"


def test_frames_that_arrive_and_wait_are_the_servers_fault(
    viewers: Viewers, live: AppTest, camera: Camera, nobody: Image
) -> None:
    session = live.session_state.live
    session.monitor.add(nobody, FrameResult(), time=monotonic() - LONG_AGO, timings={})
    live.run()
    assert "The camera may have been unplugged" in page_text(live)
    session.connection.track.last_arrival = monotonic()
    live.run()
    assert "this server has too much to do" in page_text(live)
    assert "unplugged" not in page_text(live)
    viewers.drain()
    live.run()
    assert "This server is about to end" in page_text(live)


def test_an_ice_server_that_does_not_serve_is_named(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_probe, "problems", ("The server turn:a does not answer.",))
    page.run()
    text = page_text(page).replace("\N{WORD JOINER}", "")
    assert "The server turn:a does not answer. Tell whoever runs this server." in text


def test_a_shared_secret_gives_each_session_credentials_of_its_own(
    page: AppTest, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPRESSION_LENS_TURN_SECRET", "north")
    monkeypatch.setenv("EXPRESSION_LENS_TURN_URLS", "turn:a.example.org turns:a.example.org:443")
    page.run()
    (server,) = camera.options["rtc_configuration"]["iceServers"]
    assert server["urls"] == ["turn:a.example.org", "turns:a.example.org:443"]
    expires, name = server["username"].split(":")
    assert int(expires) > time() + 3600 and name == "viewer"
    page.run()
    assert camera.options["rtc_configuration"]["iceServers"] == [server], "they are kept"


def test_a_frame_of_the_camera_becomes_a_frame_of_the_video(face: Image) -> None:
    session = LiveSession(Stream(Analyzer()), style=OverlayStyle(False, False, False, False, 0.0))
    session.mirror = False
    for frame in (face, np.pad(face, ((0, 1), (0, 1), (0, 0)))):
        picture = session.on_frame(VideoFrame.from_ndarray(frame, format="rgb24"), 0.25)
        assert picture.format.name == "yuv420p"
        assert (picture.height, picture.width) == (480, 640), "a video has even sides"
        shown = picture.to_ndarray(format="rgb24").astype(int)
        assert np.abs(shown - face).mean() < 3
    activity = session.monitor.activity(time=monotonic())
    assert activity.frames == 2 and activity.latency > 0.25


@pytest.mark.parametrize(("text", "minutes"), [("", 5.0), ("0.5", 0.5), ("0", np.inf)])
def test_the_host_sets_when_a_stream_is_idle(
    text: str, minutes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPRESSION_LENS_IDLE_MINUTES", text)
    assert idle_minutes() == minutes
    monkeypatch.setenv("EXPRESSION_LENS_IDLE_MINUTES", "soon")
    with pytest.raises(UserError, match="EXPRESSION_LENS_IDLE_MINUTES must be a number"):
        idle_minutes()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Let the test count the runs, and put a toggle in place of the camera's component.

    All else of streamlit-webrtc is real.
    """
    runs = SimpleNamespace(script_run_count=0)
    monkeypatch.setattr("streamlit_webrtc.component.get_this_session_info", lambda: runs)

    def component(*, key: str, **options: Any) -> None:
        st.toggle("Camera", key=key)

    monkeypatch.setattr("streamlit_webrtc.component._component_func", component)
    return runs


def test_only_leaving_the_page_closes_the_connection(
    runs: SimpleNamespace, open_page: Callable[[str], AppTest]
) -> None:
    page = open_page("live")
    connection = page.session_state["camera"]
    connection._set_state(WebRtcStreamerState(playing=True, signalling=False))
    page.run()
    assert "Connecting" in page_text(page)
    runs.script_run_count += 2  # a busy server has counted an earlier run too late
    page.run()
    assert connection.state.playing
    assert "Connecting" in page_text(page)
    page.switch_page("pages/limits.py").run()
    runs.script_run_count += 2
    page.switch_page("pages/live.py").run()
    assert not connection.state.playing
    assert "Camera off" in page_text(page)


def test_a_snapshot_opens_the_photo_page_with_the_unmodified_frame(
    live: AppTest, camera: Camera, face: Image
) -> None:
    live.button(key="live_snapshot").click().run()
    assert "snapshot" not in live.session_state
    assert live.toast
    camera.show(face)
    live.button(key="live_snapshot").click().run()
    assert not live.exception
    assert (live.session_state["snapshot"] == face).all()
    assert live.title[0].value == "Photo"


def recording_buttons(page: AppTest) -> dict[str, bool]:
    """Return for each button for recording its key -> whether it can be pressed."""
    keys = ("live_record", "live_stop", "live_discard")
    return {button.key: not button.disabled for button in page.button if button.key in keys}


def recorded_frames(downloads: dict[str, bytes]) -> list[Frame]:
    with Clip(downloads["recording.mp4"]) as clip:
        return list(clip.frames())


def test_a_recording_starts_and_stops_on_request(
    page: AppTest, camera: Camera, face: Image, downloads: dict[str, bytes]
) -> None:
    assert recording_buttons(page) == {"live_record": False}, (
        "there is nothing to record before START"
    )
    camera.state.playing = True
    page.run()
    assert recording_buttons(page) == {"live_record": True}
    camera.show(face)
    page.button(key="live_record").click().run()
    assert not page.exception
    assert recording_buttons(page) == {"live_stop": True}
    pictures = [camera.show(face) for _ in range(3)]
    recorder = page.session_state.live.recorder
    recorder.add(pictures[-1], time=monotonic() + 65)
    length = f"1:{int(recorder.seconds) - 60:02}"
    assert recorder.seconds >= 65
    page.run()
    assert f"Recording {length}" in page_text(page)
    assert "record " in page_text(page), "the time of recording is not shown"
    assert not downloads

    page.button(key="live_stop").click().run()
    assert not page.exception
    assert recording_buttons(page) == {"live_record": True, "live_discard": True}
    assert f"Recording {length}" not in page_text(page)
    assert f"{length} recorded, in memory only" in page_text(page)
    frames = recorded_frames(downloads)
    assert len(frames) == 4, "the frame before Record was pressed is not recorded"
    for picture, frame in zip(pictures, frames, strict=False):
        difference = np.abs(picture.astype(int) - frame.image).mean()
        assert difference < 6, "the recorded picture is not the shown one"
    camera.show(face)
    assert len(recorded_frames(downloads)) == 4, "frames after Stop are recorded"

    downloads.clear()
    page.button(key="live_discard").click().run()
    assert not page.exception
    assert recording_buttons(page) == {"live_record": True}
    assert page.session_state.live.recorder is None
    assert not downloads


def test_a_new_recording_replaces_the_last(
    live: AppTest, camera: Camera, nobody: Image, downloads: dict[str, bytes]
) -> None:
    for count in (3, 1):
        live.button(key="live_record").click().run()
        for _ in range(count):
            camera.show(nobody)
        live.button(key="live_stop").click().run()
        assert len(recorded_frames(downloads)) == count


def test_a_recording_without_pictures_is_discarded(
    live: AppTest, downloads: dict[str, bytes]
) -> None:
    live.button(key="live_record").click().run()
    live.button(key="live_stop").click().run()
    assert not live.exception
    assert live.toast[0].value == "There was no picture to record."
    assert live.session_state.live.recorder is None
    assert recording_buttons(live) == {"live_record": True}
    assert not downloads


@pytest.mark.parametrize("end", ["stop", "single pictures", "another page"])
def test_the_recording_ends_with_the_stream_and_is_kept(
    live: AppTest, camera: Camera, nobody: Image, downloads: dict[str, bytes], end: str
) -> None:
    live.button(key="live_record").click().run()
    camera.show(nobody)
    if end == "single pictures":
        live.segmented_control(key="live_source").set_value("single").run()
    else:
        if end == "another page":
            live.switch_page("pages/start.py").run()
        camera.state.playing = False
        live.switch_page("pages/live.py").run()
    assert not live.exception
    assert "live_stop" not in recording_buttons(live)
    assert "live_discard" in recording_buttons(live)
    assert len(recorded_frames(downloads)) == 1


def test_a_recording_stops_after_its_maximum_duration(
    live: AppTest, camera: Camera, nobody: Image, downloads: dict[str, bytes]
) -> None:
    live.button(key="live_record").click().run()
    camera.show(nobody)
    live.session_state.live.recorder.add(nobody, time=monotonic() + MAX_SECONDS + 1)
    live.run()
    assert not live.exception
    assert "The recording has stopped by itself after 5 min." in page_text(live)
    assert recording_buttons(live) == {"live_record": True, "live_discard": True}
    assert len(recorded_frames(downloads)) == 1


def test_a_recording_that_fails_does_not_freeze_the_picture(
    live: AppTest,
    camera: Camera,
    nobody: Image,
    downloads: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live.button(key="live_record").click().run()
    camera.show(nobody)

    def fail(film: Film, picture: Image, time: float) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(Film, "write", fail)
        assert (camera.show(nobody) != nobody).any(), "no message is drawn into the picture"
    assert (camera.show(nobody)[:400] == nobody[:400]).all()
    live.run()
    assert not live.exception
    assert "The recording has stopped by itself: no room" in page_text(live)
    assert len(recorded_frames(downloads)) == 1, "the frames before the error are lost"


def test_a_recording_without_drawings_has_a_table_of_what_was_read(
    live: AppTest, camera: Camera, face: Image, downloads: dict[str, bytes]
) -> None:
    live.toggle(key="live_clean").set_value(True).run()
    live.button(key="live_record").click().run()
    for _ in range(3):
        camera.show(face)
    live.button(key="live_stop").click().run()
    assert not live.exception
    for frame in recorded_frames(downloads):
        difference = np.abs(frame.image.astype(int) - face[:, ::-1])
        assert difference.mean() < 6, "something is drawn"
    rows = list(csv.DictReader(io.StringIO(downloads["recording.csv"].decode())))
    assert [row["frame"] for row in rows] == ["0", "1", "2"]
    assert {(row["top"], row["model"]) for row in rows} == {("happy", "prior_attention")}


def test_only_layers_that_show_something_are_offered_and_the_others_return(
    live: AppTest,
) -> None:
    assert shown_layers(live, "plain") == set(DEFAULT_LAYERS) - {"blocks"}
    assert shown_layers(live, "svm_hog") == {"box", "bars"}
    assert shown_layers(live, "prior_attention") == set(DEFAULT_LAYERS)


def shown_layers(page: AppTest, model: str) -> set[str]:
    """Choose a model; return the layers that are chosen then."""
    page.selectbox(key="model").select(model).run()
    assert not page.exception
    return set(page.session_state.live_layers)


def test_sides_are_named_as_the_viewer_sees_them() -> None:
    actions = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.1, "jawOpen": 0.5, "mouthLeft": 0.2}
    assert as_seen(actions) == {
        "mouthSmileRight": 0.9,
        "mouthSmileLeft": 0.1,
        "jawOpen": 0.5,
        "mouthRight": 0.2,
    }


def test_single_pictures_replace_the_stream(page: AppTest, face: Image) -> None:
    page.segmented_control(key="live_source").set_value("single").run()
    page.camera_input[0].upload("shot.jpg", encode(face, ".jpg")).run()
    assert not page.exception
    assert len(page.image) == 1
    page.button(key="live_snapshot").click().run()
    assert page.session_state["snapshot"].shape == face.shape
    assert page.title[0].value == "Photo"


def test_a_single_picture_that_cannot_be_read_gets_a_sentence(page: AppTest, face: Image) -> None:
    page.segmented_control(key="live_source").set_value("single").run()
    page.camera_input[0].upload("shot.jpg", encode(face, ".jpg")[:2000]).run()
    assert not page.exception
    assert [error.value for error in page.error] == [
        "The file is damaged or ends too early; export or send it again"
    ]


def test_a_failed_connection_offers_single_pictures(page: AppTest, camera: Camera) -> None:
    camera.state.signalling = True
    page.run()
    page.session_state.live.monitor.restart(time=monotonic() - LONG_AGO)
    page.run()
    page.button(key="live_way_single").click().run()
    assert page.segmented_control(key="live_source").value == "single"
    assert len(page.camera_input) == 1


def test_without_a_camera_only_the_demo_is_offered(page: AppTest) -> None:
    session: LiveSession = page.session_state.live
    now = session.monitor.activity(time=monotonic())
    for access in ("missing", "denied", "insecure"):
        state = connection_state(session, now, access)
        assert state.failed and not state.has_camera, "single pictures need the camera too"
    assert STATES["stuck"].has_camera and STATES["failed"].has_camera


def test_the_demo_goes_through_the_same_stream(
    page: AppTest, camera: Camera, downloads: dict[str, bytes]
) -> None:
    camera.state.signalling = True
    page.run()
    page.session_state.live.monitor.restart(time=monotonic() - LONG_AGO)
    page.run()
    camera.state.signalling = False
    page.button(key="live_way_demo").click().run()
    assert not page.exception
    assert page.segmented_control(key="live_source").value == "demo"
    page.run()
    assert "Demo" in page_text(page) and "Firewall" not in page_text(page)
    assert activity(page).frames == 2 and len(last_result(page).readings) == 1
    assert last_result(page).explanations, "the film has the same overlays"
    assert len(page.get("plotly_chart")) == 1
    assert not page.button(key="live_snapshot").disabled
    page.button(key="live_record").click().run()
    page.button(key="live_stop").click().run()
    assert len(recorded_frames(downloads)) >= 1
    page.segmented_control(key="live_source").set_value("camera").run()
    assert not page.exception and "Camera off" in page_text(page)
    assert activity(page).frame is None, "frames of the demo are kept"


def test_ice_servers_come_from_the_environment_or_the_secrets(
    page: AppTest, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICE_SERVERS", '[{"urls": "stun:stun.example.org"}]')
    page.run()
    assert camera.options["rtc_configuration"] == {
        "iceServers": [{"urls": "stun:stun.example.org"}]
    }
    for invalid in ("stun:stun.example.org", '["stun:stun.example.org"]', "1"):
        monkeypatch.setenv("ICE_SERVERS", invalid)
        page.run()
        assert "docs/hosting.md" in page.error[0].value
        assert camera.options["rtc_configuration"] == {"iceServers": []}
    monkeypatch.delenv("ICE_SERVERS")
    server = {"urls": "turns:turn.example.org", "username": "lens", "credential": "secret"}
    page.secrets["ice_servers"] = [server]
    page.run()
    assert camera.options["rtc_configuration"] == {"iceServers": [server]}


def test_a_countdown_ends_with_the_connection() -> None:
    session = LiveSession(Stream(Analyzer()))
    session.update_connection(True)
    session.start_countdown()
    assert session.countdown is not None
    session.update_connection(False)
    assert session.countdown is None

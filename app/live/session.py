"""What one viewer's live view keeps from run to run, shared by the page and the thread of the video."""

import logging
import os
from dataclasses import dataclass, field, replace
from math import ceil, inf
from time import monotonic, perf_counter
from typing import Any, Final

import cv2
import numpy as np
import streamlit as st
from av import VideoFrame
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.live.connection import LOST_AFTER, Connection, Ending
from app.live.viewers import shared_viewers
from app.session import PageSettings
from fer_core import __version__
from fer_core.draw.enlarging import enlarge
from fer_core.draw.overlay import OverlayStyle, draw_message, draw_overlay
from fer_core.errors import UserError
from fer_core.serving.streams import RemoteStream, open_stream
from fer_core.streaming.monitor import Activity, Monitor
from fer_core.streaming.stream import Stream
from fer_core.types import FrameResult, Image
from fer_core.video.record import Recorder
from fer_core.video.rows import csv_record, row_of

COUNTDOWN: Final = 3.0
"""Time from the click to the neutral face, in seconds."""

SOURCES: Final = {
    "camera": ":material/videocam: On the server",
    "device": ":material/lock: On this device",
    "single": ":material/photo_camera: Single pictures",
    "demo": ":material/smart_display: Demo",
}
"""What pictures come from -> words for it."""

NO_FACE: Final = "No face in the picture"

GRACE: Final = 0.5
"""Time without a face after which the picture says so, in seconds: a turned head is lost for a moment."""

PATIENCE: Final = 8.0
"""Time from START to the first frame after which the page says what may be wrong, in seconds."""

IDLE_VARIABLE: Final = "EXPRESSION_LENS_IDLE_MINUTES"
"""Environment variable with the time without a face after which a stream ends, in minutes."""

IDLE_MINUTES: Final = 5.0

log = logging.getLogger("expression_lens.live")


@dataclass(slots=True)
class LiveSession:
    """One viewer's stream, with how it is drawn and recorded.

    Two threads meet here: the page's script, which runs at every click, replaces ``style``, ``mirror``,
    ``recorder``, ``rows`` and ``stream.settings``, and begins a countdown; a worker calls ``on_frame`` for
    one frame after another, reads each of them once per frame, and ends the countdown. The monitor hands
    results from the one to the other.
    """

    stream: Stream | RemoteStream
    connection: Connection = field(init=False)
    """The way of the video."""
    monitor: Monitor = field(default_factory=lambda: Monitor(time=monotonic()))
    style: OverlayStyle = field(default_factory=OverlayStyle)
    mirror: bool = True
    """Whether the picture is mirrored: people know themselves from the mirror."""
    recorder: Recorder | None = None
    records_drawings: bool = True
    """Whether what is drawn into the picture is recorded with it."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """What was read in the recorded pictures: a row for each face, in ``CSV_COLUMNS`` of a clip."""
    recorded: int = 0
    """Pictures that were recorded."""
    streaming: bool = False
    """Whether pictures came, or the camera was connecting, in the last run of the page."""
    source: str = "camera"
    """What the pictures came from in the last run of the page: a key of ``SOURCES``."""
    connection_failed: bool = False
    """Whether the last connection ended without a single frame."""
    countdown: float | None = None
    """Time at which the neutral face is taken, while a countdown runs."""
    missed: bool = False
    """Whether there was no face when the last countdown ended."""
    accepted: bool = False
    """Whether the neutral face that was taken serves, or the viewer insists on it."""
    _last_face: float = -inf
    """Time of the last frame with a face."""

    def __post_init__(self) -> None:
        context = get_script_run_ctx()
        name = context.session_id if context else str(id(self))
        self.connection = Connection(name, self.on_frame, shared_viewers())

    def on_frame(self, frame: VideoFrame, age: float) -> VideoFrame:
        """Analyze and draw a frame of the camera.

        Runs in a worker's thread, never in the page's: ``st.*`` does nothing useful here.

        Args:
            age: time since it arrived, in seconds.
        """
        started = monotonic()
        camera = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        picture = as_video_frame(self.show(camera, started, age=age))
        self.connection.viewers.add_frame(age + monotonic() - started)
        return picture

    def show(self, camera: Image, now: float, *, age: float = 0.0) -> Image:
        """Analyze a frame and return it with what was read drawn in.

        An exception would freeze the picture without a word: it is drawn, logged and handed to the monitor.

        Args:
            camera: as the camera delivered it.
            now: time in seconds, on the clock of ``monotonic``.
            age: time since the frame arrived, in seconds.
        """
        image = self.as_shown(camera)
        try:
            self._end_countdown(now)
            result = self.stream.push(image, time=now)
            picture, timings = self.draw(image, result, now)
            latency = age + monotonic() - now
            self.monitor.add(camera, result, time=now, timings=timings, latency=latency)
        except Exception as error:
            if self.monitor.fail(error, time=now):
                log.exception("A live frame could not be processed")
            picture = draw_message(enlarge(image), f"This frame failed: {error}")
        return picture

    def as_shown(self, image: Image) -> Image:
        """Return a picture of the camera as the viewer wants to see it."""
        return np.asarray(cv2.flip(image, 1), np.uint8) if self.mirror else image

    def update_connection(self, streaming: bool, source: str = "camera") -> None:
        """Take note of whether pictures come, and from what; a new connection starts without old frames."""
        if (streaming, source) == (self.streaming, self.source):
            return
        activity = self.monitor.activity(time=monotonic())
        if source == "camera":
            self._follow_connection(streaming, activity)
        self.streaming, self.source, self.countdown = streaming, source, None
        self.connection_failed = (
            not streaming and not activity.frames and activity.silence > PATIENCE
        )
        self.monitor.restart(time=monotonic())
        self._last_face = -inf

    def _follow_connection(self, streaming: bool, activity: Activity) -> None:
        """Tell the connection how the stream of the camera has changed."""
        if streaming:
            self.connection.begin()
        else:
            reopened = self.connection.ended == Ending.LOST and not activity.frames
            broken = bool(activity.frames) and activity.silence > LOST_AFTER
            self.connection.note_end(lost=reopened or broken)

    def is_idle(self, now: float) -> bool:
        """Return whether nobody has been in the picture for so long that others may have the place."""
        started = now - self.monitor.activity(time=now).age
        return self.streaming and now - max(self._last_face, started) > 60 * idle_minutes()

    def start_countdown(self) -> None:
        """Take the neutral face of everybody in the picture in a moment, in place of the one before."""
        self.clear_baselines()
        self.countdown = monotonic() + COUNTDOWN

    def clear_baselines(self) -> None:
        """Forget the neutral faces."""
        self.countdown, self.missed, self.accepted = None, False, False
        self.switch_baselines(False)
        self.stream.clear_baseline()

    def accept_baselines(self) -> None:
        """Compare faces with the neutral ones that were taken."""
        self.accepted = True
        self.switch_baselines(True)

    def switch_baselines(self, on: bool) -> None:
        """Compare faces with their neutral ones, or show them alone."""
        self.stream.settings = replace(self.stream.settings, use_baselines=on)

    def _end_countdown(self, now: float) -> None:
        countdown = self.countdown
        if countdown is not None and now >= countdown:
            self.countdown = None
            self.stream.set_baseline()
            self.missed = not self.stream.captures

    def start_recording(self) -> None:
        """Begin a recording in place of the last one."""
        self.rows, self.recorded = [], 0
        self.recorder = Recorder()

    def stop_recording(self) -> None:
        """End the recording and keep what was recorded."""
        if self.recorder is not None:
            self.recorder.stop()

    def discard_recording(self) -> None:
        """Forget what was recorded."""
        self.recorder, self.rows = None, []

    def _misses_face(self, result: FrameResult, now: float) -> bool:
        """Return whether no face has been in the picture for a while, or ever."""
        if result.readings:
            self._last_face = now
        return now - self._last_face > GRACE

    def draw(self, image: Image, result: FrameResult, now: float) -> tuple[Image, dict[str, float]]:
        """Draw a result and record the picture; return it with the milliseconds of every stage."""
        recorder = self.recorder
        started = perf_counter()
        picture = draw_overlay(image, result, self.style, legible=True)
        if (countdown := self.countdown) is not None:
            picture = draw_message(picture, f"Relax your face: {ceil(countdown - now)}", below=True)
        elif self.stream.captures:
            picture = draw_message(picture, "Hold still …", below=True)
        elif self._misses_face(result, now):
            picture = draw_message(picture, NO_FACE, below=True)
        timings = {**result.timings, "draw": 1000 * (perf_counter() - started)}
        if recorder is not None and recorder.running:
            started = perf_counter()
            recorder.add(picture if self.records_drawings else image, time=now)
            self._add_rows(result, recorder.seconds)
            timings["record"] = 1000 * (perf_counter() - started)
        return picture, timings

    def _add_rows(self, result: FrameResult, seconds: float) -> None:
        """Take note of what was read in a recorded picture, at its time in the recording."""
        smoothing = self.stream.settings.smoothing
        for reading in result.readings:
            baseline = "moment" if reading.baseline is not None else ""
            row = row_of(self.recorded, seconds, reading).reshape(1)[0]
            origin = {"model": reading.model, "version": __version__}
            self.rows.append({**csv_record(row, smoothing, baseline), **origin})
        self.recorded += 1


def as_video_frame(picture: Image) -> VideoFrame:
    """Return a picture, (H, W, 3) RGB uint8, in the colors that a video has; of odd sides a row is left out.

    OpenCV does it in a tenth of the time that the video's encoder would take, and that is a twentieth of all
    time for a frame.
    """
    height, width = (side - side % 2 for side in picture.shape[:2])
    even = np.ascontiguousarray(picture[:height, :width])
    planes = np.asarray(cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420), np.uint8)
    return VideoFrame.from_ndarray(planes, format="yuv420p")


def idle_minutes() -> float:
    """Return the time without a face after which a stream ends, in minutes; infinite where the host says 0.

    Raises:
        UserError: if the setting is not a number of 0 or more.
    """
    text = os.environ.get(IDLE_VARIABLE, "")
    try:
        minutes = float(text) if text else IDLE_MINUTES
    except ValueError:
        minutes = -1.0
    if not minutes >= 0:
        raise UserError(f"{IDLE_VARIABLE} must be a number of 0 or more, not {text!r}")
    return minutes or inf


def open_live_session(settings: PageSettings) -> LiveSession:
    """Return this viewer's live session; the first time, a new one."""
    if "live" not in st.session_state:
        st.session_state.live = LiveSession(open_stream(settings.analyzer))
    session: LiveSession = st.session_state.live
    return session

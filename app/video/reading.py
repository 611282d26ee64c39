"""Choose a clip on the page Video and read it.

A press on any button interrupts the run of the page, so the button Cancel needs no action of its own: the
frames read so far are in the session's reader, which can go on from there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import PurePath
from time import monotonic
from typing import Final

import streamlit as st

from app.messages import as_text
from app.session import PageSettings
from app.uploads import FORGOTTEN, upload_files
from app.video.sample import sample_clip
from fer_core import StreamSettings
from fer_core.video import SEQUENCE, Clip, Progress, Timeline, TimelineReader, VideoError

VIDEO_TYPES: Final = ["mp4", "mov", "avi", "webm", "mkv", "mpg", "mpeg", "m4v", "ts", "vob"]

EVERY: Final = {
    1: "every frame",
    2: "every 2nd frame",
    5: "every 5th frame",
    15: "every 15th frame",
}

REFRESH: Final = 0.2
"""Seconds between two updates of the progress, which are also the longest wait after Cancel."""


@dataclass(frozen=True)
class ClipFile:
    """The clip that the viewer has chosen."""

    name: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return sha256(self.content).hexdigest()

    @property
    def stem(self) -> str:
        """Name of the file without its ending."""
        return PurePath(self.name).stem


@dataclass(frozen=True)
class ReadingOptions:
    """How a clip is read."""

    every: int
    """1 for every frame, 2 for every other one, and so on."""
    together: bool
    """Several moments of a face are read as one sequence."""


def choose_clip() -> ClipFile:
    """Return the viewer's clip or the sample; end the page until there is one."""
    st.markdown(f"Only use clips whose subjects agree to it. {FORGOTTEN}")
    files = upload_files("A clip", VIDEO_TYPES, "video_file", on_change=forget_clip)
    if files:
        return ClipFile(files[0].name, files[0].getvalue())
    if st.session_state.get("video_sample"):
        return ClipFile("sample.mp4", sample_clip())
    st.caption("No clip at hand? Take three seconds in which a mouth is covered for a while.")
    st.button(
        "Use the sample", icon=":material/movie:", on_click=choose_sample, key="video_use_sample"
    )
    st.stop()


def read_clip(clip: ClipFile, settings: PageSettings) -> Timeline:
    """Read the clip when the viewer asks for it; end the page while nothing has been read.

    Returns:
        All that was read so far.
    """
    options, start = choose_reading(clip, settings)
    work = st.empty()
    try:
        if start:
            forget_clip()
            st.session_state.video_reader = make_reader(clip, options, settings)
        reader: TimelineReader | None = st.session_state.get("video_reader")
        if reader is None:
            st.stop()
        if start or st.session_state.get("video_go_on"):
            with work.container():
                show_progress(iter(reader), "Reading")
            work.empty()
    except VideoError as error:
        forget_clip()
        work.error(as_text(str(error)), icon=":material/broken_image:")
        st.stop()
    return reader.timeline


def choose_reading(clip: ClipFile, settings: PageSettings) -> tuple[ReadingOptions, bool]:
    """Ask how to read the clip; the second value tells whether to start now."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        every = st.selectbox(
            "Read",
            list(EVERY),
            format_func=EVERY.__getitem__,
            width=200,
            key="video_every",
            persist_state="session",
        )
        together = settings.classifier.reads_sequences and st.toggle(
            "Moments together",
            help=f"This model can read up to {SEQUENCE} moments of a face, a tenth of a second apart, as one "
            "sequence. It then shows how much each of them counted.",
            key="video_sequence",
            persist_state="session",
        )
        start = st.button(
            "Analyze", type="primary", icon=":material/play_arrow:", key="video_start"
        )
        st.caption(as_text(clip.name))
    return ReadingOptions(every, together), start


def make_reader(clip: ClipFile, options: ReadingOptions, settings: PageSettings) -> TimelineReader:
    """Return a reader at the beginning of the clip."""
    stream = StreamSettings(
        model=settings.model,
        prior=settings.prior,
        detector=settings.detector,
        maps=(),
        sequence=SEQUENCE if options.together else 1,
        smoothing=0.0,
    )
    opened = Clip(clip.content, clip.name)
    return TimelineReader(opened, settings.analyzer, stream, every=options.every)


def show_progress(steps: Iterator[Progress], activity: str) -> None:
    """Work through the steps; show the time left and a button to cancel.

    Args:
        activity: such as "Reading".
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, f"{activity} …")
        st.button("Cancel", icon=":material/stop:", key="video_cancel")
    updated = monotonic()
    for step in steps:
        if monotonic() - updated > REFRESH:
            left = "" if step.left is None else f", {step.left:.0f} s left"
            bar.progress(step.share, f"{activity}: {step.time:.1f} s of the clip{left}")
            updated = monotonic()


def render_state(timeline: Timeline, settings: PageSettings) -> None:
    """Say which model read the clip, whether it is damaged or the reading was stopped; end the page where it
    holds no face."""
    chosen = settings.classifier.name
    if chosen == timeline.model:
        st.caption(f"Read by *{timeline.model}*.")
    else:
        st.info(
            f"Read by *{timeline.model}*, and all below is its work. The sidebar has *{chosen}* now: press "
            "Analyze to read the clip by that.",
            icon=":material/swap_horiz:",
        )
    if timeline.flaw:
        st.warning(as_text(timeline.flaw), icon=":material/content_cut:")
    if timeline.stopped:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(f"Stopped at {timeline.end:.1f} s. The part that was read is below.")
            st.button("Go on", icon=":material/resume:", key="video_go_on")
    if not timeline.tracks:
        st.subheader("No face was found")
        st.markdown(
            "- Does a face look toward the camera, with more light on it than behind it?\n"
            "- Is it at least 50 pixels wide, and in a large picture a 25th of its longer side?\n"
            "- Try another face finder in the sidebar."
        )
        st.stop()


def forget_clip() -> None:
    """Drop everything that belongs to another clip."""
    for name in ("reader", "film", "moment", "track", "baseline"):
        st.session_state.pop(f"video_{name}", None)


def choose_sample() -> None:
    """Take the sample as the clip."""
    forget_clip()
    st.session_state.video_sample = True

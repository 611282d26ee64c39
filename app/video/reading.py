"""Choose clips on the page Video and read them.

A press on any button interrupts the run of the page, so the button Cancel needs no action of its own: the
frames read so far are in the session's readers, which can go on from there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import PurePath
from time import monotonic
from typing import Final

import streamlit as st

from app.film import FRAMES, RATE
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


@dataclass(frozen=True)
class ClipWork:
    """The reading of the viewer's clips, with the settings with which it was begun."""

    clips: Sequence[ClipFile]
    options: ReadingOptions
    settings: PageSettings
    readers: dict[str, TimelineReader] = field(default_factory=dict)
    """Digest of each clip that was begun -> its reader."""
    failures: dict[str, str] = field(default_factory=dict)
    """Digest of each clip that cannot be read -> why, in one sentence."""

    @property
    def unread(self) -> list[ClipFile]:
        """The clips that were not read to their end, without those that cannot be read."""
        finished = {
            digest for digest, reader in self.readers.items() if not reader.timeline.stopped
        }
        return [clip for clip in self.clips if clip.digest not in finished | set(self.failures)]

    def steps(self) -> Iterator[tuple[str, Progress]]:
        """Read all clips, one after another; a clip that cannot be read is noted, and the others go on."""
        for number, clip in enumerate(self.clips, start=1):
            count = f" clip {number} of {len(self.clips)}" if len(self.clips) > 1 else ""
            try:
                if clip.digest not in self.readers and clip.digest not in self.failures:
                    self.readers[clip.digest] = make_reader(clip, self.options, self.settings)
                for progress in self.readers.get(clip.digest, ()):
                    yield f"Reading{count}", progress
            except VideoError as error:
                self.failures[clip.digest] = str(error)
                self.readers.pop(clip.digest, None)


def choose_clips() -> list[ClipFile]:
    """Return the viewer's clips or the sample; end the page until there is one."""
    st.markdown(f"Only use clips whose subjects agree to it. {FORGOTTEN}")
    files = upload_files(
        "Clips, read one after another",
        VIDEO_TYPES,
        "video_file",
        several=True,
        on_change=forget_clips,
    )
    if files:
        clips: dict[str, ClipFile] = {}
        for file in files:
            clip = ClipFile(file.name, file.getvalue())
            clips.setdefault(clip.digest, clip)
        return list(clips.values())
    if st.session_state.get("video_sample"):
        return [ClipFile("sample.mp4", sample_clip())]
    st.caption(
        f"No clip at hand? Take {FRAMES / RATE:.0f} seconds in which a drawn face goes through all seven "
        "expressions."
    )
    st.button(
        "Use the sample", icon=":material/movie:", on_click=choose_sample, key="video_use_sample"
    )
    st.stop()


def read_clips(clips: Sequence[ClipFile], settings: PageSettings) -> tuple[ClipFile, Timeline]:
    """Read the clips when the viewer asks for it; end the page while nothing has been read.

    Returns:
        The clip to show, and all that was read of it so far.
    """
    options, start = choose_reading(clips, settings)
    if start:
        forget_clips()
        st.session_state.video_work = ClipWork(clips, options, settings)
    place = st.empty()
    work: ClipWork | None = st.session_state.get("video_work")
    if work is None:
        st.stop()
    if start or st.session_state.get("video_go_on"):
        with place.container():
            show_progress(work.steps())
        place.empty()
    for message in work.failures.values():
        st.error(as_text(message), icon=":material/broken_image:")
    if not work.readers:
        st.stop()
    render_stopped(work)
    clip = choose_read_clip(work)
    return clip, work.readers[clip.digest].timeline


def choose_read_clip(work: ClipWork) -> ClipFile:
    """Ask which clip to show where several were read; the first by default."""
    read = {clip.digest: clip for clip in work.clips if clip.digest in work.readers}
    if len(read) == 1:
        return next(iter(read.values()))
    chosen = st.selectbox(
        "Clip",
        list(read),
        format_func=lambda digest: as_text(read[digest].name),
        width=360,
        on_change=forget_view,
        key="video_clip",
        persist_state="session",
    )
    return read[chosen]


def render_stopped(work: ClipWork) -> None:
    """Say that the reading was stopped, and offer to go on."""
    unread = work.unread
    if not unread:
        return
    if len(work.clips) == 1:
        end = work.readers[unread[0].digest].timeline.end
        note = f"Stopped at {end:.1f} s. The part that was read is below."
    else:
        note = f"Stopped. Of {len(work.clips)} clips, {len(unread)} were not read to the end."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(note)
        st.button("Go on", icon=":material/resume:", key="video_go_on")


def choose_reading(
    clips: Sequence[ClipFile], settings: PageSettings
) -> tuple[ReadingOptions, bool]:
    """Ask how to read the clips; the second value tells whether to start now."""
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
        st.caption(as_text(clips[0].name) if len(clips) == 1 else f"{len(clips)} clips")
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


def show_progress(steps: Iterator[tuple[str, Progress]]) -> None:
    """Work through the steps; show the time left and a button to cancel.

    Args:
        steps: each with an activity, such as "Reading".
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, "Opening …")
        st.button("Cancel", icon=":material/stop:", key="video_cancel")
    updated = monotonic()
    for activity, step in steps:
        if monotonic() - updated > REFRESH:
            left = "" if step.left is None else f", {step.left:.0f} s left"
            bar.progress(step.share, f"{activity}: {step.time:.1f} s of the clip{left}")
            updated = monotonic()


def render_state(timeline: Timeline, settings: PageSettings) -> None:
    """Say which model read the clip, and whether it is damaged; end the page where it holds no face."""
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
    if not timeline.tracks:
        st.subheader("No face was found")
        st.markdown(
            "- Does a face look toward the camera, with more light on it than behind it?\n"
            "- Is it at least 50 pixels wide, and in a large picture a 25th of its longer side?\n"
            "- Try another face finder in the sidebar."
        )
        st.stop()


def forget_clips() -> None:
    """Drop everything that belongs to other clips."""
    forget_view()
    for name in ("work", "clip"):
        st.session_state.pop(f"video_{name}", None)


def forget_view() -> None:
    """Drop everything that belongs to another clip or another reading of it."""
    for name in ("film", "moment", "track", "baseline"):
        st.session_state.pop(f"video_{name}", None)


def choose_sample() -> None:
    """Take the sample as the clip."""
    forget_clips()
    st.session_state.video_sample = True

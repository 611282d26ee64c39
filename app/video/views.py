"""Views of the page Video: the timeline, one moment, the best moments, tables and downloads."""

import io
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.charts.timeline import attention_strip, clip_timeline
from app.messages import show_error
from app.session import PageSettings
from app.video.player import TIMELINE_KEY, render_line, render_player
from app.video.reading import ClipFile, show_progress
from app.widgets import ACTIONS_NOTE, affect_note, chart, choose_overlay, download
from fer_core import EXPRESSIONS, load_card
from fer_core.draw import percent
from fer_core.draw.overlay import OverlayStyle, draw_overlay, headline
from fer_core.draw.text import drawable
from fer_core.draw.timeline import timeline_picture
from fer_core.export import csv_text, json_text, png_bytes
from fer_core.geometry import square_crop
from fer_core.types import Floats, Image
from fer_core.video import (
    CSV_COLUMNS,
    SEQUENCE,
    Moment,
    Timeline,
    VideoError,
    annotate,
    liveliest_actions,
    read_frame,
)

LINES: Final = {
    "classes": ":material/show_chart: Probabilities",
    "actions": ":material/face_retouching_natural: Facial actions",
}

FACE_SIDE: Final = 160
"""Side of the face at a best moment, in pixels."""

RATE_AFTER: Final = 10.0
"""Seconds that a face must be in the clip before blinks a minute are shown."""


@dataclass(frozen=True)
class ClipView:
    """A face of a clip, and the moment that is shown."""

    settings: PageSettings
    clip: ClipFile
    timeline: Timeline
    track: int
    """Number of the face."""
    moment: float
    """Time in seconds."""

    @cached_property
    def rows(self) -> NDArray[np.void]:
        """Rows of the face, rising in time."""
        return self.timeline.of(self.track)

    @property
    def row(self) -> np.void:
        """The row nearest to the moment."""
        row: np.void = self.rows[np.abs(self.rows["time"] - self.moment).argmin()]
        return row

    @property
    def blinks(self) -> Floats:
        """(N,) times at which blinks ended, in seconds."""
        times: Floats = self.rows["time"][self.rows["blink"] > 0]
        return times

    def picture_at(self, time: float) -> Image:
        """Return the frame at a time in seconds."""
        return picture_at(self.clip.digest, time, self.clip.content)


@dataclass(frozen=True)
class PictureStyle:
    """How pictures of the clip are drawn."""

    overlay: OverlayStyle = field(default_factory=OverlayStyle)
    maps: tuple[str, ...] = ("top",)
    """Classes whose maps are drawn; "top" is the likeliest of each face."""


@st.cache_data(scope="session", max_size="256MiB", show_spinner="Finding the frame …")
def picture_at(digest: str, time: float, _content: bytes) -> Image:
    """Return the frame of a clip at a time in seconds."""
    return read_frame(_content, time)


def choose_view(clip: ClipFile, timeline: Timeline, settings: PageSettings) -> ClipView:
    """Ask for a face where there are several; keep the moment within the clip."""
    track = timeline.tracks[0]
    if len(timeline.tracks) > 1:
        track = st.selectbox(
            "Face",
            timeline.tracks,
            format_func=lambda number: f"Face {number}",
            width=200,
            key="video_track",
            persist_state="session",
        )
    first = float(timeline.of(track)["time"][0])
    if not 0 <= st.session_state.setdefault("video_moment", first) <= timeline.end:
        st.session_state.video_moment = 0.0
    return ClipView(settings, clip, timeline, track, st.session_state.video_moment)


# The timeline -----------------------------------------------------------------------------------------


def render_timeline(view: ClipView) -> None:
    """Show probabilities or facial actions over the clip; a click on a point chooses its moment."""
    lines = st.segmented_control(
        "Lines",
        list(LINES),
        format_func=LINES.__getitem__,
        default="classes",
        required=True,
        label_visibility="collapsed",
        key="video_lines",
        persist_state="session",
    )
    rows, affect = view.rows, None
    if lines == "classes":
        values = dict(zip(EXPRESSIONS, rows["probabilities"].T, strict=True))
        affect = np.stack([rows["valence"], rows["arousal"]], axis=1)
        source = affect_note(load_card(view.timeline.model))
        note = f"Valence and arousal appear when you press their names. {source}"
    else:
        values = liveliest_actions(view.timeline, view.track)
        note = f"The {len(values)} actions that changed most, both sides as one. {ACTIONS_NOTE}"
    chart(
        clip_timeline(rows["time"], values, affect=affect, blinks=view.blinks),
        TIMELINE_KEY,
        f"{LINES[lines].partition(' ')[2]} of face {view.track} over the clip",
        on_select=choose_clicked,
        zoom=True,
    )
    render_line(view.moment)
    render_time_attention(view)
    if view.timeline.end > 0:
        st.slider(
            "Moment",
            0.0,
            view.timeline.end,
            step=0.01,
            format="%.2f s",
            key="video_moment",
            persist_state="session",
        )
    st.caption(
        f"The lines are {view.timeline.treatment}. {describe_blinks(view)} Drag to "
        f"zoom, press twice to see all again, press a point to see its picture. {note}"
    )


def render_time_attention(view: ClipView) -> None:
    """Show how much each of the last moments counted, where the model reads sequences."""
    weights = view.rows["time_attention"].astype(np.float32)
    if not np.isfinite(weights).any():
        return
    chart(
        attention_strip(view.rows["time"], weights),
        "video_attention",
        f"How much each of the last {SEQUENCE} moments counted, over the clip",
    )
    st.caption(
        f"How much the model counted each of the last {SEQUENCE} moments, a tenth of a second apart, "
        "the newest at the top."
    )


def describe_blinks(view: ClipView) -> str:
    """Return how often the face blinked, in a sentence."""
    count, times = len(view.blinks), view.rows["time"]
    seconds = float(times[-1] - times[0])
    rate = f", {60 * count / seconds:.0f} a minute" if seconds >= RATE_AFTER else ""
    return f"Face {view.track} blinked **{count}** times{rate}."


def choose_moment(time: float) -> None:
    """Go to a time of the clip, in seconds."""
    st.session_state.video_moment = time


def choose_clicked() -> None:
    """Go to the point of the timeline that was clicked."""
    points = st.session_state.video_timeline.selection.points
    if points:
        choose_moment(float(points[0]["x"]))


# Pictures ---------------------------------------------------------------------------------------------


def render_moment(view: ClipView) -> PictureStyle:
    """Show the picture of the chosen moment; return how it is drawn."""
    timeline, analyzer, row = view.timeline, view.settings.analyzer, view.row
    overlay, target, _ = choose_overlay(
        "video", analyzer.classifier(timeline.model), layers=("box", "heatmap")
    )
    style = PictureStyle(overlay, (target,) if overlay.heatmap else ())
    image = view.picture_at(float(row["time"]))
    result = timeline.replay(image, int(row["frame"]), analyzer, maps=style.maps)
    headlines = ", ".join(headline(reading) for reading in result.readings)
    st.image(
        draw_overlay(image, result, overlay),
        caption=f"Frame {row['frame']}, {row['time']:.2f} s: {headlines}",
        width="stretch",
        alt=f"The picture at {row['time']:.2f} s with {headlines}",
    )
    render_player(view.clip)
    return style


def render_best(view: ClipView) -> None:
    """Show the face at the highest probability of each class that the clip reached; name the others."""
    st.subheader("The best moment of each class")
    moments, reached = view.timeline.best(view.track), view.timeline.reached(view.track)
    with st.grid(7, min_column_width=96, gap="xsmall"):
        for expression in reached:
            best = moments[expression]
            with st.container(gap="xxsmall"):
                st.image(
                    face_at(view, best),
                    caption=f"{expression} **{percent(best.probability)}**",
                    width="stretch",
                    alt=f"The face at its highest probability of {expression}",
                )
                st.button(
                    f"{best.time:.1f} s",
                    width="stretch",
                    key=f"video_best_{expression}",
                    on_click=choose_moment,
                    args=(best.time,),
                )
    others = [
        f"{name} {percent(best.probability)}"
        for name, best in moments.items()
        if name not in reached
    ]
    if others:
        st.caption(f"Never the likeliest, with their highest: {', '.join(others)}.")


def face_at(view: ClipView, moment: Moment) -> Image:
    """Return the face at a moment, (160, 160, 3)."""
    x0, y0, x1, y1 = view.rows["box"][view.rows["frame"] == moment.frame][0].tolist()
    return square_crop(view.picture_at(moment.time), (x0, y0, x1, y1), FACE_SIDE)


# Tables and downloads ---------------------------------------------------------------------------------


def render_tables(view: ClipView) -> None:
    """Show the means of each second and of each face."""
    formats: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="percent") for name in EXPRESSIONS
    }
    seconds, faces = st.tabs(["By second", "By face"])
    records = [record for record in view.timeline.by_second() if record["track"] == view.track]
    seconds.dataframe(records, hide_index=True, column_config=formats)
    faces.dataframe(view.timeline.by_face(), hide_index=True, column_config=formats)


def render_downloads(view: ClipView, style: PictureStyle) -> None:
    """Offer the numbers, the timeline and the annotated video for download."""
    timeline, stem, rows = view.timeline, view.clip.stem, view.rows
    title = drawable(f"{view.clip.name}, face {view.track}")
    with st.container(horizontal=True):
        download("Table as CSV", lambda: csv_text(timeline.csv_rows(), CSV_COLUMNS), f"{stem}.csv")
        download("Numbers as JSON", lambda: json_text(timeline.record()), f"{stem}.json")
        download(
            "Timeline as PNG",
            lambda: png_bytes(
                timeline_picture(
                    rows["time"],
                    rows["probabilities"],
                    title,
                    timeline.treatment,
                    timeline.origin,
                )
            ),
            f"{stem}-timeline.png",
        )
        make = st.button("Make the annotated video", icon=":material/movie_edit:", key="video_make")
    work = st.empty()
    if make:
        try:
            with work.container():
                make_film(view, style)
            work.empty()
        except VideoError as error:
            with work:
                show_error(error)
    if "video_film" in st.session_state:
        film: bytes = st.session_state.video_film
        download("Annotated video as MP4", film, f"{stem}-annotated.mp4")


def make_film(view: ClipView, style: PictureStyle) -> None:
    """Write the annotated video and keep it for download."""
    film = io.BytesIO()
    steps = annotate(
        view.clip.content,
        view.timeline,
        view.settings.analyzer,
        film,
        style=style.overlay,
        maps=style.maps,
    )
    show_progress(("Writing", step) for step in steps)
    st.session_state.video_film = film.getvalue()

"""Video: a clip in; which class was assigned to whom and when, out.

Reads top to bottom: the clip, the reading of it, one moment in detail, tables, downloads. A press on any
button interrupts a run of this script, so Cancel needs no more than to be there: what was read so far
is in the session's reader, which can go on where it was left. Nothing is written anywhere.
"""

import csv
import io
import json
from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from pathlib import PurePath
from time import monotonic

import av
import cv2
import numpy as np
import streamlit as st

from app.charts.timeline import attention_strip, clip_timeline
from app.samples import covered, portrait
from app.session import open_page
from app.widgets import ACTIONS_NOTE, affect_note, choose_overlay
from fer_core import EXPRESSIONS, StreamSettings, load_card
from fer_core.draw import percent
from fer_core.draw.overlay import draw_overlay, headline
from fer_core.draw.timeline import timeline_picture
from fer_core.export import png_bytes
from fer_core.labels import ACTIONS, action_title
from fer_core.types import Floats, Image
from fer_core.video import (
    CSV_COLUMNS,
    SEQUENCE,
    Clip,
    Moment,
    Progress,
    TimelineReader,
    VideoError,
    annotate,
    read_frame,
)

FILE_TYPES = ["mp4", "mov", "avi", "webm", "mkv", "mpg", "mpeg", "m4v"]

EVERY = {1: "every frame", 2: "every 2nd frame", 5: "every 5th frame", 15: "every 15th frame"}

LINES = {
    "classes": ":material/show_chart: Probabilities",
    "actions": ":material/face_retouching_natural: Facial actions",
}

MOST_LINES = 8  # actions that are drawn

DIRECTIONS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")  # and not two sides of one action

REFRESH = 0.2  # seconds between two looks at the progress, and so the longest that Cancel takes


@st.cache_data(show_spinner="Making the sample …")
def sample_clip() -> bytes:
    """Three seconds in which a face comes closer and moves; for one of them the mouth is covered."""
    free, hidden = portrait(), covered(440, 372, 640, 486)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("h264", 20)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for number in range(60):
            scale = 0.45 + 0.1 * np.sin(number / 20)
            x, y = 240 - 540 * scale + 25 * np.cos(number / 8), 180 - 375 * scale
            move = np.array([[scale, 0, x], [0, scale, y]], np.float32)
            image = hidden if 20 <= number < 40 else free
            image = cv2.warpAffine(image, move, (480, 360), borderMode=cv2.BORDER_REFLECT)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 20)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@st.cache_data(scope="session", max_size="256MiB", show_spinner="Looking the picture up …")
def picture_at(digest: str, time: float, _content: bytes) -> Image:
    return read_frame(_content, time)


def show_progress(steps: Iterator[Progress], doing: str) -> None:
    """Work through the steps, with the time left and a way out."""
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, f"{doing} …")
        st.button("Cancel", icon=":material/stop:", key="video_cancel")
    shown = monotonic()
    for step in steps:
        if monotonic() - shown > REFRESH:
            left = "" if step.left is None else f", {step.left:.0f} s left"
            bar.progress(step.share, f"{doing}: {step.time:.1f} s of the clip{left}")
            shown = monotonic()


def forget() -> None:
    """Drop what was read in another clip."""
    for key in ("video_reader", "video_film", "video_moment", "video_track"):
        st.session_state.pop(key, None)


def choose_sample() -> None:
    forget()
    st.session_state.video_sample = True


def choose_moment(time: float) -> None:
    st.session_state.video_moment = time


def choose_clicked() -> None:
    """Go to the point of the timeline that was clicked."""
    points = st.session_state.video_timeline.selection.points
    if points:
        choose_moment(float(points[0]["x"]))


def face_at(moment: Moment) -> Image:
    """(160, 160, 3): the face that a moment is about."""
    image = picture_at(digest, moment.time, content)
    rows = timeline.of(moment.track)
    x0, y0, x1, y1 = rows["box"][rows["frame"] == moment.frame][0]
    side = 1.5 * max(x1 - x0, y1 - y0)
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    scale = 160 / side
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)
    return cv2.warpAffine(image, move, (160, 160), flags=cv2.INTER_AREA)


def affect_of(rows: np.ndarray) -> Floats:
    return np.stack([rows["valence"], rows["arousal"]], axis=1)


def liveliest(actions: Floats) -> dict[str, Floats]:
    """The facial actions with the widest range, (T, 52) -> name -> (T,); the mean of two sides."""
    movements: dict[str, list[Floats]] = {}
    for name, scores in zip(ACTIONS, actions.T, strict=True):
        side = name not in DIRECTIONS and name.removesuffix("Left").removesuffix("Right")
        movements.setdefault(action_title(side or name), []).append(scores)
    lines = {name: np.mean(scores, axis=0) for name, scores in movements.items()}
    spans = {name: np.ptp(np.percentile(line, (5, 95))) for name, line in lines.items()}
    return {name: lines[name] for name in sorted(lines, key=lambda name: -spans[name])[:MOST_LINES]}


def as_csv() -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, CSV_COLUMNS)
    table.writeheader()
    table.writerows(timeline.csv_rows())
    return text.getvalue()


open_page("video")
analyzer, model, detector = (st.session_state[key] for key in ("analyzer", "model", "detector"))

st.title("Video")

# The clip -------------------------------------------------------------------------------------------

st.markdown(
    "Only clips whose subjects agree to it. They stay in memory and are forgotten with this tab."
)
file = st.file_uploader("A clip", type=FILE_TYPES, on_change=forget, key="video_file")
if file is not None:
    name, content = file.name, file.getvalue()
elif st.session_state.get("video_sample"):
    name, content = "sample.mp4", sample_clip()
else:
    st.caption("No clip at hand? Take three seconds in which a mouth is covered for a while.")
    st.button(
        "Use the sample", icon=":material/movie:", on_click=choose_sample, key="video_use_sample"
    )
    st.stop()
digest = sha256(content).hexdigest()

# The reading ----------------------------------------------------------------------------------------

with st.container(horizontal=True, vertical_alignment="bottom"):
    every = st.selectbox("Read", EVERY, format_func=EVERY.get, width=200, key="video_every")
    together = analyzer.classifier(model).reads_sequences and st.toggle(
        "Moments together",
        help=f"This model can read up to {SEQUENCE} moments of a face, a tenth of a second apart, as one "
        "sequence. It then shows how much it counted each.",
        key="video_sequence",
    )
    start = st.button("Analyse", type="primary", icon=":material/play_arrow:", key="video_start")
    st.caption(name)
work = st.empty()
try:
    if start:
        forget()
        settings = StreamSettings(
            model=model, detector=detector, maps=(), sequence=SEQUENCE if together else 1
        )
        st.session_state.video_reader = TimelineReader(
            Clip(content, name), analyzer, settings, every=every
        )
    reader = st.session_state.get("video_reader")
    if reader is None:
        st.stop()
    if start or st.session_state.get("video_go_on"):
        with work.container():
            show_progress(iter(reader), "Reading")
        work.empty()
except VideoError as error:
    forget()
    work.error(str(error), icon=":material/broken_image:")
    st.stop()

timeline = reader.timeline
if timeline.flaw:
    st.warning(timeline.flaw, icon=":material/content_cut:")
if timeline.stopped:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(f"Stopped at {timeline.end:.1f} s. What was read so far is below.")
        st.button("Go on", icon=":material/resume:", key="video_go_on")
if not timeline.tracks:
    st.subheader("No face was found")
    st.markdown(
        "- Does a face look towards the camera, with more light on it than behind it?\n"
        "- Is it at least 50 pixels wide, and in a large picture a 25th of its longer side?\n"
        "- Try another face finder in the sidebar."
    )
    st.stop()

# One moment in detail -------------------------------------------------------------------------------

tracks = timeline.tracks
track = tracks[0]
if len(tracks) > 1:
    track = st.selectbox(
        "Face", tracks, format_func=lambda number: f"Face {number}", width=200, key="video_track"
    )
rows = timeline.of(track)
if not 0 <= st.session_state.setdefault("video_moment", float(rows["time"][0])) <= timeline.end:
    st.session_state.video_moment = 0.0
moment = st.session_state.video_moment
row = rows[np.abs(rows["time"] - moment).argmin()]

blinks = rows["time"][rows["blink"] > 0]
timeline_side, picture_side = st.columns((3, 2), gap="large")
with timeline_side:
    lines = st.segmented_control(
        "Lines",
        LINES,
        format_func=LINES.get,
        default="classes",
        required=True,
        label_visibility="collapsed",
        key="video_lines",
    )
    if lines == "classes":
        shown, affect = (
            dict(zip(EXPRESSIONS, rows["probabilities"].T, strict=True)),
            affect_of(rows),
        )
    else:
        shown, affect = liveliest(rows["actions"] / 255), None
    st.plotly_chart(
        clip_timeline(rows["time"], shown, affect=affect, blinks=blinks, moment=moment),
        config={"displaylogo": False},
        on_select=choose_clicked,
        selection_mode="points",
        key="video_timeline",
        alt=f"{LINES[lines]} of face {track} over the clip",
    )
    over_time = rows["time_attention"].astype(np.float32)
    if np.isfinite(over_time).any():
        st.plotly_chart(
            attention_strip(rows["time"], over_time),
            config={"displayModeBar": False},
            key="video_attention",
            alt=f"How much each of the last {SEQUENCE} moments counted, over the clip",
        )
        st.caption(
            f"How much the model counted each of the last {SEQUENCE} moments, a tenth of a second apart, "
            "the newest at the top."
        )
    if timeline.end > 0:
        st.slider("Moment", 0.0, timeline.end, step=0.01, format="%.2f s", key="video_moment")
    seen = max(float(rows["time"][-1] - rows["time"][0]), 1e-6)
    rate = f", {60 * len(blinks) / seen:.0f} a minute" if seen >= 10 else ""
    st.caption(
        f"Face {track} blinked **{len(blinks)}** times{rate}. Drag to zoom, press twice to see all again, "
        "press a point to see its picture. "
        + (
            "Valence and arousal appear when you press their names. "
            f"{affect_note(load_card(timeline.model))}"
            if lines == "classes"
            else f"The {len(shown)} actions that changed most, both sides as one. {ACTIONS_NOTE}"
        )
    )
with picture_side:
    attention = analyzer.classifier(timeline.model).has_attention
    style, target, _ = choose_overlay("video", layers=("box", "heatmap"), attention=attention)
    maps = (target,) if style.heatmap else ()
    image = picture_at(digest, float(row["time"]), content)
    result = timeline.replay(image, int(row["frame"]), analyzer, maps=maps)
    told = ", ".join(headline(reading) for reading in result.readings)
    st.image(
        draw_overlay(image, result, style),
        caption=f"Frame {row['frame']}, {row['time']:.2f} s: {told}",
        width="stretch",
        alt=f"The picture at {row['time']:.2f} s with {told}",
    )

st.subheader("The best moment of each class")
with st.grid(7, min_column_width=96, gap="xsmall"):
    for expression, best in timeline.best(track).items():
        with st.container(gap="xxsmall"):
            st.image(
                face_at(best),
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

# Tables ---------------------------------------------------------------------------------------------

columns = {name: st.column_config.NumberColumn(format="percent") for name in EXPRESSIONS}
seconds, faces = st.tabs(["By second", "By face"])
seconds.dataframe(
    [record for record in timeline.by_second() if record["track"] == track],
    hide_index=True,
    column_config=columns,
)
faces.dataframe(timeline.by_face(), hide_index=True, column_config=columns)

# Downloads ------------------------------------------------------------------------------------------

stem = PurePath(name).stem
with st.container(horizontal=True):
    for label, data, file_name, mime, icon in (
        ("Table as CSV", as_csv, f"{stem}.csv", "text/csv", "table"),
        (
            "Numbers as JSON",
            lambda: json.dumps(timeline.record(), indent=2),
            f"{stem}.json",
            "application/json",
            "data_object",
        ),
        (
            "Timeline as PNG",
            lambda: png_bytes(
                timeline_picture(rows["time"], rows["probabilities"], f"{name}, face {track}")
            ),
            f"{stem}-timeline.png",
            "image/png",
            "image",
        ),
    ):
        st.download_button(
            label, data, file_name, mime, icon=f":material/{icon}:", on_click="ignore"
        )
    make = st.button("Make the annotated video", icon=":material/movie_edit:", key="video_make")
work = st.empty()
if make:
    film = io.BytesIO()
    with work.container():
        show_progress(
            annotate(content, timeline, analyzer, film, style=style, maps=maps), "Writing"
        )
    work.empty()
    st.session_state.video_film = film.getvalue()
if "video_film" in st.session_state:
    st.download_button(
        "Annotated video as MP4",
        st.session_state.video_film,
        f"{stem}-annotated.mp4",
        "video/mp4",
        icon=":material/movie:",
        on_click="ignore",
    )

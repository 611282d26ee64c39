"""Photo: pictures in; for every face its blocks, its probabilities and the evidence for each class out.

Reads top to bottom: where the pictures come from, the faces in all of them, one face of one picture in
detail, downloads. Results are cached by content and for this viewer alone, so that moving a slider
computes nothing again. Nothing is written anywhere.
"""

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath

import cv2
import numpy as np
import streamlit as st

from app.charts.readings import action_bars, affect_plane, probability_bars
from app.samples import SAMPLES
from app.session import open_page
from app.widgets import (
    ACTIONS_NOTE,
    BLOCKS,
    FILE_TYPES,
    TIMES,
    affect_note,
    choose_overlay,
    enlarged,
    sample_png,
)
from fer_core import EXPRESSIONS, Analyzer, load_card
from fer_core.draw import percent
from fer_core.draw.overlay import draw_overlay, headline
from fer_core.draw.tiles import attention_tiles, heat_tiles
from fer_core.explain import explanation, get_method, method_for
from fer_core.export import CSV_COLUMNS, csv_rows, image_record, png_bytes
from fer_core.images import MAX_MEGAPIXELS, ImageError, read_image
from fer_core.types import Floats, FrameResult, Image, RawMap, Reading

SOURCES = {
    "files": ":material/upload_file: Files",
    "camera": ":material/photo_camera: Camera",
    "samples": ":material/collections: Samples",
}

# Pixels of the longer side of a picture on the page; downloads keep all of them.
SHOWN_SIDE = 1600


@dataclass(frozen=True)
class Picture:
    """A picture that somebody gave, and what was read in it."""

    name: str
    content: bytes
    """Of the file."""
    digest: str
    record: dict
    """What ``python -m fer_core predict --json`` prints for it."""
    result: FrameResult | None = None
    """None where the file could not be read; the record says why."""

    @property
    def image(self) -> Image:
        return decode(self.digest, self.content)


@st.cache_data(scope="session", max_size="256MiB", show_spinner=False)
def decode(digest: str, _content: bytes) -> Image:
    return read_image(_content)


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def read_faces(
    digest: str, model: str, detector: str, _content: bytes, _analyzer: Analyzer
) -> tuple[dict, FrameResult]:
    """The record of a picture yet without a name, and its faces."""
    image = decode(digest, _content)
    result = _analyzer.analyze(image, model=model, detector=detector, maps=())
    return image_record("", image, result.readings), result


@st.cache_data(scope="session", max_entries=2000, show_spinner=False)
def raw_maps(
    digest: str,
    number: int,
    targets: tuple[str, ...],
    method: str,
    model: str,
    detector: str,
    _reading: Reading,
    _analyzer: Analyzer,
) -> dict[str, Floats]:
    """Class -> (h, w) evidence for it in the face of this number."""
    return {n: m.raw for n, m in _analyzer.raw_maps(_reading, targets, method).items()}


def analyse(name: str, content: bytes) -> Picture:
    """One picture; a bad one does not stop the others."""
    digest = sha256(content).hexdigest()
    try:
        record, result = read_faces(digest, model, detector, content, analyzer)
    except ImageError as error:
        return Picture(name, content, digest, {"path": name, "error": str(error)})
    return Picture(name, content, digest, {**record, "path": name}, result)


def evidence(*targets: str) -> dict[str, Floats]:
    """Class -> raw map of the chosen face. By occlusion all classes cost as much as one."""
    wanted = EXPRESSIONS if method == "occlusion" else targets
    return raw_maps(picture.digest, number, wanted, method, model, detector, reading, analyzer)


def shown(image: Image) -> Image:
    """No larger than a page can show."""
    scale = min(1.0, SHOWN_SIDE / max(image.shape[:2]))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def choose_sample(name: str) -> None:
    st.session_state.photo_source = "samples"
    st.session_state.photo_sample = name


def choose_face(key: str, number: int) -> None:
    st.session_state[key] = number


def forget_snapshot() -> None:
    del st.session_state["snapshot"]


open_page("photo")
analyzer = st.session_state.analyzer
model, detector, asked = (st.session_state[key] for key in ("model", "detector", "method"))
classifier = analyzer.classifier(model)
method = method_for(classifier, asked)

st.title("Photo")

# Where the pictures come from -----------------------------------------------------------------------

given: list[tuple[str, bytes]] = []
if "snapshot" in st.session_state:
    given = [("live-view.png", png_bytes(st.session_state.snapshot))]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("From the live view", icon=":material/sensors:", color="green")
        st.button(
            "Choose other pictures",
            icon=":material/undo:",
            type="tertiary",
            on_click=forget_snapshot,
            key="forget_snapshot",
        )
else:
    st.markdown(
        "Only pictures whose subjects agree to it. They stay in memory and are forgotten with this tab."
    )
    st.session_state.setdefault("photo_source", "files")
    source = st.segmented_control(
        "Where from",
        SOURCES,
        format_func=SOURCES.get,
        required=True,
        label_visibility="collapsed",
        key="photo_source",
    )
    if source == "files":
        files = st.file_uploader(
            f"One picture or many, up to {MAX_MEGAPIXELS} megapixels each",
            type=FILE_TYPES,
            accept_multiple_files=True,
            key="photo_files",
        )
        given = [(file.name, file.getvalue()) for file in files]
    elif source == "camera":
        shot = st.camera_input("Take a picture", label_visibility="collapsed", key="photo_camera")
        given = [("camera.jpg", shot.getvalue())] if shot else []
    if source == "samples" or (source == "files" and not given):
        chosen = st.session_state.get("photo_sample") if source == "samples" else None
        st.caption("No picture at hand? See what changes when a part of the face is covered.")
        with st.container(width=680), st.grid(4, min_column_width=130, gap="small"):
            for name in SAMPLES:
                with st.container(gap="xsmall"):
                    st.image(sample_png(name), width="stretch", alt=f"Sample: {name}")
                    st.button(
                        name,
                        type="primary" if name == chosen else "secondary",
                        width="stretch",
                        key=f"sample_{name}",
                        on_click=choose_sample,
                        args=(name,),
                    )
        given = [(f"{chosen.lower().replace(' ', '-')}.png", sample_png(chosen))] if chosen else []

if not given:
    st.stop()

# The faces in all of them ---------------------------------------------------------------------------

pictures: list[Picture] = []
with st.empty():
    if len(given) == 1:
        with st.spinner("Looking for faces …"):
            pictures = [analyse(*given[0])]
    else:
        for number, (name, content) in enumerate(given):
            st.progress(number / len(given), f"{number + 1} of {len(given)}: {name}")
            pictures.append(analyse(name, content))
        st.space(1)

readable = [each for each in pictures if each.result is not None]
for each in pictures:
    if each.result is None:
        st.error(f"**{each.name}**: {each.record['error']}", icon=":material/broken_image:")
if not readable:
    st.stop()

page = st.pagination(len(readable), width=420, key="photo_number") if len(readable) > 1 else 1
picture = readable[page - 1]
image, readings = picture.image, picture.result.readings

# One of them in detail ------------------------------------------------------------------------------

picture_column, face_column = st.columns((3, 2), gap="large")

if not readings:
    drawn = image
    picture_column.image(shown(drawn), caption=picture.name, width="stretch", alt=picture.name)
    with face_column:
        st.subheader("No face was found")
        st.markdown(
            "- Does a face look towards the camera, with more light on it than behind it?\n"
            "- Is it large enough: 50 pixels wide, and in a large picture a 25th of its longer side?\n"
            "- Turn the picture upright, or try another face finder in the sidebar."
        )
else:
    face_key = f"face_of_{picture.digest}"
    number = min(st.session_state.get(face_key, 0), len(readings) - 1)
    reading = readings[number]
    with picture_column:
        style, wanted, _ = choose_overlay(
            "photo", layers=("box", "heatmap", "blocks"), attention=classifier.has_attention
        )
        target = reading.top[0] if wanted == "top" else wanted
        with st.spinner(f"Computing the map for {target} …"):
            heat = explanation(
                RawMap(target, method, evidence(target)[target], 0.0),
                reading.regions,
                image.shape,
                landmarks=reading.face.landmarks,
            )
        others = tuple(other for other in readings if other is not reading)
        drawn = draw_overlay(image, FrameResult((reading, *others), ((heat,),)), style)
        st.image(
            shown(drawn),
            caption=f"{picture.name}, {image.shape[1]} × {image.shape[0]} pixels",
            width="stretch",
            alt=f"{picture.name} with {headline(reading)}",
        )

    with face_column:
        if len(readings) > 1:
            with st.grid("auto", min_column_width=52, gap="xsmall"):
                for other, face in enumerate(readings):
                    with st.container(gap="xxsmall"):
                        st.image(
                            enlarged(face.regions.face, 2), width="stretch", alt=headline(face)
                        )
                        st.button(
                            f"{other + 1}",
                            type="primary" if other == number else "secondary",
                            width="stretch",
                            key=f"face_{other}",
                            help=headline(face),
                            on_click=choose_face,
                            args=(face_key, other),
                        )
        name, probability = reading.top
        label = f"Face {number + 1} of {len(readings)}" if len(readings) > 1 else "Assigned class"
        st.metric(label, "unsure" if reading.unsure else f"{name} {percent(probability)}")
        if reading.unsure:
            threshold = load_card(reading.model).unsure_below
            st.caption(
                f"The likeliest class, *{name}*, has {percent(probability)}. Below {percent(threshold)} this "
                "model is wrong more often than right, so no class is assigned."
            )
        classes, plane, actions = st.tabs(
            [
                ":material/bar_chart: Probabilities",
                ":material/my_location: Valence and arousal",
                ":material/face_retouching_natural: Facial actions",
            ]
        )
        with classes:
            st.plotly_chart(
                probability_bars(reading),
                key="photo_bars",
                config={"displayModeBar": False},
                alt=f"Probabilities of the seven classes, highest for {name}",
            )
        with plane:
            st.plotly_chart(
                affect_plane({number + 1: np.array([[reading.valence, reading.arousal]])}),
                key="photo_plane",
                config={"displayModeBar": False},
                alt=f"Valence {reading.valence:.2f} and arousal {reading.arousal:.2f} on their plane",
            )
            st.caption(affect_note(load_card(reading.model)))
        with actions:
            st.plotly_chart(
                action_bars(reading.face.actions),
                key="photo_actions",
                config={"displayModeBar": False},
                alt="The strongest facial actions of this face",
            )
            st.caption(ACTIONS_NOTE)

    st.subheader("What the network sees")
    regions, weights = reading.regions, reading.region_attention
    if weights is None:
        st.caption(f"*{reading.model}* looks at the whole face at once; it has no blocks to weigh.")
        st.image(enlarged(regions.face), width=288, alt="The aligned face")
    else:
        st.caption(
            f"*{reading.model}* looks {TIMES[len(weights)]} and weighs what it finds. "
            "The weights add up to 100 %."
        )
        crops = {"face": regions.face, "upper": regions.upper, "lower": regions.lower}
        grid = st.grid(3, min_column_width=96, width=680, vertical_alignment="bottom")
        for region, weight in weights.items():
            grid.image(
                enlarged(crops[region]),
                caption=f"{BLOCKS[region]} **{percent(weight)}**",
                width="stretch",
                alt=f"The network's view of the {BLOCKS[region]}",
            )

    if reading.attention is not None:
        st.subheader("Where the network looks by itself")
        tiles = attention_tiles(regions.face, reading.attention)
        heads = f"Its {len(tiles)} heads do so apart from each other. " if len(tiles) > 1 else ""
        st.caption(
            f"*{reading.model}* has learned to weigh the places of a face. Green ones count more than the "
            f"average place, the greener the more; a face without green is weighed evenly. {heads}These are "
            "weights of places, and no evidence for a class: all seven classes are read with the same ones."
        )
        grid = st.grid(max(4, len(tiles)), min_column_width=96, width=680)
        for head, tile in enumerate(tiles, start=1):
            grid.image(
                tile,
                caption=f"head {head}" if len(tiles) > 1 else "attention",
                width="stretch",
                alt=f"Where head {head} looks on the face",
            )

    st.subheader("The evidence for each class")
    maps = {}
    for name in EXPRESSIONS:
        with st.spinner(f"Computing the map for {name} …"):
            maps |= evidence(name)
    tiles = heat_tiles(regions.face, maps)
    with st.grid(7, min_column_width=80, gap="xsmall"):
        for name, p in zip(EXPRESSIONS, reading.probabilities, strict=True):
            st.image(
                tiles[name],
                caption=f"{name} **{percent(float(p))}**",
                width="stretch",
                alt=f"Map of the evidence for {name}",
            )
    share, parts = heat.region_share, heat.part_share
    why = f", since *{model}* has no feature maps for {asked}" if method != asked else ""
    st.caption(
        f"By {get_method(method).title}{why}. All seven on one scale. Warm places speak for a class, cool "
        "places against it. "
        + (
            f"For *{target}* the map is flat: no place speaks for it more than another."
            if heat.is_flat
            else f"Of the evidence for *{target}*, {percent(share['upper'])} lies around eyes and brows, "
            f"{percent(share['lower'])} around the mouth, {percent(share['elsewhere'])} elsewhere; by the "
            f"landmarks, {percent(parts['brows'])} on the brows, {percent(parts['eyes'])} on the "
            f"eyes, {percent(parts['nose'])} on the nose and {percent(parts['mouth'])} on the mouth."
        )
    )

# Downloads ------------------------------------------------------------------------------------------

records = [each.record for each in pictures]
rows = list(csv_rows(records))
as_json = json.dumps(records, indent=2)
text = io.StringIO()
table = csv.DictWriter(text, CSV_COLUMNS)
table.writeheader()
table.writerows(rows)
as_csv = text.getvalue()


def as_zip() -> bytes:
    """Both files of numbers, and every readable picture with its faces marked."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("expression-lens.json", as_json)
        files.writestr("expression-lens.csv", as_csv)
        for number, each in enumerate(readable, start=1):
            name = f"{number:03d}-{PurePath(each.name).stem}.png"
            files.writestr(name, png_bytes(draw_overlay(read_image(each.content), each.result)))
    return archive.getvalue()


st.subheader("All numbers")
if rows:
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            **{name: st.column_config.NumberColumn(format="percent") for name in EXPRESSIONS},
            **{
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("valence", "arousal")
            },
        },
    )
with st.container(horizontal=True):
    st.download_button(
        "Numbers as JSON",
        as_json,
        "expression-lens.json",
        "application/json",
        icon=":material/data_object:",
        on_click="ignore",
    )
    st.download_button(
        "Table as CSV",
        as_csv,
        "expression-lens.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )
    st.download_button(
        "This picture as PNG",
        lambda: png_bytes(drawn),
        f"{PurePath(picture.name).stem}-annotated.png",
        "image/png",
        icon=":material/image:",
        on_click="ignore",
    )
    if len(readable) > 1:
        st.download_button(
            "Everything as ZIP",
            as_zip,
            "expression-lens.zip",
            "application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )

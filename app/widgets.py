"""What is looked at and how it is put: the same controls and words on every page."""

from hashlib import sha256

import cv2
import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.samples import SAMPLES
from fer_core import EXPRESSIONS, Analyzer
from fer_core.draw.overlay import OverlayStyle
from fer_core.faces import find_faces
from fer_core.images import ImageError, read_image
from fer_core.types import Face, Image
from fer_core.weights import Card

FILE_TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"]

OWN = "Your own picture"

DEFAULT_LAYERS = ("box", "bars", "heatmap", "blocks")

LAYERS = {
    "box": ":material/crop_free: Box",
    "bars": ":material/bar_chart: Probabilities",
    "heatmap": ":material/gradient: Heatmap",
    "blocks": ":material/view_agenda: Blocks",
    "landmarks": ":material/face_retouching_natural: Landmarks",
}
PARTS = {"parts": ":material/donut_small: Shares"}
"""Of a map, where it is shown in motion: elsewhere there is a chart of them."""
ATTENTION = {"attention": ":material/visibility: Attention"}
"""For networks that weigh places of the face by themselves."""

BLOCKS = {"face": "whole face", "upper": "eyes and brows", "lower": "mouth"}

TIMES = {2: "twice", 3: "three times"}
"""How often a network with so many branches looks."""

PLACED = (
    "Placed by its class probabilities: each class pulls towards the place that people gave to its word "
    "(Russell and Mehrabian, 1977). Not measured, and not what somebody feels."
)

LEARNED = (
    "Estimated by the network, which learned it from people's ratings of pictures: where they might place "
    "this face. Not measured, and not what somebody feels."
)

MOVED = (
    "How far each part of the face has moved, after the facial actions of MediaPipe's FaceLandmarker, whose "
    "scores taught the network. Left and right are the person's own in a picture that is not mirrored."
)


def placed(card: Card) -> str:
    """How the model of this card comes by valence and arousal."""
    return LEARNED if card.network.get("affect") else PLACED


def choose_overlay(
    page: str,
    *,
    layers: tuple[str, ...] = DEFAULT_LAYERS,
    attention: bool = False,
    parts: bool = False,
) -> tuple[OverlayStyle, str, DeltaGenerator]:
    """Ask what to draw, and of which class to show the heatmap.

    Args:
        page: prefix of the widgets' keys.
        layers: those that are shown at first.
        attention: whether the model weighs places of the face by itself, so that they can be shown.
        parts: offer the shares of the map's heat, too.

    Returns:
        Style, class or "top", and the popover, which the page may add to.
    """
    offered = LAYERS | (PARTS if parts else {}) | (ATTENTION if attention else {})
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = st.pills(
            "Show in the picture",
            offered,
            format_func=offered.get,
            selection_mode="multi",
            default=layers,
            label_visibility="collapsed",
            wrap=True,
            key=f"{page}_layers",
        )
        adjust = st.popover("Adjust", icon=":material/tune:")
    with adjust:
        target = st.selectbox(
            "Heatmap of",
            ("top", *EXPRESSIONS),
            format_func=lambda name: "the likeliest class" if name == "top" else name,
            key=f"{page}_target",
        )
        opacity = st.slider("Heatmap opacity", 0.1, 1.0, 0.6, 0.05, key=f"{page}_opacity")
    style = OverlayStyle(
        box="box" in shown,
        labels="box" in shown,
        bars="bars" in shown,
        blocks="blocks" in shown,
        landmarks="landmarks" in shown,
        attention="attention" in shown,
        parts="parts" in shown,
        heatmap=opacity if "heatmap" in shown else 0.0,
    )
    return style, target, adjust


def choose_picture(page: str) -> bytes | None:
    """Ask for one of the samples or a picture of the viewer's own; the content of its file, None as long as
    there is none.

    Args:
        page: prefix of the widgets' keys.
    """
    source = st.segmented_control(
        "Face",
        [*SAMPLES, OWN],
        default="Smile",
        required=True,
        key=f"{page}_source",
        bind="query-params",
    )
    if source != OWN:
        return sample(source)
    file = st.file_uploader(
        "A picture whose subject agrees to it; it stays in memory",
        type=FILE_TYPES,
        key=f"{page}_file",
    )
    return file.getvalue() if file else None


def choose_face(
    page: str, content: bytes, detector: str, analyzer: Analyzer
) -> tuple[str, Image, Face, int]:
    """Find the faces of a picture and ask for one where there are several; the page ends where there is none.

    Returns:
        The hash of the content, the picture, the face and its number.
    """
    digest = sha256(content).hexdigest()
    try:
        with st.spinner("Looking for faces …"):
            image, faces = detect_cached(digest, detector, content, analyzer)
    except ImageError as error:
        told = str(error)  # of "the file": it came without its name
        st.error(told[:1].upper() + told[1:], icon=":material/broken_image:")
        st.stop()
    if not faces:
        st.warning("No face was found. Try a larger or brighter one, or another face finder.")
        st.stop()
    number = 0
    if len(faces) > 1:
        st.caption(f"{len(faces)} faces were found, the largest comes first.")
        number = st.pagination(len(faces), width=420, key=f"{page}_face_{digest}") - 1
    return digest, image, faces[number], number


@st.cache_data(scope="session", max_size="256MiB", show_spinner=False)
def detect_cached(
    digest: str, detector: str, _content: bytes, _analyzer: Analyzer
) -> tuple[Image, list[Face]]:
    image = read_image(_content)
    return image, find_faces(image, _analyzer.detector(detector))


@st.cache_data(show_spinner=False)
def sample(name: str) -> bytes:
    return as_png(SAMPLES[name]())


def as_png(image: Image) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def enlarged(crop: Image, times: int = 6) -> Image:
    """Every pixel as a square, so that people see what little the network sees."""
    return np.kron(crop, np.ones((times, times), np.uint8))

"""Controls and words that are the same on every page: pictures, faces, overlays, charts, downloads."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Final, Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.address import choose_by_address
from app.samples import SAMPLES
from app.uploads import PICTURE_TYPES, PICTURES_HELP, upload_files
from fer_core import EXPRESSIONS
from fer_core.draw.overlay import OverlayStyle
from fer_core.export import png_bytes
from fer_core.models import Classifier
from fer_core.types import Image
from fer_core.weights import Card

OWN_PICTURE: Final = "Your own picture"

DEFAULT_LAYERS: Final = ("box", "bars", "heatmap", "blocks")

LAYERS: Final = {
    "box": ":material/crop_free: Box",
    "bars": ":material/bar_chart: Probabilities",
    "heatmap": ":material/gradient: Heatmap",
    "blocks": ":material/view_agenda: Blocks",
    "landmarks": ":material/face_retouching_natural: Landmarks",
}
PARTS_LAYER: Final = {"parts": ":material/donut_small: Shares"}
"""Attribution shares of a map, where it is shown in motion: elsewhere a chart shows them."""
ATTENTION_LAYER: Final = {"attention": ":material/visibility: Attention"}
"""Layer for networks with spatial attention."""

EVEN_ATTENTION: Final = 0.99
"""Entropy from which on attention counts as even, as a share of that of even attention. It is 0.41 and 0.45
on PublicTest for networks that prefer places (``cnn_alstm``, ``acnn_alstm``)."""

BLOCKS: Final = {"face": "whole face", "upper": "eyes and brows", "lower": "mouth"}

TIMES: Final = {2: "twice", 3: "three times"}
"""How often a network sees a face, by its number of branches."""

AFFECT_FROM_CLASSES: Final = (
    "Placed by its class probabilities, at the mean of the positions that people gave to the words of the "
    "classes (Russell and Mehrabian, 1977). Not measured, and not what somebody feels."
)

AFFECT_LEARNED: Final = (
    "Estimated by the network, which learned it from people's ratings of pictures. Not measured, and not "
    "what somebody feels."
)

ACTIONS_SOURCE: Final = (
    "How far each part of the face has moved: the facial actions of MediaPipe's FaceLandmarker, whose "
    "scores trained this network."
)
ACTIONS_NOTE: Final = (
    f"{ACTIONS_SOURCE} Left and right are the person's own in a picture that is not mirrored."
)

ICONS: Final = {
    ".csv": "table",
    ".json": "data_object",
    ".mp4": "movie",
    ".png": "image",
    ".svg": "shapes",
    ".zip": "folder_zip",
}
"""Ending of a download -> icon of its button."""
MIME_TYPES: Final = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".zip": "application/zip",
}


# Charts and downloads --------------------------------------------------------------------------


def chart(
    figure: go.Figure,
    key: str,
    alt: str,
    *,
    on_select: Callable[[], None] | None = None,
    selection: Literal["points", "box"] = "points",
    zoom: bool = False,
) -> None:
    """Show a chart, without buttons of its own unless it can be zoomed.

    Args:
        alt: what the chart shows, for people who cannot see it.
        on_select: called when points or a box are selected in it.
    """
    st.plotly_chart(
        figure,
        key=key,
        on_select=on_select or "ignore",
        selection_mode=selection,
        config={"displaylogo": False} if zoom else {"displayModeBar": False},
        alt=alt,
    )


def download(
    label: str,
    content: str | bytes | Callable[[], str | bytes],
    file_name: str,
    *,
    key: str | None = None,
) -> None:
    """Offer a file for download; the page does not run again when it is pressed.

    Args:
        content: of the file, or a function that makes it when the button is pressed.
        file_name: its ending is one of ``MIME_TYPES``.
    """
    ending = PurePath(file_name).suffix
    st.download_button(
        label,
        content,
        file_name,
        MIME_TYPES[ending],
        icon=f":material/{ICONS[ending]}:",
        on_click="ignore",
        key=key,
    )


def affect_note(card: Card) -> str:
    """Return how the model of this card comes to valence and arousal."""
    return AFFECT_LEARNED if card.network.get("affect") else AFFECT_FROM_CLASSES


def enlarged(crop: Image, times: int = 6) -> Image:
    """Return an image in which every pixel is a square, so that people see how little the network sees."""
    return np.kron(crop, np.ones((times, times), np.uint8))


def attention_note(card: Card) -> str:
    """Return a sentence for models whose attention is nearly even; "" for all others."""
    entropy = card.figures.get("PublicTest", {}).get("attention_entropy")
    if entropy is None or entropy < EVEN_ATTENTION:
        return ""
    return (
        f"The attention of *{card.name}* is nearly even, so it shows nothing: on PublicTest its entropy is "
        f"{entropy:.4f} of that of even attention."
    )


# Overlays ---------------------------------------------------------------------------------------------


def choose_overlay(
    page: str,
    classifier: Classifier,
    *,
    layers: tuple[str, ...] = DEFAULT_LAYERS,
    moving: bool = False,
) -> tuple[OverlayStyle, str, DeltaGenerator]:
    """Ask what to draw into the picture, and of which class to show the heatmap.

    Args:
        page: prefix of the widgets' keys.
        classifier: only layers that show something for it are offered.
        layers: those that are shown at first.
        moving: the picture moves, so that maps have to be quick; their shares are offered too.

    Returns:
        The style, the class or "top", and the popover, to which the page may add.
    """
    offered = offered_layers(classifier, moving=moving)
    take_offered(f"{page}_layers", list(offered), layers)
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = st.pills(
            "Show in the picture",
            list(offered),
            format_func=offered.__getitem__,
            selection_mode="multi",
            label_visibility="collapsed",
            wrap=True,
            key=f"{page}_layers",
            persist_state="session",
        )
        adjust = st.popover("Adjust", icon=":material/tune:")
    note = attention_note(classifier.card)
    if note and "attention" in shown:
        st.caption(note)
    with adjust:
        target, opacity = choose_heat(page) if "heatmap" in offered else ("top", 0.0)
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


def offered_layers(classifier: Classifier, *, moving: bool) -> dict[str, str]:
    """Return the layers that show something for a model -> how each is named.

    Args:
        moving: of a picture that moves, too quick for maps by occlusion.
    """
    offered = LAYERS | PARTS_LAYER | ATTENTION_LAYER
    has_maps = classifier.has_maps or not moving
    absent = {
        "heatmap": not has_maps,
        "blocks": len(classifier.regions) < 2,
        "parts": not (moving and has_maps),
        "attention": not classifier.has_attention,
    }
    return {name: words for name, words in offered.items() if not absent.get(name)}


def take_offered(key: str, offered: Sequence[str], first: Sequence[str]) -> None:
    """Give a widget for several choices those that are offered now; keep the others for when they are.

    Args:
        key: of the widget.
        first: what is chosen at first.
    """
    state, away = st.session_state, f"{key}_away"
    chosen = [*state.get(key, () if away in state else first), *state.get(away, ())]
    value = [each for each in offered if each in chosen]
    state[away] = [each for each in chosen if each not in offered]
    if set(state.get(key, ())) != set(value) or key not in state:
        state[key] = value


def choose_heat(page: str) -> tuple[str, float]:
    """Ask of which class to show the heatmap, and how opaque it is; return the class or "top", and 0.1..1."""
    target = st.selectbox(
        "Heatmap of",
        ("top", *EXPRESSIONS),
        format_func=lambda name: "the likeliest class" if name == "top" else name,
        key=f"{page}_target",
        persist_state="session",
    )
    key = f"{page}_opacity"
    opacity = st.slider("Heatmap opacity", 0.1, 1.0, 0.6, 0.05, key=key, persist_state="session")
    return target, opacity


# Pictures --------------------------------------------------------------------------------------------


def choose_picture(page: str) -> bytes | None:
    """Ask for one of the samples or a picture of the viewer's own.

    Args:
        page: prefix of the widgets' keys.

    Returns:
        The content of its file; None as long as there is none.
    """
    source = choose_by_address("Face", [*SAMPLES, OWN_PICTURE], "Smile", f"{page}_source")
    if source != OWN_PICTURE:
        return sample_png(source)
    files = upload_files(
        "A picture whose subject agrees to it; it stays in memory until you close this tab",
        PICTURE_TYPES,
        f"{page}_file",
        note=PICTURES_HELP,
    )
    return files[0].getvalue() if files else None


@st.cache_data(show_spinner=False)
def sample_png(name: str) -> bytes:
    """Return a built-in sample as a PNG file; shared by all viewers."""
    return png_bytes(SAMPLES[name]())

"""What is shown in a picture, and how it is put: the same controls and words on every page."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import EXPRESSIONS
from fer_core.draw.overlay import OverlayStyle
from fer_core.weights import Card

DEFAULT_LAYERS = ("box", "bars", "heatmap", "blocks")

LAYERS = {
    "box": ":material/crop_free: Box",
    "bars": ":material/bar_chart: Probabilities",
    "heatmap": ":material/gradient: Heatmap",
    "blocks": ":material/view_agenda: Blocks",
    "landmarks": ":material/face_retouching_natural: Landmarks",
}


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
    page: str, *, layers: tuple[str, ...] = DEFAULT_LAYERS
) -> tuple[OverlayStyle, str, DeltaGenerator]:
    """Ask what to draw, and of which class to show the heatmap.

    Args:
        page: prefix of the widgets' keys.
        layers: those that are shown at first.

    Returns:
        Style, class or "top", and the popover, which the page may add to.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = st.pills(
            "Show in the picture",
            LAYERS,
            format_func=LAYERS.get,
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
        heatmap=opacity if "heatmap" in shown else 0.0,
    )
    return style, target, adjust

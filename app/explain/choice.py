"""Which face, class and layer the question is about."""

from typing import Final

import streamlit as st

from app.explain.question import FaceKey, Question, layers_of, read_face
from app.session import PageSettings
from app.widgets import choose_face, choose_picture
from fer_core import EXPRESSIONS
from fer_core.explain import Method, get_method

NOTHING: Final = "nothing"
"""Choice for no class to compare with."""


def choose_question(settings: PageSettings) -> Question:
    """Ask for a face, a class of it and a layer; end the page where there is no face."""
    content = choose_picture("explain")
    if content is None:
        st.stop()
    chosen = choose_face("explain", content, settings)
    key = FaceKey(chosen.digest, settings.detector, chosen.number, settings.model, settings.prior)
    reading = read_face(key, chosen.image, chosen.face, settings.analyzer)
    method = get_method(settings.supported_method())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target, other = choose_classes(reading.top[0])
        layer = choose_layer(method, settings)
    return Question(
        face=key,
        method=method,
        layer=layer,
        target=target,
        other=other,
        reading=reading,
        analyzer=settings.analyzer,
    )


def choose_classes(top: str) -> tuple[str, str | None]:
    """Ask for a class and one to compare with; return both, None for no comparison.

    Args:
        top: the likeliest class.
    """
    why = st.selectbox(
        "Why",
        ("top", *EXPRESSIONS),
        format_func=lambda name: f"the likeliest: {top}" if name == "top" else name,
        key="explain_class",
        bind="query-params",
        width=210,
    )
    target = top if why == "top" else why
    other = st.selectbox(
        "rather than",
        (NOTHING, *EXPRESSIONS),
        key="explain_other",
        bind="query-params",
        width=170,
        help="What speaks for the first class and not for the second: the difference of both maps.",
    )
    return target, None if other in (NOTHING, target) else other


def choose_layer(method: Method, settings: PageSettings) -> int | None:
    """Ask for a layer, where model and method leave a choice; None otherwise."""
    layers = layers_of(settings.model, settings.analyzer) if method.looks_at == "layer" else []
    if len(layers) < 2:
        return None
    if st.session_state.get("explain_layer") not in layers:
        st.session_state.pop("explain_layer", None)  # of a deeper network
    return st.select_slider(
        "Layer",
        layers,
        value=layers[-1],
        key="explain_layer",
        bind="query-params",
        width=220,
        help="Shallow layers see fine edges, deep ones parts of a face. The last one decides: trust its maps "
        "first.",
    )

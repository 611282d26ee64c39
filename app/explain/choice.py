"""Which face, class and layer the question is about."""

from typing import Final, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.explain.question import FaceKey, Question, layers_of, read_face
from app.faces import choose_face
from app.session import PageSettings
from app.widgets import choose_picture
from fer_core import EXPRESSIONS
from fer_core.explain import Method, get_method

NOTHING: Final = "nothing"
"""Choice for no class to compare with."""


class Places(NamedTuple):
    """Places of the answer on the page."""

    pictures: DeltaGenerator
    words: DeltaGenerator


def choose_question(settings: PageSettings) -> tuple[Question, Places]:
    """Ask for a face, a class of it and a layer; end the page where there is no face.

    The class is asked for right above the places of the answer, the rest within them.
    """
    content = choose_picture("explain")
    if content is None:
        st.stop()
    chosen = choose_face("explain", content, settings)
    key = FaceKey(chosen.digest, settings.detector, chosen.number, settings.model, settings.prior)
    reading = read_face(key, chosen.image, chosen.face, settings.analyzer)
    method = get_method(settings.supported_method())
    target = choose_class(reading.top[0])
    places = Places(*st.columns((6, 5), gap="medium"))
    with places.words, st.container(horizontal=True, vertical_alignment="bottom"):
        other = choose_other(target)
        layer = choose_layer(method, settings)
    question = Question(
        face=key,
        method=method,
        layer=layer,
        target=target,
        other=other,
        reading=reading,
        analyzer=settings.analyzer,
    )
    return question, places


def choose_class(top: str) -> str:
    """Ask for the class to explain.

    Args:
        top: the likeliest class, which is explained until another is chosen, whatever the face and the model.
    """
    if st.session_state.get("explain_class", "") is None:
        st.session_state.explain_class = "top"  # an address without a value clears it
    why = st.pills(
        "Why",
        ("top", *EXPRESSIONS),
        # Streamlit warns in the log about a default beside a value in the state.
        default=None if "explain_class" in st.session_state else "top",
        required=True,
        format_func=lambda name: "the likeliest" if name == "top" else name,
        wrap=True,
        key="explain_class",
        bind="query-params",
    )
    return why if why in EXPRESSIONS else top


def choose_other(target: str) -> str | None:
    """Ask for a class to compare with; None for no comparison."""
    other = st.selectbox(
        "rather than",
        (NOTHING, *EXPRESSIONS),
        key="explain_other",
        bind="query-params",
        width=170,
        help="What speaks for the first class and not for the second: the difference of both maps.",
    )
    return None if other in (NOTHING, target) else other


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
        width=200,
        help="Shallow layers see fine edges, deep ones parts of a face. The last one decides: trust its maps "
        "first.",
    )

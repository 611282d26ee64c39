"""The answer to a question: the face, its map, its probabilities, and what can be taken away."""

from functools import partial
from pathlib import PurePath
from typing import Any, Final, Literal

import numpy as np
import streamlit as st

from app.charts.readings import probability_bars
from app.explain.choice import Places
from app.explain.question import Question
from app.widgets import OWN_PICTURE, chart, download, enlarged
from fer_core.draw.overlay import headline
from fer_core.draw.slide import Slide, draw_slide
from fer_core.draw.tiles import heat_scale, heat_tiles
from fer_core.explain import get_method, part_share, region_share
from fer_core.export import by_class, json_text

MAP_WIDTH: Final = 272
FACE_WIDTH: Final = 150
"""Widths of the map and of the face beside it in pixels: the tabs below are seen without scrolling."""


def render_answer(question: Question, places: Places, asked_method: str) -> None:
    """Show the map that answers the question.

    Args:
        asked_method: the method that was chosen, which may not work with the model.
    """
    with places.pictures:
        render_pictures(question)
    with places.words:
        render_words(question, asked_method)


def render_pictures(question: Question) -> None:
    """Show the map, large, and beside it what the network gets."""
    crop, raw, target, method = question.crop, question.raw, question.target, question.method
    with st.container(horizontal=True, gap="small"):
        with st.container(gap="xsmall", width=MAP_WIDTH):
            st.image(
                heat_tiles(crop, {target: raw}, size=2 * MAP_WIDTH)[target],
                caption=f"**{question.words}**, by {method.title}, {len(raw)} × {len(raw)} cells",
                width="stretch",
                alt=f"Map of the evidence for {question.words}",
            )
            st.image(heat_scale(), width="stretch", alt="Colors from against to for")
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                against = "against" if method.signed else ""
                st.caption(f"for {question.other}" if question.other else against, width="content")
                st.caption(f"for {target}", width="content")
        with st.container(width=FACE_WIDTH):
            st.image(
                enlarged(crop, 4),
                caption=f"what *{question.model}* gets: {len(crop)} × {len(crop)} dots",
                width="stretch",
                alt="The aligned face",
            )
            st.caption(f"All seven maps took {1000 * question.seconds:,.0f} ms.")


def render_words(question: Question, asked_method: str) -> None:
    """Show the probabilities, and what the method does."""
    method, reading = question.method, question.reading
    chart(
        probability_bars(reading, height=150, axis=False),
        "explain_bars",
        f"Probabilities by {question.model}: {headline(reading)}",
    )
    same = "" if method.class_dependent else " **It is the same for every class.**"
    st.markdown(f"**{method.title}.** {method.sentence} {method.caution}{same}")
    if method.name != asked_method:
        st.caption(
            f"*{question.model}* has nothing that {get_method(asked_method).title} could look at, so it is "
            "explained by occlusion."
        )
    if question.is_flat:
        st.warning(
            f"This map is flat: by {method.title} no place speaks for {question.words} more than another.",
            icon=":material/texture:",
        )


def render_downloads(question: Question) -> None:
    """Offer the answer as a slide and as numbers."""
    st.subheader("Take it with you")
    with st.container(horizontal=True):
        for form in ("png", "svg"):
            download(
                f"Slide as {form.upper()}",
                partial(make_slide, question, form),
                f"{file_stem(question)}.{form}",
            )
        download("Numbers as JSON", json_text(make_record(question)), f"{file_stem(question)}.json")
    st.caption(
        "The address of this page holds the model, the method, the class and the layer: who opens "
        "it sees the "
        "same sample the same way. Pictures of your own are not part of it."
    )


def file_stem(question: Question) -> str:
    """Return a name that tells the files of different questions apart: picture, model, class and method."""
    source = str(st.session_state.get("explain_source", ""))
    file = st.session_state.get("explain_file")
    picture = PurePath(file.name).stem if source == OWN_PICTURE and file else source.lower()
    parts = [
        picture or "face",
        f"face-{question.face.number + 1}" if question.face.number else "",
        question.model,
        question.words,
        question.method.name,
        f"layer-{question.layer}" if question.layer else "",
    ]
    return "-".join(part.replace(" ", "-") for part in parts if part)


def make_slide(question: Question, form: Literal["png", "svg"]) -> bytes:
    """Return the answer as a slide."""
    layer = f", layer {question.layer}" if question.layer else ""
    slide = Slide(
        crop=question.crop,
        maps=question.maps,
        probabilities=question.reading.probabilities,
        target=question.target,
        other=question.other,
        signed=question.method.signed,
        footnote=f"{question.method.title} on {question.model}{layer} · Expression Lens · a class that a "
        "classifier assigns, not what somebody feels",
    )
    return draw_slide(slide, form)


def make_record(question: Question) -> dict[str, Any]:
    """Return the answer as numbers that JSON can hold."""
    attention = question.reading.region_attention
    return {
        "model": question.model,
        "prior": question.reading.prior,
        "method": question.method.name,
        "layer": question.layer,
        "target": question.target,
        "other": question.other,
        "probabilities": by_class(question.reading.probabilities),
        "region_attention": attention and dict(attention),
        "is_flat": question.is_flat,
        "part_share": part_share(question.raw, question.landmarks),
        "region_share": region_share(question.raw),
        "seconds": round(question.seconds, 4),
        "maps": {name: np.round(each, 5).tolist() for name, each in question.maps.items()},
    }

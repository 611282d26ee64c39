"""Explain: where the evidence for each class lies, and whether the map that says so is true.

Reads top to bottom: the face, one class of it, then six ways to go on, and what can be taken away.
"""

import json
from functools import partial

import numpy as np
import streamlit as st

from app.charts.readings import probability_bars
from app.explain.question import FaceKey, Question, layers_of, read
from app.explain.views import (
    PLAIN,
    show_averages,
    show_classes,
    show_covers,
    show_methods,
    show_proof,
    show_regions,
)
from app.session import open_page
from app.widgets import choose_face, choose_picture, enlarged
from fer_core import EXPRESSIONS
from fer_core.draw.overlay import headline
from fer_core.draw.slide import draw_slide
from fer_core.draw.tiles import heat_scale, heat_tiles
from fer_core.explain import get_method, method_for, part_share, region_share

NOTHING = "nothing"

VIEWS = {
    "All classes": show_classes,
    "Methods": show_methods,
    "Regions": show_regions,
    "Cover it yourself": show_covers,
    "Is it true?": show_proof,
    "Average faces": show_averages,
}

settings = open_page("explain")
analyzer = st.session_state.analyzer
model, detector, wanted = (st.session_state[key] for key in ("model", "detector", "method"))
method = get_method(method_for(analyzer.classifier(model), wanted))

st.title("Explain")
st.markdown(
    "Why this class? A map shows which places of the face speak for it. Then find out whether the map "
    "is true."
)

# The face -------------------------------------------------------------------------------------------

content = choose_picture("explain")
if content is None:
    st.stop()
chosen_face = choose_face("explain", content, settings)
digest, image, face, number = (
    chosen_face.digest,
    chosen_face.image,
    chosen_face.face,
    chosen_face.number,
)
key = FaceKey(digest, detector, number, model)
reading = read(key, image, face, analyzer)
crop = reading.regions.face

# One class of it ------------------------------------------------------------------------------------

layers = layers_of(model, analyzer) if method.looks_at == "layer" else []
with st.container(horizontal=True, vertical_alignment="bottom"):
    why = st.selectbox(
        "Why",
        ("top", *EXPRESSIONS),
        format_func=lambda name: f"the likeliest: {reading.top[0]}" if name == "top" else name,
        key="explain_class",
        bind="query-params",
        width=210,
    )
    target = reading.top[0] if why == "top" else why
    other = st.selectbox(
        "rather than",
        (NOTHING, *EXPRESSIONS),
        key="explain_other",
        bind="query-params",
        width=170,
        help="What speaks for the first class and not for the second: the difference of both maps.",
    )
    layer = None
    if len(layers) > 1:
        if st.session_state.get("explain_layer") not in layers:
            st.session_state.pop("explain_layer", None)  # of a deeper network
        layer = st.select_slider(
            "Layer",
            layers,
            value=layers[-1],
            key="explain_layer",
            bind="query-params",
            width=220,
            help="Shallow layers see fine edges, deep ones parts of a face. The last one has the say: its "
            "maps are the ones to trust first.",
        )
asked = Question(
    face=key,
    method=method,
    layer=layer,
    target=target,
    other=None if other in (NOTHING, target) else other,
    reading=reading,
    analyzer=analyzer,
)
with st.spinner(f"Computing the maps by {method.title} …"):
    maps, raw = asked.maps, asked.raw

pictures, right = st.columns((3, 2), gap="medium")
with pictures:
    grid = st.grid(2, min_column_width=150)
grid.image(
    enlarged(crop, 8),
    caption=f"what *{model}* gets: {len(crop)} × {len(crop)} dots",
    width="stretch",
    alt="The aligned face",
)
with grid.container(gap="small"):
    st.image(
        heat_tiles(crop, {target: raw}, size=384)[target],
        caption=f"**{asked.words}**, by {method.title}, {len(raw)} × {len(raw)} cells",
        width="stretch",
        alt=f"Map of the evidence for {asked.words}",
    )
    st.image(heat_scale(), width="stretch", alt="Colours from against to for")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        against = f"for {asked.other}" if asked.other else "against" if method.signed else ""
        st.caption(against, width="content")
        st.caption(f"for {target}", width="content")
with right:
    st.markdown(f"#### {headline(reading)}")
    st.plotly_chart(
        probability_bars(reading, height=200, axis=False),
        key="explain_bars",
        config=PLAIN,
        alt=f"Probabilities by {model}: {headline(reading)}",
    )
    st.markdown(f"**{method.title}.** {method.sentence} {method.caution}")
    if method.name != wanted:
        st.caption(
            f"*{model}* has nothing that {get_method(wanted).title} could look at, so it is explained by "
            "occlusion."
        )
    if asked.is_flat:
        st.warning(
            f"This map is flat: by {method.title} no place speaks for {asked.words} more than another.",
            icon=":material/texture:",
        )
    st.caption(
        ("" if method.class_dependent else "**It is the same for every class.** ")
        + f"All seven maps took {1000 * asked.seconds:,.0f} ms."
    )

# Ways to go on --------------------------------------------------------------------------------------

tabs = st.tabs(list(VIEWS), key="explain_view", on_change="rerun", bind="query-params")
for tab, show in zip(tabs, VIEWS.values(), strict=True):
    if tab.open:
        with tab:
            show(asked)

# Taking it away -------------------------------------------------------------------------------------

st.subheader("Take it with you")


def slide(form: str) -> bytes:
    return draw_slide(
        crop,
        raw,
        maps,
        reading.probabilities,
        target,
        title=f"Why {asked.words}?",
        footnote=f"{method.title} on {model}"
        + (f", layer {layer}" if layer else "")
        + " · Expression Lens · a class that a classifier assigns, not what somebody feels",
        form=form,
    )


record = {
    "model": model,
    "method": method.name,
    "layer": layer,
    "target": target,
    "other": asked.other,
    "probabilities": dict(zip(EXPRESSIONS, map(float, reading.probabilities), strict=True)),
    "region_attention": reading.region_attention and dict(reading.region_attention),
    "is_flat": asked.is_flat,
    "part_share": part_share(raw, asked.landmarks),
    "region_share": region_share(raw),
    "seconds": round(asked.seconds, 4),
    "maps": {name: np.round(each, 5).tolist() for name, each in maps.items()},
}
with st.container(horizontal=True):
    for form, mime, icon in (
        ("png", "image/png", "image"),
        ("svg", "image/svg+xml", "shapes"),
    ):
        st.download_button(
            f"Slide as {form.upper()}",
            partial(slide, form),
            f"why-{target}.{form}",
            mime,
            icon=f":material/{icon}:",
            on_click="ignore",
        )
    st.download_button(
        "Numbers as JSON",
        json.dumps(record, indent=2),
        f"why-{target}.json",
        "application/json",
        icon=":material/data_object:",
        on_click="ignore",
    )
st.caption(
    "The address of this page holds the model, the method, the class and the layer: who opens it sees the "
    "same sample the same way. Pictures of your own are not part of it."
)

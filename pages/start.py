"""Start: what this is, in one picture and few words."""

import streamlit as st

from app.samples import DRAWN, SAMPLES, portrait
from app.session import PageSettings, open_page, switch_to_page
from app.start import CONSENT, ENTRIES
from app.widgets import sample_png
from fer_core import Analyzer
from fer_core.draw import percent
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.types import FrameResult, Image


def main() -> None:
    """Show what the app does, where to go, and what to know before using it."""
    settings = open_page("start")
    words, sample = st.columns((4, 5), gap="large", vertical_alignment="center")
    with words:
        render_introduction()
    with sample, st.skeleton(height=420):
        render_sample(settings)
    st.space("small")
    render_drawn(settings)
    st.space("small")
    render_entries()
    st.space("small")
    render_consent()


def render_introduction() -> None:
    """Say what a classifier is, and lead to the webcam."""
    st.title("See what a facial-expression classifier sees")
    st.markdown(
        "A classifier is a program that sorts pictures into drawers. This one has seven drawers for faces: "
        "*angry, disgust, fear, happy, sad, surprise* and *neutral*.\n\n"
        "Expression Lens opens it up. You see **how sure** it is of each drawer, **where in the face** it "
        "looked, and **how it goes wrong**."
    )
    with st.container(horizontal=True):
        if st.button("Try it with your webcam", type="primary", icon=":material/videocam:"):
            switch_to_page("live")
        if st.button("Move a drawn face", icon=":material/sentiment_satisfied:"):
            switch_to_page("move")


def render_sample(settings: PageSettings) -> None:
    """Show the sample with its class and the evidence for it."""
    image, result = analyze_portrait(settings.model, settings.detector, settings.analyzer)
    text = "A smiling astronaut in whom this face finder found no face"
    if result.readings:
        name, probability = result.readings[0].top
        text = f"A smiling astronaut; the classifier says {name}, {percent(probability)}"
    st.image(draw_overlay(image, result, OverlayStyle(heatmap=0.7)), width="stretch", alt=text)
    has_blocks = bool(result.readings and result.readings[0].region_attention)
    st.caption(
        "The colored patch is the evidence for the assigned class."
        + " The white frames are the parts that this network looks at more closely, with the weight it gave "
        "to each." * has_blocks
    )


def render_drawn(settings: PageSettings) -> None:
    """Show a drawn face of each class with what the classifier says of it."""
    st.markdown(
        "**Faces that belong to nobody**, drawn for all seven drawers, and the one that it chose:"
    )
    names = [name for name in SAMPLES if name.startswith(DRAWN)]
    with st.grid(len(names), min_column_width=100, gap="small"):
        for name in names:
            answer = answer_of(name, settings.model, settings.detector, settings.analyzer)
            st.image(sample_png(name), caption=answer, width="stretch", alt=f"Drawn: {name}")


def render_entries() -> None:
    """Show a card for each page."""
    entries = st.grid(4, min_column_width=190)
    for page, title, text, action in ENTRIES:
        with entries.container(border=True, height="stretch"):
            st.subheader(title, anchor=False)
            st.markdown(text)
            st.space("stretch")
            st.page_link(page, label=action, icon=":material/arrow_forward:", width="stretch")


def render_consent() -> None:
    """Say what has to be known before a camera is pointed at somebody."""
    with st.container(border=True):
        st.subheader(":material/handshake: Before you point it at somebody", anchor=False)
        for column, text in zip(st.columns(3), CONSENT, strict=True):
            column.markdown(text)
        st.caption(
            "In the EU it is forbidden to infer the emotions of people at work and in education (AI Act, "
            "Art. 5(1)(f)). Explaining a classifier on volunteers and samples is the use here, and drawing "
            "conclusions about people is not."
        )


@st.cache_data(max_entries=8, show_spinner=False)
def analyze_portrait(model: str, detector: str, _analyzer: Analyzer) -> tuple[Image, FrameResult]:
    """Return the built-in sample and what is read in it; shared by all viewers."""
    image = portrait()
    return image, _analyzer.analyze(image, model=model, detector=detector)


@st.cache_data(max_entries=256, show_spinner=False)
def answer_of(sample: str, model: str, detector: str, _analyzer: Analyzer) -> str:
    """Return what the classifier says of a sample; shared by all viewers."""
    readings = _analyzer.analyze(
        SAMPLES[sample](), model=model, detector=detector, maps=()
    ).readings
    return f"{readings[0].top[0]} {percent(readings[0].top[1])}" if readings else "no face found"


if __name__ == "__main__":
    main()

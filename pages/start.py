"""Start: what this is, in one picture and few words."""

from typing import Final

import streamlit as st

from app.samples import portrait
from app.session import PageSettings, open_page, switch_to_page
from fer_core import Analyzer
from fer_core.draw import percent
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.types import FrameResult, Image

ENTRIES: Final = (
    (
        "pages/live.py",
        ":material/videocam: Live",
        "Look into the webcam, pull a face, and watch the answer move with you.",
        "Open the camera",
    ),
    (
        "pages/photo.py",
        ":material/photo_library: Photo",
        "Take your own pictures apart: every face, every class, and where the evidence lies.",
        "Choose pictures",
    ),
    (
        "pages/video.py",
        ":material/movie: Video",
        "Read a clip frame by frame: who showed what, when, and the best moment of each class.",
        "Choose a clip",
    ),
    (
        "pages/move.py",
        ":material/sentiment_satisfied: Move a face",
        "Pull a drawn face by its brows and mouth, and see which move turns the answer.",
        "Pull a face",
    ),
    (
        "pages/explain.py",
        ":material/troubleshoot: Explain",
        "Why this class? See the places that count, cover them, and find out whether the map is true.",
        "Ask why",
    ),
    (
        "pages/how_it_works.py",
        ":material/school: How it works",
        "From a picture to an answer in four steps, each with what the computer sees.",
        "Follow a face",
    ),
    (
        "pages/lesson.py",
        ":material/menu_book: Lesson",
        "Seven steps for a class, from what a probability is to whether a map can be trusted.",
        "Start the lesson",
    ),
    (
        "pages/models.py",
        ":material/leaderboard: Models",
        "Thirty years of ideas side by side: how good each is, and what it says of the same face.",
        "Compare them",
    ),
    (
        "pages/data.py",
        ":material/database: Data",
        "What networks learn from, what is done to it, and where people disagree.",
        "Look at faces",
    ),
)
"""Address, heading, text and link of each card."""

CONSENT: Final = (
    "**Ask first.** Everybody in the picture has to agree, and may stop at any time. Nobody has to say why.",
    "**It knows no feelings.** It names the drawer that a picture resembles. People smile when they are "
    "embarrassed, and scowl when they think.",
    "**Nothing is kept.** Pictures stay in memory and are gone a minute after you close the page, unless you "
    "press *download*.",
)


def main() -> None:
    """Show what the app does, where to go, and what to know before using it."""
    settings = open_page("start")
    words, sample = st.columns((4, 5), gap="large", vertical_alignment="center")
    with words:
        render_introduction()
    with sample, st.skeleton(height=420):
        render_sample(settings)
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
    if st.button("Try it with your webcam", type="primary", icon=":material/videocam:"):
        switch_to_page("live")


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


if __name__ == "__main__":
    main()

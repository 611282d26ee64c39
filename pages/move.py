"""Move a face: pull a drawn character or a portrait at rest by brows and mouth, and see the answer change.

Nobody's face is needed. A fragment draws, reads and explains the face after each change.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from app.move.controls import (
    choose_preset,
    choose_subject,
    current_actions,
    current_pose,
    render_sliders,
)
from app.move.handles import render_face
from app.move.subject import Subject, read_drawings
from app.move.views import render_answer, render_challenges, render_effects, render_way
from app.session import PageSettings, open_page
from app.widgets import download, offered_layers, take_offered
from fer_core.draw import percent
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.export import png_bytes
from fer_core.models import Classifier
from fer_core.types import FrameResult, Image, Reading

OVERLAYS: Final = ("heatmap", "blocks", "landmarks", "attention")
"""Layers of ``offered_layers`` that can be drawn over the face."""

STYLE: Final = """<style>
.st-key-move_layout > div > [data-testid=stHorizontalBlock] > [data-testid=stColumn]:first-child,
.st-key-move_layout > [data-testid=stHorizontalBlock] > [data-testid=stColumn]:first-child {
    position: sticky; top: 3.75rem; align-self: flex-start; z-index: 1 }
@media (max-width: 640px) {
    .st-key-move_handles { max-width: 46vw; margin: 0 auto }
    .st-key-move_layout > div > [data-testid=stHorizontalBlock] > [data-testid=stColumn]:first-child,
    .st-key-move_layout > [data-testid=stHorizontalBlock] > [data-testid=stColumn]:first-child {
        padding: 0.5rem 0; backdrop-filter: blur(16px) }
}
</style>"""
"""The face stays in view while the page is scrolled to its sliders, on a phone too."""

VIEWS: Final = ("Sliders", "From one to another", "What moves the answer?", "Challenges")


def main() -> None:
    """Show the page; all that follows a change is in a fragment."""
    settings = open_page("move")
    st.title("Move a face")
    st.markdown(
        "Pull the face at its points, or use the sliders, and watch the answer. The network sees a picture, "
        "nothing else: a drawn smile can be as *happy* as a real one."
    )
    st.html(STYLE)
    render_page(settings)


@st.fragment
def render_page(settings: PageSettings) -> None:
    """Show the face, the answer and what can be done with it."""
    with st.container(key="move_layout"):
        face_column, columns = st.columns((2, 3), gap="large")
    with columns:
        choices, answer = st.columns(2)
        with choices:
            subject = choose_subject()
            shown = choose_layers(settings.classifier)
            exits = st.container()
        choose_preset()
        tabs = dict(
            zip(VIEWS, st.tabs(list(VIEWS), key="move_view", on_change="rerun"), strict=True)
        )
        with tabs["Sliders"]:
            render_sliders(subject)
    result, picture = draw_moved(subject, settings, shown)
    (reading,) = result.readings
    with face_column:
        render_face(subject, picture, f"{reading.top[0]} {percent(reading.top[1])}")
    with answer:
        render_answer(reading)
    with exits:
        name = f"{subject.name.split()[0].lower()}-{reading.top[0]}.png"
        download("Picture (PNG)", lambda: png_bytes(picture), name, key="move_png")
    render_open_view(tabs, subject, reading, settings)


def render_open_view(
    tabs: Mapping[str, TabContainer], subject: Subject, reading: Reading, settings: PageSettings
) -> None:
    """Show what can be found out, where its tab is open."""
    views: tuple[Callable[[], None], ...] = (
        lambda: render_way(subject, settings),
        lambda: render_effects(subject, reading, settings),
        lambda: render_challenges(subject, reading, settings),
    )
    for name, render in zip(VIEWS[1:], views, strict=True):
        if tabs[name].open:
            with tabs[name]:
                render()


def choose_layers(classifier: Classifier) -> list[str]:
    """Ask what is drawn over the face, of what shows something for a model."""
    layers = offered_layers(classifier, moving=True)
    offered = {name: layers[name] for name in OVERLAYS if name in layers}
    take_offered("move_layers", list(offered), ())
    return st.pills(
        "Show in the picture",
        list(offered),
        format_func=offered.__getitem__,
        selection_mode="multi",
        key="move_layers",
        persist_state="session",
        wrap=True,
    )


def draw_moved(
    subject: Subject, settings: PageSettings, shown: Collection[str]
) -> tuple[FrameResult, Image]:
    """Return what is read in the face as it is now, and its picture with what is to be shown."""
    drawing = subject.draw(current_actions(subject), current_pose(subject))
    (result,) = read_drawings([drawing], settings, with_map="heatmap" in shown)
    style = OverlayStyle(
        box=False,
        labels=False,
        bars=False,
        heatmap=0.6 if "heatmap" in shown else 0.0,
        blocks="blocks" in shown,
        landmarks="landmarks" in shown,
        attention="attention" in shown,
    )
    return result, draw_overlay(drawing.image, result, style)


if __name__ == "__main__":
    main()

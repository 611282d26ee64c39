"""What becomes of the predictions for a clip before they are shown: compared, and averaged over time."""

from typing import Final

import streamlit as st

from app.comparison import WHY
from app.messages import show_error
from app.session import PageSettings
from fer_core.errors import UserError
from fer_core.video import Timeline

SMOOTHINGS: Final = (0.0, 0.1, 0.25, 0.5)
"""Time constants to choose from, in seconds; 0 takes each frame by itself."""

BASELINES: Final = {"none": "all people", "median": "its median", "moment": "this moment"}
"""What each face can be compared with -> words for it."""


def refine(timeline: Timeline, settings: PageSettings) -> Timeline:
    """Ask with whom faces are compared, and how predictions are averaged; return the timeline with both."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        compared = choose_baseline(timeline, settings)
        return choose_smoothing(compared)


def choose_baseline(timeline: Timeline, settings: PageSettings) -> Timeline:
    """Ask with which neutral face each one is compared; return the timeline with it."""
    chosen = st.segmented_control(
        "Compared with",
        list(BASELINES),
        format_func=BASELINES.__getitem__,
        default="none",
        required=True,
        help=f"{WHY} That is the median over the clip, where the face is mostly at rest, or the moment "
        "that is shown when you choose this.",
        on_change=take_moment,
        key="video_baseline",
        persist_state="session",
    )
    if chosen == "none":
        return timeline
    neutral = st.session_state.get("video_neutral_at", 0.0) if chosen == "moment" else chosen
    try:
        return timeline.compared(neutral, settings.analyzer.classifier(timeline.model))
    except UserError as error:
        show_error(error)
        return timeline


def choose_smoothing(timeline: Timeline) -> Timeline:
    """Ask how predictions are averaged over time; return the timeline with them."""
    seconds = st.segmented_control(
        "Smoothing",
        SMOOTHINGS,
        format_func=lambda seconds: f"{seconds:g} s" if seconds else "frame by frame",
        default=0.0,
        required=True,
        help="A clip is not live: its frames are averaged over past and future alike, so that a smile does "
        "not come late. The time is that in which a frame's weight falls to 37 %.",
        on_change=forget_film,
        key="video_smoothing",
        persist_state="session",
    )
    return timeline.smoothed(seconds)


def take_moment() -> None:
    """Take the moment that is shown for the neutral one."""
    st.session_state.video_neutral_at = round(st.session_state.get("video_moment", 0.0), 2)
    forget_film()


def forget_film() -> None:
    """Drop the annotated video, which shows other predictions."""
    st.session_state.pop("video_film", None)

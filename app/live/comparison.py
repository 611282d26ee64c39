"""Compare the faces in the live picture with their own neutral ones."""

import streamlit as st

from app.comparison import WHY
from app.live.session import LiveSession
from app.session import PageSettings
from fer_core.draw.pills import COMPARED
from fer_core.streaming.baselines import describe_doubt


def render_comparison(settings: PageSettings, session: LiveSession) -> None:
    """Ask for the neutral faces, and offer the switch between before and after."""
    baselines = session.stream.baselines
    if session.countdown is not None or session.stream.captures:
        st.info("Look into the camera with a relaxed face.", icon=":material/face:")
    elif not baselines:
        st.button(
            "Compare with my neutral face",
            icon=":material/compare_arrows:",
            help=f"{WHY} A countdown, then one second of everybody in the picture.",
            on_click=session.start_countdown,
            key="live_neutral",
        )
        if session.missed:
            st.caption("There was no face in the picture when the countdown ended: try again.")
    elif session.accepted:
        render_switch(settings, session)
    else:
        doubts = (describe_doubt(settings.classifier, each) for each in baselines.values())
        doubt = next((each for each in doubts if each), None)
        if doubt is None:
            session.accept_baselines()
            render_switch(settings, session)
        else:
            render_doubt(session, doubt)


def render_doubt(session: LiveSession, doubt: str) -> None:
    """Say why the neutral face may not serve, and ask."""
    st.warning(doubt, icon=":material/sentiment_neutral:")
    with st.container(horizontal=True):
        st.button(
            "Try again", type="primary", on_click=session.start_countdown, key="live_neutral_again"
        )
        st.button("Take it anyway", on_click=session.accept_baselines, key="live_neutral_insist")


def render_switch(settings: PageSettings, session: LiveSession) -> None:
    """Show the switch between before and after, and the button that forgets the neutral faces."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.session_state.live_compare = session.stream.settings.use_baselines
        st.toggle(
            "Compared with my neutral face",
            on_change=lambda: session.switch_baselines(st.session_state.live_compare),
            key="live_compare",
        )
        st.button(
            "Clear",
            icon=":material/delete:",
            on_click=session.clear_baselines,
            key="live_neutral_clear",
        )
    exact = all(each.evidence is not None for each in session.stream.baselines.values())
    heat = (
        "The heatmap shows what moved"
        if exact
        else f"The heatmap is of this face alone: {settings.model} cannot show what moved"
    )
    st.caption(
        f"{COMPARED} marks a face that is compared. {heat}. Kept are seven numbers for each face"
        f"{' and a coarse map of each' if exact else ''}, no picture, until the face has been away for a "
        "second."
    )

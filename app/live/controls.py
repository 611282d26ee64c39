"""What is drawn into the live picture, and how it is smoothed."""

import streamlit as st

from app.live.session import SOURCES, LiveSession
from app.session import PageSettings
from app.widgets import choose_overlay
from fer_core import EXPRESSIONS, StreamSettings
from fer_core.explain import METHODS, get_method


def choose_source() -> str:
    """Ask what the pictures come from; return a key of ``SOURCES``."""
    st.session_state.setdefault(
        "live_source", "camera"
    )  # not by ``default``: buttons choose it too
    source = st.segmented_control(
        "Where faces are read",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        required=True,
        label_visibility="collapsed",
        key="live_source",
        persist_state="session",
    )
    return source or "camera"


def render_controls(settings: PageSettings, session: LiveSession) -> None:
    """Ask what to show, and hand it to the running stream."""
    classifier = settings.classifier
    has_maps = classifier.has_maps
    style, target, adjust = choose_overlay("live", classifier, moving=True)
    method, other = "gradcam", None
    if not has_maps:
        st.caption(
            f"No heatmap of *{settings.model}* here: its evidence is found by covering one place after "
            "another, which is too slow for a moving picture. The Photo page shows it."
        )
    with adjust:
        if has_maps:
            method, other = choose_map()
        smoothing = st.slider(
            "Smoothing",
            0.0,
            1.5,
            StreamSettings().smoothing,
            0.05,
            format="%.2f s",
            help="How long a change takes to show; at 0 each frame stands for itself.",
            key="live_smoothing",
        )
        session.mirror = st.toggle("Mirror", value=True, key="live_mirror")
    session.style = style
    session.stream.settings = StreamSettings(
        model=settings.model,
        prior=settings.prior,
        detector=settings.detector,
        maps=(target,) if style.heatmap or style.parts else (),
        other=other,
        method=method,
        smoothing=smoothing,
        use_baselines=session.stream.settings.use_baselines,
    )


def choose_map() -> tuple[str, str | None]:
    """Ask for the map method and the class to compare with; return both, None for no other class."""
    other = st.selectbox(
        "rather than",
        EXPRESSIONS,
        index=None,
        placeholder="no other class",
        help="Shows what speaks for the class and not for this one.",
        key="live_other",
    )
    method = st.selectbox(
        "Heatmap method",
        [each.name for each in METHODS if each.fast],
        format_func=lambda name: get_method(name).title,
        help="Those that are quick enough for every frame; the Explain page has more.",
        key="live_method",
    )
    return method, other

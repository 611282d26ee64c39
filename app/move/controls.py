"""Sliders of the facial actions, and what sets several of them at once."""

from dataclasses import asdict
from typing import Final

import numpy as np
import streamlit as st

from app.move.subject import SUBJECTS, Subject
from fer_core.cartoon import FaceActions, Pose, expression_actions
from fer_core.cartoon.actions import MIN_INTENSITY
from fer_core.cartoon.effects import ACTION_NAMES
from fer_core.labels import EXPRESSIONS

GROUPS: Final = {
    "Mouth": (
        "smile_left",
        "smile_right",
        "frown",
        "jaw_open",
        "lip_press",
        "pucker",
        "upper_lip_up",
        "stretch",
    ),
    "Brows": ("brow_inner_up", "brow_outer_up", "brow_down"),
    "Eyes": ("eye_wide", "eye_squint", "blink_left", "blink_right"),
    "Nose and cheeks": ("nose_sneer", "cheek_raise"),
}
"""Part of the face -> its actions."""
HEAD: Final = "Head"

TITLES: Final = {
    "smile_left": "smile, left corner up",
    "smile_right": "smile, right corner up",
    "frown": "frown, corners down",
    "jaw_open": "jaw open",
    "lip_press": "lips pressed",
    "pucker": "lips puckered",
    "upper_lip_up": "upper lip up",
    "stretch": "mouth stretched",
    "brow_inner_up": "inner brows up",
    "brow_outer_up": "outer brows up",
    "brow_down": "brows down",
    "eye_wide": "eyes wide",
    "eye_squint": "eyes squinted",
    "blink_left": "left eye closed",
    "blink_right": "right eye closed",
    "nose_sneer": "nose wrinkled",
    "cheek_raise": "cheeks raised",
}
"""Action -> how it is shown; left and right are those of the picture."""

TURNS: Final = {"turn": ("turned", 20), "nod": ("nodding", 10), "tilt": ("tilted", 15)}
"""Angle of the head -> how it is shown, and its largest value in degrees."""

STEP: Final = 0.05
"""Of the sliders."""
FIRST: Final = "Ines"
"""Who is shown at first; she has taught the networks nothing."""


def key_of(name: str) -> str:
    """Return the key of an action's or an angle's slider."""
    return f"move_{name}"


def choose_subject() -> Subject:
    """Ask who is moved."""
    name = st.selectbox(
        "Whose face",
        SUBJECTS,
        index=SUBJECTS.index(FIRST),
        key="move_who",
        persist_state="session",
        on_change=drop_start,
        help="The characters are drawn and belong to nobody. The photograph is moved by its landmarks.",
    )
    subject = Subject(name)
    if not subject.is_drawn:
        st.caption(
            "Teeth, wrinkles and the inside of the mouth cannot appear on a photograph, so some "
            "expressions stay out of reach."
        )
    return subject


def choose_preset() -> None:
    """Offer the expressions as a start, with their strength, a face by chance, and the face at rest."""
    preset = st.pills(
        "Start from an expression",
        EXPRESSIONS,
        key="move_preset",
        on_change=apply_preset,
        persist_state="session",
        wrap=True,
        help="Facial actions after Du, Tao and Martinez (2014): what most faces do when people are "
        "asked to show this expression.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if preset is not None:
            st.slider(
                "Strength of the expression",
                MIN_INTENSITY,
                1.0,
                1.0,
                0.05,
                key="move_strength",
                on_change=apply_preset,
                persist_state="session",
            )
        st.button("By chance", icon=":material/casino:", key="move_chance", on_click=move_by_chance)
        st.button("Reset", icon=":material/restart_alt:", key="move_reset", on_click=reset)


def apply_preset() -> None:
    """Set all actions to those of the chosen expression."""
    if (preset := st.session_state.get("move_preset")) is not None:
        set_actions(expression_actions(preset, st.session_state.get("move_strength", 1.0)))


def move_by_chance() -> None:
    """Set some actions to any values."""
    random = np.random.default_rng()
    chosen = random.choice(list(ACTION_NAMES), size=5, replace=False).tolist()
    turn_to(FaceActions(**{name: float(random.uniform(0.2, 1)) for name in chosen}))


def reset() -> None:
    """Bring the face to rest, and the head to the front."""
    turn_to(FaceActions())
    for name in TURNS:
        st.session_state[key_of(name)] = 0


def set_actions(actions: FaceActions) -> None:
    """Move all sliders of actions to the nearest of their steps; in a callback, before they are drawn."""
    for name, value in asdict(actions).items():
        st.session_state[key_of(name)] = round(round(value / STEP) * STEP, 2)


def turn_to(actions: FaceActions) -> None:
    """Move all sliders, away from any preset."""
    forget_preset()
    set_actions(actions)


def forget_preset() -> None:
    """Show that the face is no longer that of a preset."""
    st.session_state.move_preset = None


def drop_start() -> None:
    """Forget where a challenge began: it was with another face."""
    st.session_state.pop("move_start", None)


def current_actions(subject: Subject) -> FaceActions:
    """Return what the sliders say; those that a subject cannot show count as 0."""
    return FaceActions(
        **{name: float(st.session_state.get(key_of(name), 0.0)) for name in subject.actions}
    )


def current_pose(subject: Subject) -> Pose:
    """Return how the head is turned; that of a photograph stays as it is."""
    if not subject.is_drawn:
        return Pose()
    turn, nod, tilt = (float(st.session_state.get(key_of(name), 0)) for name in TURNS)
    return Pose(turn, nod, tilt)


def render_sliders(subject: Subject) -> None:
    """Show the sliders of one part of the face at a time."""
    groups = [*GROUPS, *([HEAD] if subject.is_drawn else [])]
    part = st.pills(
        "Part of the face",
        groups,
        default="Mouth",
        required=True,
        key=f"move_part_{subject.is_drawn}",
        persist_state="session",
        label_visibility="collapsed",
        wrap=True,
    )
    for name in ACTION_NAMES:
        st.session_state.setdefault(key_of(name), 0.0)
    with st.grid(2, min_column_width=180, gap="small"):
        if part == HEAD:
            for name, (title, limit) in TURNS.items():
                st.slider(
                    f"{title}, °", -limit, limit, 0, key=key_of(name), persist_state="session"
                )
            return
        for name in GROUPS[part]:
            if name in subject.actions:
                st.slider(
                    TITLES[name],
                    0.0,
                    1.0,
                    step=STEP,
                    key=key_of(name),
                    on_change=forget_preset,
                    persist_state="session",
                )

"""What can be found out with a face that is moved: the answer, the way between two, effects, challenges."""

from typing import Any, Final

import numpy as np
import streamlit as st

from app.charts.moves import effect_bars, way_chart
from app.charts.readings import probability_bars
from app.move.controls import TITLES, current_actions, current_pose, turn_to
from app.move.subject import Subject, probabilities
from app.session import PageSettings
from app.widgets import chart
from fer_core.cartoon import (
    Pose,
    action_effects,
    between,
    distance,
    expression_actions,
    smallest_turn,
)
from fer_core.draw import percent
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Reading
from fer_core.weights import load_card

WAY: Final = 21
"""Faces on the way from one to another for which the network is asked."""
SHOWN: Final = 8
"""Actions in the chart of effects."""


def render_answer(reading: Reading) -> None:
    """Show the likeliest class and all seven probabilities."""
    name, probability = reading.top
    st.markdown(f"### {name} {percent(probability)}")
    threshold = percent(load_card(reading.model).unsure_below)
    st.caption(
        f"below {threshold}: **unsure**" if reading.unsure else f"{threshold} or more: not unsure"
    )
    chart(
        probability_bars(reading, height=230, axis=False),
        "move_bars",
        "Probabilities: "
        + ", ".join(
            f"{each} {percent(float(share))}"
            for each, share in zip(EXPRESSIONS, reading.probabilities, strict=True)
        ),
    )


# From one to another ---------------------------------------------------------------------------


def render_way(subject: Subject, settings: PageSettings) -> None:
    """Move the face from one expression to another, and draw the probabilities along the way."""
    first, second = st.columns(2)
    kept: Any = {"on_change": go_along, "persist_state": "session"}
    ends = (
        first.selectbox("From", EXPRESSIONS, index=6, key="move_from", **kept),
        second.selectbox("to", EXPRESSIONS, index=3, key="move_to", **kept),
    )
    at = st.slider("On the way", 0.0, 1.0, 0.0, 0.05, key="move_at", **kept)
    pose = current_pose(subject)
    shares = way_probabilities(
        subject.name,
        ends,
        (pose.turn, pose.nod, pose.tilt),
        settings.model,
        settings.prior,
        settings,
    )
    tops = [EXPRESSIONS[number] for number in shares.argmax(axis=1)]
    chart(way_chart(shares, at, ends), "move_way", f"Probabilities from {ends[0]} to {ends[1]}")
    st.caption(describe_way(tops))


def go_along() -> None:
    """Show the face at the chosen place of the way."""
    state = st.session_state
    first, second = (
        expression_actions(state.get(*end))
        for end in (("move_from", "neutral"), ("move_to", "happy"))
    )
    turn_to(between(first, second, state.get("move_at", 0.0)))


def describe_way(tops: list[str]) -> str:
    """Return in a sentence which classes are the likeliest along the way."""
    passed = [top for number, top in enumerate(tops) if number == 0 or top != tops[number - 1]]
    if len(passed) == 1:
        return f"The likeliest class is *{passed[0]}* all along."
    return (
        "The likeliest class along the way: "
        + ", then ".join(f"*{name}*" for name in passed)
        + ". The answer jumps where two curves cross, though the face moves evenly."
    )


@st.cache_data(max_entries=128, show_spinner=False)
def way_probabilities(
    name: str,
    ends: tuple[str, str],
    head: tuple[float, float, float],
    model: str,
    prior: str | None,
    _settings: PageSettings,
) -> Floats:
    """Return the (``WAY``, 7) probabilities from one expression to another; shared by all viewers.

    Args:
        head: how far it is turned, nods and is tilted, in degrees.
    """
    first, second = (expression_actions(end) for end in ends)
    faces = [between(first, second, float(share)) for share in np.linspace(0, 1, WAY)]
    return probabilities(Subject(name), faces, Pose(*head), _settings)


# Effects ---------------------------------------------------------------------------------------


def render_effects(subject: Subject, reading: Reading, settings: PageSettings) -> None:
    """Show which slider moves the answer most."""
    target = st.selectbox(
        "What moves the probability of",
        ("top", *EXPRESSIONS),
        format_func=lambda name: f"the likeliest: {reading.top[0]}" if name == "top" else name,
        key="move_target",
        width=260,
        persist_state="session",
    )
    target = reading.top[0] if target == "top" else target
    actions, pose = current_actions(subject), current_pose(subject)
    effects = action_effects(
        lambda faces: probabilities(subject, faces, pose, settings),
        actions,
        target,
        subject.actions,
    )
    titled = {title_of(name): value for name, value in effects.items()}
    strongest = dict(sorted(titled.items(), key=lambda item: -abs(item[1]))[:SHOWN])
    chart(
        effect_bars(strongest),
        "move_effects",
        f"Change of the probability of {target}: "
        + ", ".join(f"{name} {100 * value:+.0f} points" for name, value in strongest.items()),
    )
    st.caption(
        f"Percentage points that *{target}* gains, or loses, if this slider alone goes up by a quarter from "
        "where it is. On another face, or elsewhere on the slider, it is different: the network has no rule "
        "for a single part."
    )


def title_of(name: str) -> str:
    """Return how an action is shown; both sides of a pair as one."""
    title = TITLES[name]
    return title.replace("left corner", "corners").replace("left eye", "eyes")


# Challenges ------------------------------------------------------------------------------------


def render_challenges(subject: Subject, reading: Reading, settings: PageSettings) -> None:
    """Offer two challenges: turn the answer with as little as possible, and make it unsure."""
    turn, unsure = st.columns(2, gap="large")
    with turn:
        render_turn(subject, reading, settings)
    with unsure:
        render_unsure(reading)


def render_turn(subject: Subject, reading: Reading, settings: PageSettings) -> None:
    """Ask to reach another class with the smallest change, and tell the computer's best single change."""
    st.markdown("**Turn the answer, with as little as you can**")
    actions = current_actions(subject)
    goal = st.selectbox("Make it", EXPRESSIONS, index=4, key="move_goal", persist_state="session")
    if st.session_state.get("move_start") is None:
        st.button(
            "Start with this face",
            icon=":material/flag:",
            on_click=begin,
            args=(subject,),
            key="move_begin",
        )
        return
    moved = distance(st.session_state.move_start, actions)
    reached = reading.top[0] == goal
    if reached and not moved:
        st.info(f"It is *{goal}* already. Choose another goal.", icon=":material/flag:")
        return
    words = f"You have moved the sliders by **{moved:.2f}** in all, both sides counted once."
    if reached:
        st.success(f"{words} It is *{goal}* now.", icon=":material/check_circle:")
    else:
        st.info(f"{words} It is still *{reading.top[0]}*.", icon=":material/flag:")
    with st.container(horizontal=True):
        st.button(
            "Start again from here",
            icon=":material/flag:",
            on_click=begin,
            args=(subject,),
            key="move_begin",
        )
        if st.button(
            "The smallest single change", icon=":material/lightbulb:", key="move_smallest"
        ):
            tell_smallest(subject, goal, settings)


def tell_smallest(subject: Subject, goal: str, settings: PageSettings) -> None:
    """Say with which single slider the goal is reached soonest from the start."""
    pose = current_pose(subject)
    start = st.session_state.move_start
    with st.spinner("Trying every slider …"):
        turn = smallest_turn(
            lambda faces: probabilities(subject, faces, pose, settings),
            start,
            subject.actions,
            goal,
        )
    if turn is None:
        st.caption(f"No single slider makes *{goal}* the likeliest. It takes several.")
        return
    st.caption(
        f"**{title_of(turn.action)}** at {turn.value:.2f} is enough, a change of {turn.size:.2f}."
    )
    st.button("Show it", on_click=turn_to, args=(turn.actions,), key="move_show")


def begin(subject: Subject) -> None:
    """Remember where the challenge starts."""
    st.session_state.move_start = current_actions(subject)


def render_unsure(reading: Reading) -> None:
    """Ask for a face of which the network is unsure."""
    st.markdown("**Make it unsure**")
    threshold = load_card(reading.model).unsure_below
    if not threshold:
        st.caption(
            f"*{reading.model}* never calls itself unsure. Choose another model at the side."
        )
        return
    st.caption(
        f"*{reading.model}* is unsure if no class reaches {percent(threshold)}. "
        "Find a face between two classes."
    )
    st.progress(
        min(1.0, float(reading.probabilities.max())), f"likeliest: {percent(reading.top[1])}"
    )
    if reading.unsure:
        st.success("It is unsure of this face.", icon=":material/check_circle:")

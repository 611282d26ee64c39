"""The face as a thing to pull: points on it that can be dragged, or moved with the arrow keys."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import streamlit as st
from scipy.optimize import nnls

from app.move.controls import current_actions, current_pose, turn_to
from app.move.subject import Subject
from app.pictures import jpeg_address
from fer_core.cartoon import FaceActions, Pose
from fer_core.types import Image

KEY: Final = "move_handles"


class Handle(NamedTuple):
    """A point of the face to pull."""

    landmark: int
    """Number of its landmark."""
    title: str
    actions: tuple[str, ...]
    """What it moves."""


HANDLES: Final = (
    Handle(18, "left brow, outer end", ("brow_outer_up",)),
    Handle(21, "left brow, inner end", ("brow_inner_up", "brow_down")),
    Handle(22, "right brow, inner end", ("brow_inner_up", "brow_down")),
    Handle(25, "right brow, outer end", ("brow_outer_up",)),
    Handle(37, "left eyelid", ("eye_wide", "blink_left")),
    Handle(44, "right eyelid", ("eye_wide", "blink_right")),
    Handle(35, "wing of the nose", ("nose_sneer",)),
    Handle(48, "left corner of the mouth", ("smile_left", "frown", "stretch", "pucker")),
    Handle(54, "right corner of the mouth", ("smile_right", "frown", "stretch", "pucker")),
    Handle(51, "upper lip", ("upper_lip_up", "lip_press")),
    Handle(57, "lower lip", ("jaw_open", "lip_press")),
)

_FOLDER: Final = Path(__file__).parent
PULLED_FACE: Final = st.components.v2.component(
    "pulled_face",
    html='<div class="face"><img alt=""><p></p><div class="points"></div></div>',
    css=(_FOLDER / "handles.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "handles.js").read_text(encoding="utf-8"),
)


def render_face(subject: Subject, picture: Image, answer: str) -> None:
    """Show a face with its handles.

    Args:
        picture: (H, W, 3) RGB, with whatever is drawn over the face.
        answer: what the network says of it.
    """
    points = subject.landmarks(current_actions(subject), current_pose(subject))
    shown = [handle for handle in HANDLES if set(handle.actions) & set(subject.actions)]
    PULLED_FACE(
        key=KEY,
        data={
            "picture": jpeg_address(picture),
            "alt": f"{subject.name}, moved. The answer: {answer}",
            "answer": answer,
            "pulls": st.session_state.get("move_pulls", 0),
            "handles": [
                {
                    "number": handle.landmark,
                    "title": handle.title,
                    "x": float(points[handle.landmark, 0]),
                    "y": float(points[handle.landmark, 1]),
                }
                for handle in shown
            ],
        },
        on_pulled_change=pull_handle,
    )


def pull_handle() -> None:
    """Move the actions of a handle so that its landmark comes as near as it can to where it was pulled."""
    pulled: Any = st.session_state[KEY].get("pulled")
    if not pulled:
        return
    # Where a point cannot follow, nothing else changes, and the browser has to be told all the same.
    st.session_state.move_pulls = st.session_state.get("move_pulls", 0) + 1
    (handle,) = (each for each in HANDLES if each.landmark == pulled["number"])
    subject = Subject(st.session_state["move_who"])
    place = np.clip((float(pulled["x"]), float(pulled["y"])), 0, 1)
    turn_to(pulled_actions(subject, current_actions(subject), current_pose(subject), handle, place))


def pulled_actions(
    subject: Subject, actions: FaceActions, pose: Pose, handle: Handle, place: Any
) -> FaceActions:
    """Return the actions after a pull; all others stay.

    Args:
        place: where the landmark was pulled, x and y as shares of the picture.
    """
    names = [name for name in handle.actions if name in subject.actions]
    rest = replace(actions, **dict.fromkeys(names, 0.0))
    start = subject.landmarks(rest, pose)[handle.landmark]
    ways = [
        subject.landmarks(replace(rest, **{name: 1.0}), pose)[handle.landmark] - start
        for name in names
    ]
    shares, _ = nnls(np.stack(ways, 1), np.asarray(place) - start)
    values = np.clip(shares, 0, 1).tolist()
    return replace(rest, **dict(zip(names, values, strict=True)))

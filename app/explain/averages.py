"""Average faces: what the maps of one class have in common, and an old claim about them."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import streamlit as st

from app.explain.question import Question
from app.messages import show_error
from app.verdicts import UNCLEAR, verdict
from fer_core.draw import percent
from fer_core.draw.face import line_face
from fer_core.errors import UserError
from fer_core.evaluation import averages as evaluation
from fer_core.evaluation.averages import AverageMap, Averages
from fer_core.evaluation.claims import Claim, evaluate_claims
from fer_core.explain import get_method, part_share
from fer_core.types import Floats

VERDICTS: Final = {
    "holds": verdict(True, "The data agree."),
    "partly": f"{UNCLEAR} **Half true: more than for other classes, yet no more than in an even map.**",
    "fails": verdict(False, "The data do not agree."),
}
"""Verdict of ``Claim.verdict`` in words."""


def render_averages(question: Question) -> None:
    """Show the average map of each class on its average face, the claim and the shares behind it."""
    try:
        averages = evaluation.read_averages()
    except (UserError, OSError) as error:
        show_error(error)
        return
    model = question.model
    maps = averages.maps.get(model, {})
    if not maps or averages.landmarks is None:
        st.info(
            f"The average faces of *{model}* have not been computed: "
            f"`python -m fer_core averages --data fer2013.csv --model {model}` does it."
        )
        return
    render_faces(maps, averages)
    render_claims(averages, model, averages.landmarks)
    render_shares(maps)
    st.caption(f"Mean shares of the heat. `{averages.command}`")


def render_faces(maps: Mapping[str, AverageMap], averages: Averages) -> None:
    """Draw the average map of each class on its average face, all on one scale."""
    method = next(iter(maps.values())).method
    st.markdown(
        "What the maps of one class have in common, over the test faces that people call so and the model "
        f"too: by {get_method(method).title}. The lines are the mean landmarks of the class, over the "
        "faint ones of all faces."
    )
    peak = max(float(np.abs(each.raw).max()) for each in maps.values())
    dark = st.context.theme.type == "dark"
    with st.grid(7, min_column_width=104, gap="xsmall"):
        for name, each in maps.items():
            st.image(
                line_face(
                    averages.class_landmarks[name],
                    each.raw,
                    peak=peak,
                    dark=dark,
                    over=averages.landmarks,
                ),
                caption=f"**{name}**, {each.n:,} faces",
                width="stretch",
                alt=f"Average map of {name}",
            )
    st.caption("All on one scale. Warm places speak for a class, cool places against it.")


def render_claims(averages: Averages, model: str, landmarks: Floats) -> None:
    """Say whether the parts that are claimed to decide hold more heat than elsewhere."""
    first = next(iter(averages.maps[model].values()))
    even = part_share(np.ones_like(first.raw), landmarks)
    lines = [
        describe_claim(each, sum(even[part] for part in each.parts))
        for each in evaluate_claims(averages, model)
    ]
    st.markdown(
        "**An old claim, tested.** Happiness, it is said, depends on eyes and mouth, sadness and "
        "anger on the "
        f"brows. Of *{model}* our data say:\n" + "\n".join(lines)
    )


def describe_claim(tested: Claim, even: float) -> str:
    """Return what the data say of a claim.

    Args:
        even: share of a map that is the same everywhere that lies on the claimed parts, 0..1.
    """
    return (
        f"- *{tested.target}*: {' and '.join(tested.parts)} hold **{percent(tested.share)}** of the heat, "
        f"against {percent(tested.others)} for the other classes ({100 * tested.low:+.1f} to "
        f"{100 * tested.high:+.1f} points with 95 % confidence) and {percent(even)} of a map that "
        f"is the same "
        f"everywhere. {VERDICTS[tested.verdict(even)]}"
    )


def render_shares(maps: Mapping[str, AverageMap]) -> None:
    """Show the mean shares of the heat as a table."""
    first = next(iter(maps.values()))
    st.dataframe(
        [
            {"class": name, "faces": each.n}
            | {part: 100 * share for part, share in each.part_share.items()}
            for name, each in maps.items()
        ],
        hide_index=True,
        column_config={
            part: st.column_config.NumberColumn(format="%.0f %%") for part in first.part_share
        },
    )

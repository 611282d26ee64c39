"""Is it true? Whether the hot places count, whether the map needs what was learned, and both on many
faces."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import streamlit as st

from app.charts.evidence import curves
from app.explain.question import Question
from app.explain.results import read_results
from app.verdicts import verdict
from app.widgets import chart
from fer_core.draw.tiles import heat_tiles
from fer_core.evaluation.faithfulness import Faithfulness
from fer_core.evaluation.randomization import rank_correlation
from fer_core.evaluation.results import MAX_SIMILARITY, MethodResults
from fer_core.explain import Method, get_method, list_methods

BASELINES: Final = ("random map", "center blob")
"""Maps that do not know the network."""

CURVES: Final = (
    ("deletion", "goes", "of the face is gray, hottest first: lower is better"),
    ("insertion", "comes", "of the face is sharp, hottest first: higher is better"),
)
"""Test, what happens to the face, and title of the axis."""


def render_proof(question: Question) -> None:
    """Show both tests on this face, and the same on many faces."""
    render_faithfulness(question)
    render_randomization(question)
    if results := read_results():
        render_results(results, question.method)


def render_faithfulness(question: Question) -> None:
    """Show what happens to the class when hot places go or come."""
    st.markdown("**Do the hot places count?** Take the hottest away first, or show them first.")
    with st.spinner("Hiding and showing places …"):
        by_map = question.faithfulness()
    st.markdown(describe_faithfulness(question, by_map))
    shares = by_map[question.method.title].shares
    with st.grid(2, min_column_width=300, gap="medium"):
        for test, happens, x_title in CURVES:
            lines = {name: getattr(each, test) for name, each in by_map.items()}
            chart(
                curves(shares, lines, x_title=x_title),
                f"explain_{test}",
                f"Probability of {question.target} while the face {happens}",
            )
    st.dataframe(
        [
            {
                "map": name,
                "deletion": each.deletion_area,
                "insertion": each.insertion_area,
                "ROAD": each.road,
                "drop": 100 * each.average_drop,
                "increase": "yes" if each.increase else "no",
            }
            for name, each in by_map.items()
        ],
        hide_index=True,
        column_config=faithfulness_columns(),
    )
    st.caption(
        f"The class is *{question.target}*. One face proves little. A random map and a blob in the middle "
        "know nothing of the network: a map that does not beat them says no more than they do."
    )


def describe_faithfulness(question: Question, by_map: Mapping[str, Faithfulness]) -> str:
    """Return whether the map beats those that do not know the network, with a tick or a cross."""
    own, *baselines = (by_map[question.method.title], *(by_map[name] for name in BASELINES))
    falls = own.deletion_area < min(each.deletion_area for each in baselines)
    rises = own.insertion_area > max(each.insertion_area for each in baselines)
    head = ("The hot places count no more than others", "Half true", "The hot places count")
    return verdict(
        falls and rises,
        f"{head[falls + rises]}: without them *{question.target}* {'falls' if falls else 'does not fall'} "
        f"sooner than by chance, {'and' if falls == rises else 'but'} with them it "
        f"{'comes' if rises else 'does not come'} back sooner.",
    )


def describe_randomization(similarity: float) -> str:
    """Return whether the map needs what the network learned, in a sentence with a tick or a cross.

    Args:
        similarity: mean rank correlation with the maps of the shuffled network.
    """
    passed = similarity <= MAX_SIMILARITY
    claim = (
        "The map needs what was learned: with shuffled weights it is another one"
        if passed
        else "The map shows the face more than the network: with shuffled weights it stays alike"
    )
    return verdict(passed, f"{claim}, likeness {similarity:.2f} on average.")


def faithfulness_columns() -> dict[str, Any]:
    """Return headings, formats and explanations of the table."""
    column = st.column_config.NumberColumn
    return {
        "deletion": column("deletion ↓", format="%.2f", help="Area under the left curve."),
        "insertion": column("insertion ↑", format="%.2f", help="Area under the right one."),
        "ROAD": column(
            "ROAD ↓",
            format="%.2f",
            help="Mean probability when 20 to 80 % of the face, hottest first, are filled in from their "
            "surroundings (Rong et al. 2022).",
        ),
        "drop": column(
            "average drop ↓",
            format="%.0f %%",
            help="What the class loses when only the hot places are shown (Chattopadhay et al. 2018).",
        ),
        "increase": st.column_config.TextColumn(
            "increase",
            help="Whether the class is likelier when only the hot places are shown.",
        ),
    }


def render_randomization(question: Question) -> None:
    """Show the map while one layer after the other is randomized."""
    st.markdown(
        "**Does the map depend on what the network learned?** From the output back to the pixels, the "
        "weights of one layer after the other are shuffled. A map that stays as it was shows the face, not "
        "the network."
    )
    learned = question.maps[question.target]
    with st.spinner("Shuffling one layer after the other …"):
        strip = question.randomization()
    if not strip:
        st.caption(f"*{question.model}* has no layers that could be shuffled.")
        return
    likenesses = {name: rank_correlation(learned, raw) for name, raw in strip.items()}
    st.markdown(describe_randomization(float(np.mean(list(likenesses.values())))))
    with st.grid(max(7, len(strip) + 1), min_column_width=96, gap="xsmall"):
        for name, raw in ({"as trained": learned} | strip).items():
            likeness = f": {likenesses[name]:.2f}" if name in strip else ""
            st.image(
                heat_tiles(question.crop, {question.target: raw})[question.target],
                caption=name + likeness,
                width="stretch",
                alt=f"Map when {name} is shuffled" if name in strip else "Map of the network",
            )
    st.caption(
        "Below each map how similar it is to the first one: the rank correlation, 1 for the same order of "
        "places and 0 for none (Adebayo et al. 2018). Each map has a scale of its own."
    )


def render_results(results: MethodResults, method: Method) -> None:
    """Show the same figures on many faces, with a sentence about one method."""
    recommended = (
        f" Of the methods that ask for a class, **{get_method(results.recommended).title}** separates "
        "insertion and deletion most: trust it first."
        if results.recommended
        else ""
    )
    st.markdown(
        f"**On many faces.** The same for {results.faces} test faces and *{results.model}*, each for the "
        "class that was assigned, with the similarity to the map of the trained network, on average over the "
        f"steps of shuffling.{recommended}"
    )
    if method.name in results.faithfulness:
        passed = results.beats_baselines(method.name) and not results.fails_randomization(
            method.name
        )
        st.markdown(verdict(passed, describe_results(results, method)))
    rows = []
    for name, row in results.faithfulness.items():
        cells = {"map": get_method(name).title if name in list_methods() else name}
        for figure, arrow in (("deletion", "↓"), ("insertion", "↑"), ("ROAD", "↓")):
            each = row[figure]
            cells[f"{figure} {arrow}"] = f"{each.mean:.3f}  ({each.low:.3f} to {each.high:.3f})"
        likeness = results.mean_similarity(name)
        fails = " fails" if results.fails_randomization(name) else ""
        cells["after shuffling"] = "–" if likeness is None else f"{likeness:.2f}{fails}"
        rows.append(cells)
    st.dataframe(rows, hide_index=True)
    st.caption(
        "In brackets the range in which the mean lies with 95 % confidence. *Fails*: its maps stay "
        "similar by more than 0.5 although the network is shuffled. EigenCAM does not ask for a class. "
        "`python -m benchmarks.faithfulness`, `python -m benchmarks.randomization`"
    )


def describe_results(results: MethodResults, method: Method) -> str:
    """Return what both tests found of a method on many faces, in a sentence."""
    beats = results.beats_baselines(method.name)
    counts = "beats chance" if beats else "does not beat chance"
    if results.mean_similarity(method.name) is None:
        return f"{method.title} {counts} in hiding and showing places."
    fails = results.fails_randomization(method.name)
    learned = "shows the face more than the network" if fails else "needs what was learned"
    link = "and" if beats != fails else "but"
    return f"{method.title} {counts} in hiding and showing places, {link} it {learned}."

"""Methods: the map of one class by every method."""

import streamlit as st

from app.explain.question import Question
from app.explain.results import read_results
from fer_core.draw.tiles import heat_tiles
from fer_core.evaluation.results import MethodResults
from fer_core.explain import METHODS, Method, is_flat, method_for
from fer_core.types import Floats


def render_methods(question: Question) -> None:
    """Show the map of the class by one method beside the other."""
    st.caption(
        f"The map of *{question.target}* by every method, each on a scale of its own. Where they "
        f"disagree, at "
        "least one of them does not tell you what counts."
    )
    results = read_results()
    if results is not None and results.model != question.model:
        results = None
    slow = st.toggle("The slower ones, too", key="explain_slow", persist_state="session")
    shown = choose_methods(question, results, slow=slow)
    maps = compute_maps(question, shown, with_progress=slow)
    with st.grid(5 if len(shown) > 6 else 6, min_column_width=150, gap="small"):
        for method, (raw, seconds) in maps.items():
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.markdown(f"**{method.title}**")
                st.image(
                    heat_tiles(question.crop, {question.target: raw})[question.target],
                    width="stretch",
                    alt=f"Map of the evidence for {question.target} by {method.title}",
                )
                st.caption(" · ".join(describe_map(method, raw, seconds, results)))
    with st.expander("What each of them does", icon=":material/functions:"):
        for method in METHODS:
            st.markdown(f"**{method.title}** ({method.paper}). {method.sentence} {method.caution}")
            st.latex(method.formula)


def choose_methods(
    question: Question, results: MethodResults | None, *, slow: bool
) -> list[Method]:
    """Return the methods that work with the model: the fast ones, the chosen and the recommended one, all."""
    classifier = question.analyzer.classifier(question.model)
    always = {question.method.name, results and results.recommended}
    return [
        method
        for method in METHODS
        if method_for(classifier, method.name) == method.name
        and (method.fast or slow or method.name in always)
    ]


def compute_maps(
    question: Question, methods: list[Method], *, with_progress: bool
) -> dict[Method, tuple[Floats, float]]:
    """Return method -> the map of the class, and the seconds that all seven classes took.

    Args:
        with_progress: show how far this is, and a button to stop: it ends the run, as every button does, and
            the slower methods are not asked for any more. Maps that are done are kept.
    """
    work, bar, maps = st.empty(), None, {}
    if with_progress:
        with work.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0)
            st.button("Stop", icon=":material/stop:", on_click=leave_slow_out, key="explain_stop")
    for done, method in enumerate(methods):
        if bar is not None:
            text = f"{done + 1} of {len(methods)}: computing the maps by {method.title} …"
            bar.progress(done / len(methods), text)
        by_class, seconds = question.maps_by(method)
        maps[method] = by_class[question.target], seconds
    work.empty()
    return maps


def leave_slow_out() -> None:
    """Show the fast methods alone."""
    st.session_state.explain_slow = False


def describe_map(
    method: Method, raw: Floats, seconds: float, results: MethodResults | None
) -> list[str]:
    """Return what is to be known of one map, in short phrases."""
    phrases = [f"{1000 * seconds:,.0f} ms"]
    if not method.class_dependent:
        phrases.append("the same for every class")
    if is_flat(raw):
        phrases.append("flat")
    if results is not None and results.recommended == method.name:
        phrases.append("**the truest here**")
    if results is not None and results.fails_randomization(method.name):
        phrases.append("fails the randomization check")
    return phrases

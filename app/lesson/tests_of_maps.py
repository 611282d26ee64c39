"""The last three steps, which test maps: cover the face, compare methods, randomize the network."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import streamlit as st

from app.charts.evidence import before_and_after
from app.covers import choose_cover_margin
from app.lesson import texts
from app.lesson.computed import (
    RANDOMIZED_METHODS,
    cover_portrait,
    randomization_stages,
    sample_maps,
)
from app.lesson.context import LessonContext, choose, draw_map, large_chart, show_tile
from app.lesson.steps import PICTURE_WIDTH
from app.widgets import enlarged
from fer_core import EXPRESSIONS
from fer_core.draw import percent
from fer_core.draw.tiles import heat_tiles
from fer_core.evaluation.randomization import rank_correlation
from fer_core.explain import OcclusionTest, get_method
from fer_core.explain.covers import MARGIN
from fer_core.types import Floats, Reading

CLOSE: Final = 0.05
"""Losses and shares of heat that differ by less count as the same."""

METHODS: Final = ("gradcam", "layercam", "eigencam")

JUDGED_STAGE: Final = 2
"""Number of layers that are randomized when the methods are judged: the answer and the last layer."""


def render_cover(context: LessonContext) -> None:
    """Step 5: whether the map predicted which cover counts."""
    with context.pictures:
        reading = context.find_face()
        with st.spinner(texts.WAIT):
            explanation = context.explain_portrait(reading)
            tests = cover_parts(context, reading, explanation.raw, MARGIN)
    name, p = reading.top
    right = larger({part: -test.change for part, test in tests.items()})
    predicted = larger({part: test.heat for part, test in tests.items()}) == right
    verdict = texts.PREDICTED if predicted else texts.NOT_PREDICTED
    names = {"name": name, "p": percent(p)}
    names |= {part: percent(left(test)) for part, test in tests.items()}
    names |= {f"{part}_heat": percent(test.heat) for part, test in tests.items()}
    answer = context.ask(
        right,
        names,
        replies={
            choice: f"{texts.RIGHT if choice == right else texts.WRONG} {verdict}\n\n{texts.LOSSES}"
            for choice in context.step.choices
        },
    )
    with context.pictures:
        if answer is None:
            st.image(
                draw_map(reading, explanation, 0.6),
                caption=texts.HEAT.format(name=name),
                width=PICTURE_WIDTH,
                alt=texts.ALT_MAP.format(about=name),
            )
        else:
            render_covers(context, reading, explanation.raw)


def cover_parts(
    context: LessonContext, reading: Reading, raw: Floats, margin: float
) -> dict[str, OcclusionTest]:
    """Return each part -> what its cover does to the likeliest class of the portrait."""
    return cover_portrait(margin, context.read_by, reading, raw, context.settings.analyzer)


def left(test: OcclusionTest) -> float:
    """Return the probability that the class keeps under the cover."""
    return float(test.after[EXPRESSIONS.index(test.target)])


def render_covers(context: LessonContext, reading: Reading, raw: Floats) -> None:
    """Show what each cover does to the probabilities, in a size that can be chosen."""
    part = choose(texts.COVERED, texts.COVERS, "cover", "mouth")
    margin = choose_cover_margin("lesson", texts.COVER_SIZE)
    with st.spinner(texts.WAIT):
        test = cover_parts(context, reading, raw, margin).get(part)
    crop, after = reading.regions.face, reading.probabilities
    if test is not None:
        crop, after = test.covered, test.after
    name, p = reading.top
    with st.grid(2, min_column_width=220, vertical_alignment="center"):
        st.image(
            enlarged(crop, 8), width="stretch", alt=texts.ALT_FACE.format(face=texts.COVERS[part])
        )
        figure = before_and_after(reading.probabilities, after, height=440)
        figure.update_layout(legend_traceorder="normal")
        figure.data[0].name, figure.data[1].name = texts.AFTER, texts.BEFORE
        covered_p = percent(float(after[EXPRESSIONS.index(name)]))
        large_chart(
            figure,
            "lesson_covered",
            texts.ALT_COVERED.format(name=name, p=percent(p), after=covered_p),
        )
    st.caption(texts.SIZE_DECIDES)


def render_methods(context: LessonContext) -> None:
    """Step 6: which method does not depend on the class."""
    settings = context.settings
    with context.pictures:
        context.find_face()
        reading, model = context.read_with_methods(METHODS)
        options = {name: name for name in EXPRESSIONS}
        target = choose(texts.CLASS, options, "target", reading.top[0])
        with st.spinner(texts.WAIT), st.grid(3, min_column_width=100):
            for name in METHODS:
                by = context.read_by._replace(model=model)
                maps = sample_maps("Smile", by, name, reading, settings.analyzer)
                raw = maps[target].raw
                if not get_method(name).signed:
                    raw = np.maximum(raw, 0)
                tile = heat_tiles(reading.regions.face, {target: raw}, size=336)[target]
                show_tile(tile, get_method(name).title)
        if model != settings.model:
            st.caption(texts.BORROWED.format(model=settings.model, other=model))
    titles = {name: get_method(name).title for name in METHODS}
    (right,) = (name for name in METHODS if not get_method(name).class_dependent)
    context.ask(
        right,
        {},
        choices=titles,
        replies={
            name: (texts.SAME_FOR_ALL if name == right else texts.DIFFERS).format(title=title)
            for name, title in titles.items()
        },
    )


def render_randomization(context: LessonContext) -> None:
    """Step 7: which map stays although the network is randomized, and what to remember of the lesson."""
    settings = context.settings
    with context.pictures:
        context.find_face()
        reading, model = context.read_with_methods(RANDOMIZED_METHODS)
        with st.spinner(texts.WAIT):
            by = context.read_by._replace(model=model)
            stages = randomization_stages(reading.top[0], by, reading, settings.analyzer)
        number = st.select_slider(
            texts.SHUFFLED,
            range(len(stages)),
            format_func=lambda index: describe_stage(stages[index][0]),
            key=f"lesson_forgot_{model}",
            persist_state="session",
        )
        tiles, words = st.columns((2, 1), vertical_alignment="center")
        _, p, maps = stages[number]
        with tiles:
            render_likeness(reading, stages[0][2], maps)
        words.caption(texts.BESIDE.format(name=reading.top[0], p=percent(p)))
        if model != settings.model:
            words.caption(texts.BORROWED.format(model=settings.model, other=model))
    ask_which_stayed(context, stages, number)
    render_summary()


def render_likeness(
    reading: Reading, trained: Mapping[str, Floats], randomized: Mapping[str, Floats]
) -> None:
    """Show the map of each method by the trained and by the randomized network."""
    name = reading.top[0]
    with st.grid(2, min_column_width=120, gap="xsmall"):
        for method in RANDOMIZED_METHODS:
            alike = likeness(trained[method], randomized[method])
            for raw, about in (
                (trained[method], get_method(method).title),
                (randomized[method], texts.LIKENESS.format(alike=alike)),
            ):
                tile = heat_tiles(reading.regions.face, {name: raw}, size=336)[name]
                show_tile(tile, about)


def ask_which_stayed(
    context: LessonContext, stages: list[tuple[str, float, dict[str, Floats]]], number: int
) -> None:
    """Ask which map should not be trusted, once the slider is where the question sends it.

    Args:
        number: stage at which the slider is.
    """
    trained, judged = stages[0][2], stages[JUDGED_STAGE][2]
    alike = {method: likeness(trained[method], judged[method]) for method in RANDOMIZED_METHODS}
    changed, kept = sorted(RANDOMIZED_METHODS, key=lambda method: float(alike[method]))
    titles = {method: get_method(method).title for method in RANDOMIZED_METHODS}
    choices = {**titles, **context.step.choices}
    names = {
        "stage": stages[JUDGED_STAGE][0],
        "changed": titles[changed],
        "kept": titles[kept],
        "changed_alike": alike[changed],
        "kept_alike": alike[kept],
    }
    context.ask(
        kept,
        names,
        choices=choices,
        replies={
            choice: f"{texts.RIGHT if choice == kept else texts.MISTAKEN} \n\n{texts.SIMILARITIES}"
            for choice in choices
        },
        first="" if number == JUDGED_STAGE else texts.SLIDE_FIRST.format(**names),
    )


def render_summary() -> None:
    """Show what to remember of the lesson, and where to go on."""
    st.subheader(texts.REMEMBER, anchor=False)
    st.markdown("\n".join(f"1. {sentence}" for sentence in texts.SENTENCES))
    with st.container(horizontal=True):
        for page, label in texts.LINKS.items():
            st.page_link(page, label=label, icon=":material/arrow_forward:")


def larger(shares: Mapping[str, float]) -> str:
    """Return the name of the larger of two shares, "same" if they are close."""
    (first, one), (second, other) = shares.items()
    if abs(one - other) < CLOSE:
        return "same"
    return first if one > other else second


def likeness(first: Floats, second: Floats) -> str:
    """Return the rank correlation of two maps: 1 for the same order of places, 0 for nothing in common."""
    return f"{rank_correlation(first, second):.2f}"


def describe_stage(stage: str) -> str:
    """Return in words what has been randomized."""
    if not stage.startswith("layer "):
        return texts.STAGES[stage]
    return texts.DOWN.format(layer=stage.removeprefix("layer "))

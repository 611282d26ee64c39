"""Lesson: seven steps from what a probability is to whether a map can be trusted, each with one thing to do
and one question.

One step is on the screen at a time; its number stands in the address, so that a teacher can link to it. The
words are those of ``lesson_texts``, every number comes from the chosen model. All pictures are samples, so
what was computed for one pupil is there for the whole class.
"""

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.charts.evidence import before_and_after
from app.charts.readings import probability_bars
from app.lesson import texts
from app.samples import GREY, SAMPLES, portrait
from app.session import open_page
from app.widgets import enlarged
from fer_core import EXPRESSIONS, Analyzer, load_card
from fer_core.draw import percent
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.draw.tiles import heat_tiles
from fer_core.evaluation.randomization import randomized, rank_correlation
from fer_core.explain import explanation, get_method, method_for, raw_map
from fer_core.faces.parts import part_outlines
from fer_core.types import Explanation, Face, Floats, FrameResult, Image, RawMap, Reading

LARGE = """<style>
.st-key-lesson { --size: clamp(1.05rem, 0.9rem + 0.55vw, 1.5rem); --small: max(1rem, 0.75 * var(--size)) }
.st-key-lesson [data-testid=stMarkdownContainer] :is(p, li) { font-size: var(--size); line-height: 1.4 }
.st-key-lesson :is(button, [data-testid=stSlider] > div) [data-testid=stMarkdownContainer] p,
.st-key-lesson [data-testid=stCaptionContainer] p,
.st-key-lesson [data-testid=stImageCaption] [data-testid=stMarkdownContainer] p { font-size: var(--small) }
.st-key-lesson [role=radiogroup] { gap: 0.6rem }
@media (max-width: 640px) {
    .st-key-lesson_steps .st-key-step { order: -1; flex-basis: 100% }
    .st-key-lesson_steps kbd { display: none }
    .st-key-lesson_steps { gap: 0.5rem }
}
</style>"""
"""Type that is read from the last row; on a phone the steps stand above the two buttons."""

CLOSE = 0.05
"""Losses and heat that differ by less count as the same."""

PICTURE = 430
"""Width of a single picture in pixels, so that the step fits on the screen."""

COVERED = ("mouth", "eyes")

TESTED = ("gradcam", "guided_backprop")
"""Methods of which one survives the network's forgetting; which one is found out live."""

JUDGED = 2
"""How many steps of forgetting they are judged after: the answer and the last layer."""

METHODS = ("gradcam", "layercam", "eigencam")


@st.cache_data(max_entries=100, show_spinner=False)
def read(sample: str, model: str, detector: str, _analyzer: Analyzer) -> tuple[Reading, ...]:
    """The readings of a built-in sample."""
    image = SAMPLES[sample]()
    return _analyzer.analyze(image, model=model, detector=detector, maps=()).readings


@st.cache_data(max_entries=100, show_spinner=False)
def maps_of(
    model: str, detector: str, method: str, _reading: Reading, _analyzer: Analyzer
) -> dict[str, Floats]:
    """Class -> (h, w) raw map of the portrait."""
    maps = _analyzer.raw_maps(_reading, EXPRESSIONS, method, model=model)
    return {name: each.raw for name, each in maps.items()}


@st.cache_data(max_entries=100, show_spinner=False)
def read_covered(
    part: str, model: str, detector: str, _reading: Reading, _analyzer: Analyzer
) -> tuple[Image, Reading]:
    """The portrait with a cover on a part of its face, and what is read in it at the same place."""
    face = _reading.face
    x0, y0, x1, y1 = cover_box(face, part)
    image = cv2.rectangle(portrait(), (x0, y0), (x1 - 1, y1 - 1), GREY, cv2.FILLED)
    (reading,) = _analyzer.predict(image, [face], model=model).readings
    return image, reading


def cover_box(face: Face, part: str) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 around a part of a face, and a little more: a smile reaches into the cheeks. Mouth and
    eyes get covers of about the same size, or the larger one would win."""
    points = np.concatenate(part_outlines(face.landmarks)[part])
    margin = 0.12 * face.width
    x0, y0 = np.floor(points.min(axis=0) - margin).astype(int).tolist()
    x1, y1 = np.ceil(points.max(axis=0) + margin).astype(int).tolist()
    return x0, y0, x1, y1


def close_up(image: Image, face: Face) -> Image:
    """The square around a face."""
    x0, y0, x1, y1 = face.box
    half = round(0.85 * max(face.width, face.height))
    x, y = round((x0 + x1) / 2), round((y0 + y1) / 2)
    return image[max(y - half, 0) : y + half, max(x - half, 0) : x + half]


def map_method(asked: str = "gradcam") -> str:
    return method_for(analyzer.classifier(model), asked)


def evidence_for(reading: Reading) -> Explanation:
    """The map of the likeliest class on the portrait."""
    name = reading.top[0]
    method = map_method()
    raw = maps_of(model, detector, method, reading, analyzer)[name]
    return explanation(RawMap(name, method, raw, 0.0), reading.regions, portrait().shape)


def with_map(reading: Reading, heat: Explanation, opacity: float) -> Image:
    """The portrait's face under a map."""
    style = OverlayStyle(box=False, labels=False, bars=False, blocks=False, heatmap=opacity)
    drawn = draw_overlay(portrait(), FrameResult((reading,), ((heat,),)), style)
    return close_up(drawn, reading.face)


def show_chart(figure: go.Figure, key: str, alt: str) -> None:
    figure.update_layout(font_size=16, legend_font_size=16, margin_r=56)
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(tickfont_size=16)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)


def show_tile(tile: Image, about: str) -> None:
    st.image(tile, caption=about, width="stretch", alt=texts.ALT_MAP.format(about=about))


def choose(label: str, options, key: str, **more):
    """The one thing to do in a step; it stays as it is while others are looked at."""
    return st.pills(
        label,
        options,
        required=True,
        wrap=True,
        key=f"lesson_{key}",
        persist_state="session",
        **more,
    )


def ask(step: texts.Step, right: str, *, choices=None, replies=None, **live: object) -> str | None:
    """Say what a step is about, ask its question, and reply to what is chosen.

    Args:
        right: key of the right choice.
        choices, replies: instead of those of the step.
        live: what stands for the names in braces.

    Returns:
        Key of what was chosen.
    """
    choices, replies = choices or step.choices, replies or step.replies
    intro.markdown(step.words.format(**live))
    with asked:
        chosen = st.radio(
            f"**{step.question.format(**live)}**",
            list(choices),
            index=None,
            format_func=lambda key: choices[key].format(**live),
            key=f"lesson_answer_{number}",
            persist_state="session",
        )
        if chosen is None:
            st.caption(texts.CHOSEN)
            return None
        reply = replies[chosen].format(**live)
        if chosen == right:
            st.success(reply, icon=":material/check_circle:")
        else:
            st.warning(reply, icon=":material/cancel:")
        return chosen


def found(sample: str) -> Reading:
    """The face of a sample; where there is none the step ends with a sentence."""
    with st.spinner(texts.WAIT):
        readings = read(sample, model, detector, analyzer)
    if not readings:
        st.warning(texts.NO_FACE)
        st.stop()
    return readings[0]


# The steps -------------------------------------------------------------------------------------------


def probability(step: texts.Step) -> None:
    with seen:
        sample = choose(texts.FACE, list(SAMPLES), "face", default=next(iter(SAMPLES)))
        reading = found(sample)
        name, p = reading.top
        with st.grid(2, min_column_width=220, vertical_alignment="center"):
            picture = close_up(SAMPLES[sample](), reading.face)
            st.image(picture, width="stretch", alt=texts.ALT_FACE.format(face=sample))
            show_chart(
                probability_bars(reading, height=380),
                "lesson_bars",
                texts.ALT_BARS.format(name=name, p=percent(p)),
            )
    replies = dict(step.replies)
    if figures := load_card(model).figures.get("PrivateTest"):
        measured = texts.MEASURED.format(
            faces=f"{figures['n']:,}", error=f"{100 * figures['ece']:.1f}"
        )
        replies["often"] = f"{replies['often']} {measured}"
    total = percent(float(reading.probabilities.sum()))
    ask(
        step,
        "often",
        replies=replies,
        name=name,
        p=percent(p),
        n=f"{100 * p:.0f}",
        total=total,
    )


def dots(step: texts.Step) -> None:
    with seen:
        reading = found("Smile")
        crop = reading.regions.face
        size = len(crop)
        if st.toggle(texts.SWITCH, key="lesson_dots", persist_state="session"):
            st.image(enlarged(crop, 10), width=PICTURE, alt=texts.ALT_DOTS.format(size=size))
        else:
            st.image(portrait(), width="stretch", alt=texts.ALT_FACE.format(face="Smile"))
    ask(step, "colour", size=size, dots=f"{crop.size:,}")


def evidence(step: texts.Step) -> None:
    with seen:
        reading = found("Smile")
        name = reading.top[0]
        opacity = st.slider(
            texts.OPACITY, 0, 100, 60, 5, "%d %%", key="lesson_opacity", persist_state="session"
        )
        with st.spinner(texts.WAIT):
            heat = evidence_for(reading)
        picture = with_map(reading, heat, opacity / 100)
        st.image(picture, width=PICTURE, alt=texts.ALT_MAP.format(about=name))
        if heat.is_flat:
            st.caption(texts.FLAT.format(name=name))
    ask(step, "evidence", name=name, how=texts.HOW[heat.method])


def contrast(step: texts.Step) -> None:
    with seen:
        reading = found("Smile")
        others = [EXPRESSIONS[index] for index in reading.probabilities.argsort()[::-1]]
        name = others.pop(0)
        other = choose(
            texts.COMPARED,
            [each for each in EXPRESSIONS if each != name],
            "other",
            default=others[0],
        )
        with st.spinner(texts.WAIT):
            maps = maps_of(model, detector, map_method(), reading, analyzer)
        rather = {f"{name} - {each}": maps[name] - maps[each] for each in others}
        tiles = heat_tiles(reading.regions.face, maps | rather, size=336)
        with st.grid(3, min_column_width=100):
            for each in (name, other):
                show_tile(
                    tiles[each],
                    f"{each} {percent(float(reading.probabilities[EXPRESSIONS.index(each)]))}",
                )
            show_tile(tiles[f"{name} - {other}"], texts.RATHER.format(name=name, other=other))
        st.caption(texts.SCALE)
    ask(step, "rather", name=name, other=other)


def cover(step: texts.Step) -> None:
    with seen:
        reading = found("Smile")
        index = int(reading.probabilities.argmax())
        name, p = reading.top
        with st.spinner(texts.WAIT):
            heat = evidence_for(reading)
            covered = {
                part: read_covered(part, model, detector, reading, analyzer) for part in COVERED
            }
    left = {place: float(after.probabilities[index]) for place, (_, after) in covered.items()}
    total = float(heat.heatmap.sum()) or 1.0
    under = {}
    for part in COVERED:
        x0, y0, x1, y1 = cover_box(reading.face, part)
        under[part] = float(heat.heatmap[y0:y1, x0:x1].sum()) / total
    right = larger({place: p - after for place, after in left.items()})
    foreseen = texts.FORESEEN if larger(under) == right else texts.UNFORESEEN
    replies = {
        choice: f"{texts.RIGHT if choice == right else texts.WRONG} {texts.TAKEN} {foreseen}"
        for choice in step.choices
    }
    answer = ask(
        step,
        right,
        replies=replies,
        name=name,
        p=percent(p),
        **{place: percent(after) for place, after in left.items()},
        **{f"{place}_heat": percent(share) for place, share in under.items()},
    )
    with seen:
        if answer is None:
            st.image(
                with_map(reading, heat, 0.6),
                caption=texts.HEAT.format(name=name),
                width=PICTURE,
                alt=texts.ALT_MAP.format(about=name),
            )
            return
        place = choose(
            texts.COVERED,
            list(texts.COVERS),
            "cover",
            default="mouth",
            format_func=texts.COVERS.get,
        )
        picture, after = covered.get(place, (portrait(), reading))
        with st.grid(2, min_column_width=220, vertical_alignment="center"):
            st.image(
                close_up(picture, reading.face),
                width="stretch",
                alt=texts.ALT_FACE.format(face=texts.COVERS[place]),
            )
            figure = before_and_after(reading.probabilities, after.probabilities, height=440)
            figure.update_layout(legend_traceorder="normal")
            figure.data[0].name, figure.data[1].name = texts.AFTER, texts.BEFORE
            show_chart(
                figure,
                "lesson_covered",
                texts.ALT_COVERED.format(
                    name=name, p=percent(p), after=percent(float(after.probabilities[index]))
                ),
            )


def larger(shares: dict[str, float]) -> str:
    """Name of the larger of two shares, "same" if they are close."""
    (first, one), (second, other) = shares.items()
    if abs(one - other) < CLOSE:
        return "same"
    return first if one > other else second


def methods(step: texts.Step) -> None:
    with seen:
        reading = found("Smile")
        own, chosen = opened(METHODS)
        target = choose(texts.CLASS, list(EXPRESSIONS), "target", default=reading.top[0])
        with st.spinner(texts.WAIT), st.grid(3, min_column_width=100):
            for name in METHODS:
                raw = maps_of(chosen, detector, name, own, analyzer)[target]
                if not get_method(name).signed:
                    raw = np.maximum(raw, 0)
                tile = heat_tiles(own.regions.face, {target: raw}, size=336)[target]
                show_tile(tile, get_method(name).title)
        if chosen != model:
            st.caption(texts.BORROWED.format(model=model, other=chosen))
    titles = {name: get_method(name).title for name in METHODS}
    (right,) = (name for name in METHODS if not get_method(name).class_dependent)
    ask(
        step,
        right,
        choices=titles,
        replies={
            name: (texts.CARELESS if name == right else texts.CARING).format(title=title)
            for name, title in titles.items()
        },
    )


def opened(wanted: tuple[str, ...]) -> tuple[Reading, str]:
    """The portrait as the chosen model reads it, or as the default one does where these methods do not work
    with that; and which of the two it is."""
    works = all(map_method(method) == method for method in wanted)
    chosen = model if works else analyzer.classifier().name
    return read("Smile", chosen, detector, analyzer)[0], chosen


@st.cache_data(max_entries=20, show_spinner=False)
def forgetting(
    model: str, detector: str, target: str, _reading: Reading, _analyzer: Analyzer
) -> list[tuple[str, float, dict[str, Floats]]]:
    """A network that forgets step by step: what it forgot last, "" while it is as trained; its probability of
    the class; and method -> raw map of the class."""
    crop, index = _reading.regions.face, EXPRESSIONS.index(target)
    trained = _analyzer.classifier(model)
    return [
        (
            forgot,
            float(classifier.probabilities(crop[None])[0, index]),
            {method: raw_map(classifier, crop, target, method) for method in TESTED},
        )
        for forgot, classifier in [("", trained), *randomized(trained, seed=0)]
    ]


def forget(step: texts.Step) -> None:
    with seen:
        found("Smile")
        own, chosen = opened(TESTED)
        name = own.top[0]
        with st.spinner(texts.WAIT):
            stages = forgetting(chosen, detector, name, own, analyzer)
        stage = st.select_slider(
            texts.FORGOTTEN,
            range(len(stages)),
            format_func=lambda index: forgotten(stages[index][0]),
            key=f"lesson_forgot_{chosen}",
            persist_state="session",
        )
        _, p, now = stages[stage]
        trained, judged = stages[0][2], stages[JUDGED][2]
        tiles, words = st.columns((2, 1), vertical_alignment="center")
        with tiles, st.grid(2, min_column_width=120, gap="xsmall"):
            for method in TESTED:
                alike = texts.LIKENESS.format(alike=likeness(trained[method], now[method]))
                for raw, about in (
                    (trained[method], get_method(method).title),
                    (now[method], alike),
                ):
                    tile = heat_tiles(own.regions.face, {name: raw}, size=336)[name]
                    show_tile(tile, about)
        words.caption(texts.BESIDE.format(name=name, p=percent(p)))
        if chosen != model:
            words.caption(texts.BORROWED.format(model=model, other=chosen))
    alike = {method: likeness(trained[method], judged[method]) for method in TESTED}
    changed, kept = sorted(TESTED, key=lambda method: float(alike[method]))
    live = {
        "stage": forgotten(stages[JUDGED][0]),
        "changed": get_method(changed).title,
        "kept": get_method(kept).title,
        "changed_alike": alike[changed],
        "kept_alike": alike[kept],
    }
    ask(
        step,
        kept,
        choices={method: get_method(method).title for method in TESTED} | step.choices,
        replies={
            choice: f"{texts.RIGHT if choice == kept else texts.MISTAKEN} {texts.SURVIVED}"
            for choice in (*TESTED, *step.choices)
        },
        **live,
    )
    st.subheader(texts.REMEMBER, anchor=False)
    st.markdown("\n".join(f"1. {sentence}" for sentence in texts.SENTENCES))
    with st.container(horizontal=True):
        for page, label in texts.LINKS.items():
            st.page_link(page, label=label, icon=":material/arrow_forward:")


def likeness(one: Floats, other: Floats) -> str:
    """Of two maps: 1 for the same order of places, 0 for nothing in common."""
    return f"{rank_correlation(one, other):.2f}"


def forgotten(what: str) -> str:
    """What a network has forgotten, in words."""
    if not what.startswith("layer "):
        return texts.FORGOT[what]
    return texts.DOWN.format(layer=what.removeprefix("layer "))


SHOW = (probability, dots, evidence, contrast, cover, methods, forget)


def go(by: int) -> None:
    st.session_state.step += by


open_page("lesson")
analyzer, model, detector = (st.session_state[key] for key in ("analyzer", "model", "detector"))

count = len(texts.STEPS)
if "step" not in st.session_state and "step" not in st.query_params:
    st.session_state.step = st.session_state.get("lesson_step", 1)  # where the viewer left off
with (
    st.bottom,
    st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key="lesson_steps",
    ),
):
    back = st.empty()
    number = st.segmented_control(
        texts.STEP,
        range(1, count + 1),
        default=1,
        required=True,
        label_visibility="collapsed",
        key="step",
        bind="query-params",
    )
    back.button(
        texts.BACK,
        icon=":material/arrow_back:",
        disabled=number == 1,
        shortcut="PageUp",
        key="lesson_back",
        on_click=go,
        args=(-1,),
    )
    st.button(
        texts.NEXT,
        type="primary",
        icon=":material/arrow_forward:",
        icon_position="right",
        disabled=number == count,
        shortcut="PageDown",
        key="lesson_next",
        on_click=go,
        args=(1,),
    )

st.session_state.lesson_step = number

st.html(LARGE)
step = texts.STEPS[number - 1]
st.title(f"{number} · {step.title}", anchor=False)
with st.container(key="lesson"):
    intro = st.container()
    seen, asked = st.columns((3, 2), gap="large")
    SHOW[number - 1](step)

"""The first four steps: probability, what the classifier gets, evidence, one class rather than another."""

from typing import Final

import streamlit as st

from app.charts.readings import comparison_bars, probability_bars
from app.lesson import texts
from app.lesson.computed import DRAWN, read_sample
from app.lesson.context import (
    LessonContext,
    choose,
    close_up,
    draw_map,
    large_chart,
    show_tile,
)
from app.samples import SAMPLES, portrait
from app.widgets import enlarged
from fer_core import EXPRESSIONS, load_card
from fer_core.draw import percent
from fer_core.draw.tiles import heat_tiles
from fer_core.types import Reading

PICTURE_WIDTH: Final = 430
"""Width of a single picture in pixels, so that the step fits on the screen."""

FACES_WIDTH: Final = 440
"""Width of three small faces in pixels, so that the maps below them fit on the screen, too."""


def render_probability(context: LessonContext) -> None:
    """Step 1: what a probability is."""
    with context.pictures:
        sample = choose(texts.FACE, {face: face for face in texts.FACES}, "face", "Smile")
        reading = context.find_face(sample)
        name, p = reading.top
        whom = choose(texts.WHOM, texts.WHOMS, "whom", "all")
        compared = context.compare_with_smile(sample) if whom == "smile" else None
        bars = comparison_bars(compared) if compared else probability_bars(reading, height=340)
        with st.grid(2, min_column_width=220, vertical_alignment="center"):
            picture = close_up(SAMPLES[sample](), reading.face)
            st.image(picture, width="stretch", alt=texts.ALT_FACE.format(face=sample))
            large_chart(bars, "lesson_bars", texts.ALT_BARS.format(name=name, p=percent(p)))
        st.caption(texts.WHOM_SMILE if compared else texts.WHOM_ALL)
    replies = dict(context.step.replies)
    if figures := load_card(context.settings.model).figures.get("PrivateTest"):
        calibration = texts.CALIBRATION.format(
            faces=f"{figures['n']:,}", error=f"{100 * figures['ece']:.1f}"
        )
        replies["often"] = f"{replies['often']} {calibration}"
    names = {
        "name": name,
        "p": percent(p),
        "n": f"{100 * p:.0f}",
        "total": percent(float(reading.probabilities.sum())),
    }
    context.ask("often", names, replies=replies)


def render_dots(context: LessonContext) -> None:
    """Step 2: what the classifier gets of a photo."""
    with context.pictures:
        crop = context.find_face().regions.face
        size = len(crop)
        if st.toggle(texts.SWITCH, key="lesson_dots", persist_state="session"):
            st.image(enlarged(crop, 10), width=PICTURE_WIDTH, alt=texts.ALT_DOTS.format(size=size))
        else:
            st.image(portrait(), width="stretch", alt=texts.ALT_FACE.format(face="Smile"))
    context.ask("color", {"size": size, "dots": f"{crop.size:,}"})


def render_evidence(context: LessonContext) -> None:
    """Step 3: where the evidence lies."""
    with context.pictures:
        reading = context.find_face()
        name = reading.top[0]
        opacity = st.slider(
            texts.OPACITY, 0, 100, 60, 5, "%d %%", key="lesson_opacity", persist_state="session"
        )
        with st.spinner(texts.WAIT):
            explanation = context.explain_portrait(reading)
        picture = draw_map(reading, explanation, opacity / 100)
        st.image(picture, width=PICTURE_WIDTH, alt=texts.ALT_MAP.format(about=name))
        if explanation.is_flat:
            st.caption(texts.FLAT.format(name=name))
    context.ask("evidence", {"name": name, "how": texts.HOW[explanation.method]})


def render_contrast(context: LessonContext) -> None:
    """Step 4: faces of several expressions, and why one class rather than another."""
    with context.pictures:
        sample, reading = choose_drawn_face(context)
        name, *others = (EXPRESSIONS[index] for index in reading.probabilities.argsort()[::-1])
        options = {each: each for each in EXPRESSIONS if each != name}
        other = choose(texts.COMPARED.format(name=name), options, f"other_{name}", others[0])
        computed = context.maps_of(sample, reading)
        maps = {each: computed[each].raw for each in EXPRESSIONS}
        rather = {f"{name} - {each}": maps[name] - maps[each] for each in others}
        tiles = heat_tiles(reading.regions.face, maps | rather, size=336)
        with st.grid(3, min_column_width=90, gap="small"):
            for each in (name, other):
                p = float(reading.probabilities[EXPRESSIONS.index(each)])
                show_tile(tiles[each], f"{each} {percent(p)}")
            show_tile(tiles[f"{name} - {other}"], texts.RATHER.format(name=name, other=other))
        st.caption(texts.SCALE)
    context.ask("rather", {"name": name, "other": other})


def choose_drawn_face(context: LessonContext) -> tuple[str, Reading]:
    """Show the drawn faces, each with the map of its likeliest class; return the chosen one."""
    faces = find_drawn_faces(context)
    chosen = st.session_state.get("lesson_drawn")
    chosen = chosen if chosen in faces else next(iter(faces))
    with st.container(width=FACES_WIDTH), st.grid(3, min_column_width=96, gap="small"):
        for sample, reading in faces.items():
            name, p = reading.top
            raw = context.maps_of(sample, reading)[name].raw
            with st.container(gap="xsmall"):
                st.image(
                    heat_tiles(reading.regions.face, {name: raw})[name],
                    width="stretch",
                    alt=texts.ALT_MAP.format(about=name),
                )
                st.button(
                    f"{name} {percent(p)}",
                    type="primary" if sample == chosen else "secondary",
                    width="stretch",
                    key=f"lesson_drawn_{sample}",
                    on_click=keep_drawn_face,
                    args=(sample,),
                )
    return chosen, faces[chosen]


def keep_drawn_face(sample: str) -> None:
    """Compare the classes of another drawn face."""
    st.session_state.lesson_drawn = sample


def find_drawn_faces(context: LessonContext) -> dict[str, Reading]:
    """Return the name of each drawn face -> its reading; the smile where the face finder misses them all."""
    found: dict[str, Reading] = {}
    with st.spinner(texts.WAIT):
        for sample in DRAWN:
            readings = read_sample(sample, context.read_by, context.settings.analyzer)
            found |= {sample: readings[0]} if readings else {}
    return found or {"Smile": context.find_face("Smile")}

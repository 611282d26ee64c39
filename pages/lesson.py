"""Lesson: seven steps from what a probability is to whether a map can be trusted.

Each step has one thing to do and one question. One step is on the screen at a time; its number stands in the
address, so that a teacher can link to it. The words are those of ``app.lesson.texts``; every number comes
from the chosen model.
"""

from typing import Final

import streamlit as st

from app.address import choose_by_address
from app.lesson import texts
from app.lesson.context import LessonContext
from app.lesson.steps import (
    render_contrast,
    render_dots,
    render_evidence,
    render_probability,
)
from app.lesson.tests_of_maps import render_cover, render_methods, render_randomization
from app.session import PageSettings, open_page

LARGE_TYPE: Final = """<style>
.st-key-lesson { --size: clamp(1.05rem, 0.9rem + 0.55vw, 1.5rem); --small: max(1rem, 0.75 * var(--size)) }
.st-key-lesson [data-testid=stMarkdownContainer] :is(p, li) { font-size: var(--size); line-height: 1.4 }
.st-key-lesson :is(button, [data-testid=stSlider] > div) [data-testid=stMarkdownContainer] p,
.st-key-lesson [data-testid=stCaptionContainer] p,
.st-key-lesson [data-testid=stImageCaption] [data-testid=stMarkdownContainer] p { font-size: var(--small) }
.st-key-lesson [role=radiogroup] { gap: 0.6rem }
.st-key-lesson [data-testid=stImage], .st-key-lesson [data-testid=stImage] * { max-width: 100% }
@media (max-width: 640px) {
    .st-key-lesson_steps .st-key-step { order: -1; flex-basis: 100% }
    .st-key-lesson_steps kbd { display: none }
    .st-key-lesson_steps { gap: 0.5rem }
}
</style>"""
"""Style of type that is read from the last row; on a phone the steps stand above the two buttons."""

RENDER_STEP: Final = (
    render_probability,
    render_dots,
    render_evidence,
    render_contrast,
    render_cover,
    render_methods,
    render_randomization,
)


def main() -> None:
    """Show the step that the address names, with the way to the others below."""
    settings = open_page("lesson")
    number = choose_step(len(texts.STEPS))
    st.html(LARGE_TYPE)
    st.title(f"{number} · {texts.STEPS[number - 1].title}", anchor=False)
    with st.container(key="lesson"):
        RENDER_STEP[number - 1](place_step(settings, number))


def place_step(settings: PageSettings, number: int) -> LessonContext:
    """Return a step with its places on the page."""
    intro = st.container()
    pictures, answers = st.columns((3, 2), gap="large")
    return LessonContext(
        settings=settings,
        step=texts.STEPS[number - 1],
        number=number,
        intro=intro,
        pictures=pictures,
        answers=answers,
    )


def choose_step(count: int) -> int:
    """Ask for the step at the bottom of the page; return its number, from 1."""
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
        number = choose_by_address(
            texts.STEP, range(1, count + 1), 1, "step", label_visibility="collapsed"
        )
        back.button(
            texts.BACK,
            icon=":material/arrow_back:",
            disabled=number == 1,
            shortcut="PageUp",
            key="lesson_back",
            on_click=move_step,
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
            on_click=move_step,
            args=(1,),
        )
    st.session_state.lesson_step = number
    return number


def move_step(by: int) -> None:
    """Go some steps forward or back."""
    st.session_state.step += by


if __name__ == "__main__":
    main()

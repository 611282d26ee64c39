"""How it works: one face on its way from picture to answer, with what the computer sees at each step."""

import streamlit as st

from app.how_it_works import (
    analyze_sample,
    render_alignment,
    render_detection,
    render_doubts,
    render_explanation,
    render_prediction,
)
from app.session import PageSettings, open_page
from fer_core.types import FrameResult, Image


def main() -> None:
    """Follow the sample through the four steps."""
    settings = open_page("how_it_works")
    st.title("How it works")
    st.markdown(
        "Follow one face from the picture to the answer. Change the model at the side to see what stays."
    )
    image, result = find_sample(settings)
    reading, maps = result.readings[0], result.explanations[0]
    render_detection(image, result)
    render_alignment(reading)
    render_prediction(reading)
    render_explanation(reading, maps)
    render_doubts()


def find_sample(settings: PageSettings) -> tuple[Image, FrameResult]:
    """Return the sample and what is read in it; end the page where its face is not found."""
    with st.spinner("Analyzing the sample …"):
        image, result = analyze_sample(
            settings.model, settings.prior, settings.detector, settings.analyzer
        )
    if not result.readings:
        st.warning(
            "This face finder does not find the tilted sample. Choose another one at the side."
        )
        st.stop()
    return image, result


if __name__ == "__main__":
    main()

"""The sample clip of the page Video."""

from fractions import Fraction
from io import BytesIO

import streamlit as st

from app.film import FRAMES, RATE, film_frame
from fer_core.video.film import Film


@st.cache_data(show_spinner="Drawing the sample …")
def sample_clip() -> bytes:
    """Return an MP4 of a drawn face that goes through all seven expressions."""
    file = BytesIO()
    with Film(file, Fraction(RATE)) as film:
        for number in range(FRAMES):
            film.write(film_frame(number), number / RATE)
    return file.getvalue()

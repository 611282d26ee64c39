"""Comparison of several models on one face, on the page Models; cached for this viewer alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import streamlit as st

from app.charts.readings import probability_bars
from app.faces import ChosenFace
from app.messages import show_error
from app.session import PageSettings
from app.widgets import chart
from fer_core import EXPRESSIONS, Analyzer, list_models
from fer_core.draw.overlay import headline
from fer_core.draw.tiles import heat_tiles
from fer_core.errors import UserError
from fer_core.evaluation.leaderboard import LeaderboardRow, representative_models
from fer_core.explain import get_method
from fer_core.types import Explanation, Reading

METHOD: Final = "gradcam"

MAX_MODELS: Final = 6
"""Models side by side."""


def choose_models(rows: Sequence[LeaderboardRow]) -> tuple[list[str], str]:
    """Ask which models are compared, and of which class the map is shown.

    Returns:
        Names of the models; a class, or "top" for each model's likeliest.
    """
    left, right = st.columns((3, 1))
    models = left.multiselect(
        f"Up to {MAX_MODELS} models",
        list_models(),
        default=representative_models(rows) or list_models()[:2],
        max_selections=MAX_MODELS,
        key="models_several",
    )
    target = right.selectbox(
        "Map of",
        ("top", *EXPRESSIONS),
        format_func=lambda name: "each model's likeliest class" if name == "top" else name,
        key="models_target",
    )
    return models, target


def render_comparison(
    face: ChosenFace, models: Sequence[str], target: str, settings: PageSettings
) -> None:
    """Show the map and the probabilities of each model for one face."""
    cells = st.grid(min(len(models), MAX_MODELS), min_column_width=165)
    for model in models:
        with cells.container(border=True, height="stretch"):
            st.markdown(f"**{model}**")
            key = (face.digest, settings.detector, face.number, settings.prior)
            try:
                with st.spinner("Predicting …"):
                    reading, explanation = explain_face(model, target, key, face, settings.analyzer)
            except (UserError, OSError) as error:
                show_error(error)
            else:
                render_model(model, reading, explanation)
    st.caption(
        "Warm places speak for the class, cool places against it; each map has a scale of its own. A model "
        "that has no maps is explained by occlusion: a gray square covers one place after another, and the "
        "map shows how much the class loses. That takes longer."
    )


def render_model(model: str, reading: Reading, explanation: Explanation) -> None:
    """Show the map and the probabilities of one model."""
    tiles = heat_tiles(reading.regions.face, {explanation.target: explanation.raw})
    title = get_method(explanation.method).title
    st.image(
        tiles[explanation.target],
        caption=f"{explanation.target}, by {title}" + (", flat" if explanation.is_flat else ""),
        width="stretch",
        alt=f"Map of the evidence for {explanation.target}, {model}",
    )
    st.markdown(f"#### {headline(reading)}")
    alt = f"Probabilities by {model}: {headline(reading)}"
    chart(probability_bars(reading, height=170, axis=False), f"models_bars_{model}", alt)


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def explain_face(
    model: str,
    target: str,
    key: tuple[str, str, int, str | None],
    _face: ChosenFace,
    _analyzer: Analyzer,
) -> tuple[Reading, Explanation]:
    """Return the reading of a face by one model, and the explanation of one class.

    Args:
        key: hash of the picture, face finder, number of the face, prior.
    """
    result = _analyzer.predict(
        _face.image, [_face.face], model=model, prior=key[3], maps=(target,), method=METHOD
    )
    explanation = result.explanations[0][0]
    # The page shows the raw map; a heatmap of the whole picture would only fill the cache.
    return result.readings[0], replace(explanation, heatmap=np.empty((0, 0), np.float32))

"""What the lesson computes from the built-in samples.

All pictures are samples, so what was computed for one pupil is there for the whole class.
"""

from typing import Final

import cv2
import numpy as np
import streamlit as st

from app.samples import GRAY, SAMPLES, portrait
from fer_core import EXPRESSIONS, Analyzer
from fer_core.evaluation.randomization import randomized
from fer_core.explain import raw_map
from fer_core.explain.box_occlusion import part_cover
from fer_core.types import Floats, Image, RawMap, Reading

RANDOMIZED_METHODS: Final = ("gradcam", "guided_backprop")
"""Methods of which one still shows the same map when the network is randomized; which one is computed."""


@st.cache_data(max_entries=100, show_spinner=False)
def read_sample(
    sample: str, model: str, prior: str | None, detector: str, _analyzer: Analyzer
) -> tuple[Reading, ...]:
    """Return the readings of a built-in sample."""
    image = SAMPLES[sample]()
    return _analyzer.analyze(image, model=model, prior=prior, detector=detector, maps=()).readings


@st.cache_data(max_entries=100, show_spinner=False)
def portrait_maps(
    model: str,
    prior: str | None,
    detector: str,
    method: str,
    _reading: Reading,
    _analyzer: Analyzer,
) -> dict[str, RawMap]:
    """Return class -> raw map of the portrait."""
    return _analyzer.raw_maps(_reading, EXPRESSIONS, method, model=model)


@st.cache_data(max_entries=100, show_spinner=False)
def read_covered(
    part: str,
    model: str,
    prior: str | None,
    detector: str,
    _reading: Reading,
    _analyzer: Analyzer,
) -> tuple[Image, Reading]:
    """Return the portrait with a cover on a part of its face, and what is read in it at the same place."""
    face = _reading.face
    x0, y0, x1, y1 = part_cover(face, part)
    covered = cv2.rectangle(portrait(), (x0, y0), (x1 - 1, y1 - 1), GRAY, cv2.FILLED)
    image = np.asarray(covered, np.uint8)
    (reading,) = _analyzer.predict(image, [face], model=model, prior=prior).readings
    return image, reading


@st.cache_data(max_entries=20, show_spinner=False)
def randomization_stages(
    model: str,
    prior: str | None,
    detector: str,
    target: str,
    _reading: Reading,
    _analyzer: Analyzer,
) -> list[tuple[str, float, dict[str, Floats]]]:
    """Return a network that is randomized step by step.

    Each stage has what was randomized last, "" for the trained network; its probability of the class; and
    method -> raw map of the class.
    """
    crop, index = _reading.regions.face, EXPRESSIONS.index(target)
    trained = _analyzer.classifier(model)
    return [
        (
            stage,
            float(classifier.probabilities(crop[None], prior)[0, index]),
            {method: raw_map(classifier, crop, target, method) for method in RANDOMIZED_METHODS},
        )
        for stage, classifier in [("", trained), *randomized(trained, seed=0)]
    ]

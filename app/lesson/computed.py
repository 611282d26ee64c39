"""What the lesson computes from the built-in samples.

All pictures are samples, so what was computed for one pupil is there for the whole class.
"""

from typing import Final

import streamlit as st

from app.samples import SAMPLES
from fer_core import EXPRESSIONS, Analyzer
from fer_core.evaluation.randomization import randomized
from fer_core.explain import OcclusionTest, occlusion_test, part_cover, raw_map, to_aligned
from fer_core.types import Floats, RawMap, Reading

COVERED: Final = ("mouth", "eyes")
"""Parts of the face that the lesson covers."""

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
def cover_portrait(
    margin: float,
    how: tuple[str, str | None, str],
    _reading: Reading,
    _raw: Floats,
    _analyzer: Analyzer,
) -> dict[str, OcclusionTest]:
    """Return each of ``COVERED`` -> what its cover does to the likeliest class of the portrait.

    Args:
        margin: of the covers, in inter-ocular distances.
        how: model, prior and detector.
        _raw: map of the class.
    """
    model, prior, _ = how
    assert _reading.face.landmarks is not None
    landmarks = to_aligned(_reading.face.landmarks, _reading.regions)
    return {
        part: occlusion_test(
            _analyzer.classifier(model),
            _reading.regions.face,
            part_cover(landmarks, part, margin),
            _reading.top[0],
            _raw,
            prior,
        )
        for part in COVERED
    }


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

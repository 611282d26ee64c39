"""What the lesson computes from the built-in samples.

All pictures are samples, so what was computed for one pupil is there for the whole class.
"""

from typing import Final, NamedTuple

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


DRAWN: Final = ("Ines, happy", "Hugo, angry", "Ines, surprise")
"""Samples of three expressions: of the drawn faces, those whose class the default model assigns."""


class ReadBy(NamedTuple):
    """The settings that a reading depends on."""

    model: str
    prior: str | None
    detector: str


@st.cache_data(max_entries=100, show_spinner=False)
def read_sample(sample: str, by: ReadBy, _analyzer: Analyzer) -> tuple[Reading, ...]:
    """Return the readings of a built-in sample."""
    image = SAMPLES[sample]()
    return _analyzer.analyze(
        image, model=by.model, prior=by.prior, detector=by.detector, maps=()
    ).readings


@st.cache_data(max_entries=200, show_spinner=False)
def sample_maps(
    sample: str, by: ReadBy, method: str, _reading: Reading, _analyzer: Analyzer
) -> dict[str, RawMap]:
    """Return class -> raw map of a sample."""
    return _analyzer.raw_maps(_reading, EXPRESSIONS, method, model=by.model)


@st.cache_data(max_entries=100, show_spinner=False)
def cover_portrait(
    margin: float, by: ReadBy, _reading: Reading, _raw: Floats, _analyzer: Analyzer
) -> dict[str, OcclusionTest]:
    """Return each of ``COVERED`` -> what its cover does to the likeliest class of the portrait.

    Args:
        margin: of the covers, in inter-ocular distances.
        _raw: map of the class.
    """
    assert _reading.face.landmarks is not None
    landmarks = to_aligned(_reading.face.landmarks, _reading.regions)
    return {
        part: occlusion_test(
            _analyzer.classifier(by.model),
            _reading.regions.face,
            part_cover(landmarks, part, margin),
            _reading.top[0],
            _raw,
            by.prior,
        )
        for part in COVERED
    }


@st.cache_data(max_entries=20, show_spinner=False)
def randomization_stages(
    target: str, by: ReadBy, _reading: Reading, _analyzer: Analyzer
) -> list[tuple[str, float, dict[str, Floats]]]:
    """Return a network that is randomized step by step.

    Each stage has what was randomized last, "" for the trained network; its probability of the class; and
    method -> raw map of the class.
    """
    crop, index = _reading.regions.face, EXPRESSIONS.index(target)
    trained = _analyzer.classifier(by.model)
    return [
        (
            stage,
            # The crop is aligned: ``probabilities`` would align it again, as it does bare pictures of faces.
            float(classifier.calibrate(classifier.logits(crop[None])[0], by.prior)[0, index]),
            {method: raw_map(classifier, crop, target, method) for method in RANDOMIZED_METHODS},
        )
        for stage, classifier in [("", trained), *randomized(trained, seed=0)]
    ]

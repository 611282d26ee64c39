"""The question that the Explain page answers, with its answers: cached for this viewer, never written."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import streamlit as st

from fer_core import EXPRESSIONS, Analyzer
from fer_core.evaluation.faithfulness import Faithfulness, center_map, random_map
from fer_core.evaluation.faithfulness import faithfulness as measure_faithfulness
from fer_core.evaluation.randomization import randomized
from fer_core.explain import (
    Cover,
    Method,
    OcclusionTest,
    cover_grid,
    is_flat,
    list_layers,
    to_aligned,
)
from fer_core.explain import occlusion_test as run_occlusion_test
from fer_core.explain import raw_maps as maps_of
from fer_core.types import Face, Floats, Image, Reading


class FaceKey(NamedTuple):
    """What a reading depends on."""

    digest: str
    """Hash of the picture."""
    detector: str
    number: int
    """Number of the face, from 0."""
    model: str
    prior: str | None
    """Shares of the classes that probabilities assume; None for those of the model's card."""


@dataclass(frozen=True)
class Question:
    """Why one class, or why one rather than another: for one face, one model and one method."""

    face: FaceKey
    method: Method
    layer: int | None
    """None where the model or the method leaves no choice."""
    target: str
    other: str | None
    reading: Reading
    """The reading of the face, with landmarks."""
    analyzer: Analyzer

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.face.model

    @property
    def words(self) -> str:
        """The question in words, such as "sad rather than neutral"."""
        return f"{self.target} rather than {self.other}" if self.other else self.target

    @property
    def crop(self) -> Image:
        """(S, S) aligned face."""
        return self.reading.regions.face

    @cached_property
    def landmarks(self) -> Floats:
        """(78, 2) landmarks as fractions of the crop."""
        assert self.reading.face.landmarks is not None
        return to_aligned(self.reading.face.landmarks, self.reading.regions)

    @property
    def maps(self) -> dict[str, Floats]:
        """Class -> map, for all seven classes."""
        return self._answer[0]

    @property
    def seconds(self) -> float:
        """Time that all seven maps took."""
        return self._answer[1]

    @cached_property
    def _answer(self) -> tuple[dict[str, Floats], float]:
        return self.maps_by(self.method)

    @cached_property
    def raw(self) -> Floats:
        """The map that answers the question: that of the class, or its difference to that of the other."""
        maps = self.maps
        return maps[self.target] - maps[self.other] if self.other else maps[self.target]

    @cached_property
    def is_flat(self) -> bool:
        """Whether no place speaks for the class more than another."""
        return is_flat(self.raw)

    def compute(self) -> None:
        """Compute the maps now rather than when they are first needed."""
        _ = self._answer

    def maps_by(self, method: Method) -> tuple[dict[str, Floats], float]:
        """Return the maps of all seven classes by a method, and the seconds that they took."""
        layer = self.layer if method.looks_at == "layer" else None
        maps, seconds = _evidence(self.face, method.name, layer, self.reading, self.analyzer)
        return _visible(maps, method), seconds

    def occlusion_test(self, polygons: Cover) -> OcclusionTest:
        """Return what happens to the class under a cover."""
        return _occlusion_test(self._key, polygons, self)

    def cover_grid(self, side: float) -> Floats:
        """Return (12, 12, 7) probabilities with a square of this side at each cell of the face."""
        return _cover_grid(self.face, side, self)

    def faithfulness(self) -> dict[str, Faithfulness]:
        """Return the faithfulness of the map, beside two baselines that do not know the network."""
        return _faithfulness(self._key, self)

    def randomization(self) -> dict[str, Floats]:
        """Return what was randomized last -> the map of a network in which that and all above is random."""
        return _visible(_randomization(self._key, self), self.method)

    @property
    def _key(self) -> tuple[FaceKey, str, int | None, str]:
        """What the answers about the class depend on."""
        return self.face, self.method.name, self.layer, self.target


@st.cache_data(scope="session", max_entries=50, show_spinner=False)
def read_face(key: FaceKey, _image: Image, _face: Face, _analyzer: Analyzer) -> Reading:
    """Return the reading of a face, with landmarks."""
    return _analyzer.predict(
        _image, [_face], model=key.model, prior=key.prior, landmarks=True
    ).readings[0]


@st.cache_data(max_entries=8, show_spinner=False)
def layers_of(model: str, _analyzer: Analyzer) -> list[int]:
    """Return the numbers of the layers of a model, shallow to deep."""
    return [layer.number for layer in list_layers(_analyzer.classifier(model))]


def _visible(maps: Mapping[str, Floats], method: Method) -> dict[str, Floats]:
    """Return the maps without negative cells, where these mean nothing."""
    return {name: raw if method.signed else np.maximum(raw, 0) for name, raw in maps.items()}


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def _evidence(
    key: FaceKey, method: str, layer: int | None, _reading: Reading, _analyzer: Analyzer
) -> tuple[dict[str, Floats], float]:
    maps = _analyzer.raw_maps(_reading, EXPRESSIONS, method, layer=layer)
    return {n: m.raw for n, m in maps.items()}, sum(m.seconds for m in maps.values())


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def _occlusion_test(key: tuple[object, ...], polygons: Cover, _question: Question) -> OcclusionTest:
    classifier = _question.analyzer.classifier(_question.model)
    return run_occlusion_test(
        classifier,
        _question.crop,
        polygons,
        _question.target,
        _question.maps[_question.target],
        _question.face.prior,
    )


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def _cover_grid(key: FaceKey, side: float, _question: Question) -> Floats:
    classifier = _question.analyzer.classifier(_question.model)
    return cover_grid(classifier, _question.crop, side, _question.face.prior)


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def _faithfulness(key: tuple[object, ...], _question: Question) -> dict[str, Faithfulness]:
    raw = _question.maps[_question.target]
    maps = {
        _question.method.title: raw,
        "random map": random_map(len(raw), 0),
        "center blob": center_map(len(raw)),
    }
    classifier = _question.analyzer.classifier(_question.model)
    return measure_faithfulness(
        classifier, _question.crop, _question.target, maps, prior=_question.face.prior
    )


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def _randomization(key: tuple[object, ...], _question: Question) -> dict[str, Floats]:
    target, method = _question.target, _question.method.name
    return {
        name: maps_of(copy, _question.crop, (target,), method, layer=_question.layer)[target]
        for name, copy in randomized(_question.analyzer.classifier(_question.model))
    }

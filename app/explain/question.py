"""What somebody asks on the Explain page, and the answers: cached for this viewer alone, never written."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import streamlit as st

from fer_core import EXPRESSIONS, Analyzer
from fer_core.evaluation.faithfulness import Faithfulness, center_map, faithfulness, random_map
from fer_core.evaluation.randomization import randomized
from fer_core.explain import Method, OcclusionTest, is_flat, list_layers, occlusion_test, to_aligned
from fer_core.explain import raw_maps as maps_of
from fer_core.explain.box_occlusion import Box
from fer_core.types import Face, Floats, Image, Reading


class FaceKey(NamedTuple):
    """What a reading depends on."""

    digest: str
    """Hash of the picture."""
    detector: str
    number: int
    """Of the face, from 0."""
    model: str


@dataclass(frozen=True)
class Question:
    """Why one class, or why rather than another: of one face, one model and one method."""

    face: FaceKey
    method: Method
    layer: int | None
    """None where the model or the method leaves no choice."""
    target: str
    other: str | None
    reading: Reading
    """With landmarks."""
    analyzer: Analyzer

    @property
    def model(self) -> str:
        return self.face.model

    @property
    def words(self) -> str:
        return f"{self.target} rather than {self.other}" if self.other else self.target

    @property
    def crop(self) -> Image:
        return self.reading.regions.face

    @cached_property
    def landmarks(self) -> Floats:
        """(78, 2) fractions of the crop."""
        return to_aligned(self.reading.face.landmarks, self.reading.regions)

    @property
    def maps(self) -> dict[str, Floats]:
        """Class -> map, for all seven."""
        return self._answer[0]

    @property
    def seconds(self) -> float:
        """That all seven took."""
        return self._answer[1]

    @cached_property
    def _answer(self) -> tuple[dict[str, Floats], float]:
        return self.maps_by(self.method)

    @cached_property
    def raw(self) -> Floats:
        """The map that answers it: of the class, or the difference to the other's."""
        maps = self.maps
        return maps[self.target] - maps[self.other] if self.other else maps[self.target]

    @cached_property
    def is_flat(self) -> bool:
        return is_flat(self.raw)

    def maps_by(self, method: Method) -> tuple[dict[str, Floats], float]:
        """The maps of all seven classes, and the seconds that they took."""
        layer = self.layer if method.looks_at == "layer" else None
        maps, seconds = _evidence(self.face, method.name, layer, self.reading, self.analyzer)
        return _visible(maps, method), seconds

    def covered(self, boxes: tuple[Box, ...]) -> OcclusionTest:
        """What happens to the class under these covers."""
        return _covered(self._key, boxes, self)

    def judged(self) -> dict[str, Faithfulness]:
        """The map of the class beside two that know nothing of the network."""
        return _judged(self._key, self)

    def forgetting(self) -> dict[str, Floats]:
        """What forgot last -> the map of a network in which that and all above it has forgotten."""
        return _visible(_forgetting(self._key, self), self.method)

    @property
    def _key(self) -> tuple[FaceKey, str, int | None, str]:
        """What the answers about its class depend on."""
        return self.face, self.method.name, self.layer, self.target


@st.cache_data(scope="session", max_entries=50, show_spinner=False)
def read(key: FaceKey, _image: Image, _face: Face, _analyzer: Analyzer) -> Reading:
    """The face, with landmarks."""
    return _analyzer.predict(_image, [_face], model=key.model, landmarks=True).readings[0]


@st.cache_data(max_entries=8, show_spinner=False)
def layers_of(model: str, _analyzer: Analyzer) -> list[int]:
    """Numbers of the layers of a model, shallow to deep."""
    return [layer.number for layer in list_layers(_analyzer.classifier(model))]


def _visible(maps: Mapping[str, Floats], method: Method) -> dict[str, Floats]:
    """The maps without what means nothing in them."""
    return {name: raw if method.signed else np.maximum(raw, 0) for name, raw in maps.items()}


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def _evidence(
    key: FaceKey, method: str, layer: int | None, _reading: Reading, _analyzer: Analyzer
) -> tuple[dict[str, Floats], float]:
    maps = _analyzer.raw_maps(_reading, EXPRESSIONS, method, layer=layer)
    return {n: m.raw for n, m in maps.items()}, sum(m.seconds for m in maps.values())


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def _covered(key: tuple[object, ...], boxes: tuple[Box, ...], _asked: Question) -> OcclusionTest:
    classifier = _asked.analyzer.classifier(_asked.model)
    return occlusion_test(classifier, _asked.crop, boxes, _asked.target, _asked.maps[_asked.target])


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def _judged(key: tuple[object, ...], _asked: Question) -> dict[str, Faithfulness]:
    raw = _asked.maps[_asked.target]
    maps = {
        _asked.method.title: raw,
        "random map": random_map(len(raw), 0),
        "centre blob": center_map(len(raw)),
    }
    classifier = _asked.analyzer.classifier(_asked.model)
    return faithfulness(classifier, _asked.crop, _asked.target, maps)


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def _forgetting(key: tuple[object, ...], _asked: Question) -> dict[str, Floats]:
    target, method = _asked.target, _asked.method.name
    return {
        name: maps_of(forgetful, _asked.crop, (target,), method, layer=_asked.layer)[target]
        for name, forgetful in randomized(_asked.analyzer.classifier(_asked.model))
    }

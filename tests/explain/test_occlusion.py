"""Occlusion against networks whose score depends on known places."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from fer_core import EXPRESSIONS, Analyzer
from fer_core.explain import list_methods, method_for, raw_map, raw_maps
from fer_core.explain.occlusion import CELLS, COVER, occlusion
from fer_core.models.base import GRAY_MEAN, Network, NetworkOutput
from fer_core.types import Floats, Image
from tests.networks import classifier_of, face_tensor

SIZE = 48
PIXELS = SIZE // CELLS


class Watching(Network):
    """A network whose score is the weighted sum of the differences from the gray of the cover."""

    input_size = SIZE

    def __init__(self, weights: Floats) -> None:
        super().__init__()
        self.register_buffer("weights", torch.from_numpy(weights))
        self.passes = 0

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        self.passes += len(faces)
        return {"face": faces.float() - 255 * GRAY_MEAN}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        logits = torch.einsum("nchw,khw->nk", features["face"], self.weights)
        return NetworkOutput(logits=logits, votes=logits, features=features)


class Blind(Watching):
    """The same network without feature maps for gradients."""

    has_maps = False


def watching(*cells: tuple[str, int, int, float]) -> Floats:
    """Return (7, S, S) weights; a cell is class, row, column and its part in the score of a white face."""
    weights = np.zeros((7, SIZE, SIZE), np.float32)
    for name, row, column, value in cells:
        rows, columns = (slice(PIXELS * at, PIXELS * (at + 1)) for at in (row, column))
        weights[EXPRESSIONS.index(name), rows, columns] = value / (
            PIXELS**2 * 255 * (1 - GRAY_MEAN)
        )
    return weights


WHITE: Image = np.full((SIZE, SIZE), 255, np.uint8)


def cover_overlap(row: int, column: int) -> Floats:
    """Return for every cell the share of its covers that also hide the cell at this row and column."""
    near = [
        np.maximum(COVER - np.abs(np.arange(CELLS) - center), 0) / COVER for center in (row, column)
    ]
    return np.outer(*near)


@pytest.mark.parametrize(("row", "column"), [(2, 3), (0, 0), (0, 4), (5, 5), (4, 0)])
def test_heat_marks_the_cells_that_the_score_depends_on(row: int, column: int) -> None:
    classifier = classifier_of(Watching(watching(("happy", row, column, 3.0))))
    raw = raw_map(classifier, WHITE, "happy", "occlusion")
    assert raw.dtype == np.float32 and raw.shape == (CELLS, CELLS)
    assert raw == pytest.approx(3 * cover_overlap(row, column), abs=1e-4), (
        "logits, at the border too"
    )
    assert not raw_map(classifier, WHITE, "sad", "occlusion").any()


def test_evidence_against_a_class_is_negative() -> None:
    weights = watching(("fear", 1, 1, 2.0), ("fear", 4, 4, -1.0))
    raw = raw_map(classifier_of(Watching(weights)), WHITE, "fear", "occlusion")
    assert raw == pytest.approx(2 * cover_overlap(1, 1) - cover_overlap(4, 4), abs=1e-4)


def test_even_weights_give_an_even_map() -> None:
    cells = [("angry", row, column, 1.0) for row in range(CELLS) for column in range(CELLS)]
    raw = raw_map(classifier_of(Watching(watching(*cells))), WHITE, "angry", "occlusion")
    assert raw[2:-2, 2:-2] == pytest.approx(COVER**2, abs=1e-3)
    corner = ((COVER + 1) / 2) ** 2
    assert raw[0, 0] == pytest.approx(corner, abs=1e-3), (
        "covers that hang over the border hide less"
    )


def test_all_classes_come_from_the_same_passes() -> None:
    network = Watching(watching(("happy", 1, 1, 1.0), ("sad", 4, 2, 1.0)))
    classifier = classifier_of(network)
    maps = raw_maps(classifier, WHITE, EXPRESSIONS, "occlusion")
    assert network.passes == (CELLS + COVER - 1) ** 2 + 1
    assert list(maps) == list(EXPRESSIONS)
    for name in ("happy", "sad"):
        assert np.array_equal(maps[name], raw_map(classifier, WHITE, name, "occlusion"))
    faces = face_tensor(WHITE[None])
    assert np.array_equal(occlusion(network, faces), np.stack(list(maps.values())))
    assert (faces == 255).all(), "the face is covered in copies"


@pytest.mark.parametrize("method", list_methods())
def test_models_without_maps_are_explained_by_occlusion_whatever_is_asked(method: str) -> None:
    classifier = classifier_of(Blind(watching(("disgust", 3, 2, 1.0))))
    assert method_for(classifier, method) == "occlusion"
    raw = raw_map(classifier, WHITE, "disgust", method)
    assert raw == pytest.approx(cover_overlap(3, 2), abs=1e-4)


def test_explanations_name_the_method_that_was_used(
    astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyzer = Analyzer(device="cpu")
    blind = classifier_of(Blind(watching(("happy", 4, 2, 1.0))))
    monkeypatch.setattr(analyzer, "_load_model", lambda name: blind)
    result = analyzer.analyze(astronaut, maps=("happy", "sad"), method="layercam", landmarks=False)
    explained = analyzer.explain(astronaut, result.readings[0], "happy", "layercam")
    for explanation in (*result.explanations[0], explained):
        assert explanation.method == "occlusion"
    assert explained.raw == pytest.approx(result.explanations[0][0].raw)
    assert explained.region_share["lower"] > 0.6


@pytest.mark.parametrize("model", ["prior_attention", "plain"])
def test_the_mouth_is_the_evidence_for_a_smile(astronaut: Image, model: str) -> None:
    analyzer = Analyzer(model, device="cpu")
    (reading,) = analyzer(astronaut)
    raw = analyzer.explain(astronaut, reading, "happy", "occlusion").raw
    row, column = np.unravel_index(raw.argmax(), raw.shape)
    assert int(row) in (4, 5) and int(column) in (2, 3), "the mouth, or just below it"
    assert raw.max() > 0.2 > 0.1 > raw[:2].max(), "hiding it costs logits, hiding brows none"

"""Stored results of the explanation methods, and the recommended method."""

import json
from pathlib import Path

import pytest

from fer_core.evaluation.results import Estimate, read_method_results
from fer_core.weights import FAITHFULNESS, RANDOMIZATION, WeightsError, results_path


def cell(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write results in which guided backpropagation is most faithful but fails randomization."""
    gains = {"gradcam": (0.2, 0.6), "layercam": (0.3, 0.6), "eigencam": (0.1, 0.7)}
    gains |= {"guided_backprop": (0.1, 0.9), "centre": (0.25, 0.55)}
    maps = {
        name: {"deletion": cell(low), "insertion": cell(high)}
        for name, (low, high) in gains.items()
    }
    alike = {"gradcam": (0.4, 0.0), "layercam": (0.6, 0.2), "guided_backprop": (0.9, 0.3)}
    depths = {
        depth: {name: cell(pair[row]) for name, pair in alike.items()}
        for row, depth in enumerate(("head", "layer 1"))
    }
    results_path(FAITHFULNESS, tmp_path).parent.mkdir()
    for name, table in (
        (FAITHFULNESS, {"model": "plain", "faces": 9, "steps": 10, "maps": maps}),
        (RANDOMIZATION, {"model": "plain", "faces": 9, "draws": 2, "depths": depths}),
    ):
        results_path(name, tmp_path).write_text(json.dumps(table))
    return tmp_path


def test_the_best_method_that_passes_the_randomization_test_is_recommended(folder: Path) -> None:
    measured = read_method_results(folder)
    assert measured is not None
    assert (measured.model, measured.faces) == ("plain", 9)
    assert measured.faithfulness["gradcam"]["insertion"] == Estimate(0.6, 0.59, 0.61)
    assert measured.mean_similarity("guided_backprop") == pytest.approx(0.6)
    assert measured.mean_similarity("centre") is None and not measured.fails_randomization("centre")
    assert [name for name in measured.similarity if measured.fails_randomization(name)] == [
        "guided_backprop"
    ]
    assert measured.recommended == "gradcam"


def test_results_are_none_if_a_file_is_missing(folder: Path) -> None:
    results_path(RANDOMIZATION, folder).unlink()
    assert read_method_results(folder) is None


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"model": "plain"}'])
def test_a_damaged_file_is_named(folder: Path, content: str) -> None:
    results_path(FAITHFULNESS, folder).write_text(content)
    with pytest.raises(WeightsError, match=r"faithfulness\.json .* restore them"):
        read_method_results(folder)


@pytest.mark.parametrize("other", [{"model": "xception"}, {"faces": 5}])
def test_results_of_different_models_or_faces_are_refused(
    folder: Path, other: dict[str, str | int]
) -> None:
    path = results_path(RANDOMIZATION, folder)
    path.write_text(json.dumps(json.loads(path.read_text()) | other))
    with pytest.raises(WeightsError, match="different faces"):
        read_method_results(folder)

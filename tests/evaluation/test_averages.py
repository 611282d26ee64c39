"""Average maps of a network with known evidence."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fer_core import EXPRESSIONS, load_model
from fer_core.evaluation.averages import (
    SHARES,
    AverageMap,
    Averages,
    align_by_landmarks,
    average_maps,
    read_averages,
    write_averages,
)
from fer_core.evaluation.claims import evaluate_claims
from fer_core.faces.alignment import bare_landmarks
from fer_core.models.base import GRAY_MEAN, Network, NetworkOutput
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image
from fer_core.weights import AVERAGES, WeightsError, list_models, results_path
from tests.networks import classifier_of

SIZE = 48
HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")
MOUTH, BROWS = np.s_[35:39, 18:30], np.s_[11:13, 12:19]


class Toy(Network):
    """Bright pixels are evidence: those of the mouth for happy, those of the brows for sad, and against each
    other. Two regions, the second one weighing as much as the face is bright."""

    input_size = SIZE
    regions = ("upper", "lower")
    maps = True

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"upper": faces.float() / 255, "lower": faces.float() / 255}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        logits = self._evidence(features["upper"]).sum((2, 3))
        lower = features["upper"].mean((1, 2, 3))
        weights = torch.stack([1 - lower, lower], 1)
        return NetworkOutput(logits, logits, features, weights)

    def _evidence(self, faces: Tensor) -> Tensor:
        evidence = faces.new_zeros(len(faces), 7, SIZE, SIZE)
        for index, place, other in ((HAPPY, MOUTH, BROWS), (SAD, BROWS, MOUTH)):
            evidence[:, index, *place] = faces[:, 0, *place]
            evidence[:, index, *other] = -faces[:, 0, *other]
        return evidence

    def evidence(self, output: NetworkOutput) -> Tensor | None:
        return self._evidence(output.features["upper"]) if self.maps else None


class NoMaps(Toy):
    """The same network without feature maps, so that only occlusion explains it."""

    has_maps = False
    maps = False


def bright(place: Any, value: int) -> Image:
    face = np.zeros((SIZE, SIZE), np.uint8)
    face[place] = value
    return face


@pytest.fixture
def landmarks() -> Floats:
    """Return (78, 2) landmarks with brows and mouth on the toy's evidence, in fractions of the square."""
    points = np.full((78, 2), 0.5, np.float32)
    points[17:22] = np.linspace((0.25, 0.25), (0.4, 0.25), 5)
    points[22:27] = np.linspace((0.6, 0.25), (0.75, 0.25), 5)
    for pieces, (x, y), (width, height) in (
        (np.s_[48:60], (0.5, 0.77), (0.16, 0.08)),
        (np.s_[36:42], (0.32, 0.38), (0.06, 0.03)),
        (np.s_[42:48], (0.68, 0.38), (0.06, 0.03)),
    ):
        turns = np.linspace(np.pi, 3 * np.pi, len(points[pieces]), endpoint=False)
        points[pieces, 0], points[pieces, 1] = x + width * np.cos(turns), y + height * np.sin(turns)
    return points


def averages_of(network: Network, faces: list[Image], labels: list[int], landmarks: Floats) -> Any:
    return average_maps(
        classifier_of(network),
        np.stack(faces),
        np.stack([landmarks] * len(faces)),
        np.array(labels),
        max_per_class=2,
    )


def test_evidence_at_the_mouth_is_counted_for_the_mouth(landmarks: Floats) -> None:
    faces = [bright(MOUTH, 40), bright(MOUTH, 200), bright(BROWS, 90), bright(BROWS, 90)]
    averages = averages_of(Toy(), faces, [HAPPY, HAPPY, SAD, HAPPY], landmarks)
    assert set(averages) == {"happy", "sad"}, "classes that are never assigned have no average"
    happy, sad = averages["happy"], averages["sad"]
    assert (happy.target, happy.method, happy.n, sad.n) == ("happy", "gradcam", 2, 1)
    assert happy.part_share["mouth"] > 0.97 and sad.part_share["brows"] > 0.9
    assert sum(sad.part_share.values()) == pytest.approx(1)
    assert happy.region_share == pytest.approx({"upper": 0, "lower": 1, "elsewhere": 0})
    assert sad.region_share["upper"] == 1
    mean = np.mean([faces[0].mean(), faces[1].mean()]) / 255
    assert happy.region_attention == pytest.approx({"upper": 1 - mean, "lower": mean})
    assert happy.part_error == pytest.approx(dict.fromkeys(SHARES, 0), abs=1e-6)
    assert np.isnan(sad.part_error["brows"]), "one face has no spread"


def test_every_face_has_the_same_weight(landmarks: Floats) -> None:
    dim, strong = bright(MOUTH, 20), bright(MOUTH, 250)
    strong[12, 14] = 100
    happy = averages_of(Toy(), [dim, strong], [HAPPY, HAPPY], landmarks)["happy"]
    assert happy.raw.dtype == np.float32 and happy.raw.shape == (SIZE, SIZE)
    assert happy.raw[MOUTH] == pytest.approx(1)
    assert happy.raw[12, 14] == pytest.approx(-100 / 250 / 2), "the sign is kept"


def test_maps_without_heat_are_not_counted(landmarks: Floats) -> None:
    angry = EXPRESSIONS.index("angry")  # the first class wins where all scores are zero
    assert averages_of(Toy(), [bright(MOUTH, 0)], [angry], landmarks) == {}


def test_models_without_maps_are_explained_by_occlusion(landmarks: Floats) -> None:
    face = np.maximum(bright(MOUTH, 200), round(255 * GRAY_MEAN))  # where the cover changes nothing
    happy = averages_of(NoMaps(), [face] * 5, [HAPPY] * 5, landmarks)["happy"]
    assert (happy.method, happy.n, happy.raw.shape) == ("occlusion", 2, (6, 6))
    assert happy.raw[4, 2:4] == pytest.approx(1, abs=0.05) and abs(happy.raw[:2]).max() < 0.05
    assert averages_of(Toy(), [face] * 5, [HAPPY] * 5, landmarks)["happy"].n == 5


def test_the_error_of_two_parts_includes_their_covariance() -> None:
    covariance = np.zeros((len(SHARES),) * 2, np.float32)
    eyes, mouth = SHARES.index("eyes"), SHARES.index("mouth")
    covariance[eyes, eyes] = covariance[mouth, mouth] = 0.01**2
    covariance[eyes, mouth] = covariance[mouth, eyes] = -(0.01**2)
    average = average_of("happy", eyes=0.2, mouth=0.3, covariance=covariance)
    assert average.share(("eyes", "mouth")) == pytest.approx(0.5)
    assert average.error(("eyes",)) == pytest.approx(average.part_error["mouth"])
    assert average.error(("eyes",)) == pytest.approx(0.01)
    assert average.error(("eyes", "mouth")) == pytest.approx(0, abs=1e-6)


def average_of(
    target: str,
    *,
    n: int = 9,
    covariance: Floats | None = None,
    attention: Mapping[str, float] | None = None,
    **shares: float,
) -> AverageMap:
    all_shares = dict.fromkeys(SHARES, 0.0) | shares
    return AverageMap(
        target=target,
        method="gradcam",
        n=n,
        raw=np.linspace(-1, 1, 36, dtype=np.float32).reshape(6, 6),
        part_share=all_shares,
        part_covariance=np.eye(len(SHARES), dtype=np.float32) * 1e-4
        if covariance is None
        else covariance,
        region_share={"upper": 0.25, "lower": 0.5, "elsewhere": 0.25},
        region_attention=attention,
    )


def test_claims_are_tested_against_the_other_classes() -> None:
    maps = {name: average_of(name, brows=0.1, mouth=0.2) for name in EXPRESSIONS}
    maps["happy"] = average_of("happy", brows=0.1, eyes=0.1, mouth=0.4)
    maps["sad"] = average_of("sad", brows=0.13)
    maps["fear"] = average_of("fear", n=1, brows=0.9)
    happy, angry, sad = evaluate_claims(Averages({"m": maps}), "m")
    assert (happy.target, happy.parts) == ("happy", ("eyes", "mouth"))
    assert (happy.share, happy.others) == pytest.approx((0.5, 0.8 / 5)), "one face is no mean"
    reach = 1.96 * (2e-4 + 2e-4 / 5) ** 0.5
    assert (happy.low, happy.high) == pytest.approx((0.34 - reach, 0.34 + reach))
    assert happy.holds and not angry.holds and angry.high > 0
    assert sad.share - sad.others == pytest.approx(0.03) and sad.holds
    assert evaluate_claims(Averages({"m": maps}), "other") == ()
    assert evaluate_claims(Averages({"m": {"happy": maps["happy"]}}), "m") == ()


def test_written_averages_are_read_back(tmp_path: Path) -> None:
    assert (read_averages(tmp_path).maps, read_averages(tmp_path).landmarks) == ({}, None)
    one = average_of(
        "happy", n=1, covariance=np.full((len(SHARES),) * 2, np.nan, np.float32), mouth=0.123456
    )
    two = average_of("sad", attention={"face": 0.6, "upper": 0.4}, brows=0.5)
    two = replace(two, part_covariance=np.full((len(SHARES),) * 2, 1.23456e-7, np.float32))
    layout = np.linspace(0, 1, 156, dtype=np.float32).reshape(78, 2)
    path = write_averages(
        Averages({"toy": {"happy": one, "sad": two}}, layout, {"happy": 2 * layout}, "as told"),
        tmp_path,
    )
    assert path == tmp_path / "results" / "averages.json" and "NaN" not in path.read_text()
    averages = read_averages(tmp_path)
    assert averages.command == "as told" and list(averages.maps["toy"]) == ["happy", "sad"]
    assert averages.landmarks == pytest.approx(layout, abs=1e-4)
    assert averages.class_landmarks["happy"] == pytest.approx(2 * layout, abs=1e-4)
    happy, sad = averages.maps["toy"].values()
    assert (happy.n, happy.method, happy.region_attention) == (1, "gradcam", None)
    assert happy.raw.dtype == np.float32 and happy.raw == pytest.approx(one.raw, abs=1e-4)
    assert happy.part_share["mouth"] == 0.1235 and np.isnan(happy.part_covariance).all()
    assert sad.part_covariance == pytest.approx(np.full((len(SHARES),) * 2, 1.235e-7), rel=1e-5)
    assert sad.region_attention == {"face": 0.6, "upper": 0.4}
    assert sad.region_share == two.region_share
    assert list_models(tmp_path) == (), "the file is no model"


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        '{"models": {}}',
        '{"command": "", "landmarks": [[1, 2]], "models": {}}',
        '{"command": "", "landmarks": null, "models": {"plain": {"happy": {"raw": [1]}}}}',
        '{"command": "", "landmarks": null, "models": {"plain": {"happy": 3}}}',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    results_path(AVERAGES, tmp_path).parent.mkdir()
    results_path(AVERAGES, tmp_path).write_text(content)
    with pytest.raises(
        WeightsError, match=r"averages\.json does not hold averages .* fer_core averages"
    ):
        read_averages(tmp_path)


def test_crops_are_aligned_like_in_the_classifier(astronaut: Image) -> None:
    crops = [astronaut[50:190, 150:300].mean(2).astype(np.uint8)] * 2
    model = load_model("plain")
    landmarks = bare_landmarks(crops)
    aligned, layout = align_by_landmarks(model, crops, landmarks)
    assert (aligned == model.align(crops)).all()
    eyes = [layout[0, eye].mean(0) for eye in (np.s_[36:42], np.s_[42:48])]
    assert np.array(eyes) == pytest.approx(np.array([(0.32, 0.38), (0.68, 0.38)]), abs=0.06)
    loose = Classifier.from_network(model.network, replace(model.card, aligned=False))
    as_it_is, layout = align_by_landmarks(loose, crops, landmarks)
    assert (as_it_is == loose.align(crops)).all()
    height, width = crops[0].shape
    assert layout[0, :, 0] == pytest.approx(landmarks[0, :, 0] / width, abs=1e-4)
    shift = (width - height) / 2 / width
    assert layout[0, :, 1] == pytest.approx(landmarks[0, :, 1] / width + shift, abs=1e-4)

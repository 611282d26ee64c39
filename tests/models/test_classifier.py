"""Calibration, weight files, and the prediction of bare crops."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_core.building import fold_batch_norms
from fer_core.errors import UserError
from fer_core.images import to_gray
from fer_core.labels import EXPRESSIONS, PRIORS
from fer_core.models import Classifier, load_model
from fer_core.models.base import Trunk
from fer_core.types import Image
from fer_core.weights import (
    WeightsError,
    get_arrays,
    list_models,
    load_card,
    save_weights,
)

one_family = pytest.mark.parametrize("classifier", ["plain"], indirect=True)


@pytest.fixture
def stored(classifier: Classifier, tmp_path: Path) -> tuple[Classifier, Path]:
    save_weights(classifier.card, get_arrays(classifier.network), tmp_path)
    return classifier, tmp_path


@one_family
def test_calibration_divides_by_the_temperature(classifier: Classifier) -> None:
    logits = np.array([[3.0, 0, 0, 0, 0, 0, 0], [1000.0, -1000, 0, 0, 0, 0, 0]], np.float32)
    probabilities = classifier.calibrate(logits)
    assert probabilities[0, 0] == pytest.approx(np.e**2 / (np.e**2 + 6), abs=1e-6)
    assert probabilities.sum(1) == pytest.approx([1, 1]) and np.isfinite(probabilities).all()


@one_family
def test_a_prior_takes_a_part_of_the_training_shares_off(classifier: Classifier) -> None:
    shares = (0.1, 0.02, 0.1, 0.3, 0.18, 0.1, 0.2)
    classifier.card = dataclasses.replace(classifier.card, temperature=1.0, class_shares=shares)
    logits = np.log(np.array([shares], np.float32))
    own, half, equal = (classifier.calibrate(logits, prior)[0] for prior in PRIORS)
    assert own == pytest.approx(shares, abs=1e-6)
    assert half == pytest.approx(np.sqrt(shares) / np.sqrt(shares).sum(), abs=1e-6)
    assert equal == pytest.approx([1 / 7] * 7, abs=1e-6)
    assert np.array_equal(classifier.calibrate(logits)[0], own)
    classifier.card = dataclasses.replace(classifier.card, prior="equal")
    assert np.array_equal(classifier.calibrate(logits)[0], equal)


@one_family
def test_an_unknown_prior_is_an_error_that_names_the_valid_ones(classifier: Classifier) -> None:
    with pytest.raises(UserError, match="own, half, equal"):
        classifier.calibrate(np.zeros((1, 7), np.float32), "fair")


@one_family
def test_without_known_shares_every_prior_is_that_of_training(classifier: Classifier) -> None:
    logits = np.arange(7, dtype=np.float32)[None]
    assert np.array_equal(
        classifier.calibrate(logits, "equal"), classifier.calibrate(logits, "own")
    )
    assert classifier.assumed_prior("equal") == "own"


def test_stored_weights_are_loaded_again(
    stored: tuple[Classifier, Path], faces: np.ndarray
) -> None:
    classifier, folder = stored
    loaded = load_model(classifier.name, folder=folder)
    assert loaded.logits(faces)[0] == pytest.approx(classifier.logits(faces)[0], abs=0.02)
    assert loaded.card.sha256 and loaded.card == load_card(classifier.name, folder)


def test_folding_batch_norms_does_not_change_the_output(
    classifier: Classifier, faces: np.ndarray
) -> None:
    before = classifier.logits(faces)[0]
    for module in classifier.network.modules():
        if isinstance(module, Trunk):
            fold_batch_norms(module.body)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in classifier.network.modules())
    assert classifier.logits(faces)[0] == pytest.approx(before, abs=1e-4)


@one_family
def test_an_altered_weight_file_is_refused(stored: tuple[Classifier, Path]) -> None:
    classifier, folder = stored
    path = folder / f"{classifier.name}.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"{path.name} does not match the hash.*restore"):
        load_model(classifier.name, folder=folder)


@one_family
def test_a_missing_weight_file_is_named(stored: tuple[Classifier, Path]) -> None:
    classifier, folder = stored
    (folder / f"{classifier.name}.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"safetensors is missing; restore"):
        load_model(classifier.name, folder=folder)


@one_family
def test_weights_of_another_network_are_refused(stored: tuple[Classifier, Path]) -> None:
    classifier, folder = stored
    arrays = get_arrays(classifier.network)
    arrays.pop(min(arrays))
    save_weights(classifier.card, arrays, folder)
    with pytest.raises(WeightsError, match="does not fit its card's network"):
        load_model(classifier.name, folder=folder)


@one_family
def test_a_file_that_is_not_safetensors_is_refused(stored: tuple[Classifier, Path]) -> None:
    classifier, folder = stored
    path = folder / f"{classifier.name}.safetensors"
    path.write_bytes(b"not weights")
    table = json.loads((folder / f"{classifier.name}.json").read_text())
    table["sha256"] = hashlib.sha256(b"not weights").hexdigest()
    (folder / f"{classifier.name}.json").write_text(json.dumps(table))
    with pytest.raises(WeightsError, match="is not a safetensors file"):
        load_model(classifier.name, folder=folder)


@one_family
def test_a_damaged_card_is_named(stored: tuple[Classifier, Path]) -> None:
    classifier, folder = stored
    (folder / f"{classifier.name}.json").write_text("{")
    with pytest.raises(WeightsError, match="is not a model card"):
        load_model(classifier.name, folder=folder)


@one_family
def test_a_card_of_an_unknown_kind_is_refused(stored: tuple[Classifier, Path]) -> None:
    classifier, folder = stored
    path = folder / f"{classifier.name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "kind": "gestures"}))
    message = (
        r"is not a model card \(kind must be one of expressions, .*, not 'gestures'\); restore"
    )
    with pytest.raises(WeightsError, match=message):
        load_card(classifier.name, folder)


def test_an_unknown_model_lists_the_valid_ones() -> None:
    with pytest.raises(ValueError, match=f"choose one of default, {', '.join(list_models())}"):
        load_model("resnet50")


class TestShippedModels:
    @pytest.mark.parametrize("name", ["default", *list_models()])
    def test_probabilities_of_bare_crops(self, name: str, astronaut: Image) -> None:
        crop = astronaut[40:190, 150:300]
        small = np.stack([crop[::3, ::3], crop[::3, 49::-3][:, :50]][:1] * 2)
        probabilities = load_model(name).probabilities(small)
        assert probabilities.shape == (2, 7) and probabilities.dtype == np.float32
        assert probabilities.sum(1) == pytest.approx([1, 1], abs=1e-5)
        assert EXPRESSIONS[probabilities[0].argmax()] == "happy"

    def test_gray_and_color_crops_agree(self, astronaut: Image) -> None:
        model, crop = load_model("default"), astronaut[40:190, 150:300]
        gray, color = (model.probabilities(c[None]) for c in (to_gray(crop), crop))
        assert gray == pytest.approx(color, abs=0.02)

    def test_crops_of_several_sizes_and_none_are_accepted(self, astronaut: Image) -> None:
        model = load_model("default")
        crops = [astronaut[40:190, 150:300], astronaut[60:180, 170:280, 0]]
        assert model.probabilities(crops).shape == (2, 7)
        assert model.probabilities([]).shape == (0, 7)

    def test_the_default_is_prior_attention_unless_plain_is_half_a_point_better(self) -> None:
        figures = {n: load_card(n).figures["PublicTest"]["accuracy"] for n in list_models()}
        better = "plain" if figures["plain"] > figures["prior_attention"] + 0.005 else None
        assert load_card("default").name == (better or "prior_attention")

    def test_cards_have_all_facts(self) -> None:
        for name in list_models():
            card = load_card(name)
            for field in dataclasses.fields(card):
                if field.name not in ("published", "graphs"):
                    assert getattr(card, field.name) not in ("", {}, None), field.name
            assert set(card.figures) == {"PublicTest", "PrivateTest"}
            assert all("command" in row for row in card.figures.values())

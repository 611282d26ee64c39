"""Classical models: kernel machines, boosted trees and their features."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_core.errors import UserError
from fer_core.explain import raw_map
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models import Classifier, build_network, load_model
from fer_core.models.base import Network
from fer_core.models.boosted import Boosted, as_votes
from fer_core.models.descriptors import (
    POINT_FEATURES,
    WINDOW_FEATURES,
    describe_points,
    sliding_hog,
)
from fer_core.models.kernel_machine import KernelMachine
from fer_core.training.recipe import read_recipe
from fer_core.types import Image
from fer_core.weights import WeightsError, get_arrays, save_weights
from tests.networks import classifier_of, network_output

MACHINES = ("svm_hog", "svm_hog_landmarks", "svm_landmarks", "svm_sliding_hog")


def as_fitted(name: str, network: Network) -> Classifier:
    options = {**read_recipe(name).network, **network.learned_options}
    return classifier_of(network, name, options=options)


def machine(name: str) -> Classifier:
    """Return a kernel machine with random centers among the faces."""
    torch.manual_seed(0)
    network = build_network(name, read_recipe(name).network)
    assert isinstance(network, KernelMachine)
    with torch.no_grad():
        network.project.weight *= 0.1
        network.centres.mul_(0.1)
    return as_fitted(name, network)


@pytest.fixture(scope="module")
def trees() -> str:
    """Return LightGBM's text of trees that separate seven classes by the mean gray of a small face."""
    lightgbm = pytest.importorskip("lightgbm")
    labels = np.arange(210) % 7
    side = read_recipe("lgbm_pixels").network["side"]
    numbers = np.repeat(labels[:, None] * 30.0 + 20, side**2, axis=1)
    settings = {"objective": "multiclass", "num_class": 7, "verbosity": -1, "num_threads": 1}
    settings |= {"min_data_in_leaf": 1}
    return str(lightgbm.train(settings, lightgbm.Dataset(numbers, labels), 5).model_to_string())


@pytest.fixture
def boosted(trees: str) -> Classifier:
    network = build_network("lgbm_pixels", read_recipe("lgbm_pixels").network)
    assert isinstance(network, Boosted)
    network.put_trees(trees)
    return as_fitted("lgbm_pixels", network)


@pytest.fixture
def grays() -> Image:
    """Return (7, 48, 48) flat faces, one for each class of ``trees``."""
    return np.repeat(np.arange(7, dtype=np.uint8) * 30 + 20, 48 * 48).reshape(7, 48, 48)


class TestKernelMachines:
    @pytest.mark.parametrize("name", MACHINES)
    def test_logits_and_the_size_of_the_file(
        self, name: str, faces: np.ndarray, tmp_path: Path
    ) -> None:
        classifier = machine(name)
        output = network_output(classifier, faces)
        assert output.logits.shape == (5, 7) and output.votes.shape == (5, 8)
        save_weights(classifier.card, get_arrays(classifier.network), tmp_path)
        assert (tmp_path / f"{name}.safetensors").stat().st_size <= 1.5e6
        loaded = load_model(name, folder=tmp_path)
        assert loaded.logits(faces)[0] == pytest.approx(classifier.logits(faces)[0], abs=0.02)

    def test_the_kernel_is_one_at_a_center_and_falls_with_the_squared_distance(self) -> None:
        network = machine("svm_landmarks").network
        assert isinstance(network, KernelMachine)
        with torch.no_grad():
            network.project.weight.copy_(torch.eye(*network.project.weight.shape[:2]))
            network.project.bias.zero_()
        described = torch.zeros(1, POINT_FEATURES)
        components = network.centres.shape[1]
        described[0, :components] = network.centres[3]
        assert float(network.similarities(described)[0, 3]) == pytest.approx(1, abs=1e-5)
        described[0, 0] += 0.5
        assert float(network.similarities(described)[0, 3]) == pytest.approx(
            np.exp(-0.25), rel=1e-4
        )

    @pytest.mark.parametrize("name", MACHINES)
    def test_occlusion_explains_kernel_machines(self, name: str, faces: np.ndarray) -> None:
        raw = raw_map(machine(name), faces[0], "happy", "gradcam")
        assert raw.ndim == 2 and np.isfinite(raw).all() and np.ptp(raw) > 0


class TestTrees:
    def test_trees_predict_the_same_after_loading(
        self, boosted: Classifier, grays: Image, tmp_path: Path
    ) -> None:
        assert boosted.logits(grays)[0].argmax(1).tolist() == list(range(7))
        assert isinstance(boosted.network, Boosted)
        leaves = boosted.network.trees.trees_to_dataframe()["split_feature"].isna().sum()
        assert boosted.network.num_parameters == 2 * leaves - boosted.network.trees.num_trees()
        save_weights(boosted.card, get_arrays(boosted.network), tmp_path)
        loaded = load_model("lgbm_pixels", folder=tmp_path)
        assert loaded.card.network["booster_bytes"] == len(boosted.network.booster)
        assert loaded.logits(grays)[0] == pytest.approx(boosted.logits(grays)[0], abs=1e-6)

    def test_votes_are_those_of_the_classes_without_contempt(self) -> None:
        votes = as_votes(torch.arange(7.0)[None])[0]
        for number, name in enumerate(EXPRESSIONS):
            assert votes[FERPLUS_EXPRESSIONS.index(name)] == number
        assert votes[FERPLUS_EXPRESSIONS.index("contempt")] < -10

    def test_missing_lightgbm_is_named(
        self, boosted: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save_weights(boosted.card, get_arrays(boosted.network), tmp_path)
        monkeypatch.setitem(sys.modules, "lightgbm", None)
        with pytest.raises(UserError, match="needs LightGBM, which is not installed"):
            load_model("lgbm_pixels", folder=tmp_path)

    @pytest.mark.parametrize("damage", [slice(40, 44), slice(0, 0)])
    def test_damaged_trees_are_refused(
        self, boosted: Classifier, tmp_path: Path, damage: slice
    ) -> None:
        arrays = get_arrays(boosted.network)
        packed = arrays["booster"].copy()
        packed[damage] ^= 255
        stored = packed if damage.stop else packed[: len(packed) // 2]
        options = {**boosted.card.network, "booster_bytes": len(stored)}
        save_weights(
            dataclasses.replace(boosted.card, network=options),
            {**arrays, "booster": stored},
            tmp_path,
        )
        with pytest.raises(WeightsError, match="hold no trees that can be read"):
            load_model("lgbm_pixels", folder=tmp_path)


class TestDescriptions:
    def test_landmark_features_do_not_depend_on_size_and_position(self) -> None:
        points = torch.from_numpy(
            np.random.default_rng(0).normal(0, 1, (3, 78, 2)).astype(np.float32)
        )
        features = describe_points(points)
        assert features.shape == (3, POINT_FEATURES)
        assert describe_points(points * 3 + 20).numpy() == pytest.approx(features.numpy(), abs=1e-3)
        assert describe_points(torch.zeros(1, 78, 2)).isfinite().all()

    def test_an_open_mouth_changes_the_landmark_features(self) -> None:
        points = torch.from_numpy(
            np.random.default_rng(0).normal(0, 1, (1, 78, 2)).astype(np.float32)
        )
        opened = points.clone()
        opened[:, 66, 1] += 1
        assert (describe_points(opened) - describe_points(points)).abs().max() > 0.05

    def test_the_window_slides_over_the_face(self) -> None:
        face = np.full((1, 1, 48, 48), 128, np.uint8)
        assert not sliding_hog(torch.from_numpy(face)).any()
        face[..., 40:44, 40:44] = 255
        windows = sliding_hog(torch.from_numpy(face)).reshape(5, 5, -1)
        assert windows.numel() == WINDOW_FEATURES
        assert windows[4, 4].any() and not windows[0, 0].any() and not windows[0, 4].any()

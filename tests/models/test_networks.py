"""Properties of every network family, and those of prior attention."""

import numpy as np
import pytest
import safetensors.numpy
import torch

from fer_core.explain import METHODS, get_method, raw_map, region_share
from fer_core.geometry import block
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models import Classifier, build_network, get_family, list_families
from fer_core.models.base import PooledNetwork
from fer_core.models.ferplus_cnn import FERPlusCNN
from fer_core.models.region_attention import RegionAttention
from fer_core.training.recipe import read_recipe
from fer_core.weights import get_arrays
from tests.networks import network_output

FAMILIES = (
    "acnn_alstm",
    "cnn_alstm",
    "cnn_lstm",
    "dexpression",
    "dnn",
    "emonet_baseline",
    "emonet_multihead",
    "emonet_self_attention",
    "emotional_dan",
    "ferplus_cnn",
    "hybrid",
    "inception",
    "lgbm_autoencoder",
    "lgbm_pixels",
    "plain",
    "prior_attention",
    "prior_blocks",
    "simple_cnn",
    "svm_hog",
    "svm_hog_landmarks",
    "svm_landmarks",
    "svm_sliding_hog",
    "xception",
)
TRAINED = tuple(name for name in FAMILIES if get_family(name).kind == "network")
"""Families that are trained by gradient descent."""
MEGABYTES = {"prior_attention": 10, "plain": 6, "dnn": 7.5}
ANY_OTHER_MEGABYTES = 1.5

FINE_MAPS = ("acnn_alstm", "cnn_alstm", "cnn_lstm")
"""Families whose maps have twice as many cells on each side."""
BENT = (*FINE_MAPS, "dnn", "emonet_multihead", "emonet_self_attention", "hybrid")
"""Families whose class scores are not sums of evidence over places."""


def side(classifier: Classifier) -> int:
    """Return the side of the last feature map, in cells."""
    return 12 if classifier.name in FINE_MAPS else 6


def test_families_are_listed_and_unknown_ones_named() -> None:
    assert list_families() == FAMILIES
    with pytest.raises(ValueError, match=f"choose one of {', '.join(FAMILIES)}"):
        build_network("vgg", {})


def test_output_shapes_and_maps_on_one_grid(classifier: Classifier, faces: np.ndarray) -> None:
    output = network_output(classifier, faces)
    assert output.logits.shape == (5, 7) and output.votes.shape == (5, 8)
    assert tuple(output.features) == classifier.network.regions
    for region in classifier.network.regions:
        rows, columns = block(region, side(classifier))
        assert output.features[region].shape[-2:] == (
            rows.stop - rows.start,
            columns.stop - columns.start,
        )


@pytest.mark.parametrize("family", TRAINED)
def test_weights_depend_on_the_seed_and_the_file_is_small(family: str) -> None:
    options = read_recipe(family).network
    built = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        built.append(get_arrays(build_network(family, options)))
    first, again, other = built
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)
    size = len(safetensors.numpy.save({n: a.astype(np.float16) for n, a in first.items()}))
    assert size / 1e6 <= MEGABYTES.get(family, ANY_OTHER_MEGABYTES)


def test_the_small_faces_of_the_recipe_fit_the_network(classifier: Classifier) -> None:
    recipe = read_recipe(classifier.name)
    size = recipe.small_size if recipe.small_epochs else classifier.input_size
    assert classifier.forward(np.zeros((2, size, size), np.uint8)).logits.shape == (2, 7)


@pytest.mark.parametrize("family", TRAINED)
def test_a_head_for_valence_and_arousal_is_an_option(family: str, faces: np.ndarray) -> None:
    options = read_recipe(family).network
    torch.manual_seed(0)
    network = build_network(family, {**options, "affect": True}).eval()
    output = network(torch.from_numpy(faces)[:, None])
    assert output.affect is not None and output.affect.shape == (5, 2)
    assert output.affect.abs().max() < 1
    if output.region_heads is not None:
        assert output.region_attention is not None
        branches = torch.stack([heads.affect for heads in output.region_heads.values()], dim=2)
        weighted = (branches * output.region_attention[:, None]).sum(2)
        assert torch.allclose(weighted, output.affect, atol=1e-6)
    without = build_network(family, options)
    added = network.state_dict().keys() - without.state_dict().keys()
    assert added and all(".affect." in name for name in added)
    assert without.eval()(torch.from_numpy(faces)[:, None]).affect is None


def test_evidence_sums_to_the_logits_less_their_bias(
    classifier: Classifier, faces: np.ndarray
) -> None:
    output = network_output(classifier, faces)
    evidence = classifier.network.evidence(output)
    if classifier.name in BENT:
        assert evidence is None
        return
    assert evidence is not None
    network = classifier.network
    if isinstance(network, RegionAttention):
        assert output.region_attention is not None
        weights = get_arrays(network)
        biases = [weights[f"classifiers.{name}.expressions.bias"] for name in network.regions]
        bias = output.region_attention @ torch.from_numpy(np.stack(biases))
    elif isinstance(network, FERPlusCNN):
        order = [FERPLUS_EXPRESSIONS.index(name) for name in EXPRESSIONS]
        bias = network.classifier.votes.bias[order]
    else:
        assert isinstance(network, PooledNetwork)
        bias = network.classifier.expressions.bias
    assert torch.allclose(evidence.sum((2, 3)) + bias, output.logits, atol=1e-5)


@pytest.mark.parametrize(
    "method", [m.name for m in METHODS if m.fast or m.name == "guided_backprop"]
)
def test_every_fast_method_gives_a_map(
    classifier: Classifier, faces: np.ndarray, method: str
) -> None:
    raw = raw_map(classifier, faces[0], "happy", method)
    pixels = get_method(method).looks_at == "pixels"
    cells = faces.shape[1] if pixels else side(classifier)
    assert raw.shape == (cells, cells) and np.isfinite(raw).all()
    assert np.ptp(raw) > 0
    assert sum(region_share(raw).values()) == pytest.approx(1) or not (raw > 0).any()
    evidence = classifier.forward(faces[:1]).evidence
    if evidence is not None and method in ("gradcam", "hirescam"):
        assert raw == pytest.approx(evidence[0, EXPRESSIONS.index("happy")], abs=1e-5)


def test_faces_of_a_batch_are_independent(classifier: Classifier, faces: np.ndarray) -> None:
    together, alone = classifier.logits(faces)[0], classifier.logits(faces[2:3])[0]
    assert together[2] == pytest.approx(alone[0], abs=1e-4)


@pytest.mark.parametrize("classifier", ["prior_blocks"], indirect=True)
class TestPriorBlocks:
    def test_the_upper_branch_does_not_depend_on_the_mouth(
        self, classifier: Classifier, faces: np.ndarray
    ) -> None:
        covered = faces.copy()
        covered[(slice(None), *block("lower", 48))] = 0
        before, after = (network_output(classifier, f).features for f in (faces, covered))
        assert torch.equal(before["upper"], after["upper"])
        assert not torch.equal(before["lower"], after["lower"])

    def test_branches_share_convolutions_but_not_norms(self, classifier: Classifier) -> None:
        upper, lower = (classifier.network.trunks[region] for region in ("upper", "lower"))
        modules = dict(lower.named_modules())
        for name, module in upper.named_modules():
            if isinstance(module, torch.nn.Conv2d):
                assert modules[name] is module
            if isinstance(module, torch.nn.BatchNorm2d):
                assert modules[name] is not module


@pytest.mark.parametrize("classifier", ["prior_attention"], indirect=True)
class TestPriorAttention:
    def test_weights_of_the_three_regions_sum_to_one(
        self, classifier: Classifier, faces: np.ndarray
    ) -> None:
        attention = network_output(classifier, faces).region_attention
        assert attention is not None and attention.shape == (5, 3)
        assert attention.sum(1).numpy() == pytest.approx(np.ones(5), abs=1e-6)
        assert attention.min() > 0

    def test_logits_are_the_weighted_mean_of_the_branches(
        self, classifier: Classifier, faces: np.ndarray
    ) -> None:
        output = network_output(classifier, faces)
        assert output.region_heads is not None and output.region_attention is not None
        parts = [
            output.region_attention[:, i, None] * output.region_heads[region][0]
            for i, region in enumerate(classifier.network.regions)
        ]
        assert torch.allclose(torch.stack(parts).sum(0), output.logits, atol=1e-5)


@pytest.mark.parametrize("classifier", ["prior_blocks"], indirect=True)
def test_prior_blocks_depend_on_eyes_and_mouth_only(
    classifier: Classifier, faces: np.ndarray
) -> None:
    output = network_output(classifier, faces)
    assert output.region_attention is not None and output.region_attention.shape == (5, 2)
    visible = np.zeros((48, 48), bool)
    for region in ("upper", "lower"):
        visible[block(region, 48)] = True
    assert 0 < (~visible).sum() == 24 * 16
    elsewhere, within = (np.where(mask, faces, 0).astype(np.uint8) for mask in (visible, ~visible))
    assert torch.equal(network_output(classifier, elsewhere).logits, output.logits)
    assert not torch.equal(network_output(classifier, within).logits, output.logits)
    evidence = classifier.network.evidence(output)
    assert evidence is not None and not evidence[:, :, 3:, [0, 5]].any()

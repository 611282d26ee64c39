"""Raw maps against gradients computed by hand and against pytorch-grad-cam."""

import copy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, LayerCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from fer_core.explain import (
    METHODS,
    cams,
    get_method,
    list_methods,
    method_for,
    raw_map,
    raw_maps,
)
from fer_core.explain.layers import SplitNetwork, list_layers
from fer_core.geometry import block
from fer_core.labels import EXPRESSIONS, REGIONS
from fer_core.models import build_network
from fer_core.models.base import GRAY_MEAN, Network, NetworkOutput, normalize, pool
from fer_core.models.classifier import BATCH, Classifier
from fer_core.models.plain import Plain
from fer_core.models.prior_attention import PriorAttention
from fer_core.training.recipe import read_recipe
from fer_core.types import Floats, Image
from fer_core.weights import get_arrays
from tests.networks import classifier_of, face_tensor, network_output

SIZE = 48


def scatter(network: nn.Module) -> None:
    """Set random weights, large enough that classes, branches and faces differ."""
    torch.manual_seed(7)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, module.in_features**-0.5)
            nn.init.normal_(module.bias, 0, 0.5)


def scattered(network: Network, family: str = "test") -> Classifier:
    scatter(network)
    return classifier_of(network, family)


def from_recipe(family: str) -> Classifier:
    """Return the network of a recipe with fewer channels, so that tests are fast."""
    options = copy.deepcopy(dict(read_recipe(family).network))
    options["backbone"]["options"] |= {"channels": [8, 16, 24, 8], "stem_width": 8}
    return scattered(build_network(family, options), family)


@pytest.fixture(scope="module")
def plain() -> Classifier:
    return from_recipe("plain")


@pytest.fixture(scope="module")
def prior_attention() -> Classifier:
    return from_recipe("prior_attention")


@pytest.fixture(params=["plain", "prior_attention"])
def classifier(request: pytest.FixtureRequest) -> Classifier:
    model: Classifier = request.getfixturevalue(request.param)
    return model


@pytest.fixture(scope="module")
def aligned() -> Image:
    """Return (S, S) uint8: smooth noise."""
    coarse = np.random.default_rng(3).integers(0, 256, (8, 8), np.uint8)
    return np.asarray(cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.uint8)


def by_hand(
    classifier: Classifier, aligned: Image, target: str, *, hold_attention: bool
) -> dict[str, tuple[Floats, Floats]]:
    """Return region -> (C, h, w) feature map and gradient of the class score."""
    network = classifier.network
    with torch.no_grad():
        features = network.features(face_tensor(aligned[None]))
    leaves = {region: maps.requires_grad_() for region, maps in features.items()}
    score = network.head(leaves, hold_attention=hold_attention).logits[0, EXPRESSIONS.index(target)]
    gradients = torch.autograd.grad(score, list(leaves.values()))
    return {
        region: (leaf.detach()[0].numpy(), gradient[0].numpy())
        for (region, leaf), gradient in zip(leaves.items(), gradients, strict=True)
    }


def on_grid(branches: Mapping[str, Floats]) -> Floats:
    """Return the sum of the branches' maps, each at its block of the 6x6 grid."""
    rows_and_columns = {
        "face": np.s_[0:6, 0:6],
        "upper": np.s_[0:3, 0:6],
        "lower": np.s_[3:6, 1:5],
    }
    summed = np.zeros((6, 6), np.float32)
    for region, branch in branches.items():
        summed[rows_and_columns[region]] += branch
    return summed


def gradcam_by_hand(
    classifier: Classifier, aligned: Image, target: str, *, hold_attention: bool = True
) -> Floats:
    parts = by_hand(classifier, aligned, target, hold_attention=hold_attention)
    return on_grid(
        {r: np.einsum("chw,c->hw", a, g.mean(axis=(1, 2))) for r, (a, g) in parts.items()}
    )


# Against the library ------------------------------------------------------------------------------


class Logits(nn.Module):
    """The wrapper that pytorch-grad-cam needs around a network."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(True)

    def forward(self, faces: Tensor) -> Tensor:
        output: NetworkOutput = self.network(faces)
        return output.logits


@pytest.mark.parametrize(("method", "reference"), [("gradcam", GradCAM), ("layercam", LayerCAM)])
def test_maps_of_plain_equal_those_of_pytorch_grad_cam(
    plain: Classifier, aligned: Image, method: str, reference: type
) -> None:
    model = Logits(plain.network)
    assert isinstance(model.network, Plain)
    last = list(model.network.backbone.body.children())[-1]
    with_heat = 0
    for index, target in enumerate(EXPRESSIONS):
        with reference(model, [last]) as cam:
            faces = face_tensor(aligned[None]).float()
            expected = cam(faces, [ClassifierOutputTarget(index)])[0]
        raw = np.maximum(raw_map(plain, aligned, target, method), 0)
        scaled = scale_cam_image(scale_cam_image(raw[None], (SIZE, SIZE)))[0]
        assert abs(scaled - expected).max() < 1e-3, target
        with_heat += expected.max() > 0.9
    assert with_heat >= 4  # a class with only evidence against it has no heat


# By hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", EXPRESSIONS)
def test_gradcam_is_the_gradient_with_constant_attention(
    prior_attention: Classifier, aligned: Image, target: str
) -> None:
    raw = raw_map(prior_attention, aligned, target, "gradcam")
    expected = gradcam_by_hand(prior_attention, aligned, target)
    assert abs(raw - expected).max() < 1e-4
    moving = gradcam_by_hand(prior_attention, aligned, target, hold_attention=False)
    assert abs(raw - moving).max() > 0.01 * abs(raw).max()


@pytest.mark.parametrize("target", ["fear", "happy"])
def test_each_gradient_method_follows_its_formula(
    classifier: Classifier, aligned: Image, target: str
) -> None:
    parts = by_hand(classifier, aligned, target, hold_attention=True)
    plus = {}
    for region, (a, g) in parts.items():
        alpha = g**2 / (2 * g**2 + a.sum(axis=(1, 2), keepdims=True) * g**3 + 1e-30)
        plus[region] = np.einsum("chw,c->hw", a, (alpha * np.maximum(g, 0)).sum(axis=(1, 2)))
    expected = {
        "hirescam": on_grid({r: (a * g).sum(axis=0) for r, (a, g) in parts.items()}),
        "layercam": on_grid({r: (a * np.maximum(g, 0)).sum(axis=0) for r, (a, g) in parts.items()}),
        "gradcam++": on_grid(plus),
    }
    for method, answer in expected.items():
        raw = raw_map(classifier, aligned, target, method)
        assert raw == pytest.approx(answer, rel=1e-3, abs=1e-5), method


def test_gradcam_plus_plus_agrees_with_the_library_where_gradients_are_large(
    plain: Classifier,
) -> None:
    generator = np.random.default_rng(1)
    activations = generator.random((1, 8, 6, 6), np.float32)
    gradients = generator.normal(size=(1, 8, 6, 6)).astype(np.float32)
    ours = cams.gradcam_plus_plus(torch.from_numpy(activations[0]), torch.from_numpy(gradients))
    with GradCAMPlusPlus(plain.network, []) as theirs:
        weights = theirs.get_cam_weights(None, None, None, activations, gradients)
    expected = np.einsum("chw,kc->khw", activations[0], weights)
    assert ours.numpy() == pytest.approx(expected, rel=1e-3)


def test_eigencam_is_the_first_principal_component_of_each_branch(
    prior_attention: Classifier, aligned: Image
) -> None:
    output = network_output(prior_attention, aligned[None])
    assert output.region_attention is not None
    expected = {}
    for region, weight in zip(REGIONS, output.region_attention[0].numpy(), strict=True):
        maps = output.features[region][0].numpy()
        cells = maps.reshape(len(maps), -1).T
        values, vectors = np.linalg.eigh(np.cov(cells.T))
        component = (cells - cells.mean(axis=0)) @ vectors[:, values.argmax()]
        sign = np.sign(np.corrcoef(component, cells.mean(axis=1))[0, 1])
        expected[region] = weight * sign * component.reshape(maps.shape[1:])
    raw = raw_map(prior_attention, aligned, "happy", "eigencam")
    assert raw == pytest.approx(on_grid(expected), abs=1e-4)


def test_scorecam_masks_the_face_by_each_channel(
    prior_attention: Classifier, aligned: Image
) -> None:
    network, target = prior_attention.network, EXPRESSIONS.index("sad")
    output = network_output(prior_attention, aligned[None])
    assert output.region_attention is not None
    expected = {}
    for region, weight in zip(REGIONS, output.region_attention[0].numpy(), strict=True):
        rows, columns = block(region, SIZE)
        crop = aligned[rows, columns].astype(np.float32)
        maps = output.features[region][0].numpy()
        scores = []
        for channel in maps:
            fine = cv2.resize(channel, crop.shape[::-1], interpolation=cv2.INTER_LINEAR)
            mask = (fine - fine.min()) / max(np.ptp(fine), 1e-8)
            face = np.full((SIZE, SIZE), 255 * GRAY_MEAN, np.float32)
            face[rows, columns] += mask * (crop - 255 * GRAY_MEAN)
            with torch.inference_mode():
                logits = network(torch.from_numpy(face)[None, None]).logits
            scores.append(float(logits[0, target]))
        shares = np.exp(scores) / np.exp(scores).sum()
        expected[region] = weight * np.einsum("chw,c->hw", maps, shares)
    raw = raw_map(prior_attention, aligned, "sad", "scorecam")
    assert raw == pytest.approx(on_grid(expected), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("region", REGIONS)
def test_scorecam_masks_are_zero_outside_the_block(region: str) -> None:
    rows, columns = block(region, SIZE)
    shape = (200, (rows.stop - rows.start) // 8, (columns.stop - columns.start) // 8)
    channels = np.random.default_rng(0).random(shape, np.float32)
    batches = list(cams.masks(torch.from_numpy(channels), region, SIZE))
    masks = torch.cat(batches)
    assert len(batches) == -(-200 // BATCH)
    assert masks.shape == (200, 1, SIZE, SIZE)
    inside = masks[:, :, rows, columns].clone()
    assert inside.amax((1, 2, 3)).numpy() == pytest.approx(1)
    assert inside.amin((1, 2, 3)).numpy() == pytest.approx(0)
    masks[:, :, rows, columns] = 0
    assert not masks.any()


@pytest.mark.parametrize("target", ["fear", "happy"])
def test_ablation_of_a_linear_network_is_gradcam_times_the_mean_of_each_channel(
    plain: Classifier, aligned: Image, target: str
) -> None:
    maps = network_output(plain, aligned[None]).features["face"][0].numpy()
    assert isinstance(plain.network, Plain)
    weights = plain.network.classifier.expressions.weight[EXPRESSIONS.index(target)].numpy()
    expected = np.einsum("chw,c->hw", maps, weights * maps.mean((1, 2)))
    raw = raw_map(plain, aligned, target, "ablationcam")
    assert raw == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_integrated_gradients_sum_to_the_change_of_the_score(
    classifier: Classifier, aligned: Image
) -> None:
    gray = torch.full((1, 1, SIZE, SIZE), 255 * GRAY_MEAN)
    with torch.inference_mode():
        face = classifier.network(face_tensor(aligned[None])).logits
        changed = (face - classifier.network(gray).logits)[0].numpy()
    for name, raw in raw_maps(classifier, aligned, EXPRESSIONS, "integrated_gradients").items():
        assert raw.shape == (SIZE, SIZE)
        expected = changed[EXPRESSIONS.index(name)]
        assert raw.sum() == pytest.approx(expected, abs=0.25 * float(abs(changed).max())), name


# Layers -------------------------------------------------------------------------------------------


def test_a_network_can_be_split_at_each_layer(classifier: Classifier, aligned: Image) -> None:
    layers = list_layers(classifier)
    assert [(layer.number, layer.side) for layer in layers] == [
        *((1, 24), (2, 24), (3, 12), (4, 6)),
    ]
    faces = face_tensor(aligned[None])
    expected = classifier.forward(aligned[None]).logits
    for layer in layers:
        cut = SplitNetwork(classifier.network, layer.number)
        maps = cut.maps(faces)
        is_last = layer is layers[-1]
        assert tuple(maps) == (classifier.network.regions if is_last else ("face",))
        assert cut.output(faces, maps).logits.numpy() == pytest.approx(expected, abs=1e-5)
        other = {region: torch.zeros_like(each) for region, each in maps.items()}
        assert abs(cut.output(faces, other).logits.numpy() - expected).max() > 0.01


def test_a_map_of_a_shallow_layer_uses_its_gradient(plain: Classifier, aligned: Image) -> None:
    network = copy.deepcopy(plain.network)
    assert isinstance(network, Plain)
    layer_maps: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple[Tensor, ...], maps: Tensor) -> Tensor:
        layer_maps.append(maps.requires_grad_())
        return maps

    network.backbone.body.get_submodule("layer2").register_forward_hook(keep)
    score = network(face_tensor(aligned[None])).logits[0, EXPRESSIONS.index("sad")]
    (gradient,) = torch.autograd.grad(score, layer_maps)
    expected = (layer_maps[0] * gradient).sum(1)[0].detach().numpy()
    raw = raw_map(plain, aligned, "sad", "hirescam", layer=3)
    assert raw == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert raw_map(plain, aligned, "sad", "gradcam", layer=4) == pytest.approx(
        raw_map(plain, aligned, "sad", "gradcam")
    )


@pytest.mark.parametrize("layer", [0, 5])
def test_an_unknown_layer_lists_the_valid_ones(
    plain: Classifier, aligned: Image, layer: int
) -> None:
    with pytest.raises(ValueError, match=f"there is no layer {layer}; choose one of 1 to 4"):
        raw_map(plain, aligned, "sad", "gradcam", layer=layer)


# Evidence -----------------------------------------------------------------------------------------


def test_evidence_maps_sum_to_the_logits_less_their_bias(
    classifier: Classifier, aligned: Image
) -> None:
    faces = np.stack([aligned, aligned[::-1], aligned.T])
    output = classifier.forward(faces)
    evidence = output.evidence
    assert evidence is not None
    assert evidence.shape == (3, 7, 6, 6)
    network = classifier.network
    if isinstance(network, PriorAttention):
        assert output.region_attention is not None
        weights = get_arrays(network)
        biases = np.stack([weights[f"classifiers.{name}.expressions.bias"] for name in REGIONS])
        bias = output.region_attention @ biases
    else:
        assert isinstance(network, Plain)
        bias = network.classifier.expressions.bias.numpy()
    assert evidence.sum(axis=(2, 3)) + bias == pytest.approx(output.logits, abs=1e-4)


def test_evidence_is_gradcam_of_every_class(classifier: Classifier, aligned: Image) -> None:
    evidence = classifier.forward(aligned[None]).evidence
    assert evidence is not None
    for target, expected in zip(EXPRESSIONS, evidence[0], strict=True):
        for method in ("gradcam", "hirescam"):
            raw = raw_map(classifier, aligned, target, method)
            assert abs(raw - expected).max() < 1e-4


class Curved(Network):
    """A network whose scores are not a sum over places."""

    def __init__(self) -> None:
        super().__init__()
        self.input_size = SIZE
        self.convolution = nn.Conv2d(1, 5, 8, stride=8)
        self.linear = nn.Linear(5, 15)

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.convolution(normalize(faces)).relu()}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        scores = self.linear(pool(features["face"] ** 2).tanh())
        return NetworkOutput(logits=scores[:, :7], votes=scores[:, 7:], features=features)


@pytest.fixture(scope="module")
def curved() -> Classifier:
    return scattered(Curved())


def test_networks_without_evidence_use_the_gradient(curved: Classifier, aligned: Image) -> None:
    assert curved.forward(aligned[None]).evidence is None
    for target in EXPRESSIONS:
        raw = raw_map(curved, aligned, target, "gradcam")
        assert raw == pytest.approx(gradcam_by_hand(curved, aligned, target), abs=1e-5)
        assert abs(raw - raw_map(curved, aligned, target, "hirescam")).max() > 1e-3


# Every method -------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["plain", "prior_attention", "curved"])
@pytest.mark.parametrize("method", list_methods())
def test_maps_are_finite_and_have_the_properties_of_their_method(
    request: pytest.FixtureRequest, aligned: Image, family: str, method: str
) -> None:
    classifier: Classifier = request.getfixturevalue(family)
    maps = raw_maps(classifier, aligned, EXPRESSIONS, method)
    promise = get_method(method)
    for raw in maps.values():
        pixels = method_for(classifier, method) in {"guided_backprop", "integrated_gradients"}
        assert raw.shape == ((SIZE, SIZE) if pixels else (6, 6))
        assert raw.dtype == np.float32
        assert np.isfinite(raw).all()
        assert np.ptp(raw) > 1e-3 * abs(raw).max() > 0
    assert np.array_equal(maps["angry"], maps["happy"]) is not promise.class_dependent
    negative = any((raw < 0).any() for raw in maps.values())
    assert negative is (promise.signed or method == "eigencam")


def test_unknown_class_or_method_lists_the_valid_ones(plain: Classifier, aligned: Image) -> None:
    with pytest.raises(ValueError, match=r"unknown expression class 'joy'.*angry.*neutral"):
        raw_map(plain, aligned, "joy", "gradcam")
    with pytest.raises(ValueError, match=r"unknown method 'cam'.*gradcam.*scorecam"):
        raw_map(plain, aligned, "happy", "cam")


# Viewers share a network --------------------------------------------------------------------------


def assert_untouched(network: Network) -> None:
    for module in network.modules():
        hooks = [value for name, value in vars(module).items() if name.endswith("_hooks")]
        assert len(hooks) >= 6
        assert not any(hooks)
        assert not module.training
    for parameter in network.parameters():
        assert parameter.grad is None
        assert not parameter.requires_grad


@pytest.mark.parametrize("method", list_methods())
def test_the_network_is_unchanged(classifier: Classifier, aligned: Image, method: str) -> None:
    before = copy.deepcopy(classifier.network.state_dict())
    raw_map(classifier, aligned, "sad", method)
    assert_untouched(classifier.network)
    after = classifier.network.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("method", ["gradcam", "guided_backprop", "integrated_gradients"])
@pytest.mark.parametrize("step", ["head", "backward"])
def test_the_network_is_unchanged_after_an_exception(
    classifier: Classifier, aligned: Image, monkeypatch: pytest.MonkeyPatch, step: str, method: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("forced")

    if step == "head":
        monkeypatch.setattr(type(classifier.network), "head", fail)
    else:
        monkeypatch.setattr(torch.autograd, "grad", fail)
    with pytest.raises(RuntimeError, match="forced"):
        raw_map(classifier, aligned, "sad", method)
    assert_untouched(classifier.network)
    monkeypatch.undo()
    expected = gradcam_by_hand(classifier, aligned, "sad")
    assert raw_map(classifier, aligned, "sad", "gradcam") == pytest.approx(expected, abs=1e-4)


def test_threads_can_explain_different_classes_at_once(
    classifier: Classifier, aligned: Image
) -> None:
    jobs = [(t, m.name) for t in EXPRESSIONS for m in METHODS if m.looks_at == "layer"]
    jobs += [("sad", m.name) for m in METHODS if m.looks_at != "layer"]
    serial = {job: raw_map(classifier, aligned, *job) for job in jobs}
    with ThreadPoolExecutor(2) as viewers:
        for job, raw in viewers.map(
            lambda job: (job, raw_map(classifier, aligned, *job)), 2 * jobs
        ):
            assert raw == pytest.approx(serial[job], abs=1e-5), job
    assert_untouched(classifier.network)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_map_does_not_depend_on_the_gradient_mode_of_its_caller(
    classifier: Classifier, aligned: Image, mode: type
) -> None:
    expected = raw_map(classifier, aligned, "fear", "gradcam")
    with mode():
        assert raw_map(classifier, aligned, "fear", "gradcam") == pytest.approx(expected)

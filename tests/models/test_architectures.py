"""Architectures of timm as backbones: those that fit train, fold and explain; the others are refused."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

from fer_core.explain import list_layers, raw_map
from fer_core.explain.layers import SplitNetwork
from fer_core.labels import EXPRESSIONS
from fer_core.models import Classifier, build_network, load_model
from fer_core.models.base import Network, PooledNetwork
from fer_core.weights import get_arrays, save_weights
from tests.networks import classifier_of, face_tensor, network_output

SIZE = 96
FITTING = {
    "resnet18": 3,
    "resnet26d": 3,
    "seresnet18": 3,
    "mobilenetv3_small_100": 3,
    "mobilenetv2_100": 3,
    "efficientnet_b0": 3,
    "convnext_atto": 2,
    "edgenext_xx_small": 2,
    "vgg11_bn": 4,
    "densenet121": 3,
    "regnetx_002": 3,
    "repvgg_a0": 3,
    "ghostnet_100": 3,
    "fastvit_t8": 2,
}
"""Architecture -> the stage whose map has 6x6 cells for faces of 96 pixels."""
HAPPY = EXPRESSIONS.index("happy")


def options(name: str, stage: int, size: int = SIZE, **backbone: Any) -> dict[str, Any]:
    """Return the options of a family on an architecture."""
    return {
        "backbone": {"name": name, "stage": stage, "options": {}, **backbone},
        "input_size": size,
        "dropout": 0.0,
    }


def faces(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, SIZE, SIZE), np.uint8)


def train_a_step(network: Network) -> None:
    """Take one step of gradient descent, with uneven batch-norm statistics before it."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    optimizer = torch.optim.SGD(network.train().parameters(), 0.01)
    output = network(torch.from_numpy(faces())[:, None])
    (output.logits.square().mean() + output.votes.square().mean()).backward()
    unused = [name for name, weights in network.named_parameters() if weights.grad is None]
    assert unused == []
    optimizer.step()


def folded(network: Network) -> Classifier:
    """Return a copy as it is after loading."""
    copied = copy.deepcopy(network)
    copied.after_load()
    return classifier_of(copied)


@pytest.mark.parametrize("name", FITTING)
def test_an_architecture_that_fits_trains_and_its_maps_are_those_of_the_unfolded_network(
    name: str,
) -> None:
    torch.manual_seed(0)
    network = build_network("plain", options(name, FITTING[name]))
    assert isinstance(network, PooledNetwork)
    train_a_step(network)
    loaded, unfolded = folded(network), classifier_of(network)
    face = faces(1)
    output, expected = (network_output(each, face) for each in (loaded, unfolded))
    assert output.features["face"].shape[-2:] == (6, 6)
    assert output.logits.numpy() == pytest.approx(expected.logits.numpy(), rel=1e-3, abs=1e-4)
    evidence = unfolded.network.evidence(expected)
    assert evidence is not None
    bias = network.classifier.expressions.bias.detach().numpy()
    sums = evidence.numpy().sum((2, 3)) + bias
    assert sums == pytest.approx(expected.logits.numpy(), rel=1e-3, abs=1e-4)
    scale = float(np.abs(evidence).max())
    gradcam = raw_map(loaded, face[0], "happy", "gradcam")
    assert gradcam == pytest.approx(evidence[0, HAPPY].numpy(), abs=1e-3 * scale)


@pytest.mark.parametrize("name", FITTING)
def test_every_layer_gives_the_map_of_the_unfolded_network_and_the_same_logits(name: str) -> None:
    torch.manual_seed(0)
    network = build_network("plain", options(name, FITTING[name]))
    train_a_step(network)
    loaded, unfolded = folded(network), classifier_of(network)
    face = faces(1)
    layers = list_layers(loaded)
    assert len(layers) >= 2 and layers == list_layers(unfolded)
    for layer in layers:
        split = SplitNetwork(loaded.network, layer.number)
        tensor = face_tensor(face)
        maps = split.maps(tensor)
        kept = {region: each.clone() for region, each in maps.items()}
        with torch.no_grad():
            logits = split.output(tensor, maps).logits
        assert all(torch.equal(maps[region], each) for region, each in kept.items())
        whole = network_output(loaded, face).logits
        assert logits.numpy() == pytest.approx(whole.numpy(), rel=1e-3, abs=1e-4)
        ours, theirs = (
            raw_map(each, face[0], "happy", "gradcam", layer=layer.number)
            for each in (loaded, unfolded)
        )
        assert ours == pytest.approx(theirs, abs=1e-2 * float(np.abs(theirs).max()))


@pytest.mark.parametrize(
    ("name", "stage", "changes", "sentence"),
    [
        ("resnet99", 3, {}, "timm has no architecture 'resnet99'; did you mean one of resnet"),
        ("hf_hub:timm/resnet18", 3, {}, "timm has no architecture 'hf_hub:timm/resnet18'"),
        ("resnet18", 9, {}, "timm cannot build the feature maps of resnet18: "),
        ("resnet18", 3, {"options": {"colour": 1}}, "feature maps of resnet18: .*'colour'"),
        ("resnet18", 4, {"size": 48}, r"resnet18 on faces of 48x48 has 2x2 cells, fewer than 3x3"),
        ("mobilenetv3_small_100", 4, {"size": 48}, "mobilenetv3_small_100 .* 2x2 cells"),
        ("convnext_atto", 3, {"size": 48}, "convnext_atto on faces of 48x48 has 1x1 cells"),
        ("mobilenetv2_100", 3, {"stem_stride": 1}, "mobilenetv2_100 has no stem like a ResNet's"),
        ("resnet18", 3, {"stem_stride": 2, "late_stem": True}, "resnet18 is a single convolution"),
        ("densenet121", 3, {"halve_last": False}, "densenet121 does not halve its map"),
        ("vit_tiny_patch16_224", 2, {}, "vit_tiny_patch16_224 does not run its parts one after"),
        ("hrnet_w18_small", 3, {}, "hrnet_w18_small does not run its parts one after the other"),
        ("xception41", 3, {}, "xception41 does not run its parts one after the other"),
        ("swin_tiny_patch4_window7_224", 2, {}, "swin_tiny.* cannot read faces of 96x96: Input"),
        (
            "swin_tiny_patch4_window7_224",
            2,
            {"options": {"img_size": 96}},
            "swin_tiny.* gives features that are not maps with their channels first",
        ),
    ],
)
def test_an_architecture_that_does_not_fit_is_refused_by_a_sentence(
    name: str, stage: int, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence) as error:
        build_network("plain", options(name, stage, **changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("family", ["prior_attention", "prior_blocks"])
def test_blocks_need_a_map_whose_side_is_a_multiple_of_six(family: str) -> None:
    network = build_network(family, options("mobilenetv3_small_100", 3))
    train_a_step(network)
    assert folded(network).forward(faces(1)).evidence is not None
    with pytest.raises(ValueError, match=f"resnet18 on faces of 100x100 gives maps that {family}"):
        build_network(family, options("resnet18", 3, 100))
    with pytest.raises(ValueError, match="the side must be a multiple of six"):
        build_network(family, options("mobilenetv3_small_100", 3, 48))


def test_batch_norms_before_their_convolution_are_not_folded_into_another_one() -> None:
    class Misleading(nn.Module):
        """A batch norm that is listed behind a convolution and runs before it."""

        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(1, 1, 3)
            self.norm = nn.BatchNorm2d(1)

        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            maps: torch.Tensor = self.convolution(self.norm(faces)).relu()
            return maps

    from fer_core.models.architecture import check_folding

    with pytest.raises(ValueError, match="the batch norms of misleading cannot be folded"):
        check_folding(Misleading(), "misleading")


# Initial weights of a hub -------------------------------------------------------------------------


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Build networks without a hub, and keep for each whether its weights would have been fetched."""
    create, asked = timm.create_model, []

    def recorded(name: str, *, pretrained: bool = False, **arguments: Any) -> nn.Module:
        asked.append(pretrained)
        module: nn.Module = create(name, **arguments)
        return module

    monkeypatch.setattr(timm, "create_model", recorded)
    return asked


def test_cards_do_not_keep_where_initial_weights_came_from(
    requests: list[bool], tmp_path: Path
) -> None:
    wanted = options("resnet18", 3, options={"pretrained": True, "stem_width": 16})
    network = build_network("plain", wanted)
    assert requests == [True]
    stored = {**wanted, **network.learned_options}
    assert stored["backbone"]["options"] == {"stem_width": 16}
    assert wanted["backbone"]["options"]["pretrained"]  # the recipe itself stays as it is
    assert "backbone" not in build_network("plain", options("resnet18", 3)).learned_options


def test_loading_never_asks_a_hub_even_where_a_card_says_so(
    requests: list[bool], tmp_path: Path
) -> None:
    wanted = options("resnet18", 3, options={"pretrained": True})
    network = build_network("plain", wanted)
    card = classifier_of(network, "plain", options=wanted).card
    save_weights(card, get_arrays(network), tmp_path)
    requests.clear()
    model = load_model("plain", folder=tmp_path)
    assert requests == [False]
    assert model.forward(faces(1)).logits.shape == (1, 7)

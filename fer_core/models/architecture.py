"""timm architectures as the convolutions of a network: built, cut to their steps, and checked."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import torch
from timm.models import FeatureListNet
from torch import Tensor, nn

from fer_core.building import create_timm, fold_batch_norms
from fer_core.errors import UserError, in_short

TRIAL_SIDE: Final = 96
"""Side of the random face on which an architecture is tried, in pixels: three cells at a stride of 32."""
TOLERANCE: Final = 1e-3
"""Largest error of a folded network, as a fraction of the largest value of its map."""


def create_body(
    name: str,
    *,
    stage: int,
    stem_stride: int,
    halve_last: bool,
    late_stem: bool,
    options: Mapping[str, Any],
) -> tuple[nn.Module, int]:
    """Build a timm network up to one of its feature maps; the arguments are those of ``Backbone``.

    Returns:
        The network, whose children run one after the other, and the channels of its last map.

    Raises:
        UserError: if timm does not know the architecture, or the arguments do not fit it; in one sentence.
    """
    features = create_timm(name, features_only=True, out_indices=(stage,), in_chans=1, **options)
    channels: int = features.feature_info.channels()[-1]
    body: Any = features if isinstance(features, FeatureListNet) else _in_steps(features, name)
    if stem_stride < 4 or late_stem:
        _unstride_stem(body, name, stem_stride, late_stem)
    if not halve_last:
        _keep_side(list(body.children())[-1], name)
    return body, channels


def _in_steps(features: nn.Module, name: str) -> nn.Module:
    """Return a network as steps that run one after the other, without those behind its feature map.

    Some networks of timm hold their stages in one module and run more of them than they need: what is never
    used would be stored, and several processes could not train it.
    """
    steps: list[nn.Module] = []
    for child in features.children():
        steps += child if isinstance(child, nn.Sequential) else [child]
    face = _trial_face()
    try:
        with torch.no_grad():
            expected = last_map(features.eval()(face))
            for count, step in enumerate(steps, start=1):
                face = step(face)
                if face.shape == expected.shape and torch.equal(face, expected):
                    return nn.Sequential(*steps[:count]).train()
    except Exception:  # whatever a network raises that runs in another order or on other sizes
        pass
    raise UserError(
        f"{name} does not run its parts one after the other on faces of any size, so its layers cannot be "
        "explained; choose another architecture"
    )


def _unstride_stem(body: Any, name: str, stem_stride: int, late_stem: bool) -> None:
    """Let a ResNet's stem shrink the face less than fourfold, and late."""
    if not isinstance(getattr(body, "maxpool", None), nn.Module) or not hasattr(body, "conv1"):
        raise UserError(f"{name} has no stem like a ResNet's; leave out stem_stride and late_stem")
    stem = [module for module in body.conv1.modules() if isinstance(module, nn.Conv2d)]
    if late_stem and len(stem) < 2:
        raise UserError(f"the stem of {name} is a single convolution; leave out late_stem")
    if stem_stride < 4:
        body.maxpool = nn.Identity()
    if stem_stride < 2 or late_stem:
        stem[0].stride = (1, 1)
    if late_stem:
        stem[-1].stride = (2, 2)


def _keep_side(stage: nn.Module, name: str) -> None:
    """Take the strides out of a stage, so that it keeps the side of its map."""
    strided = False
    for layer in stage.modules():
        if isinstance(layer, nn.Conv2d | nn.AvgPool2d):
            strided = strided or layer.stride not in (1, (1, 1))
            layer.stride = (1, 1)
        if isinstance(layer, nn.AvgPool2d):
            layer.kernel_size = (1, 1)
    if not strided:
        raise UserError(f"the last stage of {name} does not halve its map; leave out halve_last")


def check_folding(body: nn.Module, name: str) -> None:
    """Check that a network gives the same map after its batch norms are folded.

    Raises:
        UserError: if it does not, or cannot run on a face; in one sentence that names the architecture.
    """
    network = deepcopy(body).eval()
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            _scatter(module, generator)
    face = _trial_face()
    with torch.no_grad():
        expected = last_map(run(network, face, name))
        fold_batch_norms(network)
        error = (last_map(run(network, face, name)) - expected).abs().max() / expected.abs().max()
    if not error <= TOLERANCE:
        raise UserError(
            f"the batch norms of {name} cannot be folded into the convolutions before them; choose another "
            "architecture"
        )


def run(body: nn.Module, faces: Tensor, name: str) -> Any:
    """Run a network on faces; an error becomes one sentence."""
    try:
        return body(faces)
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        side = faces.shape[-1]
        raise UserError(f"{name} cannot read faces of {side}x{side}: {in_short(error)}") from None


def last_map(maps: Tensor | Sequence[Tensor]) -> Tensor:
    """Return the last of several feature maps, or the only one."""
    return maps if isinstance(maps, Tensor) else maps[-1]


def _scatter(norm: nn.BatchNorm2d, generator: torch.Generator) -> None:
    """Give a batch norm uneven statistics and weights, as after training."""
    for tensor, low, high in (
        (norm.running_mean, -0.3, 0.3),
        (norm.running_var, 0.5, 1.5),
        (norm.weight, 0.5, 1.5),
        (norm.bias, -0.3, 0.3),
    ):
        if tensor is not None:
            tensor.data.uniform_(low, high, generator=generator)


def _trial_face() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, 1, TRIAL_SIDE, TRIAL_SIDE, generator=generator)

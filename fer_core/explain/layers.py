"""Access to the layers of a network: read feature maps and differentiate with respect to them.

A network is shared by all viewers, so nothing may be hooked onto it or left in it. The feature maps of one
call belong to that call alone; the frozen parameters of the network collect no gradients.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fer_core.errors import UserError
from fer_core.models.base import Network, NetworkOutput, Trunk, trunk_override
from fer_core.models.classifier import Classifier

FOLLOWS = (
    *(nn.BatchNorm2d, nn.LayerNorm, nn.LocalResponseNorm, nn.Identity),
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish),
)
"""Modules that belong to the layer before them: norms and activations."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a network whose feature maps can be explained."""

    number: int
    """Number from 1, the first convolution."""
    side: int
    """Cells along each side of the face."""
    channels: int


class SplitNetwork:
    """A network in two halves: faces to the feature maps of a layer, and these to class scores.

    Attention weights are held constant, so a gradient is that of the evidence alone.

    Args:
        network: shared; in eval mode, and its parameters need no gradient.
        layer: number of a layer, from 1; the last one by default.

    Raises:
        UserError: if ``layer`` is out of range.
    """

    def __init__(self, network: Network, layer: int | None = None) -> None:
        self.network = network
        self._splits: dict[Trunk, tuple[str, int]] = {}
        count = _count(network)
        if layer is None or layer == count:
            return
        if not 1 <= layer <= count:
            raise UserError(f"there is no layer {layer}; choose one of 1 to {count}")
        for region, trunk in network.trunks.items():
            self._splits[trunk] = (region, list(layer_ends(trunk))[layer - 1])

    def maps(self, faces: Tensor) -> dict[str, Tensor]:
        """Return region -> (N, C, h, w) feature maps for (N, 1, S, S) gray values 0..255."""
        captured: dict[str, Tensor] = {}

        def capture(trunk: Trunk, faces: Tensor) -> Any:
            if trunk not in self._splits:
                return trunk.body(faces)
            region, end = self._splits[trunk]
            steps = list(trunk.body.children())
            captured[region] = _through(steps[:end], faces)
            return _through(steps[end:], captured[region].clone())

        with torch.no_grad(), trunk_override(capture):
            features = self.network.features(faces)
        return captured or features

    def output(self, faces: Tensor, maps: Mapping[str, Tensor]) -> NetworkOutput:
        """Return the network's output from feature maps, those of ``maps`` or others in their place."""
        if not self._splits:
            return self.network.head(maps, hold_attention=True)

        def resume(trunk: Trunk, faces: Tensor) -> Any:
            if trunk not in self._splits:
                return trunk.body(faces)
            region, end = self._splits[trunk]
            return _through(list(trunk.body.children())[end:], maps[region].clone())

        with trunk_override(resume):
            return self.network.head(self.network.features(faces), hold_attention=True)


def list_layers(classifier: Classifier) -> tuple[Layer, ...]:
    """Return the layers of a model, shallow to deep; () for models without maps."""
    if not classifier.network.has_maps:
        return ()
    size = classifier.input_size
    blank = torch.zeros(1, 1, size, size, dtype=torch.uint8, device=classifier.device)
    layers = []
    for number in range(1, _count(classifier.network) + 1):
        maps = SplitNetwork(classifier.network, number).maps(blank)
        first = maps[classifier.network.regions[0]]
        # A block has the width of the face, or determines it: rows are halved for upper and lower.
        layers.append(Layer(number, first.shape[-1], first.shape[1]))
    return tuple(layers)


def _count(network: Network) -> int:
    """Return the number of layers of a network; one without convolutions has its description alone."""
    trunk = next(iter(network.trunks.values()), None)
    return 1 if trunk is None else sum(1 for _ in layer_ends(trunk))


def _through(steps: Iterable[nn.Module], faces: Tensor) -> Tensor:
    """Run steps one after the other. Some activations change their input in place, so maps that are read
    or differentiated afterwards are passed as a copy."""
    for step in steps:
        faces = step(faces)
    return faces


def layer_ends(trunk: Trunk) -> Iterator[int]:
    """Yield the number of steps up to the end of each layer.

    A layer is a step with convolutions and what follows it, up to the next such step or a pooling.
    """
    steps = list(trunk.body.children())
    convolves = False
    for number, step in enumerate(steps):
        if convolves and not isinstance(step, FOLLOWS):
            yield number
            convolves = False
        convolves = convolves or any(isinstance(m, nn.Conv2d) for m in step.modules())
    yield len(steps)

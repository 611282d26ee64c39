"""A network cut open at one of its layers, so that one call can read and differentiate there.

A network is shared by every viewer, so nothing may be hooked onto it or left in it. The feature maps of one
call belong to this call alone: their gradients are read from them, and the network's frozen parameters
collect none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fer_core.errors import UserError
from fer_core.models.base import Network, NetworkOutput, Trunk, trunk_override
from fer_core.models.classifier import Classifier

FOLLOWS = (nn.BatchNorm2d, nn.Identity, nn.LocalResponseNorm, nn.ReLU)
"""What still belongs to the layer before it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A place in a network where its maps can be looked at."""

    number: int
    """From 1, the first convolution."""
    side: int
    """Cells along each side of the face."""
    channels: int


class SplitNetwork:
    """A network in two halves: faces to the feature maps of a layer, and these to class scores.

    Attention weights are held constant, so a gradient is that of the evidence alone.

    Args:
        network: shared; in eval mode, and its parameters need no gradient.
        layer: number of a layer, from 1; the last feature maps unless given.

    Raises:
        UserError: for a layer that the network has not.
    """

    def __init__(self, network: Network, layer: int | None = None) -> None:
        self.network = network
        self._cuts: dict[Trunk, tuple[str, int]] = {}
        count = _count(network)
        if layer is None or layer == count:
            return
        if not 1 <= layer <= count:
            raise UserError(f"there is no layer {layer}; choose one of 1 to {count}")
        for region, trunk in network.trunks.items():
            self._cuts[trunk] = (region, list(layer_ends(trunk))[layer - 1])

    def maps(self, faces: Tensor) -> dict[str, Tensor]:
        """Region -> (N, C, h, w) for (N, 1, S, S) grey values 0..255."""
        found: dict[str, Tensor] = {}

        def capture(trunk: Trunk, faces: Tensor) -> Any:
            if trunk not in self._cuts:
                return trunk.body(faces)
            region, end = self._cuts[trunk]
            steps = list(trunk.body.children())
            found[region] = _through(steps[:end], faces)
            return _through(steps[end:], found[region])

        with torch.no_grad(), trunk_override(capture):
            features = self.network.features(faces)
        return found or features

    def output(self, faces: Tensor, maps: Mapping[str, Tensor]) -> NetworkOutput:
        """What follows from feature maps, those of ``maps`` or others in their place."""
        if not self._cuts:
            return self.network.head(maps, hold_attention=True)

        def go_on(trunk: Trunk, faces: Tensor) -> Any:
            if trunk not in self._cuts:
                return trunk.body(faces)
            region, end = self._cuts[trunk]
            return _through(list(trunk.body.children())[end:], maps[region])

        with trunk_override(go_on):
            return self.network.head(self.network.features(faces), hold_attention=True)


def list_layers(classifier: Classifier) -> tuple[Layer, ...]:
    """The layers of a model, shallow to deep; maps lie on the last one unless another is asked for. () for
    models without maps."""
    if not classifier.network.has_maps:
        return ()
    size = classifier.input_size
    blank = torch.zeros(1, 1, size, size, dtype=torch.uint8, device=classifier.device)
    layers = []
    for number in range(1, _count(classifier.network) + 1):
        maps = SplitNetwork(classifier.network, number).maps(blank)
        first = maps[classifier.network.regions[0]]
        # The width of a block is that of the face, or tells it: rows are halved for upper and lower.
        layers.append(Layer(number, first.shape[-1], first.shape[1]))
    return tuple(layers)


def _count(network: Network) -> int:
    """Layers of a network; what has no convolutions has its description alone."""
    trunk = next(iter(network.trunks.values()), None)
    return 1 if trunk is None else sum(1 for _ in layer_ends(trunk))


def _through(steps: Iterable[nn.Module], faces: Tensor) -> Tensor:
    for step in steps:
        faces = step(faces)
    return faces


def layer_ends(trunk: Trunk) -> Iterator[int]:
    """For each layer how many steps lead to it. A layer is a step with convolutions, and what follows it up
    to the next such step or to a pooling."""
    steps = list(trunk.body.children())
    convolves = False
    for number, step in enumerate(steps):
        if convolves and not isinstance(step, FOLLOWS):
            yield number
            convolves = False
        convolves = convolves or any(isinstance(m, nn.Conv2d) for m in step.modules())
    yield len(steps)

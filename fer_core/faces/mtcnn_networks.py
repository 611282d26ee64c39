"""The three networks of MTCNN (P-Net, R-Net, O-Net) and the loading of their weights.

The weights are those of the Python package ``mtcnn`` 1.0.0; their card tells how they were converted.
"""

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from fer_core.weights import MTCNN, WEIGHTS, card_path, load_weights, put_arrays


class Network(nn.Module):
    """A trunk and its linear heads; the last head gives the logits of "no face" and "face"."""

    def __init__(self, trunk: nn.Sequential, *heads: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleList(heads)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        features = self.trunk(pixels)
        return tuple(head(features) for head in self.heads)

    def predictions(self, pixels: Tensor) -> dict[str, Tensor]:
        """Compute what the cascade needs.

        Args:
            pixels: (N, h, w, 3) RGB values 0..255, any dtype.

        Returns:
            ``shifts`` (N, 4, ...) of the sides of the box, in box widths and heights; ``margins`` (N, ...),
            the logit of "face" minus that of "no face"; and of O-Net ``points`` (N, 5, 2) in fractions of
            the crop.
        """
        shifts, *points, face = self((pixels.permute(0, 3, 1, 2).float() - 127.5) / 128)
        outputs = {"shifts": shifts, "margins": face[:, 1] - face[:, 0]}
        if points:
            outputs["points"] = points[0].reshape(-1, 2, 5).transpose(1, 2)
        return outputs


def _pnet() -> Network:
    trunk = nn.Sequential(*_conv(3, 10, 3), _pool(2), *_conv(10, 16, 3), *_conv(16, 32, 3))
    return Network(trunk, nn.Conv2d(32, 4, 1), nn.Conv2d(32, 2, 1))


def _rnet() -> Network:
    trunk = nn.Sequential(
        *_conv(3, 28, 3), _pool(3),
        *_conv(28, 48, 3), _pool(3),
        *_conv(48, 64, 2),
        _FlattenColumnsFirst(), nn.Linear(576, 128), nn.PReLU(128),
    )  # fmt: skip
    return Network(trunk, nn.Linear(128, 4), nn.Linear(128, 2))


def _onet() -> Network:
    trunk = nn.Sequential(
        *_conv(3, 32, 3), _pool(3),
        *_conv(32, 64, 3), _pool(3),
        *_conv(64, 64, 3), _pool(2),
        *_conv(64, 128, 2),
        _FlattenColumnsFirst(), nn.Linear(1152, 256), nn.PReLU(256),
    )  # fmt: skip
    return Network(trunk, nn.Linear(256, 4), nn.Linear(256, 10), nn.Linear(256, 2))


def _conv(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, kernel), nn.PReLU(outputs)


def _pool(kernel: int) -> nn.Module:
    # Rounding up is Keras' "same" where the sizes do not divide, and nothing where they do.
    return nn.MaxPool2d(kernel, stride=2, ceil_mode=True)


class _FlattenColumnsFirst(nn.Module):
    """(N, C, H, W) -> (N, W * H * C), the order of the dense weights' inputs."""

    def forward(self, features: Tensor) -> Tensor:
        return features.permute(0, 3, 2, 1).flatten(1)


NETWORKS: Final = {"pnet": _pnet, "rnet": _rnet, "onet": _onet}


def load_networks(device: str = "cpu", folder: Path = WEIGHTS) -> dict[str, Network]:
    """Load P-, R- and O-Net.

    Args:
        device: where the networks run, as torch names it.
        folder: folder of ``mtcnn.safetensors`` and its card.

    Returns:
        ``pnet``, ``rnet`` and ``onet`` in evaluation mode, without gradients, in channels-last memory format.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit the networks.
    """
    _, arrays = load_weights(MTCNN, folder)
    networks = nn.ModuleDict({name: build() for name, build in NETWORKS.items()})
    put_arrays(networks, arrays, card_path(MTCNN, folder).with_suffix(".safetensors"))
    networks.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)
    return {name: network for name, network in networks.items() if isinstance(network, Network)}

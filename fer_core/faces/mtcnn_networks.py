"""The three networks of MTCNN (P-Net, R-Net, O-Net) and the loading of their weights.

The weights are those of the ``mtcnn`` package.
"""

import hashlib
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_core.weights import WeightsError

SHA256: Final = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""SHA-256 of the weight files in ``mtcnn`` 1.0.0. They are pickled, so no other file is opened."""


class Network(nn.Module):
    """A trunk and its linear heads; the last head gives the logits of "no face" and "face".

    The parameters are created in the order of the arrays in the weight files.
    """

    def __init__(self, trunk: nn.Sequential, *heads: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleList(heads)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        features = self.trunk(pixels)
        return tuple(head(features) for head in self.heads)


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
    """(N, C, H, W) -> (N, W * H * C), the order in which the dense weights are stored."""

    def forward(self, features: Tensor) -> Tensor:
        return features.permute(0, 3, 2, 1).flatten(1)


NETWORKS: Final = {"pnet": _pnet, "rnet": _rnet, "onet": _onet}


def load_network(name: str, device: torch.device) -> Network:
    """Build a network and load the package's weights, whose hash is checked before they are unpickled.

    Args:
        name: pnet, rnet or onet.
        device: where the network runs.

    Returns:
        The network in evaluation mode, without gradients, in channels-last memory format.

    Raises:
        FileNotFoundError: the ``mtcnn`` package with its weights is missing.
        WeightsError: its weights are not those of version 1.0.0.
    """
    package = find_spec("mtcnn")  # located, not imported: importing it would ask for TensorFlow
    folders = package.submodule_search_locations if package else None
    if not folders:
        raise FileNotFoundError("the package 'mtcnn' is missing; pip install 'mtcnn>=1,<2'")
    path = Path(folders[0]) / "assets" / "weights" / f"{name}.lz4"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise WeightsError(
            f"{path} is damaged or of another version; pip install --force-reinstall mtcnn==1.0.0"
        )
    import joblib

    net = NETWORKS[name]()
    arrays = joblib.load(BytesIO(content))
    with torch.no_grad():
        for parameter, array in zip(net.parameters(), arrays, strict=True):
            parameter.copy_(torch.from_numpy(_torch_order(array)).reshape(parameter.shape))
    net.eval().requires_grad_(False).to(device)
    return net.to(memory_format=torch.channels_last)


def _torch_order(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert Keras' HWIO kernels and (inputs, outputs) matrices to torch's order; leave other arrays."""
    orders = {4: (3, 2, 0, 1), 2: (1, 0)}
    return np.ascontiguousarray(array.transpose(orders.get(array.ndim)))

"""Forward passes by torch, on any of its devices."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_core.types import Floats

NamedOutputs = Callable[[Tensor], Mapping[str, Tensor]]
"""Inputs -> name of each output and its values, N along the first axis."""


class TorchPass:
    """A function of torch tensors; in bf16 on a GPU of NVIDIA, where it takes half the time.

    Args:
        function: calls the network.
        device: where its weights lie, as torch names it.
        facts: what else has to be known of the network.
    """

    def __init__(
        self,
        function: NamedOutputs,
        device: str = "cpu",
        facts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.facts = facts
        self._function = function
        self._device = torch.device(device)

    @torch.inference_mode()
    def __call__(self, inputs: NDArray[Any]) -> Mapping[str, Floats]:
        tensor = torch.from_numpy(np.ascontiguousarray(inputs)).to(self._device)
        kind = self._device.type
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
            outputs = self._function(tensor)
        return {name: output.float().cpu().numpy() for name, output in outputs.items()}

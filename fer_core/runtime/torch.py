"""Forward passes by torch, on any of its devices."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_core.types import Floats

NamedOutputs = Callable[[Tensor], Mapping[str, Tensor]]
"""Inputs -> name of each output and its values, N along the first axis."""

REPLAYED: Final = 256
"""Most inputs of a pass that is replayed as a CUDA graph. A small batch waits for the launches of a hundred
kernels rather than for the GPU: on an H200 a pass of the default network takes 0.4 ms instead of 2.5 for one
face, 1.1 instead of 2.8 for 256, and 3.1 instead of 3.5 for 1,024."""

GRAPHS: Final = 8
"""Numbers of inputs for which a CUDA graph is kept."""


class TorchPass:
    """A function of torch tensors. Threads may share it.

    Args:
        function: calls the network.
        device: where its weights lie, as torch names it.
        half: compute in bf16 on a GPU of NVIDIA, for networks whose outputs bear it.
        facts: what else has to be known of the network.
    """

    def __init__(
        self,
        function: NamedOutputs,
        device: str = "cpu",
        *,
        half: bool = False,
        facts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.facts = facts
        self._function = function
        self._device = torch.device(device)
        self._on_gpu = self._device.type == "cuda"
        self._half = half and self._on_gpu
        self._captured = lru_cache(GRAPHS)(
            lambda shape, kind: CudaGraph(self._run, shape, kind, device)
        )

    def __call__(self, inputs: NDArray[Any]) -> Mapping[str, Floats]:
        tensor = torch.from_numpy(np.ascontiguousarray(inputs))
        if self._on_gpu and len(inputs) <= REPLAYED:
            return self._captured(tuple(tensor.shape), tensor.dtype)(tensor)
        outputs = self._run(tensor.to(self._device))
        return {name: output.cpu().numpy() for name, output in outputs.items()}

    @torch.inference_mode()
    def _run(self, inputs: Tensor) -> dict[str, Tensor]:
        # A cast weight must not outlive the pass, or a CUDA graph would read freed memory.
        half = torch.autocast(
            self._device.type, torch.bfloat16, enabled=self._half, cache_enabled=False
        )
        with half:
            return {name: output.float() for name, output in self._function(inputs).items()}


class CudaGraph:
    """A forward pass for one shape of inputs whose kernels are launched as one graph.

    Args:
        run: computes the outputs on the GPU.
        shape: of the inputs.
        kind: their type.
        device: as torch names it.
    """

    def __init__(
        self,
        run: Callable[[Tensor], dict[str, Tensor]],
        shape: tuple[int, ...],
        kind: torch.dtype,
        device: str,
    ) -> None:
        self._lock = Lock()
        self._inputs = torch.zeros(shape, dtype=kind, device=device)
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(3):  # cuDNN chooses its kernels before they are recorded
                run(self._inputs)
        torch.cuda.current_stream(device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = run(self._inputs)

    def __call__(self, inputs: Tensor) -> dict[str, Floats]:
        with self._lock:
            self._inputs.copy_(inputs)
            self._graph.replay()
            return {name: output.cpu().numpy() for name, output in self._outputs.items()}

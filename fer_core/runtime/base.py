"""The one call that every runtime answers, and the choice of one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import UserError, in_short
from fer_core.types import Floats
from fer_core.weights import WEIGHTS, WeightsError, card_path, load_graphs

RUNTIMES: Final = ("auto", "onnx", "torch")
"""Names of the runtimes. ``auto`` is ONNX Runtime on a CPU where a model has graphs, and torch elsewhere."""


class ForwardPass(Protocol):
    """A network's forward pass. It keeps nothing, so threads may share it."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What else has to be known of the network, by name."""

    def __call__(self, inputs: NDArray[Any]) -> Mapping[str, Floats]:
        """Run the network once.

        Args:
            inputs: what the network reads, N of them along the first axis; N is at least 1.

        Returns:
            Name of each output -> float32 array with N along its first axis.
        """


class Trial(NamedTuple):
    """What a network is tried with when it is opened."""

    inputs: tuple[int, ...]
    """Shape of blank uint8 inputs, one of them."""
    outputs: Mapping[str, tuple[int, ...]]
    """Name of each output that is needed -> its shape. Others may come with them."""


def open_passes(
    name: str,
    by_torch: Callable[[], Mapping[str, ForwardPass]],
    trials: Mapping[str, Trial],
    *,
    device: str = "cpu",
    folder: Path = WEIGHTS,
    runtime: str = "auto",
) -> Mapping[str, ForwardPass]:
    """Return the forward passes of a model: by its graphs, or by torch.

    Args:
        name: of the model, or the path of its card.
        by_torch: loads the same passes by torch; called only where torch is used.
        trials: name of each network of the model -> inputs that it has to bear. A graph has any inputs and
            outputs, and weights any values, so each network is run once before it is handed out.
        device: as torch names it.
        folder: where models with a name lie.
        runtime: one of ``RUNTIMES``.

    Returns:
        Name of each network of the model -> its forward pass.

    Raises:
        UserError: for an unknown model or runtime; for ``onnx`` where there is no graph, or off the CPU.
        WeightsError: if the weights are missing, a file of the model is altered, or a trial fails.
    """
    if runtime not in RUNTIMES:
        raise UserError(f"unknown runtime {runtime!r}; choose one of {', '.join(RUNTIMES)}")
    if runtime == "onnx" and device != "cpu":
        raise UserError(f"the runtime onnx runs on the CPU, not on {device}; choose torch or auto")
    passes = _open(name, by_torch, device, folder, runtime)
    for network, trial in trials.items():
        try:
            _try(passes[network], trial)
        except (
            Exception
        ) as error:  # whatever a runtime raises for a graph or weights of another network
            raise WeightsError(
                f"{card_path(name, folder)} and its files do not make a model that runs ({in_short(error)}); "
                "restore them from the repository, or train again"
            ) from None
    return passes


def _try(forward_pass: ForwardPass, trial: Trial) -> None:
    """Run a network once on blank inputs.

    Raises:
        ValueError: if an output is missing, has another shape, or is not finite.
    """
    outputs = forward_pass(np.zeros(trial.inputs, np.uint8))
    for name, shape in trial.outputs.items():
        if name not in outputs or outputs[name].shape != shape:
            raise ValueError(f"its output {name} is not an array of {shape}")
        if not np.isfinite(outputs[name]).all():
            raise ValueError(f"its output {name} is not finite")


def _open(
    name: str,
    by_torch: Callable[[], Mapping[str, ForwardPass]],
    device: str,
    folder: Path,
    runtime: str,
) -> Mapping[str, ForwardPass]:
    """Return the forward passes of a model as ``open_passes`` does, before they are tried."""
    if runtime == "torch" or device != "cpu":
        return by_torch()
    graphs = load_graphs(name, folder)
    if not graphs:
        if runtime == "onnx":
            raise UserError(f"{name} has no graph for the runtime onnx; choose torch or auto")
        return by_torch()
    from fer_core.runtime.onnx import OnnxPass  # imported where it is needed

    return {path.stem: OnnxPass(path) for path in graphs.values()}

"""Forward passes by ONNX Runtime, on the CPU."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from fer_core.errors import in_short
from fer_core.forking import without_forks
from fer_core.types import Floats
from fer_core.weights import WeightsError


class OnnxPass:
    """A graph that ONNX Runtime runs on one CPU thread.

    One thread, since several viewers share the cores, and networks this small gain little from a second.
    Threads that wait do not spin: with both cores busy, spinning made a pass 28 times as long.

    Args:
        graph: an ONNX file. Weights that it refers to lie beside it.

    Raises:
        WeightsError: if ONNX Runtime cannot run it.

    Attributes:
        facts: metadata of the graph, as ``fer_core.runtime.graph`` has written them.
    """

    def __init__(self, graph: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # errors are raised; only fatal ones are printed too
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            (self._input,) = (each.name for each in self._session.get_inputs())
            self._outputs = [each.name for each in self._session.get_outputs()]
            self.facts: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # its errors have no class in common
            raise WeightsError(
                f"{graph} is not a graph that ONNX Runtime can run ({in_short(error)}); restore it"
            ) from None

    def __call__(self, inputs: NDArray[Any]) -> Mapping[str, Floats]:
        with without_forks():
            arrays = self._session.run(self._outputs, {self._input: inputs})
        return dict(zip(self._outputs, arrays, strict=True))

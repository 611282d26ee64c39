"""ONNX graphs of networks, as torch's exporter traces them: self-contained, or small beside a weights file.

Needs the packages ``onnx`` and ``onnxscript`` (the extra ``export``).
"""

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from numpy.typing import NDArray
from onnxscript.optimizer import fold_constants_ir, remove_unused_nodes
from torch import Tensor, nn

from fer_core.runtime.torch import NamedOutputs

INPUT: Final = "inputs"
"""Name of a graph's input."""
PREFIX: Final = "network."
"""Prefix of the weights' names in a traced graph."""


class _Traced(nn.Module):
    """A function with named outputs as a module with a tuple of them, which the exporter takes."""

    def __init__(self, network: nn.Module, function: NamedOutputs) -> None:
        super().__init__()
        self.network = network
        self.function = function

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(output.float() for output in self.function(inputs).values())


def trace(
    network: nn.Module,
    function: NamedOutputs,
    example: NDArray[Any],
    *,
    facts: Mapping[str, str],
    free_axes: tuple[int, ...] = (0,),
    optimize: bool = True,
) -> onnx.ModelProto:
    """Trace a network into an ONNX graph with float32 weights inside.

    Args:
        network: holds the weights; in evaluation mode.
        function: calls the network; its outputs give their names to those of the graph.
        example: inputs of any values, two or more along each free axis.
        facts: metadata of the graph.
        free_axes: axes of the inputs that may have any length.
        optimize: fold what is constant, batch norms among it. Without, the graph has every weight under its
            own name, which ``link_weights`` needs; ONNX Runtime then folds them on loading.
    """
    inputs = torch.from_numpy(example)
    with torch.inference_mode():
        names = list(function(inputs))
    axes = {axis: torch.export.Dim(f"axis{axis}", min=1) for axis in free_axes}
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Traced(network, function).eval(),
                (inputs,),
                dynamo=True,
                input_names=[INPUT],
                output_names=names,
                dynamic_shapes=(axes,),
                optimize=optimize,
                verbose=False,
            )
    finally:
        quiet.setLevel(level)
    assert program is not None
    if not optimize:
        fold_constants_ir(program.model, should_fold=_is_no_weight)
        remove_unused_nodes(program.model)
    model: onnx.ModelProto = program.model_proto
    _strip_notes(model)
    onnx.helper.set_model_props(model, dict(facts))
    return model


def _is_no_weight(node: Any) -> bool | None:
    """Return False for a node that reads a weight, which must keep its name; None leaves it to the rules."""
    reads = [each.name for each in node.inputs if each is not None and each.is_initializer()]
    return False if any(name.startswith(PREFIX) for name in reads) else None


def link_weights(model: onnx.ModelProto, network: nn.Module, weights: Path) -> None:
    """Replace the weights of a graph by references into a safetensors file, in place.

    The file of weights stays the only one: the graph names the place of each array in it. Arrays in half
    precision are followed by a cast, which ONNX Runtime computes once, on loading.

    Args:
        model: of ``trace`` without ``optimize``.
        network: the traced network, loaded from ``weights``.
        weights: the safetensors file; the graph has to lie beside it.
    """
    places, first_names = _places(weights), _first_names(network)
    casts, linked = [], []
    for tensor in list(model.graph.initializer):
        place = places.get(first_names.get(tensor.name.removeprefix(PREFIX), ""))
        if place is None:
            continue
        kind, offset, length = place
        model.graph.initializer.remove(tensor)
        half = kind == onnx.TensorProto.FLOAT16
        name = f"{tensor.name}.half" if half else tensor.name
        reference = onnx.TensorProto(name=name, data_type=kind, dims=tensor.dims)
        reference.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", weights.name), ("offset", offset), ("length", length)):
            reference.external_data.add(key=key, value=str(value))
        linked.append(reference)
        if half:
            to = onnx.TensorProto.FLOAT
            casts.append(onnx.helper.make_node("Cast", [name], [tensor.name], to=to))
    model.graph.initializer.extend(linked)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _places(weights: Path) -> dict[str, tuple[int, int, int]]:
    """Return array -> ONNX data type, offset and length in bytes, of a safetensors file's float arrays."""
    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    kinds = {"F16": onnx.TensorProto.FLOAT16, "F32": onnx.TensorProto.FLOAT}
    return {
        name: (
            kinds[array["dtype"]],
            8 + size + array["data_offsets"][0],
            array["data_offsets"][1] - array["data_offsets"][0],
        )
        for name, array in header.items()
        if name != "__metadata__" and array["dtype"] in kinds
    }


def _first_names(network: nn.Module) -> dict[str, str]:
    """Return every name of each weight -> its first one, under which ``get_arrays`` stores it."""
    named = [
        *network.named_parameters(remove_duplicate=False),
        *network.named_buffers(remove_duplicate=False),
    ]
    first: dict[int, str] = {}
    return {name: first.setdefault(id(tensor), name) for name, tensor in named}


def _strip_notes(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes, which hold stack traces and make up most of a small graph."""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for values in (model.graph.input, model.graph.output, model.graph.initializer):
        for value in values:
            del value.metadata_props[:]

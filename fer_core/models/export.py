"""Trained networks as ONNX files: self-contained for other programs, or as graphs beside the weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from fer_core.errors import UserError
from fer_core.faces.eye_network import EyeNetwork
from fer_core.faces.landmark_network import LandmarkNetwork
from fer_core.faces.mtcnn_networks import load_networks
from fer_core.faces.trained import load_trained
from fer_core.files import replaced
from fer_core.models.base import Estimator
from fer_core.models.networks import load_network
from fer_core.runtime.graph import link_weights, trace
from fer_core.runtime.torch import NamedOutputs
from fer_core.weights import (
    EYES,
    HOG,
    LANDMARKS,
    MTCNN,
    WEIGHTS,
    Card,
    card_path,
    load_card,
    save_card,
)


@dataclass(frozen=True, slots=True)
class _Part:
    """One network of a model, as it is traced."""

    name: str
    """Name of its graph's file, without the suffix."""
    root: nn.Module
    """Holds the weights under their names in the weights file."""
    function: NamedOutputs
    example: NDArray[Any]
    free_axes: tuple[int, ...]
    facts: Mapping[str, str]


def export_onnx(name: str, out: Path, folder: Path = WEIGHTS) -> None:
    """Write a trained network as one ONNX file that needs nothing else.

    Its input is ``inputs``, (N, 1, S, S) uint8 gray values of aligned faces, and its outputs are the fields
    of ``FacePredictions``; the metadata tell how faces are prepared and what the outputs mean.

    Args:
        name: of a model that assigns expression classes, or the path of its card.
        folder: where models with a name lie.

    Raises:
        UserError: for an unknown name, and for a network that cannot be an ONNX graph.
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card = load_card(name, folder)
    with replaced(out) as beside:
        (part,) = _parts(name, card, folder)
        model = trace(
            part.root,
            part.function,
            part.example,
            facts={**part.facts, **_contract(card)},
            free_axes=part.free_axes,
        )
        onnx.save(model, beside)


def write_graphs(name: str, folder: Path = WEIGHTS) -> Card:
    """Write the ONNX graphs of a model beside its weights, to which they refer, and their hashes to its card.

    Returns:
        The card with ``graphs``, by which the model then runs on a CPU.

    Raises:
        UserError: for an unknown name, and for a network that cannot be an ONNX graph.
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card, path = load_card(name, folder), card_path(name, folder)
    graphs = {}
    for part in _parts(name, card, folder):
        if isinstance(part.root, Estimator):
            raise UserError(
                f"{name} contains the landmark network, whose weights lie in another file; use --format onnx"
            )
        model = trace(
            part.root,
            part.function,
            part.example,
            facts=part.facts,
            free_axes=part.free_axes,
            optimize=False,
        )
        link_weights(model, part.root, path.with_suffix(".safetensors"))
        graph = path.with_name(f"{part.name}.onnx")
        onnx.save(model, graph)
        graphs[graph.name] = sha256(graph.read_bytes()).hexdigest()
    return save_card(replace(card, graphs=graphs), path.parent, card.sha256)


def _parts(name: str, card: Card, folder: Path) -> Iterator[_Part]:
    """Yield the networks of a model, batch norms not yet folded.

    Raises:
        UserError: for a model that has no network, or none that can be an ONNX graph.
    """
    place = card_path(name, folder).parent
    if card.name == HOG:
        raise UserError(f"{name} has no network: OpenCV runs its windows; choose another model")
    if card.name == MTCNN:
        networks = load_networks("cpu", place)
        for part, stage in networks.items():
            example = np.zeros((2, 48, 48, 3) if part == "onet" else (2, 24, 24, 3), np.uint8)
            axes = (1, 2) if part == "pnet" else (0,)
            example = example[:1] if part == "pnet" else example
            yield _Part(part, nn.ModuleDict(networks), stage.predictions, example, axes, {})
        return
    if card.name in (LANDMARKS, EYES):
        build = LandmarkNetwork if card.name == LANDMARKS else EyeNetwork
        network: Any = load_trained(build, card.name, "cpu", place, fold=False)
    else:
        network = load_network(name, "cpu", folder, fold=False)
        if network.unexportable:
            raise UserError(
                f"{name} cannot be written as ONNX, since {network.unexportable}; choose another model"
            )
    side = card.input_size
    example = np.zeros((2, 1, side, side), np.uint8)
    facts = getattr(network, "facts", {})
    yield _Part(card.name, network, network.predictions, example, (0,), facts)


def _contract(card: Card) -> dict[str, str]:
    """Return what another program has to know to use a network, as metadata of its file."""
    return {
        "name": card.name,
        "classes": ",".join(card.classes),
        "input": f"inputs: (N, 1, {card.input_size}, {card.input_size}) uint8 gray values",
        "preprocessing": card.preprocessing,
        "temperature": str(card.temperature),
        "class_shares": ",".join(map(str, card.class_shares)),
        "unsure_below": str(card.unsure_below),
        "licence": card.licence,
        "limits": card.limits,
    }

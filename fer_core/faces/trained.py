"""Loading the small torch networks that describe faces."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import nn

from fer_core.building import build_network_of, fold_batch_norms, without_hub_options
from fer_core.weights import WEIGHTS, card_path, load_weights

N = TypeVar("N", bound=nn.Module)


def load_trained(
    build: Callable[..., N],
    name: str,
    device: str = "cpu",
    folder: Path = WEIGHTS,
    *,
    fold: bool = True,
) -> N:
    """Load a trained network for inference, in evaluation mode, without gradients of parameters.

    Args:
        build: builds it from the options on its card; its convolutions are in ``body``.
        name: of its card.
        device: as torch names it.
        folder: where the card lies.
        fold: fold batch norms; without, its weights keep their names.

    Raises:
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card, arrays = load_weights(name, folder)
    options = without_hub_options(card.network)
    network = build_network_of(
        lambda: build(**options), arrays, card_path(name, folder).with_suffix(".safetensors")
    )
    if fold:
        fold_batch_norms(network.get_submodule("body"))
    return network.eval().requires_grad_(False).to(device)

"""Torch networks with trained weights, by the names of their models."""

from pathlib import Path

import torch

from fer_core.building import build_network_of, without_hub_options
from fer_core.models import families  # noqa: F401  (networks register themselves)
from fer_core.models.base import Network, SequenceNetwork
from fer_core.models.registry import build_network
from fer_core.types import Floats
from fer_core.weights import WEIGHTS, WeightsError, card_path, load_weights


def load_network(
    name: str, device: str = "cpu", folder: Path = WEIGHTS, *, fold: bool = True
) -> Network:
    """Load a trained network for inference, in evaluation mode, without gradients of parameters.

    Args:
        name: of a model, ``default`` among them, or the path of its card.
        device: as torch names it.
        folder: where models with a name lie.
        fold: prepare it for inference, batch norms folded; without, its weights keep their names.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card, arrays = load_weights(name, folder)
    options = without_hub_options(card.network)
    network = build_network_of(
        lambda: build_network(card.family, options, check=False),
        arrays,
        card_path(name, folder).with_suffix(".safetensors"),
    )
    if network.input_size != card.input_size:
        raise WeightsError(
            f"{card_path(name, folder)} has two sizes, input_size {card.input_size} and that of its network, "
            f"{network.input_size}; restore the file"
        )
    if fold:
        try:
            network.after_load()
        except WeightsError as error:
            raise WeightsError(f"{card_path(name, folder)}: {error}") from None
    return network.eval().requires_grad_(False).to(device)


@torch.inference_mode()
def predict_sequence(network: Network, rows: Floats) -> tuple[Floats, Floats]:
    """Predict from the last pictures of one face, as ``Classifier.predict_sequence`` does."""
    assert isinstance(network, SequenceNetwork)
    device = next(network.parameters()).device
    sequence = torch.from_numpy(rows.reshape(1, -1, rows.shape[-1])).to(device)
    heads, weights = network.predict_sequence(sequence)
    outputs = [heads.logits] if heads.affect is None else [heads.logits, heads.affect]
    return (
        torch.cat(outputs, dim=1)[0].float().cpu().numpy(),
        weights.reshape(len(rows), -1).sum(1).float().cpu().numpy(),
    )

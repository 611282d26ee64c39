"""Openness of eyes, by a small network over one eye at a time, trained here."""

from pathlib import Path
from typing import Final

import numpy as np

from fer_core.runtime import ForwardPass, Trial, open_passes
from fer_core.types import Floats, Image
from fer_core.weights import EYES, WEIGHTS, Card, load_card

BATCH: Final = 512
"""Eyes per forward pass; bounds the memory."""


class EyeReader:
    """The trained eye network with its card. It keeps no images and may be shared by threads.

    Args:
        card: its model card.
        forward_pass: computes ``open`` from (N, 1, S, S) gray values 0..255, uint8.
    """

    def __init__(self, card: Card, forward_pass: ForwardPass) -> None:
        self.card = card
        self.input_size = card.input_size
        self._forward_pass = forward_pass

    def __call__(self, eyes: Image) -> Floats:
        """Predict the probability of being open: (N, S, S) uint8 crops -> (N,) float32."""
        parts = [
            self._forward_pass(np.ascontiguousarray(eyes[start : start + BATCH, None]))["open"]
            for start in range(0, len(eyes), BATCH)
        ]
        return np.concatenate(parts)


def load_eye_reader(
    device: str = "cpu", folder: Path = WEIGHTS, *, runtime: str = "auto"
) -> EyeReader:
    """Load the trained eye network.

    Args:
        runtime: one of ``fer_core.runtime.RUNTIMES``.

    Raises:
        UserError: for a runtime that cannot run it.
        WeightsError: if its files are missing, damaged or do not fit the network.
    """

    def by_torch() -> dict[str, ForwardPass]:
        from fer_core.faces.eye_network import EyeNetwork
        from fer_core.faces.trained import load_trained
        from fer_core.runtime.torch import TorchPass

        network = load_trained(EyeNetwork, EYES, device, folder)
        return {EYES: TorchPass(network.predictions, device)}

    card = load_card(EYES, folder)
    trials = {EYES: Trial((1, 1, card.input_size, card.input_size), {"open": (1,)})}
    passes = open_passes(EYES, by_torch, trials, device=device, folder=folder, runtime=runtime)
    return EyeReader(card, passes[EYES])

"""A trained model for inference: aligned faces or bare crops in, probabilities out."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fer_core.faces.alignment import align_crops, bare_points
from fer_core.labels import prior_strength
from fer_core.models.architecture import without_hub_options
from fer_core.models.base import Network, NetworkOutput, SequenceNetwork
from fer_core.models.registry import build_network
from fer_core.types import Floats, Image
from fer_core.weights import WEIGHTS, Card, card_path, load_weights, put_arrays

BATCH = 32
"""Faces per forward pass of many crops. With more, the feature maps outgrow a CPU's caches, which costs a
tenth of the time."""


class Classifier:
    """A trained network with its card. It keeps no faces and may be shared by threads.

    Args:
        network: the network; it is put in eval mode, without gradients of parameters, on ``device``.
        card: its model card.
        device: where it runs, as torch names it.
    """

    def __init__(self, network: Network, card: Card, device: str = "cpu") -> None:
        self.network = network.eval().requires_grad_(False).to(device)
        self.card = card
        self.device = torch.device(device)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def input_size(self) -> int:
        """Side of the aligned square, in pixels."""
        return self.card.input_size

    @cached_property
    def has_attention(self) -> bool:
        """Whether the network has spatial attention; found by a forward pass of a blank face."""
        blank = np.zeros((1, self.input_size, self.input_size), np.uint8)
        return self.forward(blank).attention is not None

    @property
    def reads_sequences(self) -> bool:
        """Whether the network can predict from several pictures of a face as one sequence."""
        return isinstance(self.network, SequenceNetwork)

    @torch.inference_mode()
    def predict_sequence(self, rows: Floats) -> tuple[Floats, Floats]:
        """Predict from the last pictures of one face, the newest last.

        Args:
            rows: (T, n, C) ``NetworkOutput.rows`` of each picture.

        Returns:
            (7,) logits, followed by valence and arousal where the network has a head for them, and (T,)
            attention weights of the pictures, which sum to 1.
        """
        assert isinstance(self.network, SequenceNetwork)
        sequence = torch.from_numpy(rows.reshape(1, -1, rows.shape[-1])).to(self.device)
        heads, weights = self.network.predict_sequence(sequence)
        outputs = [heads.logits] if heads.affect is None else [heads.logits, heads.affect]
        return (
            torch.cat(outputs, dim=1)[0].float().cpu().numpy(),
            weights.reshape(len(rows), -1).sum(1).float().cpu().numpy(),
        )

    def tensor(self, aligned: Image) -> Tensor:
        """(N, S, S) uint8 aligned faces -> (N, 1, S, S) uint8 on the model's device."""
        return torch.from_numpy(np.ascontiguousarray(aligned)[:, None]).to(self.device)

    @torch.inference_mode()
    def forward(self, aligned: Image) -> NetworkOutput:
        """Run the network once over (N, S, S) uint8 aligned faces; in bf16 on a GPU."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            output: NetworkOutput = self.network(self.tensor(aligned))
        return output

    def assumed_prior(self, prior: str | None = None) -> str:
        """Return the prior that probabilities assume where ``prior`` is asked for; None asks for the card's.

        It is "own" for every model whose card does not know the shares of its training faces.
        """
        return (prior or self.card.prior) if self.card.class_shares else "own"

    def calibrate(self, logits: Floats, prior: str | None = None) -> Floats:
        """Return (N, 7) probabilities of (N, 7) logits, at the card's temperature.

        Args:
            logits: of the expression head, trained at the shares of the training faces.
            prior: a key of ``PRIORS``; the card's by default.

        Raises:
            UserError: for an unknown prior.
        """
        scaled = logits / self.card.temperature
        part = prior_strength(prior or self.card.prior)
        if part and self.card.class_shares:
            scaled = scaled - part * np.log(self.card.class_shares, dtype=np.float32)
        exponents = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), np.float32)

    def align(self, crops: Sequence[Image] | Image) -> Image:
        """Align bare face crops, such as a dataset's images; return (N, S, S) uint8."""
        if self.card.aligned:
            points = bare_points(crops, str(self.device))
        else:
            points = np.full((len(crops), 5, 2), np.nan, np.float32)
        return align_crops(crops, points, self.input_size)

    def logits(self, aligned: Image) -> tuple[Floats, Floats, Floats | None]:
        """Compute the logits of aligned faces.

        Args:
            aligned: (N, S, S) uint8.

        Returns:
            (N, 7) logits of the expression head, (N, 8) of the FER+ head, and (N, 2) valence and arousal,
            -1..1, or None for networks without a head for them.
        """
        parts = [
            self.forward(aligned[start : start + BATCH]) for start in range(0, len(aligned), BATCH)
        ]

        def joined(heads: list[Tensor]) -> Floats:
            return np.asarray(torch.cat(heads).float().cpu().numpy())

        affect = [p.affect for p in parts if p.affect is not None]
        return (
            joined([p.logits for p in parts]),
            joined([p.votes for p in parts]),
            joined(affect) if affect else None,
        )

    def probabilities(self, crops: Sequence[Image] | Image, prior: str | None = None) -> Floats:
        """Return calibrated probabilities of bare face crops.

        Args:
            crops: (N, h, w) or (N, h, w, 3) uint8, or a sequence of images of any sizes.
            prior: a key of ``PRIORS``; the card's by default.

        Returns:
            (N, 7) float32 in the order of ``EXPRESSIONS``.
        """
        if not len(crops):
            return np.empty((0, len(self.card.classes)), np.float32)
        return self.calibrate(self.logits(self.align(crops))[0], prior)


def load_model(name: str, device: str = "cpu", folder: Path = WEIGHTS) -> Classifier:
    """Load a trained model by its name, ``default`` among them, or by the path of its card.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card, arrays = load_weights(name, folder)
    network = build_network(card.family, without_hub_options(card.network), check=False)
    put_arrays(network, arrays, card_path(name, folder).with_suffix(".safetensors"))
    network.after_load()
    return Classifier(network, card, device)

"""A trained model for inference: aligned faces or bare crops in, probabilities out."""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.errors import UserError
from fer_core.faces.alignment import align_crops, bare_points
from fer_core.images import as_sequence
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS, REGIONS, prior_strength
from fer_core.models.predictions import PREDICTED, FacePredictions
from fer_core.runtime import Engine, ForwardPass, RemotePass, Trial, open_passes
from fer_core.types import Baseline, Floats, Image
from fer_core.weights import (
    EXPRESSION_MODEL,
    WEIGHTS,
    Card,
    WeightsError,
    list_models,
    load_card,
)

if TYPE_CHECKING:
    from fer_core.models.base import Network

BATCH: Final = 32
"""Faces per forward pass of many crops. With more, the feature maps outgrow a CPU's caches, which costs a
tenth of the time."""
GPU_BATCH: Final = 1024
"""Faces per forward pass of many crops on a GPU, which has more to do at once."""


class Classifier:
    """A trained network with its card. It keeps no faces and may be shared by threads.

    Args:
        card: its model card.
        forward_pass: computes fields of ``FacePredictions`` from (N, 1, S, S) gray values 0..255, uint8; its
            facts name the ``regions``.
        load_network: returns the torch network, for those who look inside it.
        device: where it runs, as torch names it.
    """

    def __init__(
        self,
        card: Card,
        forward_pass: ForwardPass,
        load_network: "Callable[[], Network]",
        device: str = "cpu",
    ) -> None:
        self.card = card
        self.device = device
        self.forward_pass = forward_pass
        self._load_network = load_network

    @classmethod
    def from_network(cls, network: "Network", card: Card, device: str = "cpu") -> "Classifier":
        """Return a model around a torch network, which is put in evaluation mode, without gradients of
        parameters, on ``device``."""
        network = network.eval().requires_grad_(False).to(device)
        return cls(card, _torch_pass(network, device), lambda: network, device)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def input_size(self) -> int:
        """Side of the aligned square, in pixels."""
        return self.card.input_size

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the network's branches: the part of the face that is the input of each."""
        return tuple(self.forward_pass.facts.get("regions", "").split(","))

    @property
    def remote(self) -> RemotePass | None:
        """The pass by an engine, which computes maps too; None where this process computes all."""
        return self.forward_pass if isinstance(self.forward_pass, RemotePass) else None

    @property
    def network(self) -> "Network":
        """The torch network, loaded when it is first asked for: for gradients, layers and training."""
        return self._load_network()

    @cached_property
    def _blank(self) -> FacePredictions:
        """Predictions for a blank face, which show what the network predicts."""
        return self.forward(np.zeros((1, self.input_size, self.input_size), np.uint8))

    @property
    def has_attention(self) -> bool:
        """Whether the network has spatial attention."""
        return self._blank.attention is not None

    @property
    def has_maps(self) -> bool:
        """Whether the network has feature maps over the face: without, only occlusion explains it."""
        return self._blank.evidence is not None or self.network.has_maps

    @property
    def rates_affect(self) -> bool:
        """Whether the network has a head for valence and arousal."""
        return self._blank.affect is not None

    @property
    def reads_sequences(self) -> bool:
        """Whether the network can predict from several pictures of a face as one sequence."""
        return self._blank.rows is not None

    def predict_sequence(self, rows: Floats) -> tuple[Floats, Floats]:
        """Predict from the last pictures of one face, the newest last.

        Args:
            rows: (T, n, C) ``FacePredictions.rows`` of each picture.

        Returns:
            (7,) logits, followed by valence and arousal where the network has a head for them, and (T,)
            attention weights of the pictures, which sum to 1.
        """
        from fer_core.models.networks import predict_sequence

        return predict_sequence(self.network, rows)

    def forward(self, aligned: Image) -> FacePredictions:
        """Run the network once over (N, S, S) uint8 aligned faces; in bf16 on a GPU."""
        inputs = np.ascontiguousarray(aligned)[:, None]
        outputs = self.forward_pass(inputs)
        return FacePredictions(**{n: outputs[n] for n in PREDICTED if n in outputs})

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
        return softmax(self.scores(logits, prior))

    def scores(self, logits: Floats, prior: str | None = None) -> Floats:
        """Return (N, 7) scores: the logarithms of the probabilities of ``calibrate``, up to a constant."""
        scaled = logits / self.card.temperature
        part = prior_strength(prior or self.card.prior)
        if part and self.card.class_shares:
            scaled = scaled - part * np.log(self.card.class_shares, dtype=np.float32)
        return scaled

    def normalize(self, logits: Floats, baseline: Baseline) -> Floats:
        """Return (N, 7) probabilities of faces of one person, compared with their neutral face.

        With the scores z at equal shares, n those of the neutral face and e the unit vector of neutral, they
        are the softmax of (z - w n + b e) / t; w, b and t are on the card.

        Raises:
            UserError: if the baseline is of another model.
        """
        self.check_baseline(baseline)
        return self.normalize_scores(
            self.scores(logits, "equal"), self.scores(baseline.logits, "equal")
        )

    def check_baseline(self, baseline: Baseline) -> None:
        """Raise a UserError if a baseline is of another model."""
        if baseline.model != self.name:
            raise UserError(
                f"the baseline is of model {baseline.model!r}, not of {self.name!r}; read the neutral face "
                "with this model"
            )

    def normalize_scores(self, scores: Floats, neutral: Floats) -> Floats:
        """Return (N, 7) probabilities of (N, 7) scores at equal shares, compared with (7,) neutral ones.

        A constant that is added to all seven changes nothing.
        """
        card = self.card
        scores = scores - card.baseline_weight * neutral
        scores[..., EXPRESSIONS.index("neutral")] += card.baseline_offset
        return softmax(scores / card.baseline_temperature)

    def equal_scores(self, probabilities: Floats, prior: str) -> Floats:
        """Return (N, 7) scores at equal shares, up to a constant, from (N, 7) probabilities at a prior."""
        scores = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        part = 1 - prior_strength(prior)
        if part and self.card.class_shares:
            scores = scores - part * np.log(self.card.class_shares, dtype=np.float32)
        return np.asarray(scores, np.float32)

    def align(self, crops: Sequence[Image] | Image) -> Image:
        """Align bare face crops, such as a dataset's images; return (N, S, S) uint8."""
        crops = as_sequence(crops)
        if self.card.aligned:
            points = bare_points(crops, self.device)
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
        size = BATCH if self.device == "cpu" else GPU_BATCH
        parts = [
            self.forward(aligned[start : start + size]) for start in range(0, len(aligned), size)
        ]
        affect = [part.affect for part in parts if part.affect is not None]
        return (
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.votes for part in parts]),
            np.concatenate(affect) if affect else None,
        )

    def probabilities(self, crops: Sequence[Image] | Image, prior: str | None = None) -> Floats:
        """Return calibrated probabilities of bare face crops.

        Args:
            crops: (N, h, w) or (N, h, w, 3) uint8, or a sequence of images of any sizes; an array of
                (h, w) or (h, w, 3) is one face.
            prior: a key of ``PRIORS``; the card's by default.

        Returns:
            (N, 7) float32 in the order of ``EXPRESSIONS``.
        """
        crops = as_sequence(crops)
        if not len(crops):
            return np.empty((0, len(self.card.classes)), np.float32)
        return self.calibrate(self.logits(self.align(crops))[0], prior)


def softmax(scores: Floats) -> Floats:
    """Return probabilities, which sum to 1 along the last axis."""
    exponents = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), np.float32)


def load_model(
    name: str,
    device: str = "cpu",
    folder: Path = WEIGHTS,
    *,
    runtime: str = "auto",
    engine: Engine | None = None,
) -> Classifier:
    """Load a trained model by its name, ``default`` among them, or by the path of its card.

    Args:
        device: as torch names it.
        folder: where models with a name lie.
        runtime: one of ``fer_core.runtime.RUNTIMES``.
        engine: computes forward passes and maps where it runs the same weights; this process does otherwise.

    Raises:
        UserError: for an unknown name or a model of another kind; the message lists the valid ones. For a
            runtime that cannot run it.
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card = load_card(name, folder)
    if card.kind != EXPRESSION_MODEL:
        raise UserError(
            f"{name} is a model of {card.kind}, not of expression classes; choose one of "
            f"{', '.join(('default', *list_models()))}"
        )

    @cache
    def network() -> "Network":
        from fer_core.models.networks import load_network  # torch is not loaded for a graph

        return load_network(name, device, folder)

    def by_torch() -> dict[str, ForwardPass]:
        return {card.name: _torch_pass(network(), device)}

    side, votes = card.input_size, len(FERPLUS_EXPRESSIONS)
    outputs = {"logits": (1, len(EXPRESSIONS)), "votes": (1, votes)}
    trials = {card.name: Trial((1, 1, side, side), outputs)}
    passes = open_passes(name, by_torch, trials, device=device, folder=folder, runtime=runtime)
    forward_pass = passes[card.name]
    if engine is not None:
        forward_pass = RemotePass(engine, card, forward_pass)
    classifier = Classifier(card, forward_pass, network, device)
    if not set(classifier.regions) <= set(REGIONS):
        raise WeightsError(f"the graph of {name} does not name its regions; restore it")
    return classifier


def _torch_pass(network: "Network", device: str) -> ForwardPass:
    from fer_core.runtime.torch import TorchPass

    return TorchPass(network.predictions, device, half=True, facts=network.facts)

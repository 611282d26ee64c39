"""Base classes of all networks: gray aligned faces in, logits and feature maps out."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from fer_core.building import fold_batch_norms, without_hub_options
from fer_core.labels import AFFECT, EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models.architecture import create_body, last_map

GRAY_MEAN, GRAY_STD = 0.508, 0.255
"""Mean and standard deviation of the pixels of FER2013's training images, on a scale of 0..1."""


class Heads(NamedTuple):
    """Outputs of the heads of one branch for N faces."""

    logits: Tensor
    """(N, 7) in the order of ``EXPRESSIONS``."""
    votes: Tensor
    """(N, 8) logits of the FER+ head, in the order of ``FERPLUS_EXPRESSIONS``."""
    affect: Tensor | None
    """(N, 2) valence and arousal, -1..1; None for networks without a head for them."""


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """Output of a network for N faces."""

    logits: Tensor
    """(N, 7) in the order of ``EXPRESSIONS``."""
    votes: Tensor
    """(N, 8) logits of the FER+ head, in the order of ``FERPLUS_EXPRESSIONS``."""
    features: Mapping[str, Tensor]
    """Region -> (N, C, h, w): the last feature map of each branch, on its part of one common grid."""
    region_attention: Tensor | None = None
    """(N, regions) in the order of ``features``; each row sums to 1."""
    region_heads: Mapping[str, Heads] | None = None
    """Region -> outputs of that branch alone, for the auxiliary loss."""
    affect: Tensor | None = None
    """(N, 2) valence and arousal, -1..1; None for networks without a head for them."""
    attention: Tensor | None = None
    """(N, h, w) or (N, heads, h, w) spatial attention weights, which sum to 1 for each face and head; None
    for networks without spatial attention."""
    rows: Tensor | None = None
    """(N, rows, C) features of the face's rows, forehead to chin; only of a ``SequenceNetwork``."""
    points: Tensor | None = None
    """(stages, N, 78, 2) landmarks as fractions of the square, of which the last stage is the most precise;
    None for networks that do not predict them."""


class Network(nn.Module):
    """A network over aligned faces.

    ``forward`` is ``head(features(faces))``; explanations use the feature maps in between.
    """

    input_size: int
    """Side of the aligned square, in pixels."""
    regions: tuple[str, ...] = ("face",)
    """Names of the branches: the part of the face that is the input of each."""
    affect: bool = False
    """Whether it has a head for valence and arousal, trained on people's ratings."""
    landmarks: bool = False
    """Whether it predicts landmarks too, trained on those of the landmark network."""
    has_maps: bool = True
    """Whether its features are maps over the face with gradients from the class scores. Other networks can be
    explained by occlusion only."""

    unexportable: str | None = None
    """Why it does not become an ONNX graph, as a clause; None for networks that do."""

    @property
    def trunks(self) -> "dict[str, Trunk]":
        """Region -> its convolutions; {} for models without convolutions."""
        return {}

    @abstractmethod
    def features(self, faces: Tensor) -> dict[str, Tensor]:
        """Compute the last feature map of each branch.

        Args:
            faces: (N, 1, S, S) gray values 0..255, any dtype.

        Returns:
            Region -> (N, C, h, w); without ``has_maps`` the features that ``head`` takes, of any shape.
        """

    @abstractmethod
    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        """Compute the outputs from the feature maps.

        Args:
            features: output of ``features``.
            hold_attention: treat attention weights as constants, so that the gradient of a class
                score is that of the evidence only.
        """

    def forward(self, faces: Tensor) -> NetworkOutput:
        return self.head(self.features(faces))

    @property
    def learned_options(self) -> dict[str, Any]:
        """Constructor options that training has determined, for the card; without the source of initial
        weights, so that loading never asks a hub for them."""
        fetched = [t for t in self.trunks.values() if isinstance(t, Backbone) and t.fetched]
        backbone = {"backbone": fetched[0].arguments} if fetched else {}
        return {"affect": self.affect, **backbone}

    @property
    def facts(self) -> dict[str, str]:
        """What a runtime has to know of the network: ``regions``, separated by commas."""
        return {"regions": ",".join(self.regions)}

    @property
    def num_parameters(self) -> int:
        """Number of learned parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def after_load(self) -> None:
        """Prepare for inference after the weights are loaded; the network cannot be trained afterwards.

        Raises:
            UserError: if the weights cannot be used.
        """
        for module in self.modules():
            if isinstance(module, Trunk):
                fold_batch_norms(module.body)

    def evidence(self, output: NetworkOutput) -> Tensor | None:
        """Compute class activation maps for networks that end in pooling + linear (Zhou et al. 2016).

        Returns:
            (N, 7, h, w) maps whose sums are the logits less their bias; None for other networks.
        """
        return None

    def predictions(self, faces: Tensor) -> dict[str, Tensor]:
        """Compute what a prediction needs: (N, 1, S, S) faces -> fields of ``FacePredictions``."""
        output = self(faces)
        values = {
            "logits": output.logits,
            "votes": output.votes,
            "affect": output.affect,
            "region_attention": output.region_attention,
            "attention": output.attention,
            "rows": output.rows,
            "evidence": self.evidence(output),
        }
        return {name: value for name, value in values.items() if value is not None}


class SequenceNetwork(Network):
    """A network that can predict from several pictures of one face as a sequence; its output has ``rows``."""

    @abstractmethod
    def predict_sequence(self, rows: Tensor) -> tuple[Heads, Tensor]:
        """Predict from several pictures of each face.

        Args:
            rows: (N, n, C) rows of all pictures, one picture after the other.

        Returns:
            Outputs of the heads for N faces, and (N, n) attention weights of the rows, which sum to 1.
        """


class Estimator(Network):
    """A model that is fitted by its own solver, to the hand-made features of all training faces at once."""

    has_maps = False

    @property
    def learned_options(self) -> dict[str, Any]:
        return {}

    @abstractmethod
    def describe(self, faces: Tensor) -> Tensor:
        """Compute the features: (N, 1, S, S) gray values 0..255 -> N features of any shape."""

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.describe(faces)}


def normalize(faces: Tensor) -> Tensor:
    """Scale gray values 0..255 to zero mean and unit variance over FER2013."""
    return (faces.float() / 255 - GRAY_MEAN) / GRAY_STD


_run: "ContextVar[Callable[[Trunk, Tensor], Any] | None]" = ContextVar("run", default=None)


@contextmanager
def trunk_override(run: "Callable[[Trunk, Tensor], Any]") -> Iterator[None]:
    """Replace ``trunk.body(faces)`` of every trunk by ``run(trunk, faces)`` within this context.

    Only calls of this thread are affected, so a network that other threads share is never modified.
    """
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


class Trunk(nn.Module):
    """The convolutions of a network, up to the last feature map.

    Args:
        body: (N, 1, H, W) normalized -> (N, C, h, w), or a list of maps of which the last is used; its
            children run one after the other.
        channels: C, the channels of the last map.
    """

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
        self.channels = channels

    def forward(self, faces: Tensor) -> Tensor:
        """(N, 1, H, W) normalized -> (N, C, h, w)."""
        run = _run.get()
        maps = self.body(faces) if run is None else run(self, faces)
        return last_map(maps)


class Backbone(Trunk):
    """A timm network up to one of its feature maps.

    Args:
        name: a timm architecture whose parts run one after the other; docs/training.md lists those tried.
        stage: index of the feature map, counted from 0 at the stem.
        stem_stride: factor by which a ResNet's stem shrinks the face: 4 as in timm, 2 without its
            pooling, 1 also without the stride of its first convolution. Small faces need the pixels.
        halve_last: whether the last stage of a ResNet halves its map, as in timm.
        late_stem: with a stride of 2, whether the last convolution of a deep stem halves the face instead of
            the first, which then sees every pixel.
        options: further arguments of ``timm.create_model``.

    Attributes:
        arguments: those it was built with, without the ones that fetch initial weights.
        fetched: whether there were any that do.

    Raises:
        UserError: if timm does not know the architecture, or the arguments do not fit it.
    """

    def __init__(
        self,
        name: str,
        *,
        stage: int,
        stem_stride: int = 4,
        halve_last: bool = True,
        late_stem: bool = False,
        options: Mapping[str, Any],
    ) -> None:
        arguments: dict[str, Any] = {
            "name": name,
            "stage": stage,
            "stem_stride": stem_stride,
            "halve_last": halve_last,
            "late_stem": late_stem,
            "options": options,
        }
        super().__init__(*create_body(**arguments))
        self.arguments = without_hub_options({"backbone": arguments})["backbone"]
        self.fetched = self.arguments != arguments


class ClassifierHead(nn.Module):
    """Linear layers over pooled features: for the seven classes, for FER+'s eight, and with ``affect`` for
    valence and arousal, which a tanh keeps within -1..1."""

    def __init__(self, channels: int, dropout: float, *, affect: bool = False) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.expressions = nn.Linear(channels, len(EXPRESSIONS))
        self.votes = nn.Linear(channels, len(FERPLUS_EXPRESSIONS))
        self.affect = nn.Linear(channels, len(AFFECT)) if affect else None

    def forward(self, pooled: Tensor) -> Heads:
        """(N, C) pooled features -> outputs of the heads."""
        pooled = self.dropout(pooled)
        affect = None if self.affect is None else self.affect(pooled).tanh()
        return Heads(self.expressions(pooled), self.votes(pooled), affect)

    def evidence(self, feature_map: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 7, h, w) class activation maps whose sums are the logits less their bias."""
        cells = feature_map.shape[-2] * feature_map.shape[-1]
        weights = self.weights().to(feature_map.dtype)
        return F.conv2d(feature_map, weights[..., None, None]) / cells

    def weights(self) -> Tensor:
        """Return the (7, C) weights of the channels for the classes."""
        return self.expressions.weight


def pool(feature_map: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, C) global average pooling."""
    return feature_map.mean((2, 3))


class PooledNetwork(Network):
    """One trunk over the whole face, global average pooling and a linear layer, so that Grad-CAM equals the
    class activation map. Families of this kind differ by their trunk only."""

    head_type = ClassifierHead

    def __init__(
        self, backbone: Trunk, *, input_size: int, dropout: float, affect: bool = False
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.affect = affect
        self.backbone = backbone
        self.classifier = self.head_type(backbone.channels, dropout, affect=affect)

    @property
    def trunks(self) -> dict[str, Trunk]:
        return {"face": self.backbone}

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.backbone(normalize(faces))}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        logits, votes, affect = self.classifier(pool(features["face"]))
        return NetworkOutput(logits=logits, votes=votes, features=features, affect=affect)

    def evidence(self, output: NetworkOutput) -> Tensor | None:
        return self.classifier.evidence(output.features["face"])

"""What every network has in common: grey aligned faces in, logits and feature maps out."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from fer_core.labels import AFFECT, EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.weights import fold_batch_norms

GRAY_MEAN, GRAY_STD = 0.508, 0.255
"""Of FER2013's training images, on a scale of 0..1."""


class Heads(NamedTuple):
    """What the heads of one branch say about N faces."""

    logits: Tensor
    """(N, 7) in the order of ``EXPRESSIONS``."""
    votes: Tensor
    """(N, 8) logits of the FER+ head, in the order of ``FERPLUS_EXPRESSIONS``."""
    affect: Tensor | None
    """(N, 2) valence and arousal, -1..1; None for networks that did not learn them."""


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """What a network says about N faces."""

    logits: Tensor
    """(N, 7) in the order of ``EXPRESSIONS``."""
    votes: Tensor
    """(N, 8) logits of the FER+ head, in the order of ``FERPLUS_EXPRESSIONS``."""
    features: Mapping[str, Tensor]
    """Region -> (N, C, h, w): the last feature map of each branch, on its part of one common grid."""
    region_attention: Tensor | None = None
    """(N, regions) in the order of ``features``; each row sums to 1."""
    region_heads: Mapping[str, Heads] | None = None
    """Region -> what that branch says alone, for the auxiliary loss."""
    affect: Tensor | None = None
    """(N, 2) valence and arousal, -1..1; None for networks that did not learn them."""
    attention: Tensor | None = None
    """(N, h, w) or (N, heads, h, w): how much each place of the face counts, for networks that weigh
    places; adds up to 1 for each face and head."""
    rows: Tensor | None = None
    """(N, rows, C) the face from the forehead to the chin, of a ``SequenceNetwork``."""
    points: Tensor | None = None
    """(stages, N, 78, 2) landmarks as fractions of the square, the last stage's the best; None for
    networks that do not look for them."""

    def part(self, faces: slice) -> "NetworkOutput":
        """What it says about some of the faces; of the branches only their feature maps."""

        def rows(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor[faces]

        return NetworkOutput(
            logits=self.logits[faces],
            votes=self.votes[faces],
            features={region: maps[faces] for region, maps in self.features.items()},
            region_attention=rows(self.region_attention),
            affect=rows(self.affect),
            attention=rows(self.attention),
            rows=rows(self.rows),
        )


class Network(nn.Module):
    """A network over aligned faces.

    ``forward`` is ``head(features(faces))``: the cut in the middle is where explanations look.
    """

    input_size: int
    """Side of the aligned square, in pixels."""
    regions: tuple[str, ...] = ("face",)
    """The branches, each named after the part of the face that it sees."""
    affect: bool = False
    """Whether it learns valence and arousal too, from people's ratings."""
    landmarks: bool = False
    """Whether it learns to find landmarks too, from the landmark network."""
    has_maps: bool = True
    """Whether its features are maps over the face through which gradients of the class scores flow. Where
    others look can be told by covering places alone."""

    @property
    def trunks(self) -> "dict[str, Trunk]":
        """Region -> the convolutions that see it; {} for what has none."""
        return {}

    @abstractmethod
    def features(self, faces: Tensor) -> dict[str, Tensor]:
        """Last feature map of each branch.

        Args:
            faces: (N, 1, S, S) grey values 0..255, any dtype.

        Returns:
            Region -> (N, C, h, w); where it does not ``has_maps``, whatever its head takes.
        """

    @abstractmethod
    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        """Logits from the feature maps.

        Args:
            hold_attention: treat attention weights as constants, so that the gradient of a class
                score is that of the evidence alone.
        """

    def forward(self, faces: Tensor) -> NetworkOutput:
        return self.head(self.features(faces))

    @property
    def learned_options(self) -> dict[str, Any]:
        """Options of its constructor that its training decided, for the card."""
        return {"affect": self.affect}

    @property
    def num_parameters(self) -> int:
        """How many numbers its training chose."""
        return sum(parameter.numel() for parameter in self.parameters())

    def after_load(self) -> None:
        """Make ready what follows from its arrays, once they are in place: it learns no more.

        Raises:
            UserError: if they cannot be used.
        """
        for module in self.modules():
            if isinstance(module, Trunk):
                fold_batch_norms(module.body)

    def evidence(self, output: NetworkOutput) -> Tensor | None:
        """(N, 7, h, w) class activation maps whose sums are the logits less their bias, for networks
        that end in pooling + linear (Zhou et al. 2016); None for others."""
        return None


class SequenceNetwork(Network):
    """A network that can read several pictures of one face as one sequence; its output has ``rows``."""

    @abstractmethod
    def predict_sequence(self, rows: Tensor) -> tuple[Heads, Tensor]:
        """What is said of several pictures of one face.

        Args:
            rows: (N, n, C) of all of them, one picture after the other.

        Returns:
            Heads of N faces, and (N, n) how much each row counts, adding up to 1.
        """


class Estimator(Network):
    """A network that a solver of its own fits at once, to descriptions of all faces of Training."""

    has_maps = False

    @property
    def learned_options(self) -> dict[str, Any]:
        return {}

    @abstractmethod
    def describe(self, faces: Tensor) -> Tensor:
        """What it is fitted to: (N, 1, S, S) grey values 0..255 -> N descriptions of any shape."""

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.describe(faces)}


def normalize(faces: Tensor) -> Tensor:
    """Grey values 0..255 to zero mean and unit variance over FER2013."""
    return (faces.float() / 255 - GRAY_MEAN) / GRAY_STD


_run: "ContextVar[Callable[[Trunk, Tensor], Any] | None]" = ContextVar("run", default=None)


@contextmanager
def trunk_override(run: "Callable[[Trunk, Tensor], Any]") -> Iterator[None]:
    """Within this context ``run(trunk, faces)`` stands for ``trunk.body(faces)`` of every trunk. It holds for
    the calls of this thread alone: so a shared network can be looked into without being touched."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


class Trunk(nn.Module):
    """The convolutions of a network, up to the last feature map.

    Args:
        body: (N, 1, H, W) normalised -> (N, C, h, w), or a list of maps of which the last counts; its
            children run one after the other.
        channels: C.
    """

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
        self.channels = channels

    def forward(self, faces: Tensor) -> Tensor:
        """(N, 1, H, W) normalised -> (N, C, h, w)."""
        run = _run.get()
        found = self.body(faces) if run is None else run(self, faces)
        feature_map: Tensor = found if isinstance(found, Tensor) else found[-1]
        return feature_map


class Backbone(Trunk):
    """A timm network cut off after one of its feature maps.

    Args:
        name: any timm architecture that offers ``features_only``.
        stage: which of its feature maps, counted from 0 at the stem.
        stem_stride: how much a ResNet's stem shrinks the face: 4 as timm has it, 2 without its
            pooling, 1 without the stride of its first convolution too. Small faces need the pixels.
        halve_last: the last stage of a ResNet halves its map, as timm has it; otherwise that stays twice as
            fine.
        options: handed to timm as they are.
    """

    def __init__(
        self,
        name: str,
        *,
        stage: int,
        stem_stride: int = 4,
        halve_last: bool = True,
        options: Mapping[str, Any],
    ) -> None:
        body: Any = timm.create_model(
            name, features_only=True, out_indices=(stage,), in_chans=1, **options
        )
        if stem_stride < 4:
            body.maxpool = nn.Identity()
        if stem_stride < 2:
            next(m for m in body.modules() if isinstance(m, nn.Conv2d)).stride = (1, 1)
        if not halve_last:
            for layer in list(body.children())[-1].modules():
                if isinstance(layer, nn.Conv2d | nn.AvgPool2d):
                    layer.stride = (1, 1)
                if isinstance(layer, nn.AvgPool2d):
                    layer.kernel_size = (1, 1)
        super().__init__(body, body.feature_info.channels()[-1])


class ClassifierHead(nn.Module):
    """Global average pooling + linear: for the seven classes, for FER+'s eight, and with ``affect`` for
    valence and arousal, which a tanh keeps within -1..1."""

    def __init__(self, channels: int, dropout: float, *, affect: bool = False) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.expressions = nn.Linear(channels, len(EXPRESSIONS))
        self.votes = nn.Linear(channels, len(FERPLUS_EXPRESSIONS))
        self.affect = nn.Linear(channels, len(AFFECT)) if affect else None

    def forward(self, pooled: Tensor) -> Heads:
        """Answers from (N, C)."""
        pooled = self.dropout(pooled)
        affect = None if self.affect is None else self.affect(pooled).tanh()
        return Heads(self.expressions(pooled), self.votes(pooled), affect)

    def evidence(self, feature_map: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 7, h, w), summing to the logits less their bias."""
        cells = feature_map.shape[-2] * feature_map.shape[-1]
        weights = self.weights().to(feature_map.dtype)
        return torch.einsum("nchw,kc->nkhw", feature_map, weights) / cells

    def weights(self) -> Tensor:
        """(7, C) by which the classes weigh the channels."""
        return self.expressions.weight


def pool(feature_map: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, C) global average."""
    return feature_map.mean((2, 3))


class PooledNetwork(Network):
    """One trunk over the whole face, global average pooling + linear, so Grad-CAM is the class activation
    map exactly. What parts the families of this kind is their trunk alone."""

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

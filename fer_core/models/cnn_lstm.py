"""``cnn_lstm``, ``cnn_alstm`` and ``acnn_alstm``: a face read row by row, with and without attention."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fer_core.models.base import (
    ClassifierHead,
    Heads,
    Network,
    NetworkOutput,
    SequenceNetwork,
    Trunk,
    normalize,
)
from fer_core.models.registry import register_network
from fer_core.models.simple_cnn import stacked


@register_network("cnn_lstm", description="convolutions, then an LSTM from forehead to chin")
class CNNLSTM(Network):
    """Convolutions, then an LSTM that reads the rows of their map from the forehead to the chin.

    A row is the mean of its cells, and the answer comes from what the LSTM holds after the last row. The
    families below change one of the two each, so what an attention is worth can be read off.
    """

    local_attention = False
    global_attention = False

    def __init__(
        self,
        *,
        input_size: int,
        dropout: float,
        widths: Sequence[int] = (24, 48, 96),
        hidden: int = 128,
        affect: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.affect = affect
        self.backbone = stacked(widths)
        channels = self.backbone.channels
        self.lstm = nn.LSTM(channels, hidden, batch_first=True)
        self.classifier = ClassifierHead(hidden, dropout, affect=affect)
        self.local_scorer = scorer(channels) if self.local_attention else None
        self.global_scorer = scorer(hidden) if self.global_attention else None

    @property
    def trunks(self) -> dict[str, Trunk]:
        return {"face": self.backbone}

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.backbone(normalize(faces))}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        cells = features["face"].float().permute(0, 2, 3, 1)  # (N, h, w, C)
        within = self._weigh(self.local_scorer, cells, hold_attention)
        rows = cells.mean(2) if within is None else (within[..., None] * cells).sum(2)
        heads, across = self._read(rows, hold_attention)
        attention = None
        if across is not None:
            attention = across[..., None] if within is None else across[..., None] * within
        return NetworkOutput(
            logits=heads.logits,
            votes=heads.votes,
            affect=heads.affect,
            features=features,
            attention=attention,
            rows=None if across is None else rows,
        )

    def _read(self, rows: Tensor, hold: bool) -> tuple[Heads, Tensor | None]:
        """Answers from (N, n, C) rows, and the (N, n) global attention where there is one."""
        # cuDNN differentiates an LSTM in training mode alone, and maps need gradients.
        with torch.backends.cudnn.flags(enabled=self.training):
            states, (last, _) = self.lstm(rows)
        across = self._weigh(self.global_scorer, states, hold)
        held = last[-1] if across is None else (across[..., None] * states).sum(1)
        heads: Heads = self.classifier(held)
        return heads, across

    @staticmethod
    def _weigh(score: nn.Module | None, vectors: Tensor, hold: bool) -> Tensor | None:
        """(..., n, C) -> (..., n) weights that add up to 1; None without an attention."""
        if score is None:
            return None
        weights: Tensor = score(vectors)[..., 0].float().softmax(dim=-1)
        return weights.detach() if hold else weights


@register_network(
    "cnn_alstm", description="convolutions, then an LSTM with attention over the rows of the face"
)
class CNNALSTM(CNNLSTM, SequenceNetwork):
    """The answer comes from all the states of the LSTM, weighed by a global attention."""

    global_attention = True

    def predict_sequence(self, rows: Tensor) -> tuple[Heads, Tensor]:
        heads, across = self._read(rows, hold=True)
        assert across is not None
        return heads, across


@register_network(
    "acnn_alstm", description="convolutions and an LSTM, each with an attention of its own"
)
class ACNNALSTM(CNNALSTM):
    """Two-layer attention (Ming et al. 2022): a local attention weighs the cells of each row, a global one
    the states of the LSTM. Multiplied they say how much each place of the face counts."""

    local_attention = True


def scorer(channels: int, width: int = 64) -> nn.Module:
    """Additive attention's score of a vector (Bahdanau et al. 2015)."""
    return nn.Sequential(nn.Linear(channels, width), nn.Tanh(), nn.Linear(width, 1))

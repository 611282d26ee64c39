"""``cnn_lstm``, ``cnn_alstm``, ``acnn_alstm``: an LSTM over the rows of a face, also with attention."""

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
    """Convolutions, then an LSTM over the rows of their map from the forehead to the chin.

    A row is the mean of its cells, and the output comes from the last state of the LSTM. The families below
    replace one of the two by attention, so that comparing them is an ablation of both attentions.
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
        self.local_scorer = attention_scorer(channels) if self.local_attention else None
        self.global_scorer = attention_scorer(hidden) if self.global_attention else None

    @property
    def trunks(self) -> dict[str, Trunk]:
        return {"face": self.backbone}

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.backbone(normalize(faces))}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        cells = features["face"].float().permute(0, 2, 3, 1)  # (N, h, w, C)
        local_weights = self._weights(self.local_scorer, cells, hold_attention)
        rows = cells.mean(2) if local_weights is None else (local_weights[..., None] * cells).sum(2)
        heads, row_weights = self._heads(rows, hold_attention)
        attention = None
        if row_weights is not None:
            attention = row_weights[..., None]
            if local_weights is not None:
                attention = attention * local_weights
        return NetworkOutput(
            logits=heads.logits,
            votes=heads.votes,
            affect=heads.affect,
            features=features,
            attention=attention,
            rows=None if row_weights is None else rows,
        )

    def _heads(self, rows: Tensor, hold: bool) -> tuple[Heads, Tensor | None]:
        """Compute the outputs from (N, n, C) rows, and the (N, n) global attention where there is one."""
        # cuDNN differentiates an LSTM in training mode only, and maps need gradients.
        with torch.backends.cudnn.flags(enabled=self.training):
            states, (last, _) = self.lstm(rows)
        weights = self._weights(self.global_scorer, states, hold)
        state = last[-1] if weights is None else (weights[..., None] * states).sum(1)
        heads: Heads = self.classifier(state)
        return heads, weights

    @staticmethod
    def _weights(scorer: nn.Module | None, vectors: Tensor, hold: bool) -> Tensor | None:
        """(..., n, C) -> (..., n) weights that sum to 1; None without a scorer."""
        if scorer is None:
            return None
        weights: Tensor = scorer(vectors)[..., 0].float().softmax(dim=-1)
        return weights.detach() if hold else weights


@register_network(
    "cnn_alstm", description="convolutions, then an LSTM with attention over the rows of the face"
)
class CNNALSTM(CNNLSTM, SequenceNetwork):
    """``CNNLSTM`` whose output comes from all states of the LSTM, weighted by a global attention."""

    global_attention = True

    def predict_sequence(self, rows: Tensor) -> tuple[Heads, Tensor]:
        heads, weights = self._heads(rows, hold=True)
        assert weights is not None
        return heads, weights


@register_network(
    "acnn_alstm", description="convolutions and an LSTM, each with an attention of its own"
)
class ACNNALSTM(CNNALSTM):
    """Two-layer attention (Ming et al. 2022): a local attention over the cells of each row, and a global one
    over the states of the LSTM. Their product is a spatial attention over the face."""

    local_attention = True


def attention_scorer(channels: int, width: int = 64) -> nn.Module:
    """Build the scoring layers of additive attention (Bahdanau et al. 2015)."""
    return nn.Sequential(nn.Linear(channels, width), nn.Tanh(), nn.Linear(width, 1))

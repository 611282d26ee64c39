"""``ferplus_cnn``: a network trained on the votes of FER+ only."""

from torch import Tensor

from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models.base import ClassifierHead, Heads
from fer_core.models.registry import register_network
from fer_core.models.simple_cnn import SimpleCNN


class VotesHead(ClassifierHead):
    """A head whose seven class logits are rows of its FER+ logits."""

    rows = tuple(FERPLUS_EXPRESSIONS.index(name) for name in EXPRESSIONS)

    def __init__(self, channels: int, dropout: float, *, affect: bool = False) -> None:
        super().__init__(channels, dropout, affect=affect)
        del self.expressions

    def forward(self, pooled: Tensor) -> Heads:
        pooled = self.dropout(pooled)
        votes = self.votes(pooled)
        affect = None if self.affect is None else self.affect(pooled).tanh()
        return Heads(votes[:, self.rows], votes, affect)

    def weights(self) -> Tensor:
        return self.votes.weight[self.rows, :]


@register_network("ferplus_cnn", description="learned from the votes of ten people alone")
class FERPlusCNN(SimpleCNN):
    """``SimpleCNN`` trained on the votes of ten people a face (Barsoum et al. 2016,
    https://arxiv.org/abs/1608.01041), without FER2013's labels.

    Its seven classes are FER+'s without contempt.
    """

    head_type = VotesHead

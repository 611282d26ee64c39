"""Gradient-boosted trees."""

import lzma
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from fer_core.errors import UserError
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models.base import Estimator, NetworkOutput, Trunk, normalize
from fer_core.models.registry import register_network
from fer_core.weights import WeightsError

if TYPE_CHECKING:
    from lightgbm import Booster

UNHEARD: Final = -20.0
"""Logit of contempt, a class of FER+ that FER2013 has not."""


class Boosted(Estimator):
    """Trees on numbers that describe a face, one sum of trees a class (LightGBM, Ke et al. 2017).

    There are no trees for FER+: its head says what that of FER2013 says, and never contempt.

    Args:
        booster_bytes: length of the trees as they are stored.
    """

    def __init__(self, *, input_size: int, booster_bytes: int = 0) -> None:
        super().__init__()
        self.input_size = input_size
        self.register_buffer("booster", torch.zeros(booster_bytes, dtype=torch.uint8))

    @property
    def learned_options(self) -> dict[str, Any]:
        return {"booster_bytes": len(self.booster)}

    def put_trees(self, text: str) -> None:
        """Take the trees of LightGBM's text."""
        packed = lzma.compress(text.encode(), preset=9)
        self.booster = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
        self.__dict__.pop("trees", None)

    def text(self) -> str:
        """LightGBM's text of the trees."""
        return lzma.decompress(self.booster.cpu().numpy().tobytes()).decode()

    @property
    def num_parameters(self) -> int:
        """A number in each leaf, and a threshold at each fork, of which a tree has one less."""
        leaves = [int(size) for size in re.findall(r"^num_leaves=(\d+)", self.text(), re.MULTILINE)]
        return super().num_parameters + sum(2 * size - 1 for size in leaves)

    @cached_property
    def trees(self) -> "Booster":
        """The trees, ready to be asked by several threads.

        Raises:
            UserError: if LightGBM is not installed.
            WeightsError: if what is stored are no trees.
        """
        lightgbm = import_lightgbm()
        try:
            booster: Booster = lightgbm.Booster(model_str=self.text())
            return booster
        except (lzma.LZMAError, UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
            raise WeightsError(
                f"the weights hold no trees that can be read ({error}); restore them"
            ) from None

    def after_load(self) -> None:
        super().after_load()
        _ = self.trees

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        description = features["face"]
        numbers = description.float().flatten(1).cpu().numpy()
        # More threads than one take longer for a single face, and the server's viewers share them.
        scores: Any = self.trees.predict(numbers, raw_score=True, num_threads=1)
        logits = torch.from_numpy(np.asarray(scores, np.float32)).to(description.device)
        return NetworkOutput(logits=logits, votes=as_votes(logits), features=features)


@register_network(
    "lgbm_pixels",
    description="decision trees on the pixels of a small picture",
    kind="boosted_trees",
)
class BoostedPixels(Boosted):
    """Trees on the grey values of the face, made small.

    Args:
        side: of the small face, in pixels.
    """

    def __init__(self, *, input_size: int, side: int, booster_bytes: int = 0) -> None:
        super().__init__(input_size=input_size, booster_bytes=booster_bytes)
        self.side = side

    def describe(self, faces: Tensor) -> Tensor:
        return F.interpolate(faces.float(), (self.side, self.side), mode="area").round()


@register_network(
    "lgbm_autoencoder",
    description="decision trees on the code of an autoencoder",
    kind="boosted_trees",
)
class BoostedCode(Boosted):
    """Trees on the code by which an auto-encoder (Hinton and Salakhutdinov 2006) tells faces apart.

    Args:
        widths: channels of the encoder's convolutions, each of which halves the face.
        depth: channels that are left of each cell of the last map: the code stays in its places, which
            trees read better than a code of the whole face.
    """

    def __init__(
        self, *, input_size: int, widths: Sequence[int], depth: int, booster_bytes: int = 0
    ) -> None:
        super().__init__(input_size=input_size, booster_bytes=booster_bytes)
        channels = (1, *widths)
        layers: list[nn.Module] = [
            Conv2dNormActivation(before, after, stride=2)
            for before, after in zip(channels, widths, strict=False)
        ]
        cells = (input_size >> len(widths)) ** 2
        layers += [nn.Conv2d(widths[-1], depth, 1), nn.Flatten()]
        self.encoder = Trunk(nn.Sequential(*layers), depth * cells)

    def describe(self, faces: Tensor) -> Tensor:
        code: Tensor = self.encoder(normalize(faces))
        return code


def import_lightgbm() -> Any:
    """LightGBM, which only these models need.

    Raises:
        UserError: if it is not installed; the message says what to do.
    """
    try:
        import lightgbm
    except ModuleNotFoundError:
        raise UserError(
            "this model needs LightGBM, which is not installed; pip install lightgbm"
        ) from None
    return lightgbm


def as_votes(logits: Tensor) -> Tensor:
    """(N, 7) in the order of ``EXPRESSIONS`` -> (N, 8) in that of ``FERPLUS_EXPRESSIONS``."""
    votes = logits.new_full((len(logits), len(FERPLUS_EXPRESSIONS)), UNHEARD)
    for number, name in enumerate(EXPRESSIONS):
        votes[:, FERPLUS_EXPRESSIONS.index(name)] = logits[:, number]
    return votes

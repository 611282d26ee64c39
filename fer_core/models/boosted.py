"""Gradient-boosted decision trees."""

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

from fer_core.errors import UserError, in_short
from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models.base import Estimator, NetworkOutput, Trunk, normalize
from fer_core.models.registry import register_network
from fer_core.models.trees import checked_trees, unpack
from fer_core.weights import WeightsError

if TYPE_CHECKING:
    from lightgbm import Booster

NO_CONTEMPT: Final = -20.0
"""Logit of contempt, a class of FER+ that FER2013 does not have."""


class Boosted(Estimator):
    """Decision trees on features of a face; a class's logit is a sum of trees (LightGBM, Ke et al. 2017).

    There are no trees for FER+: its logits are those of FER2013's classes, and contempt is never predicted.

    Args:
        input_size: side of the aligned square, in pixels.
        booster_bytes: length of the stored trees, in bytes.
    """

    unexportable = "LightGBM runs its trees"
    described: int
    """Number of features of a face."""

    def __init__(self, *, input_size: int, booster_bytes: int = 0) -> None:
        super().__init__()
        self.input_size = input_size
        self.register_buffer("booster", torch.zeros(booster_bytes, dtype=torch.uint8))

    @property
    def learned_options(self) -> dict[str, Any]:
        return {"booster_bytes": len(self.booster)}

    def put_trees(self, text: str) -> None:
        """Store trees given in LightGBM's text format."""
        packed = lzma.compress(text.encode(), preset=9)
        self.booster = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
        self.__dict__.pop("trees", None)

    def text(self) -> str:
        """Return the trees in LightGBM's text format."""
        return unpack(self.booster.cpu().numpy().tobytes())

    @property
    def num_parameters(self) -> int:
        """Number of leaf values and of thresholds; a tree has one threshold less than leaves."""
        leaves = [int(size) for size in re.findall(r"^num_leaves=(\d+)", self.text(), re.MULTILINE)]
        return super().num_parameters + sum(2 * size - 1 for size in leaves)

    @cached_property
    def trees(self) -> "Booster":
        """The trees; several threads may predict with them.

        Raises:
            UserError: if LightGBM is not installed.
            WeightsError: if the stored bytes are not trees over the features of a face.
        """
        lightgbm = import_lightgbm()
        try:
            booster: Booster = lightgbm.Booster(
                model_str=checked_trees(self.text(), self.described)
            )
            return booster
        except (ValueError, lightgbm.basic.LightGBMError) as error:
            raise WeightsError(
                f"the weights hold no trees that can be read ({in_short(error)}); restore them"
            ) from None

    def after_load(self) -> None:
        super().after_load()
        _ = self.trees

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        face = features["face"]
        rows = face.float().flatten(1).cpu().numpy()
        # Several threads take longer for a single face, and viewers of a server share the cores.
        scores: Any = self.trees.predict(rows, raw_score=True, num_threads=1)
        logits = torch.from_numpy(np.asarray(scores, np.float32)).to(face.device)
        return NetworkOutput(logits=logits, votes=as_votes(logits), features=features)


@register_network(
    "lgbm_pixels",
    description="decision trees on the pixels of a small picture",
    kind="boosted_trees",
)
class BoostedPixels(Boosted):
    """Trees on the gray values of the downscaled face.

    Args:
        input_size: side of the aligned square, in pixels.
        side: side of the downscaled face, in pixels.
        booster_bytes: length of the stored trees, in bytes.
    """

    def __init__(self, *, input_size: int, side: int, booster_bytes: int = 0) -> None:
        super().__init__(input_size=input_size, booster_bytes=booster_bytes)
        self.side = side
        self.described = side**2

    def describe(self, faces: Tensor) -> Tensor:
        return F.interpolate(faces.float(), (self.side, self.side), mode="area").round()


@register_network(
    "lgbm_autoencoder",
    description="decision trees on the code of an autoencoder",
    kind="boosted_trees",
)
class BoostedCode(Boosted):
    """Trees on the code of an autoencoder (Hinton and Salakhutdinov 2006).

    Args:
        input_size: side of the aligned square, in pixels.
        widths: channels of the encoder's convolutions, each of which halves the map.
        depth: channels of the code in each cell of the last map. The code keeps its spatial layout, which
            suits trees better than one code of the whole face.
        booster_bytes: length of the stored trees, in bytes.
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
        self.described = depth * cells
        self.encoder = Trunk(nn.Sequential(*layers), self.described)

    def describe(self, faces: Tensor) -> Tensor:
        code: Tensor = self.encoder(normalize(faces))
        return code


def import_lightgbm() -> Any:
    """Import LightGBM, which only these models need.

    Raises:
        UserError: if it is not installed.
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
    votes = logits.new_full((len(logits), len(FERPLUS_EXPRESSIONS)), NO_CONTEMPT)
    for number, name in enumerate(EXPRESSIONS):
        votes[:, FERPLUS_EXPRESSIONS.index(name)] = logits[:, number]
    return votes

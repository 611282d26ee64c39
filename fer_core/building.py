"""Torch networks from cards: built within the bounds of their weights, loaded, and folded."""

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from math import prod
from pathlib import Path
from typing import Any, Final, TypeVar

import timm
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils._python_dispatch import TorchDispatchMode

from fer_core.errors import UserError, in_short
from fer_core.weights import WeightsError, put_arrays

N = TypeVar("N", bound=nn.Module)

if hasattr(os, "register_at_fork"):
    # A forked child has the settings of torch's threads but not the threads, and would wait for them forever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))

HUB_OPTIONS: Final = ("pretrained", "checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay")
"""Options of ``timm.create_model`` that fetch initial weights or read files; cards leave them out, and
loading ignores them."""


def build_network_of(build: Callable[[], N], arrays: Mapping[str, NDArray[Any]], path: Path) -> N:
    """Build the network that a card describes, and load its arrays.

    Args:
        build: builds the network from the options on its card.
        arrays: its weights.
        path: the file of the weights, for error messages.

    Raises:
        WeightsError: if its family is unknown, or the options describe no network or one that the
            arrays do not fit.
    """
    try:
        with _Bounded(arrays):
            network = build()
    except UserError as error:
        raise WeightsError(f"{path.with_suffix('.json')}: {error}") from None
    except Exception as error:  # whatever a network raises for options that are not its own
        raise WeightsError(
            f"{path.with_suffix('.json')} describes no network that can be built ({in_short(error)}); "
            "restore both files from the repository"
        ) from None
    put_arrays(network, arrays, path)
    return network


class _Bounded(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses a network that is much larger than its arrays, before it takes the memory or the time.

    It sees what this thread allocates, by ``torch.empty`` and its like, which every parameter begins with.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # Parts that are built and then cut off, such as timm's stages behind the last map, count too.
        self.numbers = 10**6 + 10 * sum(array.size for array in arrays.values())
        self.tensors = 2000 + 20 * len(arrays)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if args and isinstance(args[0], list | tuple) and all(isinstance(n, int) for n in args[0]):
            self.numbers -= prod(args[0])
            self.tensors -= 1
            if self.numbers < 0 or self.tensors < 0:
                raise ValueError("it is far larger than its weights")
        return func(*args, **(kwargs or {}))


def without_hub_options(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a network without those that fetch initial weights of its backbone."""
    backbone = network.get("backbone")
    if not isinstance(backbone, Mapping):
        return dict(network)
    kept = {key: value for key, value in backbone.items() if key not in HUB_OPTIONS}
    if isinstance(options := kept.get("options"), Mapping):
        kept["options"] = {key: each for key, each in options.items() if key not in HUB_OPTIONS}
    return {**network, "backbone": kept}


def create_timm(name: str, **options: Any) -> Any:
    """Create a network of timm by the name of its architecture.

    Raises:
        UserError: if timm does not know the architecture, or the options do not fit it; in one sentence.
    """
    if not isinstance(name, str) or ":" in name or not timm.is_model(name):  # a colon: of a hub
        near = ", ".join(get_close_matches(str(name)[:50], timm.list_models(), 3))
        raise UserError(
            f"timm has no architecture {in_short(repr(name))}"
            + (f"; did you mean one of {near}?" if near else "")
        )
    try:
        return timm.create_model(name, **options)
    except (
        *(RuntimeError, AssertionError, AttributeError, TypeError, ValueError),
        *(IndexError, KeyError, ZeroDivisionError, OverflowError),
    ) as error:
        maps = "the feature maps of " if options.get("features_only") else ""
        raise UserError(f"timm cannot build {maps}{name}: {in_short(error)}") from None


def fold_batch_norms(body: nn.Module) -> None:
    """Fold each batch norm into the convolution before it, in place: the same function in fewer steps, for a
    network that is not trained further.

    A batch norm has to follow its convolution in the order of the modules; one that follows anything else
    stays, and so do those of timm that apply their activation too.

    Nothing is traced, since tracing would divert the calls of all other threads.
    """
    before = ""
    for name, module in list(body.eval().named_modules()):
        if next(module.children(), None) is not None:
            continue
        if isinstance(module, nn.BatchNorm2d):
            convolution = body.get_submodule(before)
            if (
                isinstance(convolution, nn.Conv2d)
                and convolution.out_channels == module.num_features
            ):
                body.set_submodule(before, fuse_conv_bn_eval(convolution, module))
                body.set_submodule(name, nn.Identity())
        before = name
    body.to(memory_format=torch.channels_last)

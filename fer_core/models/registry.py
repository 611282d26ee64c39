"""Names of the network families. A family is a class; a model is a family with trained weights."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from fer_core.errors import UserError
from fer_core.models.base import Network

N = TypeVar("N", bound=type[Network])
_FAMILIES: dict[str, type[Network]] = {}


def register_network(name: str) -> Callable[[N], N]:
    """Class decorator: make a network family available to recipes and cards under ``name``."""

    def register(family: N) -> N:
        _FAMILIES[name] = family
        return family

    return register


def list_families() -> tuple[str, ...]:
    """Names of the network families, sorted."""
    return tuple(sorted(_FAMILIES))


def build_network(family: str, options: Mapping[str, object]) -> Network:
    """A network with fresh weights, for training or for loading weights into.

    Raises:
        UserError: for an unknown family; the message lists the valid ones.
    """
    if family not in _FAMILIES:
        valid = ", ".join(list_families())
        raise UserError(f"unknown network family {family!r}; choose one of {valid}")
    return _FAMILIES[family](**options)

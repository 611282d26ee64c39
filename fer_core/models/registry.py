"""Network families by name. A family is a class; a model is a family with trained weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from fer_core.errors import UserError
from fer_core.models.base import Network
from fer_core.models.checks import check_network

N = TypeVar("N", bound=type[Network])

Kind = Literal["network", "kernel_machine", "boosted_trees"]
"""How a family is fitted: by gradient descent, by least squares, or by gradient boosting."""


@dataclass(frozen=True, slots=True)
class Family:
    """A registered class of networks, with the metadata that tables and training use."""

    name: str
    network: type[Network]
    description: str
    """A few words for readers of a table."""
    kind: Kind


_FAMILIES: dict[str, Family] = {}


def register_network(name: str, *, description: str, kind: Kind = "network") -> Callable[[N], N]:
    """Register a class as a network family, which recipes and cards name (a class decorator)."""

    def register(network: N) -> N:
        _FAMILIES[name] = Family(name, network, description, kind)
        return network

    return register


def list_families() -> tuple[str, ...]:
    """Return the names of the network families, sorted."""
    return tuple(sorted(_FAMILIES))


def get_family(name: str) -> Family:
    """Return a network family by its name.

    Raises:
        UserError: for an unknown family; the message lists the valid ones.
    """
    if name not in _FAMILIES:
        valid = ", ".join(list_families())
        raise UserError(f"unknown network family {name!r}; choose one of {valid}")
    return _FAMILIES[name]


def build_network(family: str, options: Mapping[str, Any], *, check: bool = True) -> Network:
    """Build a network with fresh weights, for training or for loading weights into.

    Args:
        options: of the family's constructor.
        check: try whether an architecture of timm fits the family and the size of the faces. Weights that
            are loaded come from a network that did.

    Raises:
        UserError: for an unknown family, with the valid ones; for an architecture that does not fit.
    """
    network = get_family(family).network(**options)
    if check:
        check_network(network, family)
    return network

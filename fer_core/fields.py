"""Ranges of dataclass fields, declared beside each field and checked in one place."""

from dataclasses import field, fields
from typing import TYPE_CHECKING, Any

from fer_core.errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def at_least(minimum: float, default: Any) -> Any:
    """Declare a field with a default whose value must not be below ``minimum``; NaN is refused too."""
    return field(default=default, metadata={"at_least": minimum})


def one_of(choices: tuple[str, ...], default: str) -> Any:
    """Declare a field with a default whose value must be one of ``choices``."""
    return field(default=default, metadata={"one_of": choices})


def check_ranges(instance: "DataclassInstance") -> None:
    """Check every field of a dataclass against its declared range.

    Raises:
        UserError: for the first value out of range; the message names the field and the range.
    """
    for each in fields(instance):
        value, ranges = getattr(instance, each.name), each.metadata
        if "at_least" in ranges and not value >= ranges["at_least"]:
            raise UserError(f"{each.name} must be at least {ranges['at_least']}, not {value!r}")
        if "one_of" in ranges and value not in ranges["one_of"]:
            raise UserError(
                f"{each.name} must be one of {', '.join(ranges['one_of'])}, not {value!r}"
            )

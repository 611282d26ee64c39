"""Types and ranges of dataclass fields, declared beside each field and checked in one place.

epochs: Annotated[int, Between(1)] = 24
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, is_dataclass
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    get_args,
    get_origin,
    get_type_hints,
)

from fer_core.errors import UserError, in_short

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NAME: Final = re.compile(r"\w[\w .+-]{0,99}")
"""A name that is a file's too, in the same folder."""
MAX_NUMBER: Final = 2**63
"""Whole numbers are smaller: they fit into 64 bits."""


@dataclass(frozen=True, slots=True)
class Between:
    """Range of a number, both ends included."""

    low: float
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class OneOf:
    """Choices of a text."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileName:
    """A text that names a file, without a folder."""


def is_file_name(text: str) -> bool:
    """Return whether a text can name a file in any folder and leads nowhere else."""
    return NAME.fullmatch(text) is not None


def is_required(each: Field[Any]) -> bool:
    """Return whether a field of a dataclass has no default."""
    return each.default is MISSING and each.default_factory is MISSING


def check_fields(instance: "DataclassInstance") -> None:
    """Check every field of a dataclass against its type and its declared range.

    Numbers have to be finite, and sequences and mappings are checked item by item.

    Raises:
        UserError: for the first value that does not fit; the message names the field and what it must be.
    """
    for name, hint in _hints(type(instance)).items():
        value = getattr(instance, name)
        kind, *limits = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        shown = in_short(repr(value))
        if not _has_type(value, kind):
            raise UserError(f"{name} must be {_in_words(kind)}, not {shown}")
        for limit in limits:
            if problem := _problem(value, limit):
                raise UserError(f"{name} must be {problem}, not {shown}")


def _problem(value: Any, limit: object) -> str | None:
    """Return what a value must be, in words; None if it is."""
    match limit:
        case Between(low, high) if not low <= value <= high:
            return f"at least {low}" if high == math.inf else f"between {low} and {high}"
        case OneOf(choices) if value not in choices:
            return f"one of {', '.join(choices)}"
        case FileName() if not is_file_name(value):
            return "a name of letters, digits, blanks, _, -, + and ."
    return None


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _has_type(value: Any, hint: Any) -> bool:
    """Return whether a value has an annotated type; whole numbers count as floats too."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if hint in (int, float):
        numbers = (int, float) if hint is float else int
        return isinstance(value, numbers) and not isinstance(value, bool) and _is_finite(value)
    if origin is None:
        if is_dataclass(value) and not isinstance(value, type):
            check_fields(value)
        return isinstance(value, hint)
    if origin is Literal:
        return value in arguments
    if issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            isinstance(key, str) and _has_type(each, arguments[1]) for key, each in value.items()
        )
    if issubclass(origin, Sequence):
        return isinstance(value, list | tuple) and all(
            _has_type(each, arguments[0]) for each in value
        )
    return any(_has_type(value, each) for each in arguments)  # a union


def _is_finite(number: float) -> bool:
    return abs(number) < MAX_NUMBER if isinstance(number, int) else math.isfinite(number)


def _in_words(hint: Any) -> str:
    """Return what a value of an annotated type is, in words."""
    origin, arguments = get_origin(hint), get_args(hint)
    words = {
        int: "a whole number",
        float: "a finite number",
        str: "a text",
        bool: "true or false",
        type(None): "nothing",
    }
    if hint in words:
        return words[hint]
    if origin is None or origin is Literal:
        return f"of type {getattr(hint, '__name__', hint)}"
    if issubclass(origin, Mapping):
        whose = "" if arguments[1] is Any else f" whose values are each {_in_words(arguments[1])}"
        return f"a table{whose}"
    if issubclass(origin, Sequence):
        return f"a list whose items are each {_in_words(arguments[0])}"
    return " or ".join(_in_words(each) for each in arguments)

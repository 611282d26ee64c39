"""Values as bytes, for calls between machines: numbers, text, containers, arrays and named dataclasses.

A JSON text describes the value, and the arrays follow it as they lie in memory. Unlike a pickle, bytes from
elsewhere run nothing: only dataclasses that the reader names are built.

    loads(dumps({"logits": logits}))["logits"]                # the same array
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AnySet
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

HEADER: Final = 8
"""Bytes of the length of the JSON text, little-endian, which come first."""

KINDS: Final = "biuf"
"""Kinds of arrays that are read: truth values, integers and floats, as numpy names them; no objects."""


class WireError(ValueError):
    """Bytes that are not a value of ``dumps``."""


def dumps(value: object) -> bytes:
    """Return a value as bytes.

    Raises:
        TypeError: for a type that has no form here.
    """
    arrays: list[bytes] = []
    text = json.dumps(_describe(value, arrays), separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(HEADER, "little"), text, *arrays])


def loads(data: bytes, classes: Sequence[type] = ()) -> Any:
    """Return the value of some bytes; its arrays may be written to.

    Args:
        data: what ``dumps`` returned.
        classes: the dataclasses that the value may hold.

    Raises:
        WireError: if the bytes are something else.
    """
    try:
        end = HEADER + int.from_bytes(data[:HEADER], "little")
        description = json.loads(data[HEADER:end])
        return _Reader(bytearray(data[end:]), {each.__name__: each for each in classes})(
            description
        )
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, UnicodeError) as error:
        raise WireError(f"these bytes are not a value ({error})") from None


def _describe(value: object, arrays: list[bytes]) -> Any:
    """Return the JSON form of a value, and append the bytes of its arrays."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in KINDS:
            raise TypeError(f"an array of {value.dtype} cannot be sent")
        arrays.append(value.tobytes())
        return {"array": [value.dtype.str, list(value.shape)]}
    if isinstance(value, Mapping):
        return {"dict": [_describe(part, arrays) for pair in value.items() for part in pair]}
    if isinstance(value, list):
        return [_describe(part, arrays) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [_describe(part, arrays) for part in value]}
    if isinstance(value, AnySet):
        return {"set": [_describe(part, arrays) for part in value]}
    if is_dataclass(value):
        parts = [_describe(getattr(value, each.name), arrays) for each in fields(value)]
        return {"class": type(value).__name__, "fields": parts}
    raise TypeError(f"a {type(value).__name__} cannot be sent")


class _Reader:
    """Builds a value from its JSON form; arrays are taken from the buffer in the order of writing."""

    def __init__(self, buffer: bytearray, classes: Mapping[str, type]) -> None:
        self._buffer, self._classes = buffer, classes
        self._start = 0

    def __call__(self, form: Any) -> Any:
        if isinstance(form, list):
            return [self(part) for part in form]
        if not isinstance(form, dict):
            return form
        if "array" in form:
            return self._array(*form["array"])
        if "dict" in form:
            parts = [self(part) for part in form["dict"]]
            return dict(zip(parts[::2], parts[1::2], strict=True))
        if "tuple" in form:
            return tuple(self(part) for part in form["tuple"])
        if "set" in form:
            return frozenset(self(part) for part in form["set"])
        kind = self._classes[form["class"]]
        names = [each.name for each in fields(kind)]
        return kind(**dict(zip(names, map(self, form["fields"]), strict=True)))

    def _array(self, dtype: str, shape: list[int]) -> Any:
        kind, count = np.dtype(dtype), int(np.prod(shape, dtype=np.int64))
        if kind.kind not in KINDS or min(shape, default=0) < 0:
            raise ValueError(f"an array of {dtype} {shape}")
        array = np.frombuffer(self._buffer, kind, count, self._start).reshape(shape)
        self._start += array.nbytes
        return array

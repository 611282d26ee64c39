"""Arrays of ``.npy`` and ``.npz`` files: read in bounded memory, and never unpickled."""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.location import located
from fer_core.errors import in_short

MAX_HEADER: Final = 4096
"""Largest header of an array, in bytes: its type and shape."""

HEADER: Final = re.compile(
    rb"\{'descr': '([<>|=]?[a-zA-Z]\d{1,6})', 'fortran_order': False, 'shape': \(([\dL, ]*)\),? *\}\s*"
)
"""Header of an array whose items are numbers or texts; objects and records have other types."""

MAX_NUMBER: Final = 1000
"""Largest file that holds a single number, in bytes."""


class Expected(NamedTuple):
    """What an array has to be."""

    kinds: str
    """Kinds of its numbers, as NumPy names them: "f" for floats, "u", "i", "b" for bool, "U" for texts."""
    shape: tuple[int, ...]


def read_arrays(path: Path, expected: Mapping[str, Expected]) -> dict[str, NDArray[Any]]:
    """Read arrays of an ``.npz`` file that have these names, kinds and shapes.

    Of each array the header is read first, and no more than its shape needs: a small file may claim to hold
    any number of bytes.

    Raises:
        DataError: if the file cannot be read, or an array is missing or of another kind or shape.
    """
    with _sentences(path, "these arrays"), zipfile.ZipFile(located(path)) as file:
        return {name: _read_member(file, name, each) for name, each in expected.items()}


def read_number(path: Path) -> float:
    """Read the single number of an ``.npy`` file; some copies store it as text.

    Raises:
        DataError: if there is none.
    """
    with _sentences(path, "a number"):
        with located(path).open("rb") as file:
            content = file.read(MAX_NUMBER + 1)
        if len(content) > MAX_NUMBER:
            raise ValueError("it is too large")
        kind, shape, stream = _read_header(io.BytesIO(content))
        if math.prod(shape) != 1 or kind.kind not in "fiubUS":
            raise ValueError(f"it holds {kind} of {shape}")
        number = float(np.frombuffer(_exactly(stream, kind.itemsize), kind)[0])
        if not math.isfinite(number):
            raise ValueError("it is not finite")
        return number


def _read_member(file: zipfile.ZipFile, name: str, expected: Expected) -> NDArray[Any]:
    info = file.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed as NumPy does not")
    with file.open(info) as member:
        kind, shape, stream = _read_header(member)
        if kind.kind not in expected.kinds or shape != expected.shape:
            raise ValueError(f"{name} is {kind} of {shape} instead of {expected.shape}")
        if kind.itemsize > MAX_HEADER:
            raise ValueError(f"{name} has items of {kind.itemsize} bytes")
        content = _exactly(stream, math.prod(shape) * kind.itemsize)
    return np.frombuffer(content, kind).reshape(shape)


class _Continued:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes."""
        head, self._head = self._head[:size], self._head[size:]
        return head + self._rest.read(size - len(head))


def _read_header(stream: IO[bytes]) -> "tuple[np.dtype[Any], tuple[int, ...], _Continued]":
    """Return type and shape of an array, and the stream of its values.

    NumPy evaluates a header as Python, and some of what that raises has no class in common.
    """
    head = stream.read(MAX_HEADER)
    length, start = int.from_bytes(head[8:10], "little"), 10
    if head[:6] != b"\x93NUMPY" or head[6] not in (1, 2):
        raise ValueError("it is not an array of NumPy")
    if head[6] == 2:
        length, start = int.from_bytes(head[8:12], "little"), 12
    header = HEADER.fullmatch(head[start : start + length])
    if header is None:
        raise ValueError("its header is not that of a plain array, stored row by row")
    kind, sides = header[1].decode(), header[2].decode().replace("L", "").split(",")
    shape = tuple(int(side) for side in sides if side.strip())
    return np.dtype(kind), shape, _Continued(head[start + length :], stream)


def _exactly(stream: _Continued, size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise ValueError("it ends too early")
    return content


@contextmanager
def _sentences(path: Path, what: str) -> Iterator[None]:
    """Turn what zip files and headers of arrays raise into one sentence: the file does not hold ``what``."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path} is missing; is the download whole?") from None
    except KeyError as error:
        raise DataError(f"{path} lacks an array: {in_short(error)}; is it another file?") from None
    except (
        *(OSError, EOFError, ValueError, RuntimeError, OverflowError, SyntaxError, TypeError),
        *(zipfile.BadZipFile, zlib.error, RecursionError, MemoryError, AttributeError, IndexError),
    ) as error:
        raise DataError(f"{path} does not hold {what}: {in_short(error)}") from None

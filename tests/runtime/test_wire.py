"""Values as bytes."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from fer_core.runtime.wire import WireError, dumps, loads


@dataclass(frozen=True)
class Pair:
    name: str
    values: np.ndarray


def test_values_come_back_as_they_were() -> None:
    value = {"a": (1, 2.5, None, True), 3: ["ü", {"x"}], "empty": ()}
    assert loads(dumps(value)) == {
        "a": (1, 2.5, None, True),
        3: ["ü", frozenset({"x"})],
        "empty": (),
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64, np.bool_])
def test_arrays_keep_type_shape_and_values_and_may_be_written_to(dtype: type) -> None:
    arrays: list[np.ndarray] = [
        np.arange(24).reshape(2, 3, 4).astype(dtype),
        np.zeros((0, 7), dtype),
    ]
    arrays.append(arrays[0].transpose(2, 0, 1)[::2])
    for array, copy in zip(arrays, loads(dumps(arrays)), strict=True):
        assert copy.dtype == array.dtype and copy.shape == array.shape
        np.testing.assert_array_equal(copy, array)
        copy[...] = 0


def test_scalars_of_numpy_become_plain_ones() -> None:
    assert loads(dumps([np.float32(0.5), np.int64(3), np.bool_(True)])) == [0.5, 3, True]


def test_dataclasses_are_built_only_where_the_reader_names_them() -> None:
    data = dumps(Pair("a", np.ones(2, np.float32)))
    pair = loads(data, [Pair])
    assert pair.name == "a" and pair.values.tolist() == [1, 1]
    with pytest.raises(WireError):
        loads(data)


def test_objects_are_neither_sent_nor_built() -> None:
    with pytest.raises(TypeError):
        dumps(object())
    with pytest.raises(TypeError):
        dumps(np.array([object()]))
    text = b'{"array":["|O",[1]]}'
    with pytest.raises(WireError):
        loads(len(text).to_bytes(8, "little") + text + bytes(8))


def test_other_bytes_are_an_error() -> None:
    whole = dumps({"a": np.ones(100, np.float32)})
    negative = b'{"array":["|u1",[-1]]}'
    for data in (
        b"",
        b"HTTP/1.1",
        whole[:40],
        whole[:-1],
        pickle.dumps({"a": 1}),
        len(negative).to_bytes(8, "little") + negative,
    ):
        with pytest.raises(WireError):
            loads(data)

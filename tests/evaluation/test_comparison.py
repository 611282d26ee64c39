"""All models on one set of faces: those that cannot be loaded are named, and the others go on."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import FaceSet
from fer_core.errors import UserError
from fer_core.evaluation.comparison import compare_models
from fer_core.weights import WEIGHTS

FACES = FaceSet(
    [np.full((48, 48), 90, np.uint8)], np.array([6], np.int64), np.array(["PrivateTest"])
)


def test_a_model_that_cannot_be_loaded_is_named_and_the_others_are_evaluated(
    tmp_path: Path,
) -> None:
    for name in ("plain", "simple_cnn"):
        for suffix in ("json", "safetensors", "onnx"):
            shutil.copy(WEIGHTS / f"{name}.{suffix}", tmp_path)
    (tmp_path / "plain.safetensors").write_bytes(b"damaged")
    sentences: list[str] = []
    rows = compare_models(FACES, tmp_path, report=sentences.append)
    assert [row["name"] for row in rows] == ["simple_cnn"]
    (sentence,) = sentences
    assert "plain.safetensors does not match the hash in its card" in sentence
    (tmp_path / "simple_cnn.safetensors").unlink()
    with pytest.raises(UserError, match=r"none of the models in .* can be loaded"):
        compare_models(FACES, tmp_path)

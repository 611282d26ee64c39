"""YuNet, with and without its file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core.faces import load_detector
from fer_core.faces.yunet import WEIGHTS_VARIABLE, YuNet
from fer_core.types import Image

FILES = ("face_detection_yunet_2023mar.onnx", "face_detection_yunet_2026may.onnx")


@pytest.mark.parametrize("file", FILES)
def test_both_published_files_are_supported(
    file: str, shared: Callable[[str], Path], astronaut: Image
) -> None:
    (face,) = YuNet(weights=shared(f"models/{file}")).detect(astronaut)
    assert face.box == pytest.approx((178, 63, 268, 176), abs=2)
    assert face.score == pytest.approx(0.93, abs=0.02)


def test_faces_below_min_face_are_not_found(
    shared: Callable[[str], Path], astronaut: Image
) -> None:
    assert YuNet(weights=shared(f"models/{FILES[0]}"), min_face=130).detect(astronaut) == []


@pytest.mark.parametrize("shape", [(1, 1), (8, 700), (700, 16), (480, 640)])
def test_images_without_a_face_give_none(
    shape: tuple[int, int], shared: Callable[[str], Path], astronaut: Image
) -> None:
    detector = YuNet(weights=shared(f"models/{FILES[0]}"), min_face=1)
    for _ in range(4):
        assert len(detector.detect(astronaut)) == 1
        assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []


def test_the_file_is_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, shared: Callable[[str], Path]
) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(shared(f"models/{FILES[0]}")))
    assert isinstance(load_detector("yunet"), YuNet)


def test_a_missing_file_gives_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    with pytest.raises(FileNotFoundError, match=f"download .* and set {WEIGHTS_VARIABLE}"):
        load_detector("yunet")
    with pytest.raises(FileNotFoundError, match=r"no file nowhere\.onnx"):
        load_detector("yunet", weights="nowhere.onnx")


def test_a_file_that_is_not_a_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ValueError, match=r"broken\.onnx is not a YuNet network"):
        YuNet(weights=path)

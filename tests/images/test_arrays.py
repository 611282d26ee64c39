"""What passes for an array of pixels, and what is refused in one sentence."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PILImage

from fer_core import Analyzer, load_model
from fer_core.errors import UserError
from fer_core.images import to_gray, to_rgb
from fer_core.types import Image
from tests.images.files import encoded


def test_tensors_lists_and_pictures_are_read(astronaut: Image) -> None:
    image = astronaut[40:88, 180:260]
    for value in (torch.from_numpy(image.copy()), PILImage.fromarray(image)):
        assert np.array_equal(to_rgb(value), image)
    assert to_rgb([[0.0, 1.0]]).tolist() == [[[0] * 3, [255] * 3]]
    assert to_gray(PILImage.fromarray(image).convert("L")).shape == (48, 80)


def test_a_picture_of_pillow_is_read_by_its_mode() -> None:
    palette = PILImage.new("P", (1, 1))
    palette.putpalette([10, 20, 30])
    assert to_rgb(palette).tolist() == [[[10, 20, 30]]]
    assert to_rgb(PILImage.new("LA", (1, 1), (0, 51))).tolist() == [[[204] * 3]]
    assert to_rgb(PILImage.new("1", (1, 1), 1)).tolist() == [[[255] * 3]]
    assert to_rgb(PILImage.new("F", (1, 1), 0.2)).tolist() == [[[51] * 3]]
    with pytest.raises(UserError, match="the picture has brightness values outside 0 to 65535"):
        to_rgb(PILImage.new("I", (1, 1), 70_000))


@pytest.mark.parametrize("value", ["a.png", Path("a.png"), b"\x89PNG", bytearray(3), io.BytesIO()])
def test_files_are_refused_with_the_function_that_reads_them(value: Any) -> None:
    for function in (to_rgb, to_gray, Analyzer().analyze):
        with pytest.raises(UserError, match=r"read it with fer_core\.images\.read_image"):
            function(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "must be"),
        (3, "must be"),
        ([[1, 2], [3, 4]], "not int64"),
        ([[1.0], [1.0, 2.0]], "not this list"),
        ([["a", "b"]], "pixels must be"),
        (object(), "must be"),
        (torch.zeros(3, 8, 8), r"not \(3, 8, 8\)|not torch\.Size\(\[3, 8, 8\]\)"),
        (torch.zeros(8, 8, requires_grad=True), "not this Tensor"),
        (np.zeros((4, 4), complex), "not complex128"),
        (np.full((4, 4), 1.01), "divide by 255"),
        (np.full((4, 4), -0.01), "divide by 255"),
        (np.full((4, 4), np.inf), "divide by 255"),
        (np.full((4, 4), 1e300), "divide by 255"),
    ],
)
def test_what_is_no_image_is_refused(value: Any, message: str) -> None:
    for function in (to_rgb, to_gray):
        with pytest.raises(UserError, match=message):
            function(value)


def test_a_damaged_picture_of_pillow_is_refused(astronaut: Image) -> None:
    content = encoded(PILImage.fromarray(astronaut), "PNG")
    with (
        PILImage.open(io.BytesIO(content[:9000])) as picture,
        pytest.raises(UserError, match="not this PngImageFile"),
    ):
        to_rgb(picture)


def test_floats_that_miss_their_range_by_rounding_are_read() -> None:
    levels = np.array([[1.0000001, -1e-7]])
    assert to_rgb(levels)[0, :, 0].tolist() == to_gray(levels)[0].tolist() == [255, 0]


def test_all_kinds_agree_with_the_formula_over_several_strips() -> None:
    random = np.random.default_rng(0)
    rgba = random.integers(0, 256, (1200, 700, 4), np.uint8)
    opacity = rgba[..., 3:] / 255
    expected = np.rint(255 + (rgba[..., :3] - 255.0) * opacity)
    assert np.array_equal(to_rgb(rgba), expected)
    words = random.integers(0, 65536, (1200, 700), np.uint16)
    assert np.array_equal(to_rgb(words)[..., 0], np.rint(words / 257))
    floats = random.random((1200, 700), np.float32)
    assert np.array_equal(to_gray(floats), np.rint(floats * 255))


def test_one_picture_has_one_face_for_a_model(astronaut: Image) -> None:
    model = load_model("plain")
    crop = astronaut[40:190, 150:300]
    expected = model.probabilities(crop[None])
    assert expected.shape == (1, 7)
    assert np.array_equal(model.probabilities(crop), expected)
    assert np.array_equal(model.probabilities([crop]), expected)
    gray = to_gray(crop)
    assert model.probabilities(gray[None]).shape == model.probabilities(gray).shape == (1, 7)
    assert model.probabilities(np.stack([gray] * 3)).shape == (3, 7)
    with pytest.raises(UserError, match="read it with"):
        model.probabilities(["a.png"])  # type: ignore[list-item]

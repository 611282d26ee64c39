"""Corruptions of faces, and the accuracy that they leave."""

import numpy as np
import pytest

from fer_core.data import FaceSet
from fer_core.evaluation.robustness import CORRUPTIONS, corrupt, robustness
from fer_core.models import Classifier, load_model
from fer_core.types import Image


@pytest.fixture
def face() -> Image:
    """Return (48, 48) uint8: a gradient with a bright square, neither black nor white anywhere."""
    image = np.tile(np.linspace(60, 140, 48, dtype=np.uint8), (48, 1))
    image[16:32, 16:32] = 180
    return image


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_changes_a_copy_the_same_way_each_time(name: str, face: Image) -> None:
    before = face.copy()
    first, second = corrupt([face, face], name), corrupt([face, face], name)
    assert np.array_equal(face, before)
    for one, other in zip(first, second, strict=True):
        assert one.dtype == np.uint8 and one.shape == face.shape
        assert np.array_equal(one, other)
    assert np.array_equal(first[0], face) == (name == "clean")


def test_corruptions_are_as_strong_as_their_names_say(face: Image) -> None:
    def changed(name: str) -> Image:
        return corrupt([face], name)[0].astype(int)

    assert changed("brightness 0.4") == pytest.approx(0.4 * face, abs=1)
    assert changed("contrast 0.5").std() == pytest.approx(face.std() / 2, rel=0.02)
    assert changed("gamma 2") == pytest.approx((face / 255.0) ** 2 * 255, abs=1)
    assert (changed("noise 0.05") - face).std() == pytest.approx(0.05 * 255, rel=0.1)
    assert (changed("lower part covered")[29:] == 128).all()
    assert np.array_equal(changed("lower part covered")[:29], face[:29])
    assert (changed("upper part covered")[7:24] == 128).all()
    rows, columns = np.nonzero(changed("shift 10 %") > 160)
    assert abs(abs(rows.mean() - 23.5) - 4.8) < 0.6 and abs(abs(columns.mean() - 23.5) - 4.8) < 0.6
    wider = (changed("scale 1.15") > 160).sum() / (face > 160).sum()
    assert wider == pytest.approx(1.15**2, rel=0.1)


def test_robustness_is_the_accuracy_under_each_corruption(face: Image) -> None:
    model: Classifier = load_model("simple_cnn")
    images = [face] * 3
    expected = model.probabilities(images[:1]).argmax()
    faces = FaceSet(images, np.array([expected, expected, 0]), np.array(["PublicTest"] * 3))
    shares: list[float] = []
    result = robustness(model, faces, shares.append)
    assert set(result) == {*CORRUPTIONS, "mean"}
    assert result["clean"] == pytest.approx(1.0 if expected == 0 else 2 / 3)
    others = [value for name, value in result.items() if name not in ("clean", "mean")]
    assert result["mean"] == pytest.approx(np.mean(others))
    assert shares[-1] == 1 and len(shares) == len(CORRUPTIONS)

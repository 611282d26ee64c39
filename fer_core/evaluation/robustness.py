"""Robustness: the accuracy that is left when faces are dark, blurred, noisy, turned, small or covered.

Each corruption changes the bare crops, before alignment, as a camera would. After Hendrycks and Dietterich
2019 (https://arxiv.org/abs/1903.12261), with those that webcams, phones and hands cause.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.data import FaceSet
from fer_core.models import Classifier
from fer_core.types import Floats, Image

Corruption = Callable[[Floats, np.random.Generator], NDArray[Any]]
"""(H, W) gray values 0..255 -> the same, corrupted."""

SIDE: Final = 48
"""Side of the crops in pixels to which blur and small size refer; those of larger crops grow with them."""
ROBUSTNESS_FACES: Final = 1000
"""Number of faces of a split, its first ones, on which published figures are measured."""
COVER: Final = 128.0
"""Gray of what covers a face."""


def _scaled(factor: float) -> Corruption:
    return lambda face, rng: face * np.float32(factor)


def _contrast(factor: float) -> Corruption:
    def flatten(face: Floats, rng: np.random.Generator) -> Floats:
        return np.asarray((face - face.mean()) * factor + face.mean(), np.float32)

    return flatten


def _gamma(exponent: float) -> Corruption:
    return lambda face, rng: 255 * (face / 255) ** np.float32(exponent)


def _blur(sigma: float) -> Corruption:
    def blur(face: Floats, rng: np.random.Generator) -> Floats:
        return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma * len(face) / SIDE), np.float32)

    return blur


def _noise(deviation: float) -> Corruption:
    return lambda face, rng: face + rng.normal(0, 255 * deviation, face.shape).astype(np.float32)


def _jpeg(quality: int) -> Corruption:
    def compress(face: Floats, rng: np.random.Generator) -> Floats:
        pixels = np.clip(face, 0, 255).astype(np.uint8)
        file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.float32)

    return compress


def _moved(*, angle: float = 0.0, shift: float = 0.0, scale: float = 1.0) -> Corruption:
    """Rotate by ``angle`` degrees to either side, shift along both axes by a fraction of the side, scale."""

    def move(face: Floats, rng: np.random.Generator) -> Floats:
        height, width = face.shape
        center = ((width - 1) / 2, (height - 1) / 2)
        turn = np.asarray(cv2.getRotationMatrix2D(center, rng.choice([-1, 1]) * angle, scale))
        turn[:, 2] += shift * rng.choice([-1, 1], 2) * np.array([width, height])
        moved = cv2.warpAffine(face, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32)

    return move


def _small(face: Floats, rng: np.random.Generator) -> Floats:
    half = cv2.resize(face, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.resize(half, face.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32
    )


def _covered(top: float, bottom: float) -> Corruption:
    """Cover the rows between two fractions of the height."""

    def occlude(face: Floats, rng: np.random.Generator) -> Floats:
        covered = face.copy()
        covered[round(top * len(face)) : round(bottom * len(face))] = COVER
        return covered

    return occlude


def _side_light(face: Floats, rng: np.random.Generator) -> Floats:
    ramp = np.linspace(0.3, 1.3, face.shape[1], dtype=np.float32)
    return face * (ramp if rng.random() < 0.5 else ramp[::-1])


CORRUPTIONS: Final[Mapping[str, Corruption]] = {
    "clean": lambda face, rng: face,
    "brightness 0.4": _scaled(0.4),
    "brightness 1.6": _scaled(1.6),
    "contrast 0.5": _contrast(0.5),
    "gamma 2": _gamma(2.0),
    "blur 1": _blur(1.0),
    "blur 2": _blur(2.0),
    "noise 0.05": _noise(0.05),
    "noise 0.1": _noise(0.1),
    "JPEG 15": _jpeg(15),
    "rotation 20°": _moved(angle=20.0),
    "shift 10 %": _moved(shift=0.1),
    "scale 0.85": _moved(scale=0.85),
    "scale 1.15": _moved(scale=1.15),
    "24 px": _small,
    "lower part covered": _covered(0.6, 1.0),
    "upper part covered": _covered(0.15, 0.5),
    "side light": _side_light,
}
"""Name -> corruption. ``blur`` and ``24 px`` are in pixels of a 48-pixel crop, ``noise`` in fractions of the
gray range; the lower part begins at 60 % of the height, the upper one spans 15 to 50 %."""


def corrupt(images: Sequence[Image], name: str, seed: int = 0) -> list[Image]:
    """Corrupt gray crops, the same for one seed.

    Args:
        images: N (H, W) gray, uint8.
        name: a key of ``CORRUPTIONS``.
    """
    change = CORRUPTIONS[name]
    rng = np.random.default_rng([seed, list(CORRUPTIONS).index(name)])
    return [
        np.clip(change(image.astype(np.float32), rng), 0, 255).astype(np.uint8) for image in images
    ]


def corrupted_probabilities(
    classifier: Classifier, faces: FaceSet, progress: Callable[[float], None] | None = None
) -> dict[str, Floats]:
    """Read the faces under each corruption, at the class shares of the model's training faces.

    Args:
        classifier: the model.
        faces: N bare crops.
        progress: called after each corruption with the share of finished ones, 0..1.

    Returns:
        Name of the corruption -> (N, 7) probabilities.
    """
    probabilities = {}
    for number, name in enumerate(CORRUPTIONS, start=1):
        aligned = classifier.align(corrupt(faces.images, name))
        probabilities[name] = classifier.calibrate(classifier.logits(aligned)[0], "own")
        if progress is not None:
            progress(number / len(CORRUPTIONS))
    return probabilities


def robustness(
    classifier: Classifier, faces: FaceSet, progress: Callable[[float], None] | None = None
) -> dict[str, float]:
    """Measure a model's accuracy under each corruption, at the shares of its training faces.

    Args:
        classifier: the model.
        faces: N labeled bare crops.
        progress: called after each corruption with the share of finished ones, 0..1.

    Returns:
        Name of the corruption -> accuracy 0..1, and ``mean`` over all but ``clean``.
    """
    return with_mean(
        {
            name: float((probabilities.argmax(axis=1) == faces.labels).mean())
            for name, probabilities in corrupted_probabilities(classifier, faces, progress).items()
        }
    )


def with_mean(figures: Mapping[str, float]) -> dict[str, float]:
    """Add ``mean``, over all corruptions but ``clean``."""
    corrupted = [figure for name, figure in figures.items() if name != "clean"]
    return {**figures, "mean": float(np.mean(corrupted))}

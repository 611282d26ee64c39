"""Random changes to a training face, as large as the scatter of a webcam and a face detector."""

from dataclasses import dataclass

import cv2
import numpy as np

from fer_core.faces.landmarks import MIRRORED_POINTS
from fer_core.geometry import warp
from fer_core.types import Floats, Image


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Half-widths of uniform distributions, and probabilities.

    The defaults are as large as the scatter of detectors' points and boxes.
    """

    rotation: float = 6.0
    """Degrees."""
    scale: float = 0.06
    """Natural logarithm of the zoom."""
    shift: float = 0.03
    """Fraction of the side, each axis."""
    far: float = 0.0
    """Probability that turn, zoom and shift reach two and a half times as far."""
    flip: float = 0.5
    brightness: float = 0.1
    """Fraction of the grey range."""
    contrast: float = 0.2
    """Natural logarithm of the contrast about the face's mean."""
    blur: float = 0.05
    """Probability of the softness of an enlarged or moving face."""
    noise: float = 0.05
    """Probability of a camera's grain."""
    erase: float = 0.1
    """Probability of a grey rectangle over 2-20 % of the face (Zhong et al. 2020)."""


def augment(
    image: Image, transform: Floats, size: int, options: Augmentation, rng: np.random.Generator
) -> Image:
    """Align a face and disturb it, with one interpolation for both.

    Args:
        image: grey, uint8.
        transform: (2, 3) image -> aligned square.
        size: side of the aligned square.

    Returns:
        (size, size) uint8.
    """
    return photometric(
        warp(image, random_similarity(transform, size, options, rng), size), options, rng
    )


def transform_points(points: Floats, transform: Floats, size: int) -> Floats:
    """(78, 2) landmarks of an image as fractions of the square of ``size`` that a transform cuts out of it;
    in a mirrored one the points change names."""
    within = (points @ transform[:, :2].T + transform[:, 2]) / size
    if np.linalg.det(transform[:, :2]) < 0:
        within = within[list(MIRRORED_POINTS)]
    return within.astype(np.float32)


def photometric(aligned: Image, options: Augmentation, rng: np.random.Generator) -> Image:
    """Light, softness, grain and cover of an aligned (S, S) face, changed at random."""
    size = len(aligned)
    face = aligned.astype(np.float32)
    mean = face.mean()
    gain = np.exp(rng.uniform(-options.contrast, options.contrast))
    face = (face - mean) * gain + mean
    face += 255 * rng.uniform(-options.brightness, options.brightness)
    if rng.random() < options.blur:
        face = np.asarray(cv2.GaussianBlur(face, (0, 0), rng.uniform(0.4, 1.0)), np.float32)
    if rng.random() < options.noise:
        face += rng.normal(0, rng.uniform(2, 10), face.shape)
    if rng.random() < options.erase:
        area, aspect = rng.uniform(0.02, 0.2) * size**2, np.exp(rng.uniform(-1, 1))
        height, width = (int(min(size, max(1, np.sqrt(area * r)))) for r in (aspect, 1 / aspect))
        top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
        face[top : top + height, left : left + width] = rng.uniform(0, 255)
    return np.clip(face, 0, 255).astype(np.uint8)


def random_similarity(
    transform: Floats, size: int, options: Augmentation, rng: np.random.Generator
) -> Floats:
    """The transform followed by a random similarity about the square's centre; a mirrored one has a
    negative determinant."""
    reach = 2.5 if options.far and rng.random() < options.far else 1.0
    angle = np.deg2rad(reach * rng.uniform(-options.rotation, options.rotation))
    zoom = np.exp(reach * rng.uniform(-options.scale, options.scale))
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    mirror = -1.0 if rng.random() < options.flip else 1.0
    turn = np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])
    centre = np.full(2, size / 2)
    shift = reach * size * rng.uniform(-options.shift, options.shift, 2)
    linear = turn @ transform[:, :2]
    offset = turn @ (transform[:, 2] - centre) + centre + shift
    return np.column_stack([linear, offset]).astype(np.float32)

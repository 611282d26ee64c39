"""Random augmentation of training faces, as strong as the variation of a webcam and a face detector."""

from dataclasses import dataclass

import cv2
import numpy as np

from fer_core.faces.landmarks import MIRRORED_POINTS
from fer_core.geometry import warp
from fer_core.types import Floats, Image


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Options of the augmentation: half-widths of uniform distributions, and probabilities.

    The default half-widths are as large as the scatter of the detectors' points and boxes.
    """

    rotation: float = 6.0
    """Rotation, in degrees."""
    scale: float = 0.06
    """Natural logarithm of the scale factor."""
    shift: float = 0.03
    """Shift along each axis, as a fraction of the side."""
    far: float = 0.0
    """Probability that the limits of rotation, scale and shift are two and a half times as large."""
    flip: float = 0.5
    """Probability of a mirrored face."""
    brightness: float = 0.1
    """Change of brightness, as a fraction of the gray range."""
    contrast: float = 0.2
    """Natural logarithm of the contrast factor about the face's mean."""
    blur: float = 0.05
    """Probability of blur, as in an enlarged or moving face."""
    noise: float = 0.05
    """Probability of sensor noise."""
    erase: float = 0.1
    """Probability of a gray rectangle over 2-20 % of the face (Zhong et al. 2020)."""


def augment(
    image: Image, transform: Floats, size: int, options: Augmentation, rng: np.random.Generator
) -> Image:
    """Align a face and augment it, with a single interpolation.

    Args:
        image: (H, W) gray, uint8.
        transform: (2, 3) similarity, image -> aligned square.
        size: side of the aligned square, in pixels.
        options: strength of each change.
        rng: source of the random changes.

    Returns:
        (size, size) gray, uint8.
    """
    return photometric(
        warp(image, random_similarity(transform, size, options, rng), size), options, rng
    )


def transform_points(points: Floats, transform: Floats, size: int) -> Floats:
    """Map landmarks of an image into the aligned square.

    Args:
        points: (78, 2) landmarks, in pixels of the image.
        transform: (2, 3) similarity, image -> aligned square.
        size: side of the aligned square, in pixels.

    Returns:
        (78, 2) landmarks as fractions of the side. If the transform mirrors the face, left and right points
        are exchanged.
    """
    fractions = (points @ transform[:, :2].T + transform[:, 2]) / size
    if np.linalg.det(transform[:, :2]) < 0:
        fractions = fractions[list(MIRRORED_POINTS)]
    return fractions.astype(np.float32)


def photometric(aligned: Image, options: Augmentation, rng: np.random.Generator) -> Image:
    """Change brightness, contrast, blur and noise of an aligned (S, S) face at random, and erase a part."""
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
    """Return the (2, 3) transform followed by a random similarity about the center of the square.

    If the result mirrors the face, its determinant is negative.
    """
    limit = 2.5 if options.far and rng.random() < options.far else 1.0
    angle = np.deg2rad(limit * rng.uniform(-options.rotation, options.rotation))
    scale = np.exp(limit * rng.uniform(-options.scale, options.scale))
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    mirror = -1.0 if rng.random() < options.flip else 1.0
    rotation = np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])
    center = np.full(2, size / 2)
    shift = limit * size * rng.uniform(-options.shift, options.shift, 2)
    linear = rotation @ transform[:, :2]
    offset = rotation @ (transform[:, 2] - center) + center + shift
    return np.column_stack([linear, offset]).astype(np.float32)

"""Random augmentation of training faces, as strong as the variation of a webcam and a face detector."""

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np

from fer_core.faces.landmarks import MIRRORED_POINTS
from fer_core.fields import Between
from fer_core.geometry import warp
from fer_core.types import Floats, Image


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Options of the augmentation: half-widths of uniform distributions, and probabilities.

    The default half-widths are as large as the scatter of the detectors' points and boxes.
    """

    rotation: Annotated[float, Between(0, 180)] = 6.0
    """Rotation, in degrees."""
    scale: Annotated[float, Between(0, 2)] = 0.06
    """Natural logarithm of the scale factor."""
    shift: Annotated[float, Between(0, 1)] = 0.03
    """Shift along each axis, as a fraction of the side."""
    stretch: Annotated[float, Between(0, 2)] = 0.0
    """Natural logarithm of the factor between width and height."""
    shear: Annotated[float, Between(0, 1)] = 0.0
    """Shear, as a fraction of the side."""
    far: Annotated[float, Between(0, 1)] = 0.0
    """Probability that the limits of all these moves are two and a half times as large."""
    flip: Annotated[float, Between(0, 1)] = 0.5
    """Probability of a mirrored face."""
    brightness: Annotated[float, Between(0, 1)] = 0.1
    """Change of brightness, as a fraction of the gray range."""
    contrast: Annotated[float, Between(0, 3)] = 0.2
    """Natural logarithm of the contrast factor about the face's mean."""
    blur: Annotated[float, Between(0, 1)] = 0.05
    """Probability of blur, as in an enlarged or moving face."""
    noise: Annotated[float, Between(0, 1)] = 0.05
    """Probability of sensor noise."""
    erase: Annotated[float, Between(0, 1)] = 0.1
    """Probability of a gray rectangle over 2-20 % of the face (Zhong et al. 2020)."""
    gamma: Annotated[float, Between(0, 1)] = 0.0
    """Probability of another tone curve, x to the power of 0.5 to 2.5."""
    side_light: Annotated[float, Between(0, 1)] = 0.0
    """Probability of light from one side or from above."""
    shrink: Annotated[float, Between(0, 1)] = 0.0
    """Probability of a face of 16 to 40 pixels, enlarged again."""
    jpeg: Annotated[float, Between(0, 1)] = 0.0
    """Probability of compression, JPEG quality 10 to 60."""
    covered: Annotated[float, Between(0, 1)] = 0.0
    """Probability of a covered block: eyes and brows, or the lower part of the face."""
    max_blur: Annotated[float, Between(0, 20)] = 1.0
    """Largest standard deviation of the blur, in pixels."""
    max_noise: Annotated[float, Between(0, 1)] = 0.04
    """Largest standard deviation of the noise, as a fraction of the gray range."""


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
    square = warp(image, random_similarity(transform, size, options, rng), size)
    face = photometric(square, options, rng)
    cover_block(face, options, rng)
    return face


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
    """Change light, sharpness, noise and compression of an aligned (S, S) face, and erase a part of it."""
    face = _light(aligned.astype(np.float32), options, rng)
    if rng.random() < options.blur:
        sigma = rng.uniform(0.4, options.max_blur)
        face = np.asarray(cv2.GaussianBlur(face, (0, 0), sigma), np.float32)
    if rng.random() < options.shrink:
        face = _shrink(face, int(rng.integers(16, 41)))
    if rng.random() < options.noise:
        face += rng.normal(0, 255 * rng.uniform(0.008, options.max_noise), face.shape)
    pixels = np.clip(face, 0, 255).astype(np.uint8)
    if rng.random() < options.jpeg:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 61))]
        pixels = np.asarray(cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], 0), np.uint8)
    _erase(pixels, options, rng)
    return pixels


def _light(face: Floats, options: Augmentation, rng: np.random.Generator) -> Floats:
    """Change contrast, brightness, tone curve and the direction of the light."""
    mean = face.mean()
    gain = np.exp(rng.uniform(-options.contrast, options.contrast))
    face = (face - mean) * gain + mean
    face += 255 * rng.uniform(-options.brightness, options.brightness)
    if rng.random() < options.gamma:
        exponent = np.exp(rng.uniform(np.log(0.5), np.log(2.5)))
        face = np.asarray(255 * (np.clip(face, 0, 255) / 255) ** exponent, np.float32)
    if rng.random() < options.side_light:
        ramp = np.linspace(-1, 1, len(face), dtype=np.float32)
        ramp = ramp[None] if rng.random() < 0.7 else ramp[:, None]
        face = face * (1 + np.float32(rng.uniform(-0.7, 0.7)) * ramp)
    return np.asarray(face, np.float32)


def _shrink(face: Floats, size: int) -> Floats:
    """Scale a face down to ``size`` and up again, as a camera sees one far away."""
    small = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape, interpolation=cv2.INTER_LINEAR), np.float32)


def _erase(face: Image, options: Augmentation, rng: np.random.Generator) -> None:
    """Fill a rectangle of an (S, S) face with one gray value, in place."""
    size = len(face)
    if rng.random() < options.erase:
        area, aspect = rng.uniform(0.02, 0.2) * size**2, np.exp(rng.uniform(-1, 1))
        height, width = (int(min(size, max(1, np.sqrt(area * r)))) for r in (aspect, 1 / aspect))
        top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
        face[top : top + height, left : left + width] = rng.uniform(0, 255)


def cover_block(face: Image, options: Augmentation, rng: np.random.Generator) -> str | None:
    """Cover a prior block of an (S, S) face at random, in place, with plain gray or grain.

    Returns:
        ``upper`` or ``lower``; None if nothing was covered.
    """
    if rng.random() >= options.covered:
        return None
    size = len(face)
    region = "upper" if rng.random() < 0.5 else "lower"
    if region == "upper":
        rows = slice(round(0.12 * size), size // 2)
    else:
        rows = slice(round(size * rng.uniform(0.5, 0.75)), size)
    grain = rng.normal(rng.uniform(0, 255), rng.choice([0, 40]), face[rows].shape)
    face[rows] = np.clip(grain, 0, 255)
    return region


def random_similarity(
    transform: Floats, size: int, options: Augmentation, rng: np.random.Generator
) -> Floats:
    """Return the (2, 3) transform followed by a random similarity about the center of the square, slightly
    stretched and sheared where the options say so.

    If the result mirrors the face, its determinant is negative.
    """
    limit = 2.5 if options.far and rng.random() < options.far else 1.0
    angle = np.deg2rad(limit * rng.uniform(-options.rotation, options.rotation))
    scale = np.exp(limit * rng.uniform(-options.scale, options.scale))
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    mirror = -1.0 if rng.random() < options.flip else 1.0
    stretch = np.exp(limit / 2 * rng.uniform(-options.stretch, options.stretch))
    shear = limit * rng.uniform(-options.shear, options.shear)
    shape = np.array([[mirror * stretch, shear], [0, 1 / stretch]])
    rotation = np.array([[cosine, -sine], [sine, cosine]]) @ shape
    center = np.full(2, size / 2)
    shift = limit * size * rng.uniform(-options.shift, options.shift, 2)
    linear = rotation @ transform[:, :2]
    offset = rotation @ (transform[:, 2] - center) + center + shift
    return np.column_stack([linear, offset]).astype(np.float32)

"""Alignment and forward passes over a whole set of faces, part by part, so that progress can be shown."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch

from fer_core.data import FaceSet
from fer_core.faces import Detector, find_faces
from fer_core.faces.alignment import cut_regions
from fer_core.images import to_rgb
from fer_core.models import Classifier
from fer_core.models.classifier import BATCH
from fer_core.types import Floats, Image

PART: Final = 8 * BATCH
"""Faces between two reports of progress; whole batches, so that the outputs are those of a single call."""

Progress = Callable[[float], None]
"""Takes the finished share of the work, 0..1."""


def parts(count: int, progress: Progress | None) -> Iterator[slice]:
    """Yield the parts of a set of faces, and report the finished share after each."""
    for start in range(0, count, PART):
        yield slice(start, start + PART)
        if progress is not None:
            progress(min(1.0, (start + PART) / count))


def align_faces(
    classifier: Classifier,
    faces: FaceSet,
    detector: Detector | None = None,
    *,
    progress: Progress | None = None,
) -> Image:
    """Align the faces of a set for a model.

    Args:
        classifier: the model.
        faces: N bare face crops, or with ``detector`` pictures.
        detector: detect the face in each picture first; where it finds none, the picture is taken as a crop.
        progress: called after each part.

    Returns:
        (N, S, S) uint8.
    """
    aligned = []
    for part in parts(len(faces), progress):
        images = faces.images[part]
        bare = classifier.align(images)
        aligned.append(bare if detector is None else _detected(classifier, images, detector, bare))
    return np.concatenate(aligned) if aligned else classifier.align([])


def predict(
    classifier: Classifier, aligned: Image, *, progress: Progress | None = None
) -> tuple[Floats, Floats, Floats | None]:
    """Return the logits of (N, S, S) aligned faces, as ``Classifier.logits`` does."""
    outputs = [classifier.logits(aligned[part]) for part in parts(len(aligned), progress)]
    logits, votes, affect = zip(*outputs, strict=True)
    known = [rows for rows in affect if rows is not None]
    return np.concatenate(logits), np.concatenate(votes), np.concatenate(known) if known else None


def attention_entropy(classifier: Classifier, aligned: Image) -> float | None:
    """Return the entropy of a network's spatial attention, as a share of that of even attention.

    Args:
        classifier: the model.
        aligned: (N, S, S) uint8 aligned faces.

    Returns:
        0..1, the mean over faces and heads; None for networks without spatial attention.
    """
    if not classifier.has_attention:
        return None
    shares = []
    for start in range(0, len(aligned), BATCH):
        attention = classifier.forward(aligned[start : start + BATCH]).attention
        assert attention is not None
        places = torch.from_numpy(attention).flatten(-2)
        entropy = torch.special.entr(places).sum(-1) / np.log(places.shape[-1])
        shares.append(entropy.flatten(1).mean(1) if entropy.ndim > 1 else entropy)
    return float(torch.cat(shares).mean())


def _detected(
    classifier: Classifier, images: list[Image], detector: Detector, bare: Image
) -> Image:
    """Return the faces aligned by the detector, or those of ``bare`` where it detects no face."""
    aligned = bare.copy()
    for i, image in enumerate(images):
        detections = find_faces(to_rgb(image), detector)
        if detections:
            size, by_points = classifier.input_size, classifier.card.aligned
            aligned[i] = cut_regions(image, detections[0], size, by_points=by_points).face
    return aligned

"""Alignment and forward passes over a whole set of faces, part by part, so that progress can be shown."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

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
        aligned.append(align_part(classifier, faces.images[part], detector))
    return np.concatenate(aligned) if aligned else classifier.align([])


def align_part(
    classifier: Classifier, images: list[Image], detector: Detector | None = None
) -> Image:
    """Align some of the faces of a set, as ``align_faces`` does."""
    bare = classifier.align(images)
    return bare if detector is None else _detected(classifier, images, detector, bare)


def predict(
    classifier: Classifier, aligned: Image, *, progress: Progress | None = None
) -> tuple[Floats, Floats, Floats | None]:
    """Return the logits of (N, S, S) aligned faces, as ``Classifier.logits`` does."""
    outputs = [classifier.logits(aligned[part]) for part in parts(len(aligned), progress)]
    logits, votes, affect = zip(*outputs, strict=True)
    known = [rows for rows in affect if rows is not None]
    return np.concatenate(logits), np.concatenate(votes), np.concatenate(known) if known else None


class Outputs(NamedTuple):
    """Aligned faces of a set, and what a model predicts for them."""

    aligned: Image
    """(N, S, S) uint8."""
    logits: Floats
    """(N, 7)."""
    votes: Floats
    """(N, 8)."""
    affect: Floats | None
    """(N, 2), or None."""


def predict_all(
    classifier: Classifier, aligned: Image, *, tta: bool = False, progress: Progress | None = None
) -> Outputs:
    """Predict from aligned faces; with ``tta`` the mean over each face and its mirror image."""
    logits, votes, affect = predict(classifier, aligned, progress=progress)
    if tta:
        mirrored = predict(classifier, aligned[:, :, ::-1])
        logits = np.asarray((logits + mirrored[0]) / 2, np.float32)
        votes = np.asarray((votes + mirrored[1]) / 2, np.float32)
        if affect is not None and mirrored[2] is not None:
            affect = np.asarray((affect + mirrored[2]) / 2, np.float32)
    return Outputs(aligned, logits, votes, affect)


def join_outputs(parts: Sequence[Outputs]) -> Outputs:
    """Return the outputs for the faces of all parts, in order."""
    aligned, logits, votes, affect = zip(*parts, strict=True)
    known = [rows for rows in affect if rows is not None]
    return Outputs(
        np.concatenate(aligned),
        np.concatenate(logits),
        np.concatenate(votes),
        np.concatenate(known) if known else None,
    )


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

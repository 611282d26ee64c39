"""How good a model is on a labelled set of faces."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import (
    multiclass_calibration_error,
    multiclass_confusion_matrix,
)
from torchmetrics.functional.regression import concordance_corrcoef
from torchmetrics.utilities.plot import plot_confusion_matrix

from fer_core.data import FaceSet, majority
from fer_core.faces import Detector, find_faces
from fer_core.faces.alignment import cut_regions
from fer_core.images import to_rgb
from fer_core.labels import EXPRESSIONS
from fer_core.models import Classifier
from fer_core.types import Floats, Image

ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one model on one set; shares are 0..1."""

    model: str
    n: int
    accuracy: float
    macro_precision: float
    """Mean over the classes that occur, as ``macro_recall`` and ``macro_f1``."""
    macro_recall: float
    macro_f1: float
    ece: float
    """Expected calibration error over 15 bins (Guo et al. 2017)."""
    per_class: Mapping[str, Mapping[str, float]]
    """Class -> precision, recall, f1, n."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows are the true classes, columns the assigned ones, in the order of ``EXPRESSIONS``."""
    ferplus_accuracy: float | None = None
    ferplus_n: int | None = None
    valence_ccc: float | None = None
    """Concordance of the network's own valence with people's ratings, -1..1 (Lin 1989); None where there
    are no ratings, or the network did not learn from any."""
    arousal_ccc: float | None = None
    unseen_accuracy: float | None = None
    """Over the faces of which no exact copy is among the training faces; None where that is not known."""
    unseen_n: int | None = None


def evaluate(
    classifier: Classifier,
    faces: FaceSet,
    *,
    tta: bool = False,
    detector: Detector | None = None,
    aligned: Image | None = None,
    copies: NDArray[np.bool_] | None = None,
) -> Evaluation:
    """Read every face once and compare with its label.

    Args:
        faces: bare face crops.
        tta: average the logits of each face and its mirror image.
        detector: find the face within each image first, instead of taking the image as a crop.
        aligned: the faces as the model aligns them, where they are known.
        copies: (N,) whether a face is the copy of a training face, where that is known.
    """
    aligned = classifier.align(faces.images) if aligned is None else aligned
    if detector is not None:
        aligned = _detected(classifier, faces, detector, aligned)
    logits, votes, affect = classifier.logits(aligned)
    if tta:
        mirrored = classifier.logits(aligned[:, :, ::-1])
        logits = np.asarray((logits + mirrored[0]) / 2, np.float32)
        votes = np.asarray((votes + mirrored[1]) / 2, np.float32)
        if affect is not None and mirrored[2] is not None:
            affect = np.asarray((affect + mirrored[2]) / 2, np.float32)
    return measure(classifier.name, classifier.calibrate(logits), votes, faces, affect, copies)


def measure(
    model: str,
    probabilities: Floats,
    votes: Floats,
    faces: FaceSet,
    affect: Floats | None = None,
    copies: NDArray[np.bool_] | None = None,
) -> Evaluation:
    """Figures from (N, 7) calibrated probabilities, (N, 8) logits of the FER+ head, where the network
    learned them (N, 2) valence and arousal, and where they are known (N,) copies of training faces."""
    classes = len(EXPRESSIONS)
    predicted, truth = torch.from_numpy(probabilities), torch.from_numpy(faces.labels)
    confusion = multiclass_confusion_matrix(predicted, truth, classes).numpy()
    right = np.diag(confusion)
    occurrences, assigned = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = _ratio(right, assigned)
    recall = _ratio(right, occurrences)
    f1 = _ratio(2 * right, assigned + occurrences)
    per_class = {
        name: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "n": int(occurrences[i]),
        }
        for i, name in enumerate(EXPRESSIONS)
    }
    ferplus_accuracy = ferplus_n = None
    if faces.votes is not None:
        voted = majority(faces.votes)
        counts = voted >= 0
        ferplus_n = int(counts.sum())
        ferplus_accuracy = float((votes.argmax(axis=1) == voted)[counts].mean())
    valence_ccc = arousal_ccc = None
    if affect is not None and faces.affect is not None:
        valence_ccc, arousal_ccc = map(concordance, affect.T, faces.affect.T)
    unseen_accuracy = unseen_n = None
    if copies is not None and not copies.all():
        unseen_n = int((~copies).sum())
        correct = probabilities.argmax(axis=1) == faces.labels
        unseen_accuracy = float(correct[~copies].mean())
    occurs = occurrences > 0
    return Evaluation(
        model=model,
        n=len(faces),
        accuracy=float(right.sum() / len(faces)),
        macro_precision=float(precision[occurs].mean()),
        macro_recall=float(recall[occurs].mean()),
        macro_f1=float(f1[occurs].mean()),
        ece=float(multiclass_calibration_error(predicted, truth, classes, n_bins=ECE_BINS)),
        per_class=per_class,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        ferplus_accuracy=ferplus_accuracy,
        ferplus_n=ferplus_n,
        valence_ccc=valence_ccc,
        arousal_ccc=arousal_ccc,
        unseen_accuracy=unseen_accuracy,
        unseen_n=unseen_n,
    )


def draw_confusion(evaluation: Evaluation, path: Path) -> None:
    """Draw how often each true class was taken for which, as shares of the true one; nothing without
    matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return
    confusion = torch.tensor(evaluation.confusion)
    shares = confusion / confusion.sum(dim=1, keepdim=True).clamp_min(1)
    figure = Figure(figsize=(7, 7), layout="constrained")
    axes = figure.subplots()
    plot_confusion_matrix(shares, axes, labels=list(EXPRESSIONS))
    axes.set_title(f"{evaluation.model}, {evaluation.n:,} faces, {evaluation.accuracy:.1%} right")
    figure.savefig(path)


def concordance(predicted: Floats, rated: Floats) -> float | None:
    """Lin's concordance correlation coefficient of two (N,) rows, where the second is known; None where
    fewer than two are, or either does not vary."""
    known = np.isfinite(rated)
    first, second = predicted[known], rated[known]
    if len(first) < 2 or not (np.ptp(first) and np.ptp(second)):
        return None
    return float(concordance_corrcoef(torch.from_numpy(first), torch.from_numpy(second)))


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """part / whole, 0 where whole is 0."""
    ratio: NDArray[np.float64] = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return ratio


def _detected(classifier: Classifier, faces: FaceSet, detector: Detector, bare: Image) -> Image:
    """Aligned faces as the detector finds them; where it finds none, those of ``bare``."""
    aligned = bare.copy()
    for i, image in enumerate(faces.images):
        found = find_faces(to_rgb(image), detector)
        if found:
            size, by_points = classifier.input_size, classifier.card.aligned
            aligned[i] = cut_regions(image, found[0], size, by_points=by_points).face
    return aligned


def rounded(value: Any) -> Any:
    """Every fraction in nested tables to four digits."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value

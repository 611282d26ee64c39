"""Metrics of a model on a labeled set of faces."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import (
    multiclass_confusion_matrix,
)
from torchmetrics.functional.regression import concordance_corrcoef
from torchmetrics.utilities.plot import plot_confusion_matrix

from fer_core.data import FaceSet, majority
from fer_core.evaluation.calibration import (
    answered,
    calibration_error,
    prior_weights,
    reliability,
)
from fer_core.evaluation.passes import (
    Outputs,
    Progress,
    align_faces,
    attention_entropy,
    predict_all,
)
from fer_core.files import replaced
from fer_core.labels import EXPRESSIONS, FERPLUS_COLUMNS, PRIORS
from fer_core.models import Classifier
from fer_core.types import Floats, Image


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of one model on one set; shares are 0..1."""

    model: str
    n: int
    accuracy: float
    macro_precision: float
    """Mean over the classes that occur; ``macro_recall`` and ``macro_f1`` too."""
    macro_recall: float
    macro_f1: float
    ece: float
    """Expected calibration error over 15 bins (Guo et al. 2017)."""
    per_class: Mapping[str, Mapping[str, float]]
    """Class -> precision, recall, f1, n."""
    confusion: tuple[tuple[int, ...], ...]
    """Counts; rows are the true classes, columns the predicted ones, in the order of ``EXPRESSIONS``."""
    ferplus_accuracy: float | None = None
    """Accuracy of the FER+ head against the majority of the votes; None without votes."""
    ferplus_n: int | None = None
    """Number of faces with a majority."""
    valence_ccc: float | None = None
    """Concordance of the network's predicted valence with people's ratings, -1..1 (Lin 1989); None without
    ratings, or if the network was not trained on any."""
    arousal_ccc: float | None = None
    unseen_accuracy: float | None = None
    """Accuracy over the faces without an exact copy among the training faces; None if unknown."""
    unseen_n: int | None = None
    """Number of these faces."""
    consensus_accuracy: float | None = None
    """Accuracy over the faces on which FER2013's label and FER+'s majority agree: where they do not, a right
    answer only repeats one labeler. None without votes."""
    consensus_n: int | None = None
    """Number of these faces: 2,231 of FER2013's PrivateTest."""
    consensus_both_heads: float | None = None
    """The same for the mean of both heads: the class head's probabilities, and the vote head's without
    contempt."""
    by_prior: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Prior (a key of ``PRIORS``) -> accuracy, macro_recall, consensus_accuracy where known, the recall of
    each class, and over faces weighted to these shares ece, unsure and answered_accuracy. The figures above
    are those of ``own``, the shares of the training faces."""
    reliability: tuple[Mapping[str, float], ...] = ()
    """Reliability diagram of the probabilities as the app shows them, over faces weighted to the shares that
    it assumes: bins with confidence, accuracy and share."""
    attention_entropy: float | None = None
    """Entropy of the spatial attention, as a share of that of even attention, 0..1: the mean over faces and
    heads. At 1 every place counts the same. None for networks without spatial attention."""
    faces: str = ""
    """``FaceSet.sha256`` of the set."""


def evaluate(
    classifier: Classifier,
    faces: FaceSet,
    *,
    tta: bool = False,
    aligned: Image | None = None,
    copies: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict every face and compare with its label.

    Args:
        classifier: the model.
        faces: N bare face crops with labels.
        tta: test-time augmentation: average the logits of each face and its mirror image.
        aligned: (N, S, S) faces aligned for the model, if already computed.
        copies: (N,) whether a face is a copy of a training face, if known.
        progress: called with the finished share of the predictions, 0..1.
    """
    aligned = align_faces(classifier, faces) if aligned is None else aligned
    outputs = predict_all(classifier, aligned, tta=tta, progress=progress)
    return evaluate_outputs(classifier, faces, outputs, copies)


def evaluate_outputs(
    classifier: Classifier,
    faces: FaceSet,
    outputs: Outputs,
    copies: NDArray[np.bool_] | None = None,
) -> Evaluation:
    """Compare what a model predicted for labeled faces with their labels.

    Args:
        classifier: the model.
        faces: N faces with labels.
        outputs: what was predicted for them.
        copies: (N,) whether a face is a copy of a training face, if known.
    """
    aligned, logits, votes, affect = outputs
    own = classifier.calibrate(logits, "own")
    evaluation = measure(classifier.name, own, votes, faces, affect, copies)
    entropy = attention_entropy(classifier, aligned)
    evaluation = replace(evaluation, attention_entropy=entropy, faces=faces.sha256)
    if not classifier.card.class_shares:
        return evaluation
    by_prior = {prior: prior_figures(classifier, logits, faces, prior) for prior in PRIORS}
    card = classifier.card
    rows = reliability(
        classifier.calibrate(logits),
        faces.labels,
        prior_weights(faces.labels, card.class_shares, card.prior),
    )
    return replace(evaluation, by_prior=by_prior, reliability=tuple(rows))


def prior_figures(
    classifier: Classifier, logits: Floats, faces: FaceSet, prior: str
) -> dict[str, float]:
    """Return the figures of ``Evaluation.by_prior`` for one prior."""
    card = classifier.card
    probabilities = classifier.calibrate(logits, prior)
    weights = prior_weights(faces.labels, card.class_shares, prior)
    predicted = probabilities.argmax(axis=1)
    right = predicted == faces.labels
    recalls = {
        name: float(right[faces.labels == number].mean())
        for number, name in enumerate(EXPRESSIONS)
        if (faces.labels == number).any()
    }
    figures = {"accuracy": float(right.mean()), "macro_recall": float(np.mean([*recalls.values()]))}
    if faces.votes is not None and (agreed := consensus(faces)).any():
        figures["consensus_accuracy"] = float(right[agreed].mean())
    figures["ece"] = calibration_error(reliability(probabilities, faces.labels, weights))
    figures |= answered(probabilities, faces.labels, weights, card.unsure_below)
    return {**figures, **recalls}


def consensus(faces: FaceSet) -> NDArray[np.bool_]:
    """Return (N,) whether FER2013's label and FER+'s majority agree on each face."""
    assert faces.votes is not None
    columns = np.array(FERPLUS_COLUMNS)
    return np.asarray(majority(faces.votes) == columns[faces.labels])


def mean_of_heads(probabilities: Floats, votes: Floats) -> Floats:
    """Return the (N, 7) mean of both heads.

    Args:
        probabilities: (N, 7) of the class head.
        votes: (N, 8) logits of the FER+ head; its probabilities count without contempt.
    """
    shares = torch.from_numpy(votes[:, FERPLUS_COLUMNS]).softmax(dim=1).numpy()
    return np.asarray((probabilities + shares) / 2, np.float32)


def measure(
    model: str,
    probabilities: Floats,
    votes: Floats,
    faces: FaceSet,
    affect: Floats | None = None,
    copies: NDArray[np.bool_] | None = None,
) -> Evaluation:
    """Compute the metrics from predictions.

    Args:
        model: name of the model.
        probabilities: (N, 7) calibrated probabilities.
        votes: (N, 8) logits of the FER+ head.
        faces: the N faces with their labels.
        affect: (N, 2) valence and arousal, if the network predicts them.
        copies: (N,) whether a face is a copy of a training face, if known.
    """
    classes = len(EXPRESSIONS)
    predicted, truth = torch.from_numpy(probabilities), torch.from_numpy(faces.labels)
    confusion = multiclass_confusion_matrix(predicted, truth, classes).numpy()
    hits = np.diag(confusion)
    occurrences, predictions = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = _ratio(hits, predictions)
    recall = _ratio(hits, occurrences)
    f1 = _ratio(2 * hits, predictions + occurrences)
    rates = np.stack([precision, recall, f1], axis=1).tolist()
    rows = zip(EXPRESSIONS, rates, occurrences.tolist(), strict=True)
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
        accuracy=float(hits.sum() / len(faces)),
        macro_precision=float(precision[occurs].mean()),
        macro_recall=float(recall[occurs].mean()),
        macro_f1=float(f1[occurs].mean()),
        ece=calibration_error(reliability(probabilities, faces.labels, np.ones(len(faces)))),
        per_class={
            name: {"precision": p, "recall": r, "f1": f, "n": n} for name, (p, r, f), n in rows
        },
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        valence_ccc=valence_ccc,
        arousal_ccc=arousal_ccc,
        unseen_accuracy=unseen_accuracy,
        unseen_n=unseen_n,
        **({} if faces.votes is None else _vote_figures(probabilities, votes, faces)),
    )


def draw_confusion(evaluation: Evaluation, path: Path) -> None:
    """Draw the confusion matrix, normalized by the true classes, to a file; do nothing without matplotlib."""
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
    with replaced(path) as beside:
        figure.savefig(beside, format=path.suffix[1:])


def concordance(predicted: Floats, rated: Floats) -> float | None:
    """Compute Lin's concordance correlation coefficient over the rated faces.

    Args:
        predicted: (N,) predictions.
        rated: (N,) ratings, NaN where unknown.

    Returns:
        -1..1; None if fewer than two faces are rated, or either row is constant.
    """
    has_rating = np.isfinite(rated)
    first, second = predicted[has_rating], rated[has_rating]
    if len(first) < 2 or not (np.ptp(first) and np.ptp(second)):
        return None
    return float(concordance_corrcoef(torch.from_numpy(first), torch.from_numpy(second)))


def _vote_figures(probabilities: Floats, votes: Floats, faces: FaceSet) -> dict[str, Any]:
    """Return the fields of ``Evaluation`` that compare with FER+'s votes."""
    assert faces.votes is not None
    majorities = majority(faces.votes)
    has_majority = majorities >= 0
    correct = votes.argmax(axis=1) == majorities
    figures: dict[str, Any] = {
        "ferplus_accuracy": float(correct[has_majority].mean()),
        "ferplus_n": int(has_majority.sum()),
    }
    agreed = consensus(faces)
    if agreed.any():
        both = mean_of_heads(probabilities, votes)
        right, right_by_both = (p.argmax(axis=1) == faces.labels for p in (probabilities, both))
        figures["consensus_accuracy"] = float(right[agreed].mean())
        figures["consensus_n"] = int(agreed.sum())
        figures["consensus_both_heads"] = float(right_by_both[agreed].mean())
    return figures


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return part / whole, and 0 where whole is 0."""
    ratio: NDArray[np.float64] = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return ratio


def rounded(value: Any) -> Any:
    """Round every float in nested dictionaries to four digits."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value

"""Average explanation maps of a class, and the shares of their heat on the parts of the face.

``python -m fer_core averages`` writes ``weights/results/averages.json``. The file holds numbers only and no
images of people. ``claims`` uses them to test common claims about such models.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import in_short
from fer_core.explain.attribution_shares import is_flat, part_share, region_share
from fer_core.explain.maps import method_for, raw_map
from fer_core.faces.alignment import align_crops
from fer_core.faces.landmarks import POINTS, five_points
from fer_core.files import make_folder, replaced
from fer_core.geometry import alignment, mean_points
from fer_core.labels import EXPRESSIONS, PARTS
from fer_core.models.classifier import BATCH, Classifier
from fer_core.types import Floats, Image
from fer_core.weights import AVERAGES, WEIGHTS, WeightsError, results_path

METHOD: Final = "gradcam"
"""Explanation method, for models that have feature maps."""

SHARES: Final = (*PARTS, "rest")
"""Parts among which the heat of a map is divided."""


@dataclass(frozen=True, slots=True, eq=False)
class AverageMap:
    """Average map of one class, over the faces with its label that the model classifies correctly.

    Maps without heat are not counted.
    """

    target: str
    """Name of the class."""
    method: str
    """Name of the explanation method: Grad-CAM, or occlusion for models without feature maps."""
    n: int
    """Number of faces."""
    raw: Floats
    """(h, w) mean of the raw maps in aligned coordinates, -1..1. Each map is divided by its largest absolute
    value first, so that all faces have the same weight."""
    part_share: Mapping[str, float]
    """Each of ``PARTS`` and "rest" -> mean share of the positive heat, by each face's landmarks."""
    part_covariance: Floats
    """(5, 5) covariance of these means, in the order of ``SHARES``; NaN for a single face."""
    region_share: Mapping[str, float]
    """upper / lower / elsewhere -> mean share of the positive heat."""
    region_attention: Mapping[str, float] | None
    """Region -> mean attention weight; None for networks without region attention."""

    @property
    def part_error(self) -> dict[str, float]:
        """Each of ``PARTS`` and "rest" -> standard error of the mean share."""
        return {part: self.error((part,)) for part in SHARES}

    def share(self, parts: Sequence[str]) -> float:
        """Return the mean share of several parts together."""
        return sum(self.part_share[part] for part in parts)

    def error(self, parts: Sequence[str]) -> float:
        """Return the standard error of ``share``, with the covariance of the parts."""
        indices = [SHARES.index(part) for part in parts]
        return float(np.sqrt(self.part_covariance[np.ix_(indices, indices)].sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """Average maps of several models."""

    maps: Mapping[str, Mapping[str, AverageMap]] = field(default_factory=dict)
    """Model -> class -> average map; classes that the model never predicts correctly are left out."""
    landmarks: Floats | None = None
    """(78, 2) mean landmarks of all faces, as fractions of the aligned square; None without averages."""
    class_landmarks: Mapping[str, Floats] = field(default_factory=dict)
    """Class -> (78, 2) mean landmarks of the faces with this label, in the same square; classes without faces
    are left out."""
    command: str = ""
    """Command that computed the averages."""
    faces: str = ""
    """``FaceSet.sha256`` of the faces; "" if unknown."""


def average_maps(
    classifier: Classifier,
    aligned: Image,
    landmarks: Floats,
    labels: NDArray[np.int64],
    *,
    max_per_class: int | None = None,
) -> dict[str, AverageMap]:
    """Compute the average maps of one model.

    Args:
        classifier: the model.
        aligned: (N, S, S) gray, uint8, aligned for the model.
        landmarks: (N, 78, 2) landmarks as fractions of the aligned square.
        labels: (N,) class numbers.
        max_per_class: for models that occlusion explains, use only the first faces of each class, since each
            map takes dozens of forward passes.

    Returns:
        Class -> average map; classes without any counted face are left out.
    """
    method = method_for(classifier, METHOD)
    limit = max_per_class if method == "occlusion" else None
    faces_by_class: dict[str, list[_Face]] = {name: [] for name in EXPRESSIONS}
    for number, raw, attention in _raw_maps(classifier, aligned, labels, limit):
        if not is_flat(raw):
            faces_by_class[EXPRESSIONS[labels[number]]].append(
                _Face(
                    raw / np.abs(raw).max(),
                    part_share(raw, landmarks[number]),
                    region_share(raw),
                    attention,
                )
            )
    return {name: _average(name, method, faces) for name, faces in faces_by_class.items() if faces}


class _Face(NamedTuple):
    """Map and shares of one face."""

    raw: Floats
    part_share: Mapping[str, float]
    region_share: Mapping[str, float]
    region_attention: Mapping[str, float] | None


def _raw_maps(
    classifier: Classifier, aligned: Image, labels: NDArray[np.int64], limit: int | None
) -> Iterator[tuple[int, Floats, dict[str, float] | None]]:
    """Yield index, raw map of the predicted class and region attention of each correctly classified face."""
    counts = np.zeros(len(EXPRESSIONS), np.int64)
    for start in range(0, len(aligned), BATCH):
        output = classifier.forward(aligned[start : start + BATCH])
        predicted, weights = output.logits.argmax(axis=1), output.region_attention
        for row in np.flatnonzero(predicted == labels[start : start + BATCH]):
            number, label = start + int(row), int(predicted[row])
            if limit is not None and counts[label] >= limit:
                continue
            counts[label] += 1
            if output.evidence is None:
                raw = raw_map(classifier, aligned[number], EXPRESSIONS[label], METHOD)
            else:
                raw = output.evidence[row, label]
            attention = None
            if weights is not None:
                attention = dict(zip(classifier.regions, weights[row].tolist(), strict=True))
            yield number, raw, attention


def _average(target: str, method: str, faces: Sequence[_Face]) -> AverageMap:
    shares = np.array([[face.part_share[part] for part in SHARES] for face in faces])
    covariance = np.full((len(SHARES), len(SHARES)), np.nan)
    if len(faces) > 1:
        covariance = np.cov(shares, rowvar=False) / len(faces)
    attention = [face.region_attention for face in faces if face.region_attention is not None]
    return AverageMap(
        target=target,
        method=method,
        n=len(faces),
        raw=np.mean([face.raw for face in faces], axis=0, dtype=np.float32),
        part_share=_mean([face.part_share for face in faces]),
        part_covariance=covariance.astype(np.float32),
        region_share=_mean([face.region_share for face in faces]),
        region_attention=_mean(attention) if attention else None,
    )


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def align_by_landmarks(
    classifier: Classifier, crops: Sequence[Image], landmarks: Floats
) -> tuple[Image, Floats]:
    """Align bare crops for a model, together with their landmarks.

    Args:
        classifier: the model.
        crops: N gray images, uint8.
        landmarks: (N, 78, 2) landmarks from ``bare_landmarks``, in pixels of the crops.

    Returns:
        (N, S, S) aligned faces, uint8, the same as from ``Classifier.align``; (N, 78, 2) landmarks as
        fractions of the aligned square.
    """
    if classifier.card.aligned:
        points = five_points(landmarks)
    else:
        points = np.stack([mean_points((0, 0, *crop.shape[1::-1])) for crop in crops])
    return align_crops(crops, points, classifier.input_size), landmarks_in_square(landmarks, points)


def landmarks_in_square(landmarks: Floats, points: Floats) -> Floats:
    """Map landmarks from the pixels of crops into the aligned square.

    Args:
        landmarks: (N, 78, 2) landmarks, in pixels.
        points: (N, 5, 2) points that define the alignment, in pixels.

    Returns:
        (N, 78, 2) landmarks as fractions of the aligned square.
    """
    transforms = np.stack([alignment(five, 1) for five in points])
    linear = np.einsum("npk,njk->npj", landmarks, transforms[:, :, :2])
    return np.asarray(linear + transforms[:, None, :, 2], np.float32)


def write_averages(averages: Averages, folder: Path = WEIGHTS) -> Path:
    """Write averages to a folder of weights, rounded to four digits, and return the path of the file."""
    table = {
        "command": averages.command,
        "faces": averages.faces,
        "landmarks": None if averages.landmarks is None else _rounded(averages.landmarks),
        "class_landmarks": {
            name: _rounded(points) for name, points in averages.class_landmarks.items()
        },
        "models": {
            model: {name: _row(average) for name, average in maps.items()}
            for model, maps in averages.maps.items()
        },
    }
    path = results_path(AVERAGES, folder)
    make_folder(path.parent)
    with replaced(path) as beside:
        beside.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")
    return path


def read_averages(folder: Path = WEIGHTS) -> Averages:
    """Read the averages in a folder of weights.

    Returns:
        The averages; empty if there is no file.

    Raises:
        WeightsError: if the file cannot be read.
    """
    path = results_path(AVERAGES, folder)
    if not path.is_file():
        return Averages()
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        points = table["landmarks"]
        landmarks = None if points is None else _points(points)
        by_class = {name: _points(each) for name, each in table["class_landmarks"].items()}
        maps = {
            model: {name: _read(name, row) for name, row in rows.items()}
            for model, rows in table["models"].items()
        }
        return Averages(
            maps, landmarks, by_class, str(table["command"]), str(table.get("faces", ""))
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{path} does not hold averages ({in_short(repr(error))}); restore it, or recreate it with "
            "python -m fer_core averages"
        ) from None


def _row(average: AverageMap) -> dict[str, Any]:
    attention = average.region_attention
    return {
        "method": average.method,
        "n": average.n,
        "raw": _rounded(average.raw),
        "part_share": _rounded_values(average.part_share),
        # Small squares: four significant digits. JSON has no NaN.
        "part_covariance": [
            [float(f"{value:.3e}") if np.isfinite(value) else None for value in row]
            for row in average.part_covariance.tolist()
        ],
        "region_share": _rounded_values(average.region_share),
        "region_attention": None if attention is None else _rounded_values(attention),
    }


def _read(target: str, row: Mapping[str, Any]) -> AverageMap:
    raw, covariance = (np.array(row[key], np.float32) for key in ("raw", "part_covariance"))
    if target not in EXPRESSIONS or raw.ndim != 2 or set(row["part_share"]) != set(SHARES):
        raise ValueError(f"not an average of {target}")
    return AverageMap(
        target=target,
        method=row["method"],
        n=row["n"],
        raw=raw,
        part_share=row["part_share"],
        part_covariance=covariance.reshape(len(SHARES), len(SHARES)),
        region_share=row["region_share"],
        region_attention=row["region_attention"],
    )


def _points(rows: Any) -> Floats:
    return np.array(rows, np.float32).reshape(POINTS, 2)


def _rounded(array: Floats) -> Any:
    return np.round(array.astype(np.float64), 4).tolist()


def _rounded_values(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in shares.items()}

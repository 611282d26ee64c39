"""The average face of a class: its mean evidence map and mean attribution shares for a model.

``python -m fer_core averages`` writes ``weights/results/averages.json``: only numbers, no pictures of people.
They test a common claim about such models: that happiness shows in eyes and mouth, sadness and anger in the
brows.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fer_core.explain.attribution_shares import is_flat, part_share, region_share
from fer_core.explain.maps import evidence_maps, method_for, raw_map
from fer_core.faces.alignment import align_crops
from fer_core.faces.landmarks import POINTS, five_points
from fer_core.geometry import alignment, mean_points
from fer_core.labels import EXPRESSIONS, PARTS
from fer_core.models.classifier import BATCH, Classifier
from fer_core.types import Floats, Image
from fer_core.weights import AVERAGES, WEIGHTS, WeightsError, results_path

METHOD: Final = "gradcam"

SHARES: Final = (*PARTS, "rest")
"""What the heat of a map is divided among."""

CLAIMED: Final = {"happy": ("eyes", "mouth"), "angry": ("brows",), "sad": ("brows",)}
"""Class -> the parts of the face that are said to decide."""


@dataclass(frozen=True, slots=True, eq=False)
class AverageMap:
    """What the maps of one class have in common, over faces that bear its label and that the model assigns to
    it. Maps without heat count nowhere."""

    target: str
    """Name of the class."""
    method: str
    """Grad-CAM, or occlusion for models without maps."""
    n: int
    """Faces."""
    raw: Floats
    """(h, w) mean in aligned coordinates of the raw maps, each divided by its own largest absolute value, so
    that each face counts alike; -1..1."""
    part_share: Mapping[str, float]
    """brows / eyes / nose / mouth / rest -> mean share of the positive heat, by each face's own landmarks."""
    part_covariance: Floats
    """(5, 5) of these means, in the order of ``SHARES``; NaN for a single face."""
    region_share: Mapping[str, float]
    """upper / lower / elsewhere -> mean share of the positive heat."""
    region_attention: Mapping[str, float] | None
    """Region -> mean weight that the network itself gives it; None for networks that weigh no regions."""

    @property
    def part_error(self) -> dict[str, float]:
        """brows / eyes / nose / mouth / rest -> standard error of the mean share."""
        return {part: self.error((part,)) for part in SHARES}

    def share(self, parts: Sequence[str]) -> float:
        """Mean share of some parts together."""
        return sum(self.part_share[part] for part in parts)

    def error(self, parts: Sequence[str]) -> float:
        """Standard error of ``share``: parts take heat from each other, so errors do not simply add up."""
        numbers = [SHARES.index(part) for part in parts]
        return float(np.sqrt(self.part_covariance[np.ix_(numbers, numbers)].sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """The average faces of several models."""

    maps: Mapping[str, Mapping[str, AverageMap]] = field(default_factory=dict)
    """Model -> class -> its average; classes that the model never assigns rightly are left out."""
    landmarks: Floats | None = None
    """(78, 2) mean layout of all faces, as fractions of the aligned square; None without any averages."""
    command: str = ""
    """What measured them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether some parts of the face count more for one class than for the others."""

    target: str
    parts: tuple[str, ...]
    share: float
    """Mean share of these parts for the class, 0..1."""
    others: float
    """The mean of their shares for the other classes."""
    low: float
    """Lower end of the 95 % interval of ``share - others``."""
    high: float

    @property
    def holds(self) -> bool:
        """Whether the parts count more, by a difference whose 95 % interval lies above zero."""
        return self.low > 0

    def verdict(self, even_share: float) -> Literal["holds", "partly", "fails"]:
        """Compare the share of the parts with the other classes and with a map that is the same everywhere.

        Args:
            even_share: share of these parts in an even map, 0..1.

        Returns:
            ``holds``: more than for the other classes and more than in an even map. ``partly``: more than
            for the other classes, but not more than in an even map. ``fails``: not more than for the others.
        """
        if not self.holds:
            return "fails"
        return "holds" if self.share > even_share else "partly"


def average_maps(
    classifier: Classifier,
    aligned: Image,
    landmarks: Floats,
    labels: NDArray[np.int64],
    *,
    most: int | None = None,
) -> dict[str, AverageMap]:
    """The averages of one model.

    Args:
        aligned: (N, S, S) uint8, as the model takes them.
        landmarks: (N, 78, 2) in fractions of the aligned square.
        labels: (N,) class numbers.
        most: faces a class, the first ones, for models that occlusion explains: each takes dozens of passes.

    Returns:
        Class -> average; classes without any face that counts are left out.
    """
    method = method_for(classifier, METHOD)
    bound = most if method == "occlusion" else None
    found: dict[str, list[_Face]] = {name: [] for name in EXPRESSIONS}
    for number, raw, attention in _raw_maps(classifier, aligned, labels, bound):
        if not is_flat(raw):
            found[EXPRESSIONS[labels[number]]].append(
                _Face(
                    raw / np.abs(raw).max(),
                    part_share(raw, landmarks[number]),
                    region_share(raw),
                    attention,
                )
            )
    return {name: _average(name, method, faces) for name, faces in found.items() if faces}


class _Face(NamedTuple):
    """What one face adds to an average."""

    raw: Floats
    part_share: Mapping[str, float]
    region_share: Mapping[str, float]
    region_attention: Mapping[str, float] | None


def _raw_maps(
    classifier: Classifier, aligned: Image, labels: NDArray[np.int64], most: int | None
) -> Iterator[tuple[int, Floats, dict[str, float] | None]]:
    """Number, raw map of its class and region attention of each face that is assigned to its label."""
    counts = np.zeros(len(EXPRESSIONS), np.int64)
    for start in range(0, len(aligned), BATCH):
        output = classifier.forward(aligned[start : start + BATCH])
        maps = evidence_maps(classifier, output)
        assigned = output.logits.argmax(1).cpu().numpy()
        weights = output.region_attention
        for row in np.flatnonzero(assigned == labels[start : start + BATCH]):
            number, label = start + int(row), int(assigned[row])
            if most is not None and counts[label] >= most:
                continue
            counts[label] += 1
            if maps is None:
                raw = raw_map(classifier, aligned[number], EXPRESSIONS[label], METHOD)
            else:
                raw = maps[row, label]
            attention = None
            if weights is not None:
                attention = dict(zip(output.features, weights[row].tolist(), strict=True))
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
    """Bare crops as a model takes them, and where their landmarks come to lie.

    Args:
        crops: N grey images.
        landmarks: (N, 78, 2) in crop pixels, as ``bare_landmarks`` finds them.

    Returns:
        (N, S, S) uint8 aligned faces, the same as those of ``Classifier.align``; (N, 78, 2) landmarks in
        fractions of the aligned square.
    """
    if classifier.card.aligned:
        points = five_points(landmarks)
    else:
        points = np.stack([mean_points((0, 0, *crop.shape[1::-1])) for crop in crops])
    return align_crops(crops, points, classifier.input_size), in_square(landmarks, points)


def in_square(landmarks: Floats, points: Floats) -> Floats:
    """(N, 78, 2) landmarks in crop pixels -> in fractions of the square that (N, 5, 2) points align."""
    transforms = np.stack([alignment(five, 1) for five in points])
    moved = np.einsum("npk,njk->npj", landmarks, transforms[:, :, :2]) + transforms[:, None, :, 2]
    return np.asarray(moved, np.float32)


def claim(averages: Averages, model: str) -> tuple[Claim, ...]:
    """What the averages of a model say about the parts that are claimed to decide.

    The interval is that of a difference of means of independent faces; the other classes count alike, however
    many faces they have. Classes of less than two faces are left out; () for an unknown model.
    """
    known = averages.maps.get(model, {})
    maps = {name: average for name, average in known.items() if average.n > 1}
    found = []
    for target, parts in CLAIMED.items():
        rest = [average for name, average in maps.items() if name != target]
        if target not in maps or not rest:
            continue
        share = maps[target].share(parts)
        others = float(np.mean([average.share(parts) for average in rest]))
        errors = [maps[target].error(parts), *(a.error(parts) / len(rest) for a in rest)]
        reach = 1.96 * float(np.linalg.norm(errors))
        difference = share - others
        found.append(Claim(target, parts, share, others, difference - reach, difference + reach))
    return tuple(found)


# The file ---------------------------------------------------------------------------------------------


def write_averages(averages: Averages, folder: Path = WEIGHTS) -> Path:
    """Store averages in a folder of weights, rounded to four digits; returns the file."""
    table = {
        "command": averages.command,
        "landmarks": None if averages.landmarks is None else _rounded(averages.landmarks),
        "models": {
            model: {name: _row(average) for name, average in maps.items()}
            for model, maps in averages.maps.items()
        },
    }
    path = results_path(AVERAGES, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")
    return path


def read_averages(folder: Path = WEIGHTS) -> Averages:
    """The averages in a folder of weights; empty where there are none.

    Raises:
        WeightsError: for a file that cannot be read.
    """
    path = results_path(AVERAGES, folder)
    if not path.is_file():
        return Averages()
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        points = table["landmarks"]
        landmarks = None if points is None else np.array(points, np.float32).reshape(POINTS, 2)
        maps = {
            model: {name: _read(name, row) for name, row in rows.items()}
            for model, rows in table["models"].items()
        }
        return Averages(maps, landmarks, str(table["command"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(
            f"{path} holds no averages ({error!r}); restore it, or write it anew with "
            "python -m fer_core averages"
        ) from None


def _row(average: AverageMap) -> dict[str, Any]:
    attention = average.region_attention
    return {
        "method": average.method,
        "n": average.n,
        "raw": _rounded(average.raw),
        "part_share": _rounded_values(average.part_share),
        # Squares of small numbers: four digits from the first that is not zero. JSON knows no NaN.
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
        raise ValueError(f"no average of {target}")
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


def _rounded(array: Floats) -> Any:
    return np.round(array.astype(np.float64), 4).tolist()


def _rounded_values(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in shares.items()}

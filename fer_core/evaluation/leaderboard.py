"""Leaderboard of the trained models.

``python -m fer_core evaluate --all`` writes ``weights/results/leaderboard.json``; for a model that is not in
the file, the figures of its card are used.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Final

import numpy as np

from fer_core.errors import UserError, in_short
from fer_core.fields import Between, check_fields
from fer_core.models import get_family, list_families, load_model
from fer_core.types import Image
from fer_core.weights import (
    DEFAULT_MODEL,
    LEADERBOARD,
    WEIGHTS,
    Card,
    WeightsError,
    list_models,
    load_card,
    results_path,
)

SPLIT: Final = "PrivateTest"
"""Split of FER2013 on which models are compared."""

HUMAN_ACCURACY: Final = (0.60, 0.70)
"""Range of people's accuracy on FER2013: 65 ± 5 % (Goodfellow et al. 2013)."""


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """Figures of one model on FER2013's PrivateTest, with a single forward pass; shares are 0..1."""

    name: str
    family: str
    about: str
    """Description of the model in a few words."""
    parameters: int
    file_mb: float
    n: Annotated[int, Between(1)]
    consensus_accuracy: float | None
    """Accuracy over the faces whose label is the majority of FER+'s votes too; None without votes."""
    accuracy: Annotated[float, Between(0, 1)]
    macro_f1: float
    ece: float
    """Expected calibration error."""
    per_class: Mapping[str, Mapping[str, float]]
    """Class -> precision, recall, f1, n."""
    confusion: Sequence[Sequence[int]]
    """Counts; rows are the true classes, columns the predicted ones, in the order of ``EXPRESSIONS``."""
    ferplus_accuracy: float | None
    unseen_accuracy: float | None
    """Accuracy over the faces without an exact copy among the training faces."""
    published: str
    """Figure that the model's original project published, as text."""

    @property
    def published_share(self) -> float | None:
        """First percentage in ``published``, 0..1; None if there is none."""
        match = re.search(r"(\d+(?:\.\d+)?)\s*%", self.published)
        return float(match[1]) / 100 if match else None

    def macro(self, figure: str) -> float:
        """Return the mean of ``precision``, ``recall`` or ``f1`` over the classes that occur."""
        return float(np.mean([row[figure] for row in self.per_class.values() if row["n"]]))

    @property
    def margin(self) -> float:
        """Half-width of the accuracy's 95 % confidence interval; smaller differences may be chance."""
        return float(1.96 * np.sqrt(self.accuracy * (1 - self.accuracy) / self.n))


def measured_on(card: Card) -> str:
    """Return the name of the dataset of a card's figures, the first that the model learned from."""
    return card.data.split(" (")[0]


def read_leaderboard(folder: Path = WEIGHTS) -> tuple[LeaderboardRow, ...]:
    """Return the evaluated models of a folder of weights, the most accurate first.

    All of them were measured on the same faces: those of the file or, without one, of the first card with
    figures. Figures on others are left out.

    Raises:
        WeightsError: if the leaderboard or a card cannot be read.
    """
    stored = _stored(results_path(LEADERBOARD, folder))
    cards = [load_card(name, folder) for name in list_models(folder)]
    figures = {card.name: stored.get(card.name) or card.figures.get(SPLIT) for card in cards}
    reference = next(iter(stored.values()), None) or next(filter(None, figures.values()), {})
    rows = [
        _leaderboard_row(card, each, folder)
        for card in cards
        if (each := figures[card.name]) and _on_same_faces(each, reference)
    ]
    return tuple(sorted(rows, key=lambda row: -row.accuracy))


def leaderboard_faces(folder: Path = WEIGHTS) -> str:
    """Return ``FaceSet.sha256`` of the faces of the stored leaderboard; "" if there is none or it is unknown.

    Raises:
        WeightsError: if the leaderboard cannot be read.
    """
    stored = _stored(results_path(LEADERBOARD, folder))
    return str(next((row["faces"] for row in stored.values()), ""))


def _on_same_faces(figures: Mapping[str, Any], reference: Mapping[str, Any]) -> bool:
    """Return whether figures are of the same faces: by content, and by number where that is unknown."""
    key = "faces" if figures.get("faces") and reference.get("faces") else "n"
    return bool(figures.get(key) == reference.get(key))


def representative_models(rows: Sequence[LeaderboardRow]) -> tuple[str, ...]:
    """Return the names of the default model, ``plain``, and the models in the middle and at the end."""
    names = [row.name for row in rows]
    favorites = [name for name in (DEFAULT_MODEL, "plain") if name in names]
    return tuple(dict.fromkeys([*favorites, *names[len(names) // 2 :][:1], *names[-1:]]))


def milliseconds(name: str, *, repeats: int = 20) -> float:
    """Measure the median time of a model's forward pass with one aligned face on this machine.

    Args:
        name: name of the model.
        repeats: number of timed passes; three more warm up.

    Returns:
        Time in milliseconds.

    Raises:
        UserError: if the name is unknown.
        WeightsError: if the weights are damaged or missing.
    """
    classifier = load_model(name)
    face: Image = np.full((1, classifier.input_size, classifier.input_size), 127, np.uint8)
    times = []
    for _ in range(repeats + 3):
        started = perf_counter()
        classifier.forward(face)
        times.append(1000 * (perf_counter() - started))
    return float(np.median(times[3:]))


def _stored(path: Path) -> dict[str, Mapping[str, Any]]:
    """Read name -> row from the file; {} if there is none."""
    if not path.is_file():
        return {}
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        rows: Iterable[Mapping[str, Any]] = table["rows"] if table["split"] == SPLIT else ()
        common = {"n": table["n"], "faces": table.get("faces", "")}
        return {row["name"]: {**common, **row} for row in rows}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{path} is not a leaderboard ({in_short(repr(error))}); restore it, or recreate it with "
            "python -m fer_core evaluate --all"
        ) from None


def describe(card: Card) -> str:
    """Return a description of a model in a few words."""
    if card.family not in list_families():
        return card.family.replace("_", " ")
    words = get_family(card.family).description
    words += "" if card.aligned else ", on faces that are not aligned"
    data = measured_on(card)
    return words if data == "FER2013" else f"{words}, taught by {data}"


def _leaderboard_row(card: Card, figures: Mapping[str, Any], folder: Path) -> LeaderboardRow:
    """Combine a model's card with its figures, from the leaderboard or from the card."""
    file = folder / f"{card.name}.safetensors"
    try:
        row = LeaderboardRow(
            name=card.name,
            family=card.family,
            about=describe(card),
            parameters=card.parameters,
            file_mb=file.stat().st_size / 1e6 if file.is_file() else 0.0,
            n=figures["n"],
            consensus_accuracy=figures.get("consensus_accuracy"),
            accuracy=figures["accuracy"],
            macro_f1=figures["macro_f1"],
            ece=figures["ece"],
            per_class=figures["per_class"],
            confusion=figures["confusion"],
            ferplus_accuracy=figures.get("ferplus_accuracy"),
            unseen_accuracy=figures.get("unseen_accuracy"),
            published=figures.get("published") or card.published,
        )
        check_fields(row)
    except (KeyError, UserError) as error:
        problem = f"lack {error}" if isinstance(error, KeyError) else f"are wrong: {error}"
        raise WeightsError(
            f"the figures of {card.name} {problem}; recompute them with python -m fer_core evaluate"
        ) from None
    return row

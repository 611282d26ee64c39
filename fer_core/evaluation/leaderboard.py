"""How good the models are, side by side.

``python -m fer_core evaluate --all`` writes ``weights/results/leaderboard.json``; a model that is not in it stands
with the figures of its card.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

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

PEOPLE: Final = (0.60, 0.70)
"""How often people agree with FER2013's labels: 65 ± 5 % (Goodfellow et al. 2013)."""


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One model on FER2013's PrivateTest, single pass; shares are 0..1."""

    name: str
    family: str
    about: str
    """What the model is, in a few words."""
    parameters: int
    file_mb: float
    n: int
    accuracy: float
    macro_f1: float
    ece: float
    """Expected calibration error."""
    per_class: Mapping[str, Mapping[str, float]]
    """Class -> precision, recall, f1, n."""
    confusion: Sequence[Sequence[int]]
    """Rows are the true classes, columns the assigned ones, in the order of ``EXPRESSIONS``."""
    ferplus_accuracy: float | None
    unseen_accuracy: float | None
    """Over the faces of which no exact copy is among the training faces."""
    published: str
    """The figure of the project that the model comes from, in its words."""

    @property
    def published_share(self) -> float | None:
        """The first percentage in ``published``, 0..1."""
        found = re.search(r"(\d+(?:\.\d+)?)\s*%", self.published)
        return float(found[1]) / 100 if found else None

    def macro(self, figure: str) -> float:
        """The mean of ``precision``, ``recall`` or ``f1`` over the classes that occur."""
        return float(np.mean([row[figure] for row in self.per_class.values() if row["n"]]))

    @property
    def margin(self) -> float:
        """Half-width of the accuracy's 95 % interval: less than this is luck of the draw."""
        return float(1.96 * np.sqrt(self.accuracy * (1 - self.accuracy) / self.n))


def read_leaderboard(folder: Path = WEIGHTS) -> tuple[LeaderboardRow, ...]:
    """The measured models of a folder of weights, the most accurate first.

    Raises:
        WeightsError: for a leaderboard or a card that cannot be read.
    """
    measured = _measured(results_path(LEADERBOARD, folder))
    cards = [load_card(name, folder) for name in list_models(folder)]
    figures = {card.name: measured.get(card.name) or card.figures.get(SPLIT) for card in cards}
    standings = [_standing(card, row, folder) for card in cards if (row := figures[card.name])]
    return tuple(sorted(standings, key=lambda standing: -standing.accuracy))


def telling_mix(standings: Sequence[LeaderboardRow]) -> tuple[str, ...]:
    """Names of models that are worth seeing side by side: the default and the plain one, then the middle and
    the end of the leaderboard."""
    names = [standing.name for standing in standings]
    known = [name for name in (DEFAULT_MODEL, "plain") if name in names]
    return tuple(dict.fromkeys([*known, *names[len(names) // 2 :][:1], *names[-1:]]))


def milliseconds(name: str, *, repeats: int = 20) -> float:
    """Median time of one aligned face through a model on this machine.

    Raises:
        UserError: for an unknown name.
        WeightsError: for damaged or missing weights.
    """
    classifier = load_model(name)
    face: Image = np.full((1, classifier.input_size, classifier.input_size), 127, np.uint8)
    times = []
    for _ in range(repeats + 3):
        started = perf_counter()
        classifier.forward(face)
        times.append(1000 * (perf_counter() - started))
    return float(np.median(times[3:]))


def _measured(path: Path) -> dict[str, Mapping[str, Any]]:
    """Name -> row of the file; {} where there is none."""
    if not path.is_file():
        return {}
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        rows: Iterable[Mapping[str, Any]] = table["rows"] if table["split"] == SPLIT else ()
        return {row["name"]: {"n": table["n"], **row} for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsError(
            f"{path} is no leaderboard ({error!r}); restore it, or write it anew with "
            "python -m fer_core evaluate --all"
        ) from None


def describe(card: Card) -> str:
    """Return what a model is, in a few words."""
    if card.family not in list_families():
        return card.family.replace("_", " ")
    description = get_family(card.family).description
    return description if card.aligned else f"{description}, on faces that are not aligned"


def _standing(card: Card, figures: Mapping[str, Any], folder: Path) -> LeaderboardRow:
    """A model with its figures, be they a row of the leaderboard or those of the card."""
    file = folder / f"{card.name}.safetensors"
    try:
        return LeaderboardRow(
            name=card.name,
            family=card.family,
            about=describe(card),
            parameters=card.parameters,
            file_mb=file.stat().st_size / 1e6 if file.is_file() else 0.0,
            n=figures["n"],
            accuracy=figures["accuracy"],
            macro_f1=figures["macro_f1"],
            ece=figures["ece"],
            per_class=figures["per_class"],
            confusion=figures["confusion"],
            ferplus_accuracy=figures.get("ferplus_accuracy"),
            unseen_accuracy=figures.get("unseen_accuracy"),
            published=figures.get("published") or card.published,
        )
    except KeyError as error:
        raise WeightsError(
            f"the figures of {card.name} lack {error}; measure it anew with python -m fer_core evaluate"
        ) from None

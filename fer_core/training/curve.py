"""The training curve of a run: what was logged in each epoch, as numbers and as a picture."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

LEARNING_RATE: Final = "learning_rate"
"""Name of the learning rate in logs and curves."""
PUBLIC: Final = "public_"
"""Prefix of what is logged on PublicTest."""

Curve = Sequence[Mapping[str, float]]
"""One row for each epoch: ``epoch`` from 1, ``loss``, ``learning_rate``, ``public_accuracy`` and whatever
else was logged."""


def read_curve(out: Path) -> list[dict[str, float]]:
    """Read the curve of a run folder from the CSVs of all its starts.

    For an epoch that was run twice the last start counts.
    """
    rows: dict[int, dict[str, float]] = {}
    for log in sorted(out.glob("metrics/version_*/metrics.csv"), key=_version):
        started: set[int] = set()
        with log.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                epoch = int(line.pop("epoch")) + 1
                if epoch not in started:
                    rows[epoch] = {"epoch": epoch}
                    started.add(epoch)
                del line["step"]
                rows[epoch] |= {name: _rounded(name, float(v)) for name, v in line.items() if v}
    return [rows[epoch] for epoch in sorted(rows)]


def _rounded(name: str, value: float) -> float:
    """Return four decimals; of learning rates, which may be tiny, four significant digits."""
    return float(f"{value:.4g}") if name == LEARNING_RATE else round(value, 4)


def _version(log: Path) -> int:
    return int(log.parent.name.removeprefix("version_"))


def draw_curve(curve: Curve, path: Path) -> None:
    """Draw the losses, the figures and the learning rate over the epochs; without matplotlib, draw nothing.

    What was logged on PublicTest begins with ``public_`` and is drawn beside the same name of Training.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return
    names = dict.fromkeys(name for row in curve for name in row if name != "epoch")
    panels: dict[str, list[str]] = {}
    for name in names:
        panels.setdefault(_panel(name), []).append(name)
    figure = Figure(figsize=(5 * max(2, len(panels)), 4), layout="constrained")
    for number, (title, group) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(1, len(panels), number)
        for name in group:
            points = [(row["epoch"], row[name]) for row in curve if name in row]
            axes.plot(*zip(*points, strict=True), marker=".", label=_label(name))
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path)


def _panel(name: str) -> str:
    """Return the title of the panel in which a logged value is drawn."""
    if name == LEARNING_RATE:
        return "Learning rate"
    return "Loss" if name.endswith("loss") else "Figures"


def _label(name: str) -> str:
    if name == LEARNING_RATE:
        return "mean of the epoch"
    split = "PublicTest" if name.startswith(PUBLIC) else "Training"
    return f"{name.removeprefix(PUBLIC).replace('_', ' ')}, {split}"

"""The training curve of a run: what was logged in each epoch, as numbers and as a picture."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from fer_core.files import replaced

LEARNING_RATE: Final = "learning_rate"
"""Name of the learning rate in logs and curves."""
PUBLIC: Final = "public_"
"""Prefix of what is logged on PublicTest."""

Curve = Sequence[Mapping[str, float]]
"""One row for each epoch: ``epoch`` from 1, ``loss``, ``learning_rate``, ``public_accuracy`` and whatever
else was logged."""


def read_curve(out: Path) -> list[dict[str, float]]:
    """Read the curve of a run folder from the CSVs of all its starts.

    For an epoch that was run twice the last start counts. What cannot be read, such as a line that a killed
    process left unfinished, is left out.
    """
    rows: dict[int, dict[str, float]] = {}
    found = out.glob("metrics/version_*/metrics.csv")
    logs = (log for log in found if log.is_file() and _version(log) is not None)
    for log in sorted(logs, key=lambda log: _version(log) or 0):
        started: set[int] = set()
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        for line in csv.DictReader(line for line in lines if line.endswith("\n")):
            try:
                epoch = int(line["epoch"]) + 1
                figures = {
                    name: _rounded(name, float(value))
                    for name, value in line.items()
                    if value and name not in ("epoch", "step")
                }
            except (KeyError, ValueError, TypeError):
                continue
            if epoch not in started:
                rows[epoch] = {"epoch": epoch}
                started.add(epoch)
            rows[epoch] |= figures
    return [rows[epoch] for epoch in sorted(rows)]


def _rounded(name: str, value: float) -> float:
    """Return four decimals; of learning rates, which may be tiny, four significant digits."""
    return float(f"{value:.4g}") if name == LEARNING_RATE else round(value, 4)


def _version(log: Path) -> int | None:
    """Return the number of the start to which a log belongs; None for another folder."""
    number = log.parent.name.removeprefix("version_")
    return int(number) if number.isdecimal() else None


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
    with replaced(path) as beside:
        figure.savefig(beside, format=path.suffix[1:])


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

"""The training curve of a run: what was logged in each epoch, as numbers and as a picture."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

Curve = Sequence[Mapping[str, float]]
"""One row for each epoch: ``epoch`` from 1, ``loss``, ``public_accuracy`` and whatever else was logged."""


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
                rows[epoch] |= {name: round(float(v), 4) for name, v in line.items() if v}
    return [rows[epoch] for epoch in sorted(rows)]


def _version(log: Path) -> int:
    return int(log.parent.name.removeprefix("version_"))


def draw_curve(curve: Curve, path: Path) -> None:
    """Draw the loss and the figures on PublicTest over the epochs; without matplotlib, draw nothing."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = dict.fromkeys(name for row in curve for name in row if name != "epoch")
    for name in names:
        axes = right if name.startswith("public_") else left
        points = [(row["epoch"], row[name]) for row in curve if name in row]
        axes.plot(*zip(*points, strict=True), marker=".", label=name.removeprefix("public_"))
    for axes, title in ((left, "Training"), (right, "PublicTest")):
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path)

"""Faithfulness of the explanation methods: ``python -m benchmarks.faithfulness --data fer2013.csv``.

Each method explains the assigned class of the same faces of PrivateTest. Its maps are measured by the
probability of that class while the marked places are removed or inserted. The last rows are baselines that
do not depend on the network: coarse maps compare with coarse noise, ``random``, maps of single pixels with
pixels in random order, ``random pixels``, and all of them with ``centre``, a blob in the middle of the
face. Means with 95 % intervals by bootstrap over faces.
"""

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

from fer_core import EXPRESSIONS
from fer_core.data import read_faces
from fer_core.evaluation.faithfulness import (
    Faithfulness,
    bootstrap,
    center_map,
    faithfulness,
    random_map,
)
from fer_core.explain import METHODS, Method, method_for, raw_map
from fer_core.models import Classifier, load_model
from fer_core.types import Floats, Image

FIGURES = {
    "deletion": "lower is better",
    "insertion": "higher is better",
    "ROAD": "lower is better",
    "average drop": "lower is better",
    "increase": "higher is better",
}
SIDE = 6
"""Cells of the baselines along each side, as many as the maps of most networks have."""


def maps_of(
    classifier: Classifier, aligned: Image, target: str, methods: list[str], seed: int
) -> dict[str, Floats]:
    """Compute the maps of one face, the baselines last."""
    return {method: raw_map(classifier, aligned, target, method) for method in methods} | {
        "random": random_map(SIDE, seed),
        "random pixels": random_pixels(len(aligned), seed),
        "centre": center_map(SIDE),
    }


def random_pixels(side: int, seed: int) -> Floats:
    """Return (side, side) independent noise."""
    return np.random.default_rng(seed).random((side, side), np.float32)


def figures(found: Faithfulness) -> tuple[float, ...]:
    """Compute the figures of one map, in the order of ``FIGURES``."""
    areas = found.deletion_area, found.insertion_area
    return (*areas, found.road, found.average_drop, float(found.increase))


def is_quick(method: Method) -> bool:
    """Return whether a method is fast enough for hundreds of faces: under half a second a face."""
    return method.fast or method.name in ("guided_backprop", "occlusion")


def own_methods(classifier: Classifier, *, slow: bool) -> list[str]:
    """Return the methods that this model supports: the quick ones, or with ``slow`` all."""
    return [
        method.name
        for method in METHODS
        if (slow or is_quick(method)) and method_for(classifier, method.name) == method.name
    ]


def summary(values: Floats) -> dict[str, float]:
    """Return the mean of (n,) values with its confidence interval."""
    low, high = bootstrap(values)
    return {"mean": float(values.mean()), "low": low, "high": high}


def measure(
    classifier: Classifier, faces: Image, methods: list[str], steps: int
) -> dict[str, Floats]:
    """Return method -> (N, 5) figures of (N, S, S) aligned faces."""
    rows: dict[str, list[tuple[float, ...]]] = {}
    started = perf_counter()
    for number, (face, index) in enumerate(
        zip(faces, classifier.logits(faces)[0].argmax(axis=1), strict=True), start=1
    ):
        target = EXPRESSIONS[index]
        maps = maps_of(classifier, face, target, methods, seed=number)
        for name, found in faithfulness(classifier, face, target, maps, steps=steps).items():
            rows.setdefault(name, []).append(figures(found))
        rest = (perf_counter() - started) / number * (len(faces) - number)
        progress = f"{number} of {len(faces)} faces, {rest:.0f} s to go"
        print(f"\r{progress:40}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {name: np.array(several, np.float32) for name, several in rows.items()}


class Task(NamedTuple):
    """Parse the command line."""

    options: argparse.Namespace
    classifier: Classifier
    methods: list[str]
    aligned: Image
    """Return (N, S, S) aligned faces of PrivateTest in a random order that is always the same."""


def read_task(parser: argparse.ArgumentParser) -> Task | None:
    """Load what both benchmarks of methods use; print a note and return None without data."""
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--faces", type=int, default=500)
    parser.add_argument(
        "--slow", action="store_true", help="all methods, not only those that are quick"
    )
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    if options.data is None:
        print("left out: needs --data fer2013.csv")
        return None
    private = read_faces([options.data]).split("PrivateTest")
    chosen = np.random.default_rng(0).permutation(len(private))[: options.faces]
    classifier = load_model(options.model)
    aligned = classifier.align([private.images[number] for number in chosen])
    return Task(options, classifier, own_methods(classifier, slow=options.slow), aligned)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10, help="of the curves")
    task = read_task(parser)
    if task is None:
        return
    options, classifier, methods, aligned = task
    measured = measure(classifier, aligned, methods, options.steps)
    table = {
        name: {figure: summary(values) for figure, values in zip(FIGURES, rows.T, strict=True)}
        for name, rows in measured.items()
    }
    print(
        f"`{classifier.name}`, {len(aligned)} faces of PrivateTest, assigned class, single pass\n"
    )
    print("| map | " + " | ".join(f"{name}, {better}" for name, better in FIGURES.items()) + " |")
    print("|---" * (len(FIGURES) + 1) + "|")
    for name, row in table.items():
        cells = (
            f"{cell['mean']:.3f} ({cell['low']:.3f}–{cell['high']:.3f})" for cell in row.values()
        )
        print(f"| {name} | {' | '.join(cells)} |")
    if options.json is not None:
        facts = {"model": classifier.name, "faces": len(aligned), "steps": options.steps}
        options.json.write_text(json.dumps(facts | {"maps": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()

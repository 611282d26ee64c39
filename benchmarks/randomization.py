"""Randomization check of the explanation methods: ``python -m benchmarks.randomization --data fer2013.csv``.

The weights of the network are shuffled layer by layer, from the output to the input (Adebayo et al. 2018),
and each method explains the same class of the same faces again. Its maps should change. The figure is
Spearman's rank correlation with the map of the trained network: 1 for the same order, 0 for an unrelated
map, negative where hot places became cold. Means over faces of PrivateTest, which are divided among several
random shuffles, with 95 % intervals by bootstrap.
"""

import argparse
import json
import sys

import numpy as np

from benchmarks.faithfulness import read_task, summary
from fer_core import EXPRESSIONS
from fer_core.evaluation.randomization import randomized, rank_correlation
from fer_core.explain import raw_map
from fer_core.models import Classifier
from fer_core.types import Floats, Image


def measure(
    classifier: Classifier, faces: Image, methods: list[str], draws: int
) -> dict[str, dict[str, Floats]]:
    """Return depth -> method -> (N,) correlations of the maps of (N, S, S) aligned faces."""
    targets = [EXPRESSIONS[index] for index in classifier.logits(faces)[0].argmax(axis=1)]
    found: dict[str, dict[str, list[float]]] = {}
    for draw in range(draws):
        some = list(zip(faces, targets, strict=True))[draw::draws]
        before = {m: [raw_map(classifier, face, t, m) for face, t in some] for m in methods}
        for depth, forgetful in randomized(classifier, seed=draw):
            progress = f"draw {draw + 1} of {draws}, {depth}"
            print(f"\r{progress:30}", end="", file=sys.stderr, flush=True)
            for method in methods:
                found.setdefault(depth, {}).setdefault(method, []).extend(
                    rank_correlation(raw, raw_map(forgetful, face, target, method))
                    for raw, (face, target) in zip(before[method], some, strict=True)
                )
    print(file=sys.stderr)
    return {
        depth: {method: np.array(values, np.float32) for method, values in row.items()}
        for depth, row in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=5, help="of what is forgotten")
    task = read_task(parser)
    if task is None:
        return
    options, classifier, methods, aligned = task
    table = {
        depth: {method: summary(values) for method, values in row.items()}
        for depth, row in measure(classifier, aligned, methods, options.draws).items()
    }
    print(f"`{classifier.name}`, {len(aligned)} faces of PrivateTest, assigned class\n")
    print(f"| forgotten down to | {' | '.join(methods)} |")
    print("|---" * (len(methods) + 1) + "|")
    for depth, row in table.items():
        cells = (
            f"{cell['mean']:.2f} ({cell['low']:.2f} to {cell['high']:.2f})" for cell in row.values()
        )
        print(f"| {depth} | {' | '.join(cells)} |")
    if options.json is not None:
        facts = {"model": classifier.name, "faces": len(aligned), "draws": options.draws}
        options.json.write_text(json.dumps(facts | {"depths": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()

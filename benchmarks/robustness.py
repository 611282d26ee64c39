"""Accuracy on corrupted faces: ``python -m benchmarks.robustness --data fer2013.csv``.

The first 1,000 faces of a split, each corruption of ``fer_core.evaluation.robustness`` in turn; single pass,
at the class shares of the training faces. A second table has the mean confidence less the accuracy: how much
too sure a model is.
"""

import argparse
from pathlib import Path

from fer_core import list_models
from fer_core.data import hold_out, read_faces
from fer_core.evaluation.robustness import (
    ROBUSTNESS_FACES,
    corrupted_probabilities,
    with_mean,
)
from fer_core.models import load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append")
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--hold-out", default="", help="a person or character of the data")
    parser.add_argument("--model", action="append", help="a name or a card; all models without it")
    options = parser.parse_args()
    if options.data is None:
        print("left out: needs --data fer2013.csv")
        return
    faces = read_faces(options.data)
    faces = hold_out(faces, options.hold_out) if options.hold_out else faces
    faces = faces.split(options.split).first(ROBUSTNESS_FACES)
    models = [load_model(name) for name in options.model or list_models()]
    accuracy, excess = [], []
    for model in models:
        read = corrupted_probabilities(model, faces)
        right = {name: (rows.argmax(axis=1) == faces.labels).mean() for name, rows in read.items()}
        accuracy.append(with_mean(right))
        excess.append(
            with_mean({n: rows.max(axis=1).mean() - right[n] for n, rows in read.items()})
        )
    names = [model.name for model in models]
    print_table(f"{options.split}, first {len(faces):,} faces, accuracy in %", names, accuracy)
    print_table("Mean confidence less accuracy, in points", names, excess)


def print_table(title: str, models: list[str], columns: list[dict[str, float]]) -> None:
    """Print one row for each corruption, in percent, and one column for each model."""
    print(f"{title}\n\n{'':20}" + "".join(f"{name[-17:]:>18}" for name in models))
    for name in columns[0]:
        print(f"{name:20}" + "".join(f"{100 * column[name]:18.1f}" for column in columns))
    print()


if __name__ == "__main__":
    main()

"""Accuracy on corrupted faces: ``python -m benchmarks.robustness --data fer2013.csv``.

The first 1,000 faces of a split, each corruption of ``fer_core.evaluation.robustness`` in turn; single pass,
at the class shares of the training faces.
"""

import argparse
from pathlib import Path

from fer_core import list_models
from fer_core.data import read_faces
from fer_core.evaluation.robustness import CORRUPTIONS, ROBUSTNESS_FACES, robustness
from fer_core.models import load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append")
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--model", action="append", help="a name or a card; all models without it")
    options = parser.parse_args()
    if options.data is None:
        print("left out: needs --data fer2013.csv")
        return
    faces = read_faces(options.data).split(options.split).first(ROBUSTNESS_FACES)
    models = [load_model(name) for name in options.model or list_models()]
    columns = [robustness(model, faces) for model in models]
    print(f"{options.split}, first {len(faces):,} faces, accuracy in %\n")
    print(f"{'':20}" + "".join(f"{model.name:>18}" for model in models))
    for name in (*CORRUPTIONS, "mean"):
        print(f"{name:20}" + "".join(f"{100 * column[name]:18.1f}" for column in columns))


if __name__ == "__main__":
    main()

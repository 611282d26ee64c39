"""Attention weights of covered blocks: ``python -m benchmarks.blocks --data fer2013.csv``.

The first 500 faces of a split. Each block of the aligned face is covered with plain gray in turn, and the
mean attention weight of that block is compared with its weight on the uncovered faces.
"""

import argparse
from pathlib import Path

from fer_core.data import read_faces
from fer_core.geometry import block
from fer_core.models import Classifier, load_model
from fer_core.types import Floats, Image

FACES = 500
GRAY = 128
MODELS = ("default", "prior_blocks")


def weights_of(classifier: Classifier, aligned: Image) -> Floats:
    """Return the (N, regions) attention weights of (N, S, S) aligned faces."""
    attention = classifier.forward(aligned).region_attention
    assert attention is not None, f"{classifier.name} has no blocks"
    return attention


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--model", action="append", help="a name or a card")
    options = parser.parse_args()
    if options.data is None:
        print("left out: needs --data fer2013.csv")
        return
    faces = read_faces([options.data]).split(options.split).first(FACES)
    print(f"{options.split}, first {len(faces)} faces: mean attention weight of a block\n")
    print(f"{'model':22}{'block':8}{'uncovered':>11}{'covered':>9}{'change':>9}")
    for name in options.model or MODELS:
        classifier = load_model(name)
        aligned = classifier.align(faces.images)
        before = weights_of(classifier, aligned).mean(axis=0)
        for column, region in enumerate(classifier.regions):
            if region == "face":
                continue
            covered = aligned.copy()
            covered[(slice(None), *block(region, classifier.input_size))] = GRAY
            after = weights_of(classifier, covered).mean(axis=0)[column]
            change = after / before[column] - 1
            print(f"{name[-20:]:22}{region:8}{before[column]:11.3f}{after:9.3f}{change:+9.0%}")


if __name__ == "__main__":
    main()

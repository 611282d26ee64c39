"""Check every explanation method on every network: ``python -m benchmarks.maps --data fer2013.csv``.

For each trained network with maps and each method whose maps differ by class: the share of faces on which
its maps of the likeliest and of the second class are finite, not constant within the face, and different
from each other. A map that fails one of these carries no information. "–" marks methods that a network does
not support and that occlusion replaces.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.faithfulness import is_quick
from fer_core import EXPRESSIONS, list_models
from fer_core.data import read_faces
from fer_core.explain import METHODS, Method, method_for, raw_maps
from fer_core.explain.attribution_shares import FLAT
from fer_core.models import Classifier, load_model
from fer_core.types import Floats, Image
from fer_core.weights import WEIGHTS

ALIKE = 0.98
"""Pearson's correlation from which on two maps are one."""
ENOUGH = 0.95
"""Share of faces below which a method is an exception."""
SLOW = 10
"""Faces for methods that are not quick."""


class Soundness(NamedTuple):
    """Shares of the faces that pass each check, 0..1."""

    finite: float
    """No cell of either map is NaN or infinite."""
    varied: float
    """Neither map has the same value all over the inner two thirds of the face."""
    unlike: float
    """The two maps correlate by less than ``ALIKE``."""
    sound: float
    """Share of the faces that pass all three."""


def soundness(classifier: Classifier, aligned: Image, method: str) -> Soundness:
    """Check a method's maps of the two likeliest classes on (N, S, S) aligned faces."""
    answers = classifier.logits(aligned)[0].argsort(axis=1)[:, :-3:-1]
    rows = []
    for face, (first, second) in zip(aligned, answers, strict=True):
        maps = raw_maps(classifier, face, (EXPRESSIONS[first], EXPRESSIONS[second]), method)
        one, other = maps.values()
        finite = bool(np.isfinite(one).all() and np.isfinite(other).all())
        varied = finite and varies(one) and varies(other)
        unlike = varied and float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < ALIKE
        rows.append((finite, varied, unlike, finite and varied and unlike))
    return Soundness(*map(float, np.mean(rows, axis=0)))


def varies(raw: Floats) -> bool:
    """Return whether a finite map varies within the face; its border can differ by padding."""
    margin = len(raw) // 6
    inner = raw[margin : len(raw) - margin, margin : len(raw) - margin]
    return bool(np.ptp(inner) > FLAT * abs(inner).max())


def methods_of(classifier: Classifier) -> Iterator[Method]:
    """Return the methods that this network supports and whose maps differ by class."""
    for method in METHODS:
        if method.class_dependent and method_for(classifier, method.name) == method.name:
            yield method


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--faces", type=int, default=50)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="another folder of models")
    options = parser.parse_args()
    if options.data is None:
        print("left out: needs --data fer2013.csv")
        return
    torch.set_num_threads(1)
    faces = read_faces([options.data]).split("PrivateTest")
    chosen = np.random.default_rng(0).permutation(len(faces))[: options.faces]
    crops = [faces.images[number] for number in chosen]
    columns = [method.name for method in METHODS if method.class_dependent]
    print(
        f"PrivateTest, {len(crops)} faces, slow methods {min(SLOW, len(crops))}; sound maps in %\n"
    )
    print(f"| network | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    exceptions = []
    for name in list_models(options.weights):
        classifier = load_model(name, folder=options.weights)
        if not classifier.has_maps:
            continue
        aligned = classifier.align(crops)
        cells = dict.fromkeys(columns, "–")
        for method in methods_of(classifier):
            some = aligned if is_quick(method) else aligned[:SLOW]
            found = soundness(classifier, some, method.name)
            cells[method.name] = f"{100 * found.sound:.0f}"
            if found.sound < ENOUGH:
                exceptions.append(
                    f"- `{name}`, {method.name}: finite {found.finite:.0%}, varied within the face "
                    f"{found.varied:.0%}, unlike for two classes {found.unlike:.0%}"
                )
        print(f"| `{name}` | {' | '.join(cells.values())} |", flush=True)
    print(f"\nBelow {ENOUGH:.0%}:\n" if exceptions else f"\nNone is below {ENOUGH:.0%}.")
    print("\n".join(exceptions))


if __name__ == "__main__":
    main()

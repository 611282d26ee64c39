"""Drawn faces: how many a detector finds, how well a model reads them, and how long one takes:
``python -m benchmarks.drawings``.

All characters and classes, with pose, light and background by chance, as ``expression-lens cartoon`` draws
them. Hugo and Ines taught no network. Times are CPU time on one thread, medians, of a drawing of 256 pixels
and of an answer as on the page "Move a face": a drawing of 400 pixels, read and explained.
"""

import argparse
from collections.abc import Iterator
from time import process_time

import numpy as np

from fer_core import Analyzer
from fer_core.cartoon import CHARACTERS, draw_at_random, draw_face
from fer_core.draw.overlay import draw_overlay
from fer_core.faces import find_faces
from fer_core.labels import EXPRESSIONS
from fer_core.types import Image

UNSEEN = ("Hugo", "Ines")
"""Characters that taught no network."""

SEED = 5


def drawings(
    names: tuple[str, ...], number: int, intensity: float | None
) -> Iterator[tuple[str, Image]]:
    """Yield class and picture of ``number`` drawings of each class for each character."""
    for who, character in enumerate(CHARACTERS):
        if character.name in names:
            for label, expression in enumerate(EXPRESSIONS):
                for count in range(number):
                    random = np.random.default_rng((SEED, who, label, count))
                    drawn = draw_at_random(character, expression, random, intensity=intensity)
                    yield expression, drawn.drawing.image


def found(analyzer: Analyzer, number: int, intensity: float | None) -> float:
    """Return the share of drawings in which the detector finds a face."""
    names = tuple(character.name for character in CHARACTERS)
    faces = [
        bool(find_faces(image, analyzer.detector()))
        for _, image in drawings(names, number, intensity)
    ]
    return float(np.mean(faces))


def read(analyzer: Analyzer, number: int, intensity: float | None) -> float:
    """Return the share of right answers on unseen characters, among the faces that are found."""
    right = []
    for expression, image in drawings(UNSEEN, number, intensity):
        if readings := analyzer(image):
            right.append(readings[0].top[0] == expression)
    return float(np.mean(right))


def times(analyzer: Analyzer) -> tuple[float, float]:
    """Return the milliseconds of a drawing, and of an answer with its map."""
    drawn, answered = [], []
    for count in range(60):
        random = np.random.default_rng((SEED, count))
        character, expression = CHARACTERS[count % len(CHARACTERS)], EXPRESSIONS[count % 7]
        started = process_time()
        made = draw_at_random(character, expression, random)
        drawn.append(process_time() - started)
        started = process_time()
        picture = draw_face(character, made.actions, made.pose, size=400).image
        draw_overlay(picture, analyzer.analyze(picture))
        answered.append(process_time() - started)
    return 1000 * float(np.median(drawn)), 1000 * float(np.median(answered))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--number", type=int, default=20, help="of each class for each character")
    options = parser.parse_args()
    analyzer = Analyzer(model=options.model, threads=1)
    name = analyzer.classifier().name
    print(f"{'':44}{'all intensities':>16}{'full intensity':>16}")
    for words, measure in (
        (f"{analyzer.detector_name} finds", found),
        (f"{name} reads, of {' and '.join(UNSEEN)}", read),
    ):
        shares = [measure(analyzer, options.number, intensity) for intensity in (None, 1.0)]
        print(f"{words:44}" + "".join(f"{100 * share:14.1f} %" for share in shares), flush=True)
    drawing, answer = times(analyzer)
    print(
        f"\na drawing of 256 pixels {drawing:.1f} ms, an answer with detection and map {answer:.1f} ms"
    )


if __name__ == "__main__":
    main()

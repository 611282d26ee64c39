"""What a random split hides: ``python -m benchmarks.characters --out RUNS``.

The prior blocks and a plain network with the same backbone learn drawn faces (``expression-lens cartoon``).
With a random split the test faces are of characters that taught the network, with one character held out
they are of somebody new. Rows give the accuracy in percent on a set that was drawn afterwards with another
seed, at all intensities and at full intensity; a row that was trained before is only measured again.
"""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_core.cartoon import CHARACTERS, draw_at_random
from fer_core.data import SPLITS, FaceSet, hold_out
from fer_core.data.crops import SIDE
from fer_core.data.detection import MIN_FACE, FaceCropper
from fer_core.data.training import RANDOM
from fer_core.faces import load_detector
from fer_core.labels import EXPRESSIONS
from fer_core.models import Classifier, load_model
from fer_core.training.recipe import Recipe, read_recipe
from fer_core.training.run import Run
from fer_core.training.tasks.expressions import ExpressionTask

PER_CLASS = 40
"""Drawings of each class for each character, for training and again for each test."""

TRAINING_SEED, TEST_SEED = 3, 4


def draw(seed: int, intensity: float | None = None) -> FaceSet:
    """Draw all characters and classes, and cut out the faces that MTCNN finds."""
    cropper = FaceCropper(load_detector("mtcnn", min_face=MIN_FACE), max_side=SIDE)
    images, labels, people = [], [], []
    for who, character in enumerate(CHARACTERS):
        for label, expression in enumerate(EXPRESSIONS):
            for number in range(PER_CLASS):
                random = np.random.default_rng((seed, who, label, number))
                drawn = draw_at_random(character, expression, random, intensity=intensity)
                face = cropper(drawn.drawing.image)
                if face is not None:
                    images.append(face)
                    labels.append(label)
                    people.append(character.name)
    return FaceSet(
        images,
        np.array(labels, np.int64),
        np.full(len(images), SPLITS[2]),
        people=np.array(people),
        sources={"drawn": "drawn faces"},
    )


def recipes() -> Iterable[Recipe]:
    """Return the recipes of both networks, which differ in their family alone."""
    blocks = read_recipe("drawn_blocks")
    yield blocks
    network = {key: value for key, value in blocks.network.items() if key != "regions"}
    yield replace(blocks, name="drawn_plain", family="plain", network=network)


def trained(recipe: Recipe, out: Path, data: FaceSet) -> Classifier:
    """Return the network of a run folder, and train it first if that was not done before."""
    card = out / f"{recipe.name}.json"
    if not card.is_file():
        task, run = ExpressionTask(), Run(recipe, out)
        task.export_model(task.fit(run, data), run, data)
    return load_model(str(card))


def accuracy(model: Classifier, faces: FaceSet, person: str) -> float:
    """Return the share of right answers on the faces of one person."""
    assert faces.people is not None
    chosen = faces.select(faces.people == person)
    answers = model.probabilities(chosen.images).argmax(axis=1)
    return float((answers == chosen.labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out is None:
        print("left out: needs --out, a folder for twenty trained networks")
        return
    data, test = draw(TRAINING_SEED), [draw(TEST_SEED), draw(TEST_SEED, 1.0)]
    for recipe in recipes():
        mixed = trained(recipe, options.out / recipe.name / RANDOM, hold_out(data, RANDOM))
        print(f"\n{recipe.family}: {PER_CLASS} drawings of each class for each character\n")
        print(f"{'':14}{'seen: all':>14}{'full':>8}{'held out: all':>18}{'full':>8}")
        rows = []
        for character in CHARACTERS:
            name = character.name
            alone = trained(recipe, options.out / recipe.name / name, hold_out(data, name))
            rows.append([accuracy(m, faces, name) for m in (mixed, alone) for faces in test])
            show(name, rows[-1])
        show("mean", np.mean(rows, axis=0).tolist())


def show(name: str, shares: list[float]) -> None:
    """Print a row of shares in percent."""
    widths = (14, 8, 18, 8)
    cells = "".join(
        f"{100 * share:{width}.1f}" for share, width in zip(shares, widths, strict=True)
    )
    print(f"{name:14}{cells}", flush=True)


if __name__ == "__main__":
    main()

"""What a person's own neutral face is worth: ``python -m benchmarks.baseline --data faces_lfw``.

The set names the person on each picture. Of everyone with a neutral picture and another one, one neutral
picture is set aside, at random, and the others are read: without it, with it, and with a wrong one: a happy
picture of the same person, or another person's neutral one. Rows give accuracy, mean recall of the classes,
and the calibration error; on all people and on those of the split ``test``, who chose nothing.

With ``--write`` the weight, the offset and the temperature that the others choose go to the cards: weight
and offset with the largest sum of accuracy and mean recall, then the temperature with the least negative
log-likelihood. Their limits come from where a baseline is used: live, in one room and light, more of the
neutral face is the person's than in press photographs of different days, of which half are neutral too.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from operator import attrgetter
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import recall_score

from fer_core import EXPRESSIONS, list_models, load_model
from fer_core.data.readers.people import People, read_people
from fer_core.evaluation.calibration import calibration_error, reliability
from fer_core.faces.alignment import align_crops, bare_points
from fer_core.models import Classifier
from fer_core.training.card import temperature
from fer_core.types import Baseline, Floats
from fer_core.weights import WEIGHTS, save_card

NEUTRAL, HAPPY = EXPRESSIONS.index("neutral"), EXPRESSIONS.index("happy")
WEIGHTS_TRIED: Final = (0.75, 0.85, 1.0)
OFFSETS_TRIED: Final = (0.5, 0.75, 1.0, 1.25, 1.5)
DRAWS: Final = 3
"""Times that the neutral pictures are drawn; figures are means over them."""


@dataclass(frozen=True)
class Pairs:
    """M pictures that are read, each with the picture to compare it with, and with wrong ones."""

    read: NDArray[np.int64]
    """(M,) numbers of pictures."""
    neutral: NDArray[np.int64]
    happy: NDArray[np.int64]
    """(M,) a happy picture of the same person, another than that which is read; -1 where there is none."""
    stranger: NDArray[np.int64]
    """(M,) the neutral picture of another person."""


def draw_pairs(people: People, seed: int) -> Pairs:
    """Set one neutral picture of each person aside."""
    random = np.random.default_rng(seed)
    by_person: dict[str, list[int]] = {}
    for number, person in enumerate(people.persons.tolist()):
        by_person.setdefault(person, []).append(number)
    read, neutral, happy = [], [], []
    for numbers in by_person.values():
        calm = [n for n in numbers if people.labels[n] == NEUTRAL]
        if not calm:
            continue
        aside = random.choice(calm)
        for number in numbers:
            if number == aside or people.labels[number] < 0:
                continue
            smiles = [n for n in numbers if people.labels[n] == HAPPY and n != number]
            read.append(number)
            neutral.append(aside)
            happy.append(random.choice(smiles) if smiles else -1)
    stranger = np.roll(neutral, len(neutral) // 2)
    return Pairs(np.array(read), np.array(neutral), np.array(happy), stranger)


def compared(
    classifier: Classifier, logits: Floats, read: NDArray[np.int64], with_: NDArray[np.int64]
) -> Floats:
    """Return (M, 7) probabilities of pictures, each compared with another one."""
    return np.stack(
        [
            classifier.normalize(logits[n], Baseline(classifier.name, logits[other], 1))
            for n, other in zip(read, with_, strict=True)
        ]
    )


def fit(classifier: Classifier, logits: Floats, people: People, draws: list[Pairs]) -> Classifier:
    """Return a model whose card has what the pairs of people who are not held out choose."""
    read, neutral = (
        np.concatenate([part(pairs)[~people.held_out[pairs.read]] for pairs in draws])
        for part in (attrgetter("read"), attrgetter("neutral"))
    )
    labels, scores = people.labels[read], classifier.scores(logits, "equal")
    unit = np.eye(len(EXPRESSIONS), dtype=np.float32)[NEUTRAL]

    def normalized(weight: float, offset: float) -> Floats:
        return np.asarray(scores[read] - weight * scores[neutral] + offset * unit, np.float32)

    weight, offset = max(
        product(WEIGHTS_TRIED, OFFSETS_TRIED),
        key=lambda pair: sum(figures(normalized(*pair), labels)),
    )
    classifier.card = replace(
        classifier.card,
        baseline_weight=weight,
        baseline_offset=offset,
        baseline_temperature=temperature(normalized(weight, offset), labels),
    )
    return classifier


def figures(scores: Floats, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return accuracy and mean recall of the classes that occur."""
    assigned = scores.argmax(1)
    recall = recall_score(labels, assigned, labels=np.unique(labels), average="macro")
    return float((assigned == labels).mean()), float(recall)


def with_calibration(probabilities: Floats, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return accuracy, mean recall and calibration error."""
    error = calibration_error(reliability(probabilities, labels, np.ones(len(labels))))
    return np.array([*figures(probabilities, labels), error])


def rows(
    classifier: Classifier, logits: Floats, people: People, pairs: Pairs, mask: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Return the figures of each way to read the pictures of ``mask`` (M,)."""
    read = pairs.read[mask]
    labels, own = people.labels[read], logits[read]
    smiles = mask & (pairs.happy >= 0)
    probabilities: dict[str, Callable[[], tuple[Floats, NDArray[np.int64]]]] = {
        "without, as shipped": lambda: (classifier.calibrate(own), labels),
        "without, at equal shares": lambda: (classifier.calibrate(own, "equal"), labels),
        "own neutral face": lambda: (
            compared(classifier, logits, read, pairs.neutral[mask]),
            labels,
        ),
        "own happy face": lambda: (
            compared(classifier, logits, pairs.read[smiles], pairs.happy[smiles]),
            people.labels[pairs.read[smiles]],
        ),
        "a stranger's neutral face": lambda: (
            compared(classifier, logits, read, pairs.stranger[mask]),
            labels,
        ),
    }
    return {name: with_calibration(*function()) for name, function in probabilities.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", action="append", help="default: all models")
    parser.add_argument("--write", action="store_true", help="write what is chosen to the cards")
    options = parser.parse_args()
    people = read_people(options.data)
    points = bare_points(people.images, "cpu")
    draws = [draw_pairs(people, seed) for seed in range(DRAWS)]
    for name in options.model or list_models():
        classifier = load_model(name)
        unknown = np.full_like(points, np.nan)
        aligned = align_crops(
            people.images, points if classifier.card.aligned else unknown, classifier.input_size
        )
        logits = classifier.logits(aligned)[0]
        if options.write:
            classifier = fit(classifier, logits, people, draws)
            save_card(classifier.card, WEIGHTS, classifier.card.sha256)
        card = classifier.card
        print(
            f"\n{card.name}: weight {card.baseline_weight:g}, offset {card.baseline_offset:g}, "
            f"temperature {card.baseline_temperature:g}"
        )
        print(f"{'':26}{'all people':>32}{'people of the split test':>32}")
        print(f"{'':26}" + 2 * f"{'accuracy':>12}{'recall':>10}{'error':>10}")
        both = []
        for everyone in (True, False):
            parts = [
                rows(classifier, logits, people, pairs, everyone | people.held_out[pairs.read])
                for pairs in draws
            ]
            both.append(
                {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}
            )
        for way in both[0]:
            cells = np.concatenate([part[way] for part in both])
            print(
                f"{way:26}"
                + "".join(f"{c:{w}.1%}" for c, w in zip(cells, (12, 10, 10) * 2, strict=True))
            )
    print(
        f"\n{len(draws[0].read):,} pictures, {people.held_out[draws[0].read].sum():,} of them held out"
    )


if __name__ == "__main__":
    main()

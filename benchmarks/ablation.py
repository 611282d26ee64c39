"""What each ingredient of the default's recipe gives: ``python -m benchmarks.ablation --data fer2013.csv
--plus fer2013new.csv --out RUNS``.

Each row adds one ingredient to the one before and trains as long; the last two change the network instead.
Measured on PublicTest, and by the battery of ``fer_core.evaluation.robustness`` on its first 1,000 faces. A
row that was trained before is only measured again.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fer_core.data import FaceSet
from fer_core.data.augmentation import Augmentation
from fer_core.evaluation.metrics import evaluate
from fer_core.evaluation.robustness import ROBUSTNESS_FACES, robustness
from fer_core.models import load_model
from fer_core.training.recipe import Recipe, read_recipe
from fer_core.training.run import Run
from fer_core.training.tasks.expressions import ExpressionTask

NARROW = [28, 64, 120, 8]
"""Channels with which blocks that run through the backbone by themselves cost 70 million multiply-adds."""


def variants(epochs: int, teachers: list[str]) -> Iterator[Recipe]:
    """Yield the recipes of the rows, each with the name of what it adds."""
    full = read_recipe("prior_attention")
    recipe = replace(
        full,
        name="base",
        start="",
        epochs=epochs,
        batch_size=256,
        learning_rate=0.2,
        ema_decay=0.995,
        labels_weight=1.0,
        votes_weight=1.0,
        contradicted_weight=1.0,
        without_nonfaces=False,
        start_at_shares=False,
        actions_weight=0.0,
        covered_weight=0.0,
        mixup=0.0,
        cutmix=0.0,
        augmentation=Augmentation(),
    )
    yield recipe
    recipe = replace(recipe, name="augmentation", augmentation=full.augmentation)
    yield recipe
    recipe = replace(recipe, name="shares", start_at_shares=True)
    yield recipe
    recipe = replace(recipe, name="labels", contradicted_weight=0.5, without_nonfaces=True)
    yield recipe
    recipe = replace(recipe, name="actions", actions_weight=0.1)
    yield recipe
    recipe = replace(recipe, name="covered", covered_weight=1.0)
    yield recipe
    yield replace(recipe, name="mixing", mixup=0.4, cutmix=1.0, mixed_batches=0.4)
    if teachers:
        yield replace(recipe, name="teachers", teachers=teachers)
    yield replace(recipe, name="plain", family="plain")
    backbone = dict(full.network["backbone"])
    backbone["options"] = {**backbone["options"], "channels": NARROW}
    network = {**full.network, "backbone": backbone, "regions": ["face", "upper", "lower"]}
    yield replace(recipe, name="prior_blocks", family="prior_blocks", network=network)


def train(recipe: Recipe, out: Path, data: FaceSet) -> None:
    """Train a row and store its weights, if that was not done before."""
    if (out / f"{recipe.name}.json").is_file():
        return
    task, run = ExpressionTask(), Run(recipe, out)
    task.export_model(task.fit(run, data), run, data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--plus", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--teacher", action="append", default=[])
    options = parser.parse_args()
    if options.data is None:
        print("left out: needs --data fer2013.csv and --plus fer2013new.csv")
        return
    data = ExpressionTask().read([options.data], options.plus)
    public = data.split("PublicTest")
    first = public.first(ROBUSTNESS_FACES)
    print(f"PublicTest, {options.epochs} epochs each, in %\n")
    columns = ("accuracy", "FER+", "consensus", "both heads", "recall at equal shares", "battery")
    print(f"{'':16}" + "".join(f"{column:>{len(column) + 3}}" for column in columns))
    for recipe in variants(options.epochs, options.teacher):
        out = options.out / recipe.name
        train(recipe, out, data)
        model = load_model(str(out / f"{recipe.name}.json"))
        result = evaluate(model, public)
        figures = (
            result.accuracy,
            result.ferplus_accuracy or 0.0,
            result.consensus_accuracy or 0.0,
            result.consensus_both_heads or 0.0,
            result.by_prior["equal"]["macro_recall"],
            robustness(model, first)["mean"],
        )
        cells = zip(columns, figures, strict=True)
        print(f"{recipe.name:16}" + "".join(f"{100 * v:{len(c) + 3}.1f}" for c, v in cells))


if __name__ == "__main__":
    main()

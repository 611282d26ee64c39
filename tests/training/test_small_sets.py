"""Training on data as people have them: few photographs, missing splits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from fer_core.data import DataError, FaceSet
from fer_core.labels import EXPRESSIONS
from fer_core.training.loop import average_decay
from fer_core.training.recipe import Recipe, read_recipe
from fer_core.training.run import Run
from fer_core.training.task import train
from fer_core.training.tasks.expressions import ExpressionTask

Small = Callable[..., Recipe]


def test_forty_photographs_in_class_folders_are_enough_to_train(
    faces: FaceSet, small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(42):
        folder = tmp_path / "own" / EXPRESSIONS[faces.labels[number]]
        folder.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(faces.images[number]).save(folder / f"{number}.png")
    task = ExpressionTask()
    recipe = small("simple_cnn", epochs=4, batch_size=128, ema_decay=0.995)
    card = train(task, Run(recipe, tmp_path / "run"), lambda: task.read([tmp_path / "own"]))
    err = capsys.readouterr().err
    note = "own has no folders train, valid and test: split by its file names into 34 Training"
    assert note in err and card.training["splits"][0].startswith(note)
    assert "Training has 34, fewer than a batch of 128: trained in batches of 34\n" in err
    losses = [row["loss"] for row in card.training["curve"]]
    assert len(losses) == 4 and losses[-1] < losses[0], "no step was taken"
    assert card.figures["PrivateTest"]["n"] == 4


def test_the_card_names_only_the_sets_that_taught(
    faces: FaceSet, small: Small, tmp_path: Path
) -> None:
    sources = {"own": "Own (2020), terms", "other": "Other (2021), terms"}
    few = faces.select(np.arange(len(faces)) % 5 == 0)
    few = replace(few, sources=sources, teaching=("own",))
    card = train(ExpressionTask(), Run(small("simple_cnn", epochs=1), tmp_path), lambda: few)
    assert card.data.startswith("Own (2020), terms") and "Other" not in card.data + card.licence
    assert "--data own --data other" in card.figures["PublicTest"]["command"]


@pytest.mark.parametrize("split", ["Training", "PublicTest", "PrivateTest"])
def test_a_missing_split_is_named_before_the_first_epoch(
    faces: FaceSet, small: Small, tmp_path: Path, split: str
) -> None:
    run = Run(small("simple_cnn", epochs=1), tmp_path / "run")
    with pytest.raises(DataError, match=f"the data have no split {split}"):
        ExpressionTask().fit(run, faces.select(faces.splits != split))
    assert not run.out.exists()


def test_the_average_of_the_weights_follows_short_runs() -> None:
    recipe = read_recipe("simple_cnn")
    assert average_decay(recipe, 5376) == average_decay(recipe, 1000) == recipe.ema_decay == 0.995
    assert average_decay(recipe, 50) == 0.9
    assert average_decay(recipe, 0) == average_decay(recipe, 4) == 0.5

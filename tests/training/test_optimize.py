"""Optimisers and learning rates, by what their papers say."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fer_core.training.optimize import optimize
from fer_core.training.recipe import read_recipe

STEPS = 100


def configured(**given: Any) -> dict[str, Any]:
    """The optimiser and the schedule of a run of ten epochs of ten steps."""
    recipe = dataclasses.replace(read_recipe("plain"), epochs=10, learning_rate=0.2, **given)
    module = SimpleNamespace(
        parameters=torch.nn.Linear(2, 2).parameters,
        trainer=SimpleNamespace(estimated_stepping_batches=STEPS),
    )
    return optimize(module, recipe)


def rates(configuration: dict[str, Any]) -> list[float]:
    """The learning rate of each step."""
    optimiser = configuration["optimizer"]
    found = []
    for _ in range(STEPS):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        configuration["lr_scheduler"]["scheduler"].step()
    return found


def test_recipes_without_a_word_have_nesterov_and_one_cycle() -> None:
    configuration = configured()
    optimiser = configuration["optimizer"]
    assert isinstance(optimiser, torch.optim.SGD) and optimiser.defaults["nesterov"]
    assert configuration["lr_scheduler"]["interval"] == "step"
    found = rates(configuration)
    assert found[0] == pytest.approx(0.2 / 25) and found[-1] < 1e-5
    assert max(found) == pytest.approx(0.2, rel=0.01) and found.index(max(found)) in (29, 30)


def test_adamw_decouples_the_decay() -> None:
    optimiser = configured(optimiser="adamw", weight_decay=0.03)["optimizer"]
    assert isinstance(optimiser, torch.optim.AdamW) and optimiser.defaults["weight_decay"] == 0.03


def test_cosine_falls_to_nothing() -> None:
    found = rates(configured(schedule="cosine"))
    assert found[0] == pytest.approx(0.2) and found[50] == pytest.approx(0.1)
    assert found[25] == pytest.approx(0.2 * (1 + 2**-0.5) / 2) and found[99] < 1e-4


def test_restarts_begin_anew_after_twice_the_time() -> None:
    found = rates(configured(schedule="cosine_restarts", restart_epochs=2))
    assert [i for i, rate in enumerate(found) if rate == pytest.approx(0.2)] == [0, 20, 60]
    assert found[10] == found[40] == pytest.approx(0.1) and found[19] < 0.002


@pytest.mark.parametrize(("select", "gets_worse"), [("public_accuracy", -1), ("public_loss", 1)])
def test_a_plateau_cuts_the_rate_to_a_tenth(select: str, gets_worse: int) -> None:
    configuration = configured(schedule="plateau", plateau_epochs=2, select=select)
    schedule = configuration["lr_scheduler"]
    assert (schedule["interval"], schedule["monitor"]) == ("epoch", select)
    found = []
    for epoch in range(5):
        schedule["scheduler"].step(0.5 + 0.1 * gets_worse * epoch)
        found.append(configuration["optimizer"].param_groups[0]["lr"])
    assert found == pytest.approx([0.2, 0.2, 0.2, 0.02, 0.02])

"""Optimizers and learning-rate schedules, as in their papers."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fer_core.training.optimize import optimize
from fer_core.training.recipe import Recipe

STEPS = 100


def optimizer_and_schedule(**changes: Any) -> dict[str, Any]:
    """Return the optimizer and the schedule of a run of ten epochs of ten steps."""
    recipe = Recipe("any", "plain", {}, epochs=10, learning_rate=0.2, **changes)
    module: Any = SimpleNamespace(
        parameters=torch.nn.Linear(2, 2).parameters,
        trainer=SimpleNamespace(estimated_stepping_batches=STEPS),
    )
    return dict(optimize(module, recipe))


def learning_rates(configuration: dict[str, Any]) -> list[float]:
    """Return the learning rate of each step."""
    optimizer = configuration["optimizer"]
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        configuration["lr_scheduler"]["scheduler"].step()
    return rates


def test_defaults_are_sgd_with_nesterov_momentum_and_one_cycle() -> None:
    configuration = optimizer_and_schedule()
    optimizer = configuration["optimizer"]
    assert isinstance(optimizer, torch.optim.SGD) and optimizer.defaults["nesterov"]
    assert configuration["lr_scheduler"]["interval"] == "step"
    rates = learning_rates(configuration)
    assert rates[0] == pytest.approx(0.2 / 25) and rates[-1] < 1e-5
    assert max(rates) == pytest.approx(0.2, rel=0.01) and rates.index(max(rates)) in (29, 30)


def test_adamw_decouples_the_weight_decay() -> None:
    optimizer = optimizer_and_schedule(optimiser="adamw", weight_decay=0.03)["optimizer"]
    assert isinstance(optimizer, torch.optim.AdamW)
    matrices, others = optimizer.param_groups
    assert (matrices["weight_decay"], others["weight_decay"]) == (0.03, 0.0)
    assert all(p.ndim > 1 for p in matrices["params"]), "biases and batch norms do not decay"


def test_cosine_falls_to_zero() -> None:
    rates = learning_rates(optimizer_and_schedule(schedule="cosine"))
    assert rates[0] == pytest.approx(0.2) and rates[50] == pytest.approx(0.1)
    assert rates[25] == pytest.approx(0.2 * (1 + 2**-0.5) / 2) and rates[99] < 1e-4


def test_each_period_of_cosine_restarts_is_twice_as_long() -> None:
    rates = learning_rates(optimizer_and_schedule(schedule="cosine_restarts", restart_epochs=2))
    assert [i for i, rate in enumerate(rates) if rate == pytest.approx(0.2)] == [0, 20, 60]
    assert rates[10] == rates[40] == pytest.approx(0.1) and rates[19] < 0.002


@pytest.mark.parametrize(("select", "gets_worse"), [("public_accuracy", -1), ("public_loss", 1)])
def test_plateau_lowers_the_learning_rate_to_a_tenth(select: str, gets_worse: int) -> None:
    configuration = optimizer_and_schedule(schedule="plateau", plateau_epochs=2, select=select)
    schedule = configuration["lr_scheduler"]
    assert (schedule["interval"], schedule["monitor"]) == ("epoch", select)
    rates = []
    for epoch in range(5):
        schedule["scheduler"].step(0.5 + 0.1 * gets_worse * epoch)
        rates.append(configuration["optimizer"].param_groups[0]["lr"])
    assert rates == pytest.approx([0.2, 0.2, 0.2, 0.02, 0.02])

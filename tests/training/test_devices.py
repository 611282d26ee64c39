"""Training on each device and in each precision: one step of every network."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_core.data import FaceSet
from fer_core.devices import choose_device
from fer_core.errors import UserError
from fer_core.models import get_family, list_families
from fer_core.training.precision import choose_precision
from fer_core.training.recipe import Recipe, list_recipes, read_recipe
from fer_core.training.run import Run
from fer_core.training.tasks.expressions import ExpressionTask

Small = Callable[..., Recipe]

NETWORKS = [
    name
    for name in list_recipes()
    if (family := read_recipe(name).family) in list_families()
    and get_family(family).kind == "network"
]


def take_one_step(recipe: Recipe, faces: FaceSet, out: Path, device: str, precision: str) -> None:
    """Train one batch of the generated faces, validate another, and check the weights."""
    few = faces.select(np.arange(len(faces)) % 10 == 0)
    run = Run(recipe, out, device=device, precision=precision)
    fitted = ExpressionTask().fit(run, few)
    assert fitted.facts["epochs"] == 1 and fitted.facts["selected_epoch"] == 1
    assert all(bool(parameter.isfinite().all()) for parameter in fitted.model.parameters())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("precision", ["auto", "32-true"])
def test_every_network_takes_a_step_on_this_machine(
    faces: FaceSet, small: Small, tmp_path: Path, name: str, precision: str
) -> None:
    if precision == choose_precision("auto", choose_device(training=True)):
        pytest.skip("auto is this precision here")
    recipe = small(name, epochs=1, batch_size=14, learning_rate=0.001)
    take_one_step(recipe, faces, tmp_path, "auto", precision)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("name", ["prior_attention", "cnn_lstm"])
@pytest.mark.parametrize("precision", ["auto", "32-true", "16-mixed"])
def test_networks_take_a_step_on_a_gpu(
    faces: FaceSet, small: Small, tmp_path: Path, name: str, precision: str
) -> None:
    recipe = small(name, epochs=1, batch_size=14, learning_rate=0.001)
    take_one_step(recipe, faces, tmp_path, "cuda", precision)


def test_bf16_is_chosen_only_where_it_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision("auto", "mps") == "32-true"
    for has_bf16, chosen in ((True, "bf16-mixed"), (False, "32-true")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has_bf16: has)
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation, has=has_bf16: has
        )
        assert choose_precision("auto", "cpu") == choose_precision("auto", "cuda") == chosen
    assert choose_precision("16-mixed", "cuda:1") == "16-mixed"


@pytest.mark.parametrize(
    ("name", "device"), [("16-mixed", "cpu"), ("bf16-mixed", "mps"), ("64-true", "cpu")]
)
def test_a_precision_that_the_device_does_not_train_in_is_refused(name: str, device: str) -> None:
    with pytest.raises(UserError, match=f"{device} does not train in precision '{name}'; choose"):
        choose_precision(name, device)

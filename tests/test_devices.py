"""Devices by their names, as the command line takes them."""

import pytest
import torch

from fer_core.devices import choose_device, list_devices
from fer_core.errors import UserError


def set_gpus(patch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False) -> None:
    """Pretend that this machine has some GPUs."""
    patch.setattr("fer_core.devices.has_gpu_driver", lambda: cuda > 0)
    patch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    patch.setattr(torch.cuda, "device_count", lambda: cuda)
    patch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "predicting", "training"),
    [(0, False, "cpu", "cpu"), (2, False, "cuda", "cuda"), (0, True, "cpu", "mps")],
)
def test_auto_takes_a_gpu_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, predicting: str, training: str
) -> None:
    set_gpus(monkeypatch, cuda=cuda, mps=mps)
    assert (choose_device(), choose_device(training=True)) == (predicting, training)


def test_every_gpu_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    set_gpus(monkeypatch, cuda=2, mps=True)
    assert list_devices() == ("cpu", "cuda", "cuda:0", "cuda:1", "mps")
    assert [choose_device(name) for name in list_devices()] == list(list_devices())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "there is no device 'cuda' here; choose auto or one of cpu$"),
        ("cuda:1", "there is no device 'cuda:1' here"),
        (
            "tpu",
            "unknown device 'tpu'; choose one of auto, cpu, cuda, mps, .* this machine has cpu$",
        ),
    ],
)
def test_a_device_that_is_missing_or_unknown_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    set_gpus(monkeypatch)
    with pytest.raises(UserError, match=message):
        choose_device(name)

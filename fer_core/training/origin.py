"""The commit and the machine that cards and the leaderboard name; needs no package of training."""

import platform
import subprocess
from contextlib import suppress

import torch

from fer_core.devices import choose_device


def origin(device: str = "auto") -> dict[str, str]:
    """Return the commit and the machine.

    Args:
        device: where the work ran: a name for ``fer_core.devices.choose_device``.
    """
    return {"commit": _commit(), "machine": _machine(choose_device(device))}


def _commit() -> str:
    """Return the short hash of the commit; "" outside a checkout or without git."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    with suppress(FileNotFoundError):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return ""


def _machine(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    if device == "mps":
        return f"MPS of {platform.machine()}"
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' * (threads > 1)} of {platform.machine()}"

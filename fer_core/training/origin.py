"""The commit and the machine that cards and the leaderboard name; needs no package of training."""

import platform
import subprocess

import torch


def origin() -> dict[str, str]:
    """Return the commit and the machine."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    threads = torch.get_num_threads()
    return {
        "commit": commit.stdout.strip(),
        "machine": f"{threads} thread{'s' * (threads > 1)} of {platform.machine()}"
        if not torch.cuda.is_available()
        else torch.cuda.get_device_name(),
    }

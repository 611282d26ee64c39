"""Where and how a recipe is trained: its run folder, and the processes that share the work."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fer_core.models import get_family, list_families
from fer_core.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class World:
    """Distributed training setup (Lightning's DDP): each process gets its part of every batch, and all take
    the same step."""

    processes: int = 1
    """Processes on each machine; one for each GPU, where there are any."""
    nodes: int = 1
    """Machines."""

    @property
    def size(self) -> int:
        """Processes on all machines together."""
        return self.processes * self.nodes


SINGLE_PROCESS: Final = World()


@dataclass(frozen=True, slots=True)
class Run:
    """One training of one recipe."""

    recipe: Recipe
    out: Path
    """Run folder: gets ``recipe.json``, ``last.ckpt``, ``best.safetensors``, ``curves.png``, a CSV of metrics
    and a TensorBoard log of each start, and at the end the weights with their card."""
    resume: bool = False
    """Continue from ``last.ckpt``, if there is one. A killed run loses at most one epoch."""
    world: World = SINGLE_PROCESS
    device: str = "auto"
    """Where it is trained: a name for ``fer_core.devices.choose_device``."""
    precision: str = "auto"
    """One of ``fer_core.training.precision.PRECISIONS``."""


def trains_in_epochs(family: str) -> bool:
    """Return whether recipes of a family are trained by gradient descent, so that a run can be resumed."""
    if family in list_families():
        return get_family(family).kind == "network"
    return family not in ("hog", "presence")

"""The tasks by the kind of their card. A new one is a module here and a line below."""

from typing import Any

from fer_core.training.task import Task
from fer_core.training.tasks.expressions import ExpressionTask
from fer_core.training.tasks.eyes import EyeTask
from fer_core.training.tasks.hog import HogTask
from fer_core.training.tasks.landmarks import LandmarkTask, PresenceTask
from fer_core.weights import EXPRESSION_MODEL

TASKS: dict[str, Task[Any, Any]] = {
    EXPRESSION_MODEL: ExpressionTask(),
    "landmarks": LandmarkTask(),
    "presence": PresenceTask(),
    "eyes": EyeTask(),
    "detector": HogTask(),
}
"""Kind of the card -> task; ``presence`` is a recipe alone, whose card is that of landmarks."""

KINDS = {"landmarks": "landmarks", "presence": "presence", "eyes": "eyes", "hog": "detector"}
"""Family of a recipe -> kind of its card; all others are expression models."""


def task_of_family(family: str) -> Task[Any, Any]:
    """Return the task that trains recipes of a family."""
    return TASKS[KINDS.get(family, EXPRESSION_MODEL)]

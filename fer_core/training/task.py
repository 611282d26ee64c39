"""What can be trained: one protocol for expressions, landmarks, eyes and the HOG detector."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from fer_core.errors import UserError
from fer_core.training.run import Run
from fer_core.training.run_folder import open_run_folder
from fer_core.weights import Card, save_card

Data = TypeVar("Data")
Model = TypeVar("Model")
Model_co = TypeVar("Model_co", covariant=True)

MEASURED_SPLITS: Final = ("PublicTest", "PrivateTest")
"""PublicTest selects; PrivateTest is read once, at the end."""


@dataclass(frozen=True, slots=True)
class Fitted(Generic[Model_co]):
    """Result of a training."""

    model: Model_co
    facts: Mapping[str, Any]
    """What the card says of the training: seed, commit, machine, minutes, what PublicTest selected."""


class Task(Protocol[Data, Model]):
    """One kind of model: how its data are read, how it is trained, stored and measured."""

    def read(self, paths: Sequence[Path], votes: Path | None = None) -> Data:
        """Read the data that ``--data`` and ``--plus`` name."""

    def fit(self, run: Run, data: Data) -> Fitted[Model]:
        """Train on Training; PublicTest selects."""

    def export_model(self, fitted: Fitted[Model], run: Run, data: Data) -> Card:
        """Store the weights in fp16 with a card that has no figures yet, and return the card."""

    def measure(
        self, card: Card, folder: Path, data: Data, split: str, device: str = "cpu"
    ) -> dict[str, Any]:
        """Measure the stored weights of a folder on one split. Figures of cards are those of the CPU."""

    def figures(self, card: Card, folder: Path, data: Data) -> dict[str, dict[str, Any]]:
        """Measure the stored weights for their card, each figure with the command that prints it again."""

    def summarize(self, figures: Mapping[str, Any]) -> str:
        """Return the figures of one split as a line."""


def train(task: Task[Data, Model], run: Run, read: Callable[[], Data]) -> Card:
    """Train a recipe, store its weights and write the measured card; return the card.

    Args:
        read: reads the data, once the run folder is known to be free.

    Raises:
        UserError: if the run folder cannot be used, or the data or the device cannot.
    """
    with open_run_folder(run):
        data = read()
        return export_trained(task, task.fit(run, data), run, data)


def export_trained(task: Task[Data, Model], fitted: Fitted[Model], run: Run, data: Data) -> Card:
    """Store what was trained, measure the stored weights and write the figures into the card."""
    card = task.export_model(fitted, run, data)
    figures = task.figures(card, run.out, data)
    return save_card(replace(card, figures=figures), run.out, card.sha256)


def split_figures(
    task: Task[Data, Model], card: Card, folder: Path, data: Data, options: str
) -> dict[str, dict[str, Any]]:
    """Measure stored weights on PublicTest and PrivateTest.

    Args:
        options: of the command that prints the figures again, such as ``--data eyes``.
    """
    command = f"python -m fer_core evaluate --model {card.name} {options} --split"
    return {
        split: {**task.measure(card, folder, data, split), "command": f"{command} {split}"}
        for split in MEASURED_SPLITS
    }


def only_path(paths: Sequence[Path]) -> Path:
    """Return the one path that was given.

    Raises:
        UserError: if there are several.
    """
    if len(paths) > 1:
        raise UserError("this takes one set; give --data once")
    return paths[0]

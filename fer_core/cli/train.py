"""``train``: from a recipe to weights with their card."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fer_core.cli.options import Device, HoldOut, Plus
from fer_core.cli.progress import progress_bar
from fer_core.errors import UserError
from fer_core.weights import WEIGHTS, load_card

if TYPE_CHECKING:
    from fer_core.data.detection import FaceCropper
    from fer_core.training.recipe import Recipe
    from fer_core.training.run import Run
    from fer_core.training.task import Task

Teachers = Annotated[
    list[str] | None,
    typer.Option(
        help="A trained model, or its card, that labels each augmented face; give it several times "
        "to average several."
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        help="A trained model, or its card, whose weights the network starts from where they fit."
    ),
]
Unlabeled = Annotated[
    list[Path] | None,
    typer.Option(help="A folder of faces without labels, for the teachers to label."),
]
Detect = Annotated[
    bool,
    typer.Option(
        "--detect",
        help="Find the face in each picture of folders of classes or characters and of label tables.",
    ),
]


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a .toml file.")],
    data: Annotated[
        list[Path],
        typer.Option(
            help="fer2013.csv, a folder of class folders, or another set as it is downloaded: "
            "docs/data.md; for landmarks and hog a teacher's .npz, for eyes their folder."
        ),
    ],
    plus: Plus = None,
    start: Start = None,
    teacher: Teachers = None,
    unlabeled: Unlabeled = None,
    detect: Detect = False,
    hold_out: HoldOut = "",
    out: Annotated[
        Path | None, typer.Option(help="Run folder; models/history/NAME-TIME without it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    processes: Annotated[
        int, typer.Option(help="Processes that share the work on each machine.", min=1)
    ] = 1,
    nodes: Annotated[int, typer.Option(help="Machines that share the work.", min=1)] = 1,
    device: Device = "auto",
    precision: Annotated[
        str,
        typer.Option(
            help="auto (bf16 where the device computes it), 32-true, bf16-mixed, 16-mixed."
        ),
    ] = "auto",
) -> None:
    """Train a recipe; leaves NAME.safetensors and its card in the run folder. Ctrl+C keeps whole epochs."""
    from fer_core.devices import choose_device
    from fer_core.training.precision import choose_precision
    from fer_core.training.recipe import read_recipe
    from fer_core.training.run import Run, World
    from fer_core.training.tasks import task_of_family

    chosen = read_recipe(recipe)
    chosen = replace(chosen, start=start or chosen.start, teachers=teacher or chosen.teachers)
    if resume and out is None:
        raise UserError("--resume needs --out, the folder of the run to continue")
    folder = out or Path("models/history") / f"{chosen.name}-{datetime.now():%Y%m%d-%H%M%S}"
    task = task_of_family(chosen.family)
    run = Run(chosen, folder, resume, World(processes, nodes), device, precision)
    choose_precision(precision, choose_device(device, training=True))
    _check_options(task, chosen, {"--start": start, "--teacher": teacher, "--unlabeled": unlabeled})

    def read() -> Any:
        if not (detect or hold_out):
            return _with_unlabeled(task.read(data, plus), unlabeled or [])
        faces = _read_faces(task, data, plus, _cropper(device) if detect else None, hold_out)
        return _with_unlabeled(faces, unlabeled or [])

    words = ["--start", start] if start else []
    words += ["--detect"] if detect else []
    words += ["--hold-out", hold_out] if hold_out else []
    for path in unlabeled or []:
        words += ["--unlabeled", str(path)]
    _train(task, run, read, _command(recipe, data, plus, run, words))


def _check_options(task: "Task[Any, Any]", recipe: "Recipe", given: Mapping[str, Any]) -> None:
    """Refuse models that do not exist, and options that would do nothing with a recipe.

    Args:
        given: options that are for networks of expression classes alone, with their values.

    Raises:
        UserError: names the model or the option.
    """
    from fer_core.training.run import trains_in_epochs
    from fer_core.training.tasks.expressions import ExpressionTask

    for model in (recipe.start, *recipe.teachers):
        if model:
            load_card(model)
    useful = isinstance(task, ExpressionTask) and trains_in_epochs(recipe.family)
    for option in (option for option, value in given.items() if value):
        if not useful:
            raise UserError(f"{option} is for networks of expression classes; leave it out")
        if option == "--unlabeled" and not recipe.teachers:
            raise UserError("--unlabeled needs a --teacher that labels its faces")


def _train(task: "Task[Any, Any]", run: "Run", read: Callable[[], Any], command: str) -> None:
    """Train, print the figures, and say where the model is; an interruption says how to go on.

    Args:
        read: reads the data.
        command: starts the same run, without ``--resume``.
    """
    from fer_core.training.task import train as train_task

    try:
        card = train_task(task, run, read)
    except KeyboardInterrupt:
        _report_interruption(run, command)
        raise typer.Exit(130) from None
    # By its graph the network runs faster on a CPU; it needs packages that training does without.
    with suppress(ModuleNotFoundError, UserError):
        from fer_core.models.export import write_graphs

        write_graphs(f"{run.out / card.name}.json")
    for split, figures in card.figures.items():
        typer.echo(f"{split}: {task.summarize(figures)}")
    typer.echo(f"use it as --model {run.out / card.name}.json, or copy its files into {WEIGHTS}")


def _cropper(device: str) -> "FaceCropper":
    """Return what finds the face in each whole picture."""
    from fer_core.data.crops import SIDE
    from fer_core.data.detection import MIN_FACE, FaceCropper
    from fer_core.devices import choose_device
    from fer_core.faces import load_detector

    detector = load_detector("mtcnn", min_face=MIN_FACE, device=choose_device(device))
    return FaceCropper(detector, max_side=SIDE)


def _read_faces(
    task: "Task[Any, Any]",
    data: list[Path],
    plus: Path | None,
    cropper: "FaceCropper | None",
    held_out: str,
) -> Any:
    """Read the data of expression classes.

    Raises:
        UserError: for another task.
    """
    from fer_core.training.tasks.expressions import ExpressionTask

    if not isinstance(task, ExpressionTask):
        option = "--hold-out" if cropper is None else "--detect"
        raise UserError(f"{option} is for recipes of expression classes; leave it out")
    with progress_bar("Reading faces" if cropper is None else "Finding faces"):
        return task.read(data, plus, cropper=cropper, held_out=held_out)


def _with_unlabeled(faces: Any, folders: list[Path]) -> Any:
    """Join the faces without labels of some folders to others."""
    from fer_core.data.faceset import join
    from fer_core.data.readers.unlabeled import read_unlabeled

    return join([faces, *map(read_unlabeled, folders)]) if folders else faces


def _command(recipe: str, data: list[Path], plus: Path | None, run: "Run", more: list[str]) -> str:
    """Return the command that starts a run, without ``--resume``, with ``more`` words of it."""
    words = ["python", "-m", "fer_core", "train", recipe]
    for path in data:
        words += ["--data", str(path)]
    words += ["--plus", str(plus)] if plus else []
    for model in run.recipe.teachers:
        words += ["--teacher", model]
    words += [*more, "--out", str(run.out)]
    options = (
        ("--processes", run.world.processes, 1),
        ("--nodes", run.world.nodes, 1),
        ("--device", run.device, "auto"),
        ("--precision", run.precision, "auto"),
    )
    for option, value, default in options:
        words += [option, str(value)] if value != default else []
    return shlex.join(words)


def _report_interruption(run: "Run", command: str) -> None:
    """Say what an interrupted run has kept, and how to go on."""
    from fer_core.training.notice import notice
    from fer_core.training.run import trains_in_epochs
    from fer_core.training.run_folder import CHECKPOINT, kept_epochs

    if not (trains_in_epochs(run.recipe.family) and (run.out / CHECKPOINT).is_file()):
        notice(f"stopped; nothing is kept yet, start again with: {command}")
        return
    notice(
        f"stopped; {kept_epochs(run.out)} of {run.recipe.epochs} epochs are kept in {run.out}, go on with: "
        f"{command} --resume"
    )

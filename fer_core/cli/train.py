"""``train``: from a recipe to weights with their card."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fer_core.cli.options import Plus
from fer_core.errors import UserError
from fer_core.weights import WEIGHTS


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
    out: Annotated[
        Path | None, typer.Option(help="Run folder; models/history/NAME-TIME without it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    processes: Annotated[
        int, typer.Option(help="Processes that share the work on each machine.", min=1)
    ] = 1,
    nodes: Annotated[int, typer.Option(help="Machines that share the work.", min=1)] = 1,
) -> None:
    """Train a recipe; leaves NAME.safetensors and its card in the run folder."""
    from fer_core.training.recipe import read_recipe
    from fer_core.training.run import Run, World
    from fer_core.training.task import train as train_task
    from fer_core.training.tasks import task_of_family

    chosen = read_recipe(recipe)
    if resume and out is None:
        raise UserError("--resume needs --out, the folder of the run to continue")
    folder = out or Path("models/history") / f"{chosen.name}-{datetime.now():%Y%m%d-%H%M%S}"
    task = task_of_family(chosen.family)
    run = Run(chosen, folder, resume, World(processes, nodes))
    card = train_task(task, run, task.read(data, plus))
    for split, figures in card.figures.items():
        typer.echo(f"{split}: {task.summarize(figures)}")
    typer.echo(f"use it as --model {folder / card.name}.json, or copy both files into {WEIGHTS}")

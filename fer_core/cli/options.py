"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str, typer.Option(help="A trained model (`models` lists them), or the .json card of one.")
]
Prior = Annotated[
    str | None,
    typer.Option(
        help="Shares of the classes that probabilities assume: own (as in training), half or equal; by "
        "default that of the model's card."
    ),
]
FaceDetector = Annotated[str, typer.Option(help="mtcnn, haar, yunet or hog.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Details = Annotated[
    bool,
    typer.Option(
        "--details",
        help="Add head pose, gaze, action units, facial actions and landmarks to the CSV; they come last.",
    ),
]
Data = Annotated[
    list[Path],
    typer.Option(
        help="fer2013.csv, a folder of class folders, or another set as it is downloaded: docs/data.md."
    ),
]
Plus = Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv.")]
Device = Annotated[
    str,
    typer.Option(
        help="Where networks run: auto (a GPU where there is one), cpu, cuda, cuda:1, mps."
    ),
]
Processes = Annotated[
    int, typer.Option(help="Processes that share the work; results stay in order.", min=1)
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="Where the processes run: local, or ray for a Ray cluster (RAY_ADDRESS) whose machines see the "
        "same files.",
    ),
]
HoldOut = Annotated[
    str,
    typer.Option(
        help="For sets that name people or characters: whose faces are PrivateTest and teach nothing; "
        "random mixes all, and then the figures are too high."
    ),
]
Split = Annotated[str, typer.Option(help="Training, PublicTest, PrivateTest or all.")]


def data_options(data: list[Path]) -> str:
    """Return the options that name the data, for the command that a result carries."""
    return "".join(f" --data {path.name}" for path in data)

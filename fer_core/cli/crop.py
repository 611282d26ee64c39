"""``crop``: the face of each picture of a folder, for training and evaluation."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fer_core.cli.options import Device, FaceDetector
from fer_core.cli.progress import progress_bar
from fer_core.devices import choose_device


class Keep(StrEnum):
    """Which of several faces is kept."""

    largest = "largest"
    best = "best"


def crop(
    pictures: Annotated[Path, typer.Argument(metavar="IN", help="A folder of whole pictures.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for the crops.")],
    detector: FaceDetector = "mtcnn",
    keep: Annotated[
        Keep, typer.Option(help="Of several faces: the largest, or the one with the best score.")
    ] = Keep.largest,
    device: Device = "auto",
) -> None:
    """Cut the face out of each picture of a folder: gray, 48x48 or larger, in the same folders."""
    from fer_core.data.crop_folder import crop_folder
    from fer_core.data.detection import MIN_FACE, FaceCropper
    from fer_core.faces import load_detector

    finder = load_detector(detector, min_face=MIN_FACE, device=choose_device(device))
    with progress_bar("Finding faces") as show:
        result = crop_folder(pictures, out, FaceCropper(finder, keep=keep.value), progress=show)
    for _, error in result.unreadable:
        typer.echo(f"error: {error}", err=True)
    for picture in result.without_face:
        typer.echo(f"{picture}: no face found")
    missed, unreadable = len(result.without_face), len(result.unreadable)
    total = len(result.cropped) + missed + unreadable
    typer.echo(
        f"{len(result.cropped):,} of {total:,} pictures cropped to {out}; {missed:,} without a face, "
        f"{unreadable:,} unreadable"
    )

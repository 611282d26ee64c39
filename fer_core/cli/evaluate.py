"""``evaluate``: a model, or all of them, on labeled faces."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_core.cli.models import one_thread_milliseconds
from fer_core.cli.options import (
    Data,
    Device,
    HoldOut,
    Json,
    Model,
    Plus,
    Split,
    data_options,
)
from fer_core.cli.printing import LEADERBOARD_COLUMNS, print_evaluation, print_figures, print_models
from fer_core.cli.progress import print_above, progress_bar, track
from fer_core.devices import choose_device
from fer_core.errors import UserError
from fer_core.files import check_output, make_folder
from fer_core.weights import (
    EXPRESSION_MODEL,
    LEADERBOARD,
    WEIGHTS,
    Card,
    card_path,
    load_card,
    results_path,
    write_results,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_core.data import FaceSet
    from fer_core.faces import Detector
    from fer_core.types import Face, Image

DETECTION_SIDE = 640
"""Longest side of the pictures of a folder of classes in which ``--detect`` searches, in pixels. At the 256
that are kept otherwise, large pictures lost small faces: 74 % were found instead of 93 %."""


class CountingDetector:
    """A detector that counts the pictures in which it finds no face."""

    def __init__(self, detector: "Detector") -> None:
        self.detector = detector
        self.misses = 0

    def detect(self, image: "Image") -> "list[Face]":
        """Detect the faces in ``image`` (H, W, 3) RGB uint8."""
        faces = self.detector.detect(image)
        self.misses += not faces
        return faces


def evaluate(
    data: Data,
    model: Model = "default",
    every: Annotated[
        bool,
        typer.Option("--all", help="Measure all models; writes weights/results/leaderboard.json."),
    ] = False,
    split: Split = "PrivateTest",
    plus: Plus = None,
    hold_out: HoldOut = "",
    detect: Annotated[bool, typer.Option("--detect", help="Find the face in each image.")] = False,
    tta: Annotated[bool, typer.Option("--tta", help="Average with the mirror image.")] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Measure a model on labeled face crops; landmarks, eyes and hog on sets like theirs."""
    if every:
        if choose_device(device) != "cpu" and device != "auto":
            raise UserError("--all measures and times every model on the CPU; leave out --device")
        if detect or tta or hold_out:
            raise UserError(
                "--all reads faces and splits as they are, in a single pass; leave out --detect, --tta "
                "and --hold-out"
            )
        _evaluate_all(data, split, plus, as_json)
        return
    card, device = load_card(model), choose_device(device)
    if card.kind != EXPRESSION_MODEL:
        if hold_out:
            raise UserError("--hold-out is for models of expression classes; leave it out")
        _evaluate_detail(card, card_path(model).parent, data, split, device, as_json)
        return
    from fer_core.evaluation.metrics import evaluate as measure
    from fer_core.evaluation.passes import align_faces
    from fer_core.export import json_text
    from fer_core.faces import load_detector
    from fer_core.models import load_model

    side = DETECTION_SIDE if detect else None
    faces, copies = _split(data, plus, split, side=side, held_out=hold_out)
    # A crop holds one face that nearly fills it, so faces down to a third of it are searched for.
    detector = (
        CountingDetector(load_detector("mtcnn", min_face=20, device=device)) if detect else None
    )
    classifier = load_model(model, device)
    with progress_bar("Finding faces" if detect else "Aligning faces") as show:
        aligned = align_faces(classifier, faces, detector, progress=show)
    with progress_bar(f"Measuring {card.name}") as show:
        result = measure(classifier, faces, tta=tta, aligned=aligned, copies=copies, progress=show)
    if detector is not None and detector.misses:
        missed = f"{detector.misses:,} of {result.n:,} pictures"
        typer.echo(f"face not found in {missed}, which were read whole", err=as_json)
    if as_json:
        typer.echo(json_text(asdict(result)))
        return
    passes = "with its mirror image" if tta else "single pass"
    typer.echo(f"{result.model} on {result.n:,} faces of {split}, {passes}")
    print_evaluation(result)


def _evaluate_all(data: list[Path], split: str, plus: Path | None, as_json: bool) -> None:
    """Measure all models, write the leaderboard and print it."""
    from fer_core.evaluation.comparison import compare_models
    from fer_core.evaluation.leaderboard import leaderboard_faces
    from fer_core.export import json_text
    from fer_core.training.origin import origin

    make_folder(results_path(LEADERBOARD, WEIGHTS).parent)
    check_output(results_path(LEADERBOARD, WEIGHTS))
    faces, copies = _split(data, plus, split)
    path = results_path(LEADERBOARD, WEIGHTS)
    replaces = leaderboard_faces(WEIGHTS) in ("", faces.sha256)
    if not replaces:
        print_above(f"{path} holds figures on other faces and is kept; remove it to replace it")
    with progress_bar("Measuring models") as show:
        rows = compare_models(faces, copies=copies, progress=show, report=print_above)
    rows = [
        {**row, "ms_per_face": one_thread_milliseconds(row["name"])}
        for row in track(rows, "Timing models")
    ]
    options = data_options(data) + (f" --plus {plus.name}" if plus else "")
    table = {
        "command": f"python -m fer_core evaluate --all{options} --split {split}",
        "split": split,
        "n": rows[0]["n"],
        "faces": faces.sha256,
        **origin("cpu"),
        "rows": rows,
    }
    if replaces:
        write_results(LEADERBOARD, table, WEIGHTS)
    if as_json:
        typer.echo(json_text(table))
        return
    typer.echo(f"{table['n']:,} faces of {split}, single pass\n")
    print_models(rows, LEADERBOARD_COLUMNS)
    if replaces:
        typer.echo(f"\nwritten to {path}")


def _evaluate_detail(
    card: Card, folder: Path, data: list[Path], split: str, device: str, as_json: bool
) -> None:
    """Measure a model of a folder that finds a face or describes it."""
    from fer_core.export import json_text
    from fer_core.training.tasks import TASKS

    task = TASKS[card.kind]
    with progress_bar(f"Measuring {card.name}"):
        figures = task.measure(card, folder, task.read(data), split, device)
    if as_json:
        typer.echo(json_text(figures))
        return
    print_figures(figures)


def _split(
    data: list[Path],
    plus: Path | None,
    split: str,
    *,
    side: int | None = None,
    held_out: str = "",
) -> "tuple[FaceSet, NDArray[np.bool_] | None]":
    """Return the faces of a split, and which of them are copies of training faces, where that is known."""
    from fer_core.data import SPLITS, hold_out, read_faces

    with progress_bar("Reading faces"):
        faces = read_faces(data, plus, side=side)
        faces = hold_out(faces, held_out) if held_out else faces
    for note in faces.notes:
        print_above(note)
    part = faces.split(split)
    trained = faces.select(faces.splits == SPLITS[0])
    return part, part.copies_of(trained) if len(trained) and SPLITS[0] not in part.splits else None

"""``evaluate``: a model, or all of them, on labeled faces."""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fer_core.cli.models import one_thread_milliseconds
from fer_core.cli.options import (
    Data,
    Device,
    EngineName,
    HoldOut,
    Json,
    Model,
    Plus,
    Processes,
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
    from fer_core.evaluation.passes import Outputs
    from fer_core.faces import Detector
    from fer_core.models import Classifier
    from fer_core.serving.workers import Workers
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


@dataclass(frozen=True)
class FacePart:
    """Aligns and reads a part of a set of faces; each process that gets it loads the networks once."""

    tools: tuple[str, str]
    """Names of the model and the device."""
    detect: bool
    tta: bool

    @cached_property
    def classifier(self) -> "Classifier":
        """The model of this process."""
        from fer_core.models import load_model

        return load_model(*self.tools)

    @cached_property
    def detector(self) -> CountingDetector | None:
        """The detector of this process; None where the pictures are crops."""
        from fer_core.faces import load_detector

        # A crop holds one face that nearly fills it, so faces down to a third of it are searched for.
        if not self.detect:
            return None
        return CountingDetector(load_detector("mtcnn", min_face=20, device=self.tools[1]))

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __call__(self, images: "list[Image]") -> "tuple[Outputs, int]":
        """Return the outputs for some faces, and in how many pictures none was found."""
        from fer_core.evaluation.passes import align_part, predict_all

        misses = self.detector.misses if self.detector else 0
        aligned = align_part(self.classifier, images, self.detector)
        outputs = predict_all(self.classifier, aligned, tta=self.tta)
        return outputs, self.detector.misses - misses if self.detector else 0


def _outputs(part: FacePart, faces: "FaceSet", workers: "Workers") -> "tuple[Outputs, int]":
    """Return what a model predicts for all faces, and in how many pictures no face was found."""
    from fer_core.evaluation.passes import PART, join_outputs

    images = [faces.images[start : start + PART] for start in range(0, len(faces), PART)]
    results = list(track(workers.map(part, images or [[]]), "Reading faces", len(images)))
    return join_outputs([outputs for outputs, _ in results]), sum(count for _, count in results)


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
    processes: Processes = 1,
    engine: EngineName = "local",
) -> None:
    """Measure a model on labeled face crops; landmarks, eyes and hog on sets like theirs."""
    from fer_core.serving.workers import Workers

    workers = Workers(processes, engine)
    if every:
        if choose_device(device) != "cpu" and device != "auto":
            raise UserError("--all measures and times every model on the CPU; leave out --device")
        if detect or tta or hold_out or not workers.is_this_process:
            raise UserError(
                "--all reads faces and splits as they are, in a single pass and process; leave out "
                "--detect, --tta, --hold-out, --processes and --engine"
            )
        _evaluate_all(data, split, plus, as_json)
        return
    card, device = load_card(model), choose_device(device)
    if card.kind != EXPRESSION_MODEL:
        if hold_out:
            raise UserError("--hold-out is for models of expression classes; leave it out")
        if not workers.is_this_process:
            raise UserError(f"{card.name} is measured in one process; leave out --processes")
        _evaluate_detail(card, card_path(model).parent, data, split, device, as_json)
        return
    from fer_core.evaluation.metrics import evaluate_outputs
    from fer_core.export import json_text
    from fer_core.models import load_model

    side = DETECTION_SIDE if detect else None
    faces, copies = _split(data, plus, split, side=side, held_out=hold_out)
    outputs, misses = _outputs(FacePart((model, device), detect, tta), faces, workers)
    result = evaluate_outputs(load_model(model, device), faces, outputs, copies)
    if misses:
        missed = f"{misses:,} of {result.n:,} pictures"
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

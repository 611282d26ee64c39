"""``predict``: every face in images and folders of images."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fer_core.cli.options import Details, Device, FaceDetector, Json, Model, Prior
from fer_core.cli.progress import print_above, track
from fer_core.errors import UserError
from fer_core.files import replaced

if TYPE_CHECKING:
    from fer_core.analyzer import Analyzer
    from fer_core.export import CsvTable
    from fer_core.types import Baseline


def predict(
    paths: Annotated[list[Path], typer.Argument(help="Images, and folders of images.")],
    model: Model = "default",
    detector: FaceDetector = "mtcnn",
    device: Device = "auto",
    as_json: Json = False,
    csv_out: Annotated[Path | None, typer.Option("--csv", help="Write one row a face.")] = None,
    prior: Prior = None,
    details: Details = False,
    neutral: Annotated[
        Path | None,
        typer.Option(
            help="A picture of the person's neutral face, with which each face is compared."
        ),
    ] = None,
) -> None:
    """Predict the class of every face in images and folders of images. Ctrl+C keeps what was read so far."""
    from fer_core.analyzer import Analyzer
    from fer_core.export import csv_columns, csv_rows, image_record, json_text
    from fer_core.images import ImageError, decode_image
    from fer_core.options import AnalysisOptions

    options = AnalysisOptions(maps=(), landmarks=as_json or details, prior=prior)
    images = list(_images(paths, csv_out))
    records: list[dict[str, Any]] = []
    count, failed = 0, False
    with ExitStack() as files:
        columns = csv_columns(details=details, compared=neutral is not None)
        table = csv_out and files.enter_context(_table(csv_out, images, columns))
        analyzer = Analyzer(model, detector, device)
        if neutral is not None:
            options = replace(options, baseline=read_baseline(analyzer, neutral))
        with suppress(KeyboardInterrupt):
            for path, named in track(images, "Reading images"):
                try:
                    decoded = decode_image(path)
                except ImageError as error:
                    print_above(f"error: {error}")
                    record: dict[str, Any] = {"path": str(path), "error": str(error)}
                    failed = failed or named
                else:
                    for note in decoded.notes:
                        print_above(f"note: {path}: {note}")
                    image = decoded.pixels
                    readings = analyzer.analyze(image, options).readings
                    record = image_record(str(path), image, readings, decoded.notes)
                count += 1
                if table:
                    table.write(csv_rows([record], details=details))
                if as_json:
                    records.append(record)
                else:
                    _print_record(record)
    if as_json:
        typer.echo(json_text(records))
    if count < len(images):
        print_above(f"stopped after {count:,} of {len(images):,} images")
        raise typer.Exit(130)
    if failed:
        raise typer.Exit(2)


def read_baseline(analyzer: "Analyzer", path: Path) -> "Baseline":
    """Return the baseline of the largest face on a picture.

    Raises:
        UserError: if the picture cannot be read, or has no face.
    """
    from fer_core.images import decode_image
    from fer_core.types import Baseline

    readings = analyzer(decode_image(path).pixels)
    if not readings:
        raise UserError(f"{path}: no face was found; give a larger picture of the neutral face")
    return Baseline.from_readings(readings[:1])


def _images(paths: Sequence[Path], output: Path | None) -> Iterator[tuple[Path, bool]]:
    """Yield each file to read, and whether it was named on the command line.

    Args:
        output: a table of an earlier call, which is left out of the folder in which it lies.
    """
    from fer_core.images import SUFFIXES

    for path in paths:
        if not path.is_dir():
            yield path, True
            continue
        for file in sorted(path.rglob("*")):
            is_table = file.suffix.lower() not in SUFFIXES and file == output
            if file.is_file() and not is_table:
                yield file, False


@contextmanager
def _table(
    path: Path, images: Sequence[tuple[Path, bool]], columns: Sequence[str]
) -> "Iterator[CsvTable]":
    """Yield the table of faces; it takes its place at the end of the block."""
    from fer_core.export import CsvTable

    with (
        replaced(path, inputs=[image for image, _ in images]) as beside,
        beside.open("w", encoding="utf-8", newline="") as file,
    ):
        yield CsvTable(file, columns)


def _print_record(record: dict[str, Any]) -> None:
    """Print a line for each face of an image, as soon as it is read."""
    if "error" in record:
        return
    if not record["faces"]:
        print(f"{record['path']}: no face found", flush=True)
    for number, face in enumerate(record["faces"], start=1):
        share = face["probabilities"][face["top"]]
        unsure = " (unsure)" if face["unsure"] else ""
        print(f"{record['path']}: face {number}: {face['top']} {share:.0%}{unsure}", flush=True)

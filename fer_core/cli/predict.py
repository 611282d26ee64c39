"""``predict``: every face in images and folders of images."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from fer_core.cli.options import (
    Details,
    Device,
    EngineName,
    FaceDetector,
    Json,
    Model,
    Prior,
    Processes,
)
from fer_core.cli.progress import print_above, track
from fer_core.errors import UserError
from fer_core.files import replaced

if TYPE_CHECKING:
    from fer_core.analyzer import Analyzer
    from fer_core.export import CsvTable
    from fer_core.options import AnalysisOptions
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
    processes: Processes = 1,
    engine: EngineName = "local",
) -> None:
    """Predict the class of every face in images and folders of images. Ctrl+C keeps what was read so far."""
    from fer_core.export import csv_columns, csv_rows, json_text
    from fer_core.options import AnalysisOptions
    from fer_core.serving.workers import Workers

    workers = Workers(processes, engine)
    options = AnalysisOptions(maps=(), landmarks=as_json or details, prior=prior)
    images = list(_images(paths, csv_out))
    records: list[dict[str, Any]] = []
    count, failed = 0, False
    with ExitStack() as files:
        columns = csv_columns(details=details, compared=neutral is not None)
        table = csv_out and files.enter_context(_table(csv_out, images, columns))
        reader = PictureReader((model, detector, device), options)
        if neutral is not None:
            reader = reader.compared(neutral)
        pictures = workers.map(reader, [path for path, _ in images])
        with suppress(KeyboardInterrupt):
            for picture in track(pictures, "Reading images", len(images)):
                for line in picture.lines:
                    print_above(line)
                failed = failed or ("error" in picture.record and images[count][1])
                count += 1
                if table:
                    table.write(csv_rows([picture.record], details=details))
                if as_json:
                    records.append(picture.record)
                else:
                    _print_record(picture.record)
    if as_json:
        typer.echo(json_text(records))
    if count < len(images):
        print_above(f"stopped after {count:,} of {len(images):,} images")
        raise typer.Exit(130)
    if failed:
        raise typer.Exit(2)


class Picture(NamedTuple):
    """What was read in one picture."""

    record: dict[str, Any]
    """As ``image_record`` gives it; path and error where the picture cannot be read."""
    lines: list[str]
    """Errors and notes for standard error."""


@dataclass(frozen=True)
class PictureReader:
    """Reads pictures; each process that gets it loads the networks once."""

    tools: tuple[str, str, str]
    """Names of the model, the face detector and the device."""
    options: "AnalysisOptions"

    @cached_property
    def analyzer(self) -> "Analyzer":
        """The analyzer of this process."""
        from fer_core.analyzer import Analyzer

        return Analyzer(*self.tools)

    def __getstate__(self) -> dict[str, Any]:
        return {"tools": self.tools, "options": self.options}

    def compared(self, neutral: Path) -> "PictureReader":
        """Return a reader that compares each face with that of a picture.

        Raises:
            UserError: if the picture cannot be read, or has no face.
        """
        baseline = read_baseline(self.analyzer, neutral)
        return PictureReader(self.tools, replace(self.options, baseline=baseline))

    def __call__(self, path: Path) -> Picture:
        from fer_core.export import image_record
        from fer_core.images import ImageError, decode_image

        analyzer = self.analyzer
        try:
            decoded = decode_image(path)
        except ImageError as error:
            return Picture({"path": str(path), "error": str(error)}, [f"error: {error}"])
        readings = analyzer.analyze(decoded.pixels, self.options).readings
        record = image_record(str(path), decoded.pixels, readings, decoded.notes)
        return Picture(record, [f"note: {path}: {note}" for note in decoded.notes])


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

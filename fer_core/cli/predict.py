"""``predict``: every face in images and folders of images."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from fer_core.cli.options import Details, Device, FaceDetector, Json, Model, Prior
from fer_core.cli.progress import print_above, track
from fer_core.files import replaced


def predict(
    paths: Annotated[list[Path], typer.Argument(help="Images, and folders of images.")],
    model: Model = "default",
    detector: FaceDetector = "mtcnn",
    device: Device = "auto",
    as_json: Json = False,
    csv_out: Annotated[Path | None, typer.Option("--csv", help="Write one row a face.")] = None,
    prior: Prior = None,
    details: Details = False,
) -> None:
    """Predict the class of every face in images and folders of images. Ctrl+C keeps what was read so far."""
    from fer_core.analyzer import Analyzer
    from fer_core.export import image_record, json_text
    from fer_core.images import ImageError, decode_image
    from fer_core.options import AnalysisOptions

    options = AnalysisOptions(maps=(), landmarks=as_json or details, prior=prior)
    images = list(_images(paths))
    records: list[dict[str, Any]] = []
    failed = False
    with ExitStack() as files:
        table = None
        if csv_out is not None:
            table = files.enter_context(replaced(csv_out, inputs=[path for path, _ in images]))
        analyzer = Analyzer(model, detector, device)
        with suppress(KeyboardInterrupt):
            for path, named in track(images, "Reading images"):
                try:
                    decoded = decode_image(path)
                except ImageError as error:
                    print_above(f"error: {path}: {error}")
                    records.append({"path": str(path), "error": str(error)})
                    failed = failed or named
                    continue
                for note in decoded.notes:
                    print_above(f"note: {path}: {note}")
                image = decoded.pixels
                readings = analyzer.analyze(image, options).readings
                records.append(image_record(str(path), image, readings, decoded.notes))
        stopped = len(records) < len(images)
        if table is not None:
            _write_table(table, records, details)
    if as_json:
        typer.echo(json_text(records))
    else:
        for record in records:
            _print_record(record)
    if stopped:
        print_above(f"stopped after {len(records):,} of {len(images):,} images")
        raise typer.Exit(130)
    if failed:
        raise typer.Exit(2)


def _images(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield each file to read, and whether it was named on the command line."""
    for path in paths:
        if path.is_dir():
            yield from ((file, False) for file in sorted(path.rglob("*")) if file.is_file())
        else:
            yield path, True


def _write_table(path: Path, records: Sequence[dict[str, Any]], details: bool) -> None:
    from fer_core.export import CSV_COLUMNS, DETAIL_COLUMNS, csv_rows, csv_text

    columns = (*CSV_COLUMNS, *(DETAIL_COLUMNS if details else ()))
    text = csv_text(csv_rows(records, details=details), columns)
    path.write_text(text, encoding="utf-8", newline="")


def _print_record(record: dict[str, Any]) -> None:
    if "error" in record:
        return
    if not record["faces"]:
        typer.echo(f"{record['path']}: no face found")
    for number, face in enumerate(record["faces"], start=1):
        share = face["probabilities"][face["top"]]
        unsure = " (unsure)" if face["unsure"] else ""
        typer.echo(f"{record['path']}: face {number}: {face['top']} {share:.0%}{unsure}")

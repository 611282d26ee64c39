"""``video``: every face of a clip over time."""

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_core.cli.options import Details, Device, FaceDetector, Model, Prior
from fer_core.cli.predict import read_baseline
from fer_core.cli.printing import make_table, print_table
from fer_core.cli.progress import progress_bar
from fer_core.errors import UserError
from fer_core.files import replaced

if TYPE_CHECKING:
    from fer_core.analyzer import Analyzer
    from fer_core.types import Baseline
    from fer_core.video import Progress, Timeline


def video(
    clip: Annotated[Path, typer.Argument(help="An mp4, mov, avi, webm, mkv or mpg file.")],
    every: Annotated[int, typer.Option(help="Read every N-th frame.", min=1)] = 1,
    csv_out: Annotated[
        Path | None, typer.Option("--csv", help="Write one row a face and frame.")
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="Write an mp4 with what was read painted into it.")
    ] = None,
    smoothing: Annotated[
        float,
        typer.Option(
            help="Average over so many seconds of past and future; 0 takes each frame by itself.",
            min=0,
        ),
    ] = 0.0,
    model: Model = "default",
    detector: FaceDetector = "mtcnn",
    device: Device = "auto",
    prior: Prior = None,
    details: Details = False,
    neutral: Annotated[
        str | None,
        typer.Option(
            help="Compare each face with the person's neutral one: a picture of it, a time in seconds at "
            "which the faces are neutral, or median for the median of each face over the clip."
        ),
    ] = None,
) -> None:
    """Read every face of a video over time. Ctrl+C keeps what was read so far."""
    from fer_core.analyzer import Analyzer
    from fer_core.streaming.stream import StreamSettings
    from fer_core.video import Clip, TimelineReader, annotate
    from fer_core.video.timeline import check_smoothing

    check_smoothing(smoothing)
    settings = StreamSettings(maps=(), prior=prior, smoothing=0)
    with Clip(clip) as opened, ExitStack() as film_files:
        table = film = None
        if annotated is not None:
            if annotated.suffix.lower() != ".mp4":
                raise UserError(f"--annotated {annotated}: name another file, ending in .mp4")
            film = film_files.enter_context(replaced(annotated, inputs=[clip]))
        with ExitStack() as table_files:  # whole before the film begins, which may fail
            if csv_out is not None:
                table = table_files.enter_context(replaced(csv_out, inputs=[clip]))
            analyzer = Analyzer(model, detector, device)
            face = None if neutral is None else _neutral_face(neutral, analyzer)
            reader = TimelineReader(opened, analyzer, settings, every=every, details=details)
            with suppress(KeyboardInterrupt):
                _show_progress("Reading", reader)
            timeline, problem = _finished(reader.timeline, face, analyzer, smoothing)
            if table is not None:
                _write_table(table, timeline, details)
        _print_timeline(timeline)
        if film is not None:
            with film.open("wb") as output:
                _show_progress("Writing", annotate(clip, timeline, analyzer, output))
    if problem is not None:
        raise UserError(problem)


def _neutral_face(text: str, analyzer: "Analyzer") -> "float | str | Baseline":
    """Return the neutral face that ``--neutral`` names.

    Raises:
        UserError: if it names none.
    """
    if text == "median":
        return text
    if Path(text).is_file():
        return read_baseline(analyzer, Path(text))
    try:
        return float(text)
    except ValueError:
        raise UserError(
            f"--neutral {text}: give a picture, a time in seconds, or median; there is no such file"
        ) from None


def _finished(
    timeline: "Timeline",
    face: "float | str | Baseline | None",
    analyzer: "Analyzer",
    smoothing: float,
) -> "tuple[Timeline, str | None]":
    """Return the timeline compared with a neutral face and smoothed, and why it is not whole, if so."""
    problem = timeline.flaw
    if face is not None:
        try:
            timeline = timeline.compared(face, analyzer.classifier())
        except UserError as error:  # what was read is kept
            problem = str(error)
    return timeline.smoothed(smoothing), problem


def _write_table(path: Path, timeline: "Timeline", details: bool) -> None:
    from fer_core.export import csv_text
    from fer_core.video import table_columns

    text = csv_text(timeline.csv_rows(details=details), table_columns(details=details))
    path.write_text(text, encoding="utf-8", newline="")


def _show_progress(label: str, steps: "Iterable[Progress]") -> None:
    """Take all steps, with a bar."""
    with progress_bar(label) as show:
        for step in steps:
            if step.duration is not None:
                show(step.share)


def _print_timeline(timeline: "Timeline") -> None:
    stopped = ", stopped before its end" if timeline.stopped else ""
    typer.echo(
        f"{timeline.clip}: {timeline.frames:,} frames read, {timeline.end:.1f} s{stopped}, "
        f"{timeline.treatment}, by {timeline.model}"
    )
    if not timeline.tracks:
        typer.echo("no face found")
    for face in timeline.by_face():
        typer.echo(
            f"face {face['track']}: {face['frames']:,} frames, {face['first']:.1f} to "
            f"{face['last']:.1f} s, mostly {face['top']} ({face[face['top']]:.0%} on average), "
            f"{face['blinks']} blinks"
        )
    best = make_table("lrl")
    for name, moment in timeline.best().items():
        where = f"at {moment.time:.1f} s, face {moment.track}"
        best.add_row(name, f"{moment.probability:.0%}", where)
    if best.row_count:
        print_table(best)

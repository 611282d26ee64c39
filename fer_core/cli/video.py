"""``video``: every face of one clip or several over time."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from fer_core.cli.options import (
    Details,
    Device,
    EngineName,
    FaceDetector,
    Model,
    Prior,
    Processes,
)
from fer_core.cli.predict import read_baseline
from fer_core.cli.printing import make_table, print_table
from fer_core.cli.progress import print_above, progress_bar, track
from fer_core.errors import UserError
from fer_core.files import make_folder, replaced

if TYPE_CHECKING:
    from fer_core.analyzer import Analyzer
    from fer_core.serving.workers import Workers
    from fer_core.streaming.stream import StreamSettings
    from fer_core.types import Baseline
    from fer_core.video import Progress, Timeline


def video(
    clips: Annotated[
        list[Path],
        typer.Argument(metavar="CLIP", help="An mp4, mov, avi, webm, mkv or mpg file, or several."),
    ],
    every: Annotated[int, typer.Option(help="Read every N-th frame.", min=1)] = 1,
    csv_out: Annotated[
        Path | None,
        typer.Option("--csv", help="Write one row a face and frame; a folder for several clips."),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option(
            help="Write an mp4 with what was read painted into it; a folder for several clips."
        ),
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
    processes: Processes = 1,
    engine: EngineName = "local",
) -> None:
    """Read every face of a video over time. Ctrl+C keeps what was read so far.

    Several clips are read one after another, or as many at once as there are processes. Their files are named
    by clip, in the folders that --csv and --annotated name. A clip that cannot be read is reported, and the
    others go on.
    """
    from fer_core.serving.workers import Workers
    from fer_core.streaming.stream import StreamSettings
    from fer_core.video.timeline import check_smoothing

    check_smoothing(smoothing)
    settings = StreamSettings(maps=(), prior=prior, smoothing=0)
    workers = Workers(processes, engine)
    work = _Work((model, detector, device), settings, every, details, smoothing, neutral)
    tables = _files_of(clips, csv_out, "--csv", ".csv")
    films = _files_of(clips, annotated, "--annotated", "-annotated.mp4")
    if len(clips) == 1:
        work.read(clips[0], tables[0], films[0], _print_timeline)
        return
    _read_several(work, list(zip(clips, tables, films, strict=True)), workers)


_Job = tuple[Path, Path | None, Path | None]
"""A clip with its table and its film, None for none."""


def _read_several(work: "_Work", jobs: Sequence[_Job], workers: "Workers") -> None:
    """Read clips, one after another or side by side; report those that cannot be read, and go on."""
    work.check()
    results: Iterable[_ClipResult]
    if workers.is_this_process:
        results = map(work, jobs)  # each has its own bar, and is printed at once
    else:
        results = track(workers.map(work.quietly, jobs), "Reading clips", len(jobs))
    failed, count, stopped = False, 0, False
    try:
        for result in results:
            count += 1
            if result.timeline is not None:
                _print_timeline(result.timeline)
            if result.error is not None:
                print_above(f"error: {result.error}")
                failed = True
            if result.stopped and workers.is_this_process:
                stopped = True
                break
    except KeyboardInterrupt:
        stopped = True
    if stopped and count < len(jobs):
        print_above(f"stopped after {count:,} of {len(jobs):,} clips")
        raise typer.Exit(130)
    if failed:
        raise typer.Exit(2)


class _ClipResult(NamedTuple):
    """What became of a clip."""

    timeline: "Timeline | None" = None
    """What was read, where it has not been printed yet."""
    error: str | None = None
    stopped: bool = False


def _files_of(
    clips: Sequence[Path], out: Path | None, option: str, ending: str
) -> Sequence[Path | None]:
    """Return the file to write for each clip; for several they lie in a folder and are named by clip.

    Args:
        out: what the caller named with ``option``.
        ending: of the files' names, behind that of the clip.

    Raises:
        UserError: if a file was named for several clips, or the folder cannot be made.
    """
    if out is None or len(clips) == 1:
        return [out] * len(clips)
    if out.suffix and ending.endswith(out.suffix.lower()):
        raise UserError(f"{option} {out}: name a folder for the files of several clips")
    make_folder(out)
    names: list[str] = []
    for clip in clips:
        same = (clip.stem, *(f"{clip.stem}-{number}" for number in range(2, len(clips) + 2)))
        names.append(next(name for name in same if name not in names))
    return [out / f"{name}{ending}" for name in names]


@dataclass(frozen=True)
class _Work:
    """What is done with each clip."""

    tools: tuple[str, str, str]
    """Names of the model, the face detector and the device."""
    settings: "StreamSettings"
    every: int
    details: bool
    smoothing: float
    neutral: str | None

    @cached_property
    def analyzer(self) -> "Analyzer":
        """The analyzer of all clips."""
        from fer_core.analyzer import Analyzer

        return Analyzer(*self.tools)

    @cached_property
    def face(self) -> "float | str | Baseline | None":
        """The neutral face that ``--neutral`` names.

        Raises:
            UserError: if it names none.
        """
        text = self.neutral
        if text is None or text == "median":
            return text
        if Path(text).is_file():
            return read_baseline(self.analyzer, Path(text))
        try:
            return float(text)
        except ValueError:
            raise UserError(
                f"--neutral {text}: give a picture, a time in seconds, or median; there is no such file"
            ) from None

    def check(self) -> None:
        """Load what all clips need, so that an error in it is reported once.

        Raises:
            UserError: for an unknown model, detector or device, or a neutral face that cannot be used.
        """
        self.analyzer.classifier()
        self.analyzer.detector()
        _ = self.face

    def __call__(self, job: _Job) -> _ClipResult:
        """Read a clip of several, and print what was found."""
        return self._result(job, _print_timeline)

    def quietly(self, job: _Job) -> _ClipResult:
        """Read a clip of several in a process whose parent prints what was found."""
        timelines: list[Timeline] = []
        result = self._result(job, timelines.append)
        return result._replace(timeline=timelines[0] if timelines else None)

    def _result(self, job: _Job, show: "Callable[[Timeline], None]") -> _ClipResult:
        try:
            return _ClipResult(stopped=self.read(*job, show))
        except (UserError, OSError) as error:
            return _ClipResult(error=str(error))

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def read(
        self,
        clip: Path,
        csv_out: Path | None,
        annotated: Path | None,
        show: "Callable[[Timeline], None]",
    ) -> bool:
        """Read a clip and write its files; return whether Ctrl+C stopped it.

        Args:
            show: gets what was read before the film is written.

        Raises:
            UserError: if the clip cannot be read to its end, or a file cannot be written.
        """
        from fer_core.video import Clip, TimelineReader, annotate

        with Clip(clip) as opened, ExitStack() as film_files:
            table = film = None
            if annotated is not None:
                if annotated.suffix.lower() != ".mp4":
                    raise UserError(f"--annotated {annotated}: name another file, ending in .mp4")
                film = film_files.enter_context(replaced(annotated, inputs=[clip]))
            with ExitStack() as table_files:  # whole before the film begins, which may fail
                if csv_out is not None:
                    table = table_files.enter_context(replaced(csv_out, inputs=[clip]))
                face, settings = self.face, self.settings
                reader = TimelineReader(
                    opened, self.analyzer, settings, every=self.every, details=self.details
                )
                stopped = _take_steps("Reading", reader)
                timeline, problem = _finished(reader.timeline, face, self.analyzer, self.smoothing)
                if table is not None:
                    _write_table(table, timeline, self.details)
            show(timeline)
            if film is not None:
                with film.open("wb") as output:
                    _show_progress("Writing", annotate(clip, timeline, self.analyzer, output))
        if problem is not None:
            raise UserError(problem)
        return stopped


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


def _take_steps(label: str, steps: "Iterable[Progress]") -> bool:
    """Take all steps, with a bar, until Ctrl+C; return whether it was pressed."""
    from fer_core.serving.workers import stop_requested

    try:
        _show_progress(label, takewhile(lambda _: not stop_requested(), steps))
    except KeyboardInterrupt:
        return True
    return stop_requested()


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

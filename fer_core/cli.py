"""The command line: ``python -m fer_core COMMAND``.

Exit codes: 0 done; 2 the caller's mistake, told in one line; 1 a fault of ours.
"""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fer_core.analyzer import Analyzer
from fer_core.data import SPLITS, read_faces
from fer_core.errors import UserError
from fer_core.evaluation.leaderboard import milliseconds
from fer_core.export import CSV_COLUMNS, csv_rows, image_record
from fer_core.faces import load_detector
from fer_core.images import ImageError, read_image
from fer_core.labels import EXPRESSIONS
from fer_core.models import load_model
from fer_core.weights import (
    AVERAGES,
    EXPRESSION_MODEL,
    EYES,
    HOG,
    LANDMARKS,
    LEADERBOARD,
    WEIGHTS,
    list_models,
    load_card,
    results_path,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_core.data import FaceSet
    from fer_core.evaluation.averages import Averages
    from fer_core.evaluation.metrics import Evaluation
    from fer_core.training.loop import World
    from fer_core.training.recipe import Recipe
    from fer_core.video import Progress, Timeline

app = typer.Typer(
    help="Find faces, read their expression class, and show what the classifier looked at.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Model = Annotated[str, typer.Option(help="A trained model; `models` lists them.")]
FaceDetector = Annotated[str, typer.Option(help="mtcnn, haar, yunet or hog.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Data = Annotated[
    list[Path],
    typer.Option(
        help="fer2013.csv, a folder of class folders, or another set as it is downloaded: docs/training.md."
    ),
]
Plus = Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv.")]

MODEL_COLUMNS = {
    "parameters": ("  parameters", ","),
    "file_mb": ("    MB", ".1f"),
    "accuracy": ("  accuracy", ".1%"),
    "macro_f1": ("     F1", ".3f"),
    "ferplus_accuracy": ("    FER+", ".1%"),
    "ms_per_face": ("      ms", ".1f"),
}
"""Key -> heading, as wide as the column, and format."""
LEADERBOARD_COLUMNS = {
    "parameters": ("  parameters", ","),
    "accuracy": ("  accuracy", ".1%"),
    "unseen_accuracy": ("  no copies", ".1%"),
    "macro_precision": ("  precision", ".3f"),
    "macro_recall": ("  recall", ".3f"),
    "macro_f1": ("     F1", ".3f"),
    "ece": ("    ECE", ".3f"),
    "ferplus_accuracy": ("    FER+", ".1%"),
    "ms_per_face": ("      ms", ".1f"),
}


def main() -> None:
    """Run the command line; mistakes of the caller become one line and exit code 2."""
    try:
        app()
    except (UserError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


@app.command()
def predict(
    paths: Annotated[list[Path], typer.Argument(help="Images, and folders of images.")],
    model: Model = "default",
    detector: FaceDetector = "mtcnn",
    as_json: Json = False,
    csv_out: Annotated[Path | None, typer.Option("--csv", help="Write one row a face.")] = None,
) -> None:
    """Read every face in images and folders of images."""
    analyzer = Analyzer(model, detector)
    records, failed = [], False
    for path, named in _images(paths):
        try:
            image = read_image(path)
        except ImageError as error:
            typer.echo(f"error: {path}: {error}", err=True)
            records.append({"path": str(path), "error": str(error)})
            failed = failed or named
            continue
        records.append(image_record(str(path), image, analyzer(image)))
    if csv_out is not None:
        with csv_out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, CSV_COLUMNS)
            writer.writeheader()
            writer.writerows(csv_rows(records))
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    else:
        for record in records:
            _print_record(record)
    if failed:
        raise typer.Exit(2)


@app.command()
def evaluate(
    data: Data,
    model: Model = "default",
    every: Annotated[
        bool,
        typer.Option("--all", help="Measure all models; writes weights/results/leaderboard.json."),
    ] = False,
    split: Annotated[str, typer.Option(help="Training, PublicTest, PrivateTest or all.")] = (
        "PrivateTest"
    ),
    plus: Plus = None,
    detect: Annotated[bool, typer.Option("--detect", help="Find the face in each image.")] = False,
    tta: Annotated[bool, typer.Option("--tta", help="Average with the mirror image.")] = False,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled face crops; landmarks, eyes and hog on sets like theirs."""
    if every:
        if detect or tta:
            raise UserError("--all reads faces as they are, in a single pass; leave out the others")
        _evaluate_all(data, split, plus, as_json)
        return
    if load_card(model).kind != EXPRESSION_MODEL:
        figures = _measure_detail(model, data, split)
        if as_json:
            typer.echo(json.dumps(figures, indent=2))
        for name, value in () if as_json else figures.items():
            typer.echo(f"{name:14}{value:>10,}")
        return
    from fer_core.evaluation.metrics import evaluate as measure

    faces, copies = _split(data, plus, split)
    classifier = load_model(model)
    # A crop holds one face that nearly fills it, so faces down to a third of it are looked for.
    finder = load_detector("mtcnn", min_face=20) if detect else None
    result = measure(classifier, faces, tta=tta, detector=finder, copies=copies)
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2))
        return
    passes = "with its mirror image" if tta else "single pass"
    typer.echo(f"{result.model} on {result.n:,} faces of {split}, {passes}")
    _print_evaluation(result)


def _split(
    data: list[Path], plus: Path | None, split: str
) -> tuple["FaceSet", "NDArray[np.bool_] | None"]:
    """The faces of a split, and which of them are copies of training faces."""
    faces = read_faces(data, plus)
    part = faces.split(split)
    trained = faces.select(faces.splits == SPLITS[0])
    return part, part.copies(trained) if len(trained) and SPLITS[0] not in part.splits else None


def _print_evaluation(result: "Evaluation") -> None:
    typer.echo(f"accuracy          {result.accuracy:6.1%}")
    typer.echo(f"macro precision   {result.macro_precision:6.3f}")
    typer.echo(f"macro recall      {result.macro_recall:6.3f}")
    typer.echo(f"macro F1          {result.macro_f1:6.3f}")
    typer.echo(f"calibration error {result.ece:6.3f}")
    if result.ferplus_accuracy is not None:
        typer.echo(f"FER+ accuracy     {result.ferplus_accuracy:6.1%} of {result.ferplus_n:,}")
    if result.unseen_accuracy is not None:
        typer.echo(f"without copies    {result.unseen_accuracy:6.1%} of {result.unseen_n:,}")
    for axis, ccc in (("valence", result.valence_ccc), ("arousal", result.arousal_ccc)):
        if ccc is not None:
            typer.echo(f"{axis} CCC       {ccc:6.3f}")
    typer.echo(f"\n{'class':10}{'precision':>10}{'recall':>8}{'F1':>7}{'n':>7}")
    for name, row in result.per_class.items():
        typer.echo(
            f"{name:10}{row['precision']:10.3f}{row['recall']:8.3f}{row['f1']:7.3f}{row['n']:7,}"
        )
    typer.echo(f"\n{'true, taken for':16}" + "".join(f"{name:>9}" for name in EXPRESSIONS))
    for name, counts in zip(EXPRESSIONS, result.confusion, strict=True):
        typer.echo(f"{name:16}" + "".join(f"{count:9,}" for count in counts))


def _evaluate_all(data: list[Path], split: str, plus: Path | None, as_json: bool) -> None:
    from fer_core.evaluation.comparison import compare
    from fer_core.training.card import origin

    faces, copies = _split(data, plus, split)
    rows = compare(faces, copies=copies)
    rows = [{**row, "ms_per_face": _one_thread_milliseconds(row["name"])} for row in rows]
    names = "".join(f" --data {path.name}" for path in data) + (
        f" --plus {plus.name}" if plus else ""
    )
    table = {
        "command": f"python -m fer_core evaluate --all{names} --split {split}",
        "split": split,
        "n": rows[0]["n"],
        **origin(),
        "rows": rows,
    }
    path = results_path(LEADERBOARD, WEIGHTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(table, indent=2))
        return
    typer.echo(f"{table['n']:,} faces of {split}, single pass\n")
    _print_table(rows, LEADERBOARD_COLUMNS)
    typer.echo(f"\nwritten to {path}")


def _measure_detail(model: str, data: list[Path], split: str) -> dict[str, Any]:
    if model == EYES:
        from fer_core.data.readers.eyes import read_eyes
        from fer_core.faces.eyes import load_eye_reader
        from fer_core.training.tasks.eyes import measure_eyes

        return measure_eyes(load_eye_reader(), read_eyes(_only(data)).split(split))
    from fer_core.data.readers.landmarks import read_landmarks

    if model == HOG:
        from fer_core.faces.hog import Hog
        from fer_core.training.tasks.hog import measure_detector

        return measure_detector(Hog(), read_landmarks(_only(data), public=True).split(split))
    from fer_core.faces.landmarks import load_landmarker
    from fer_core.training.tasks.landmarks import measure_landmarks

    return measure_landmarks(load_landmarker(), read_landmarks(_only(data)).split(split))


def _only(data: list[Path]) -> Path:
    if len(data) > 1:
        raise UserError("this takes one set; give --data once")
    return data[0]


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a .toml file.")],
    data: Annotated[
        list[Path],
        typer.Option(
            help="fer2013.csv, a folder of class folders, or another set as it is downloaded: "
            "docs/training.md; for landmarks and hog a teacher's .npz, for eyes their folder."
        ),
    ],
    plus: Plus = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; models/history/NAME-TIME without it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    processes: Annotated[
        int, typer.Option(help="Share the work among so many on each machine.", min=1)
    ] = 1,
    nodes: Annotated[int, typer.Option(help="Machines that share it.", min=1)] = 1,
) -> None:
    """Train a recipe; leaves NAME.safetensors and its card in the run folder."""
    from fer_core.training.card import export_model, run_facts
    from fer_core.training.loop import World
    from fer_core.training.recipe import read_recipe
    from fer_core.training.tasks.classical import ESTIMATORS, fit_estimator
    from fer_core.training.tasks.expressions import fit

    plan = read_recipe(recipe)
    if resume and out is None:
        raise UserError("--resume needs --out, the folder of the run to go on with")
    team = World(processes, nodes)
    folder = out or Path("models/history") / f"{plan.name}-{datetime.now():%Y%m%d-%H%M%S}"
    if plan.family == LANDMARKS:
        _train_landmarks(plan, data, folder, resume, team)
        return
    if plan.family == EYES:
        _train_eyes(plan, data, folder, resume, team)
        return
    if plan.family == HOG:
        _train_hog(plan, data, folder)
        return
    faces = read_faces(data, plus)
    if plan.family in ESTIMATORS:
        estimator, facts = fit_estimator(plan, faces, folder)
        classifier = export_model(estimator, plan, faces, folder, facts)
    else:
        network = fit(plan, faces, folder, resume=resume, team=team)
        classifier = export_model(network, plan, faces, folder, run_facts(plan, folder, team))
    for split, figures in classifier.card.figures.items():
        typer.echo(
            f"{split}: accuracy {figures['accuracy']:.1%}, macro F1 {figures['macro_f1']:.3f}"
        )
    typer.echo(f"weights and card in {folder}; copy both into {WEIGHTS.name}/ to use them by name")


def _train_landmarks(
    plan: "Recipe", teachers: list[Path], folder: Path, resume: bool, team: "World"
) -> None:
    from fer_core.data.readers.landmarks import join_landmarks, read_landmarks
    from fer_core.training.card import run_facts
    from fer_core.training.tasks.landmarks import export_landmarks, fit_landmarks

    sets = {path.stem: read_landmarks(path) for path in teachers}
    faces = join_landmarks(list(sets.values()))
    network = fit_landmarks(plan, faces, folder, resume=resume, team=team)
    landmarker = export_landmarks(network, plan, sets, folder, run_facts(plan, folder, team))
    for name, figures in landmarker.card.figures.items():
        typer.echo(
            f"{name}: points {figures['point_error']:.1%} of the inter-ocular distance, "
            f"actions {figures['action_error']:.3f}"
        )
    typer.echo(f"weights and card in {folder}; copy both into {WEIGHTS.name}/ to use them")


def _train_eyes(
    plan: "Recipe", data: list[Path], folder: Path, resume: bool, team: "World"
) -> None:
    from fer_core.data.readers.eyes import read_eyes
    from fer_core.training.card import run_facts
    from fer_core.training.tasks.eyes import export_eyes, fit_eyes

    eyes = read_eyes(_only(data))
    network = fit_eyes(plan, eyes, folder, resume=resume, team=team)
    reader = export_eyes(network, plan, eyes, folder, run_facts(plan, folder, team))
    for split, figures in reader.card.figures.items():
        typer.echo(f"{split}: {figures['accuracy']:.1%} of {figures['n']:,} eyes")
    typer.echo(f"weights and card in {folder}; copy both into {WEIGHTS.name}/ to use them")


def _train_hog(plan: "Recipe", data: list[Path], folder: Path) -> None:
    from fer_core.data.readers.landmarks import read_landmarks
    from fer_core.training.tasks.hog import export_hog, fit_hog

    faces = read_landmarks(_only(data), public=True)
    hog = export_hog(fit_hog(plan, faces, folder), faces, folder)
    for split, figures in hog.card.figures.items():
        typer.echo(
            f"{split}: {figures['found']:.1%} of {figures['n']:,} faces found, "
            f"{figures['false_per_picture']:.3f} false ones a picture"
        )
    typer.echo(f"weights and card in {folder}; copy both into {WEIGHTS.name}/ to use them")


@app.command()
def models(as_json: Json = False) -> None:
    """List the trained models."""
    rows = [_model_row(name) for name in list_models()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    _print_table(rows, MODEL_COLUMNS)


def _print_table(rows: list[dict[str, Any]], columns: Mapping[str, tuple[str, str]]) -> None:
    typer.echo(f"{'name':24}" + "".join(heading for heading, _ in columns.values()))
    for row in rows:
        cells = (
            "–" if row[key] is None else format(row[key], form)
            for key, (_, form) in columns.items()
        )
        widths = (len(heading) for heading, _ in columns.values())
        line = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        typer.echo(f"{row['name']:24}{line}")


@app.command()
def explain(
    image: Annotated[Path, typer.Argument(help="An image with a face.")],
    out: Annotated[Path, typer.Option(help="Folder for the picture and the numbers.")],
    target: Annotated[str, typer.Option(help="A class, or top for the likeliest.")] = "top",
    method: Annotated[str, typer.Option(help="A class activation method.")] = "gradcam",
    model: Model = "default",
    detector: FaceDetector = "mtcnn",
) -> None:
    """Write the class activation map of the largest face as PNG and JSON."""
    from PIL import Image as Pillow

    from fer_core.draw.overlay import OverlayStyle, draw_overlay

    frame = read_image(image)
    result = Analyzer(model, detector).analyze(frame, maps=(target,), method=method)
    if not result.readings:
        raise UserError(f"{image}: no face was found; try a larger or brighter picture")
    explanation = result.explanations[0][0]
    out.mkdir(parents=True, exist_ok=True)
    if explanation.method != method:
        typer.echo(f"{model} has no feature maps for {method}: explained by {explanation.method}")
    stem = out / f"{image.stem}-{explanation.target}-{explanation.method}"
    picture = draw_overlay(frame, result, OverlayStyle())
    Pillow.fromarray(picture).save(stem.with_suffix(".png"))
    numbers = {
        "path": str(image),
        "model": result.readings[0].model,
        "target": explanation.target,
        "method": explanation.method,
        "raw": explanation.raw.tolist(),
        "region_share": dict(explanation.region_share),
        "is_flat": explanation.is_flat,
        "probabilities": _by_class(result.readings[0].probabilities),
    }
    stem.with_suffix(".json").write_text(json.dumps(numbers, indent=2), encoding="utf-8")
    typer.echo(f"{stem}.png and {stem.name}.json")


@app.command()
def averages(
    data: Data,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Measure this one anew, and keep the others; all models without it."),
    ] = None,
    split: Annotated[str, typer.Option(help="Training, PublicTest, PrivateTest or all.")] = (
        "PrivateTest"
    ),
    most: Annotated[
        int, typer.Option(help="Faces a class, for models that occlusion explains.", min=2)
    ] = 40,
) -> None:
    """Average the maps of each class and model; writes weights/results/averages.json."""
    from fer_core.evaluation.averages import (
        Averages,
        align_by_landmarks,
        average_maps,
        in_square,
        read_averages,
        write_averages,
    )
    from fer_core.faces.alignment import bare_landmarks
    from fer_core.faces.landmarks import five_points

    names = [load_card(name).name for name in model or list_models()]
    read = "".join(f" --data {path.name}" for path in data)
    command = f"python -m fer_core averages{read} --split {split} --most {most}"
    known = read_averages(WEIGHTS) if model else Averages()
    if known.maps and known.command != command:
        raise UserError(
            f"the others were measured by {known.command!r}; give the same options, or leave out "
            "--model to measure all anew"
        )
    faces = read_faces(data).split(split)
    typer.echo(f"landmarks of {len(faces):,} faces", err=True)
    landmarks = bare_landmarks(faces.images)
    layout = in_square(landmarks, five_points(landmarks)).mean(axis=0)
    found = replace(known, landmarks=layout, command=command)
    for name in names:
        started = perf_counter()
        classifier = load_model(name)
        aligned, places = align_by_landmarks(classifier, faces.images, landmarks)
        maps = average_maps(classifier, aligned, places, faces.labels, most=most)
        found = replace(found, maps={**found.maps, name: maps})
        write_averages(found, WEIGHTS)  # after each model, so that a break costs one alone
        counted = sum(average.n for average in maps.values())
        typer.echo(f"{name}: {counted:,} faces, {perf_counter() - started:.0f} s", err=True)
    _print_claims(found, names)
    typer.echo(f"\nwritten to {results_path(AVERAGES, WEIGHTS)}")


def _print_claims(averages: "Averages", models: Sequence[str]) -> None:
    from fer_core.evaluation.averages import claim

    typer.echo(f"{'share of the heat, %':24}{'class':8}{'parts':14}{'share':>7}{'others':>8}")
    for model in models:
        for found in claim(averages, model):
            typer.echo(
                f"{model:24}{found.target:8}{' + '.join(found.parts):14}{100 * found.share:7.1f}"
                f"{100 * found.others:8.1f}   {100 * found.low:+.1f} to {100 * found.high:+.1f}"
            )


@app.command()
def video(
    clip: Annotated[Path, typer.Argument(help="An mp4, mov, avi, webm, mkv or mpg file.")],
    every: Annotated[int, typer.Option(help="Read every N-th frame.", min=1)] = 1,
    csv_out: Annotated[
        Path | None, typer.Option("--csv", help="Write one row a face and frame.")
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="Write an mp4 with what was read painted into it.")
    ] = None,
    model: Model = "default",
    detector: FaceDetector = "mtcnn",
) -> None:
    """Read every face of a video over time. Ctrl+C keeps what was read so far."""
    from fer_core.streaming.stream import StreamSettings
    from fer_core.video import CSV_COLUMNS as VIDEO_COLUMNS
    from fer_core.video import Clip, TimelineReader, annotate

    with Clip(clip) as opened, ExitStack() as files:
        table = film = None
        if csv_out is not None:
            table = files.enter_context(csv_out.open("w", newline="", encoding="utf-8"))
        if annotated is not None:
            if annotated.suffix.lower() != ".mp4" or annotated.resolve() == clip.resolve():
                raise UserError(f"--annotated {annotated}: name another file, ending in .mp4")
            film = files.enter_context(annotated.open("wb"))
        analyzer = Analyzer(model, detector)
        reader = TimelineReader(opened, analyzer, StreamSettings(maps=()), every=every)
        with suppress(KeyboardInterrupt):
            _show_progress("Reading", reader)
        timeline = reader.timeline
        if table is not None:
            writer = csv.DictWriter(table, VIDEO_COLUMNS)
            writer.writeheader()
            writer.writerows(timeline.csv_rows())
        if film is not None:
            _show_progress("Writing", annotate(clip, timeline, analyzer, film))
    _print_timeline(timeline)
    if timeline.flaw is not None:
        raise UserError(timeline.flaw)


def _show_progress(label: str, steps: "Iterable[Progress]") -> None:
    """A bar with the time left on standard error, where that is a terminal."""
    with typer.progressbar(length=1000, label=label, file=sys.stderr) as bar:
        for step in steps:
            bar.update(round(1000 * step.share) - bar.pos)
        bar.update(1000 - bar.pos)


def _print_timeline(timeline: "Timeline") -> None:
    stopped = ", stopped before its end" if timeline.stopped else ""
    typer.echo(f"{timeline.clip}: {timeline.frames:,} frames read, {timeline.end:.1f} s{stopped}")
    if not timeline.tracks:
        typer.echo("no face found")
    for face in timeline.by_face():
        typer.echo(
            f"face {face['track']}: {face['frames']:,} frames, {face['first']:.1f} to "
            f"{face['last']:.1f} s, mostly {face['top']} ({face[face['top']]:.0%} on average), "
            f"{face['blinks']} blinks"
        )
    for name, moment in timeline.best().items():
        typer.echo(
            f"{name:10}{moment.probability:5.0%} at {moment.time:.1f} s, face {moment.track}"
        )


def _images(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Each file to read, and whether it was named on the command line."""
    for path in paths:
        if path.is_dir():
            yield from ((file, False) for file in sorted(path.rglob("*")) if file.is_file())
        else:
            yield path, True


def _print_record(record: dict[str, Any]) -> None:
    if "error" in record:
        return
    if not record["faces"]:
        typer.echo(f"{record['path']}: no face found")
    for number, face in enumerate(record["faces"], start=1):
        share = face["probabilities"][face["top"]]
        unsure = " (unsure)" if face["unsure"] else ""
        typer.echo(f"{record['path']}: face {number}: {face['top']} {share:.0%}{unsure}")


def _by_class(values: Any) -> dict[str, float]:
    return dict(zip(EXPRESSIONS, map(float, values), strict=True))


def _model_row(name: str) -> dict[str, Any]:
    card = load_card(name)
    figures = card.figures.get("PrivateTest", {})
    return {
        "name": name,
        "family": card.family,
        "parameters": card.parameters,
        "file_mb": round((WEIGHTS / f"{name}.safetensors").stat().st_size / 1e6, 2),
        "input_size": card.input_size,
        **{key: figures.get(key) for key in ("accuracy", "macro_f1", "ferplus_accuracy")},
        "published": card.published,
        "ms_per_face": _one_thread_milliseconds(name),
    }


def _one_thread_milliseconds(name: str) -> float:
    """For one aligned face; in one thread, so that machines compare. The process keeps to that thread."""
    import torch

    torch.set_num_threads(1)
    return round(milliseconds(name), 2)

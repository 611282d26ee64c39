"""``averages``: the average map of each class and model."""

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from fer_core.cli.options import Data, Device, Split, data_options
from fer_core.cli.printing import print_claims
from fer_core.cli.progress import print_above, progress_bar, track
from fer_core.devices import choose_device
from fer_core.errors import UserError
from fer_core.files import check_output, make_folder
from fer_core.labels import EXPRESSIONS
from fer_core.weights import AVERAGES, WEIGHTS, WeightsError, list_models, load_card, results_path

if TYPE_CHECKING:
    from fer_core.data import FaceSet
    from fer_core.evaluation.averages import Averages
    from fer_core.types import Floats


def averages(
    data: Data,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Recompute only this model; default: all models."),
    ] = None,
    split: Split = "PrivateTest",
    most: Annotated[
        int, typer.Option(help="Faces of each class, for models that occlusion explains.", min=2)
    ] = 40,
    device: Device = "auto",
) -> None:
    """Average the maps of each class and model; writes weights/results/averages.json."""
    from fer_core.data import read_faces
    from fer_core.evaluation.averages import Averages, landmarks_in_square, read_averages
    from fer_core.faces.alignment import bare_landmarks
    from fer_core.faces.landmarks import five_points

    make_folder(results_path(AVERAGES, WEIGHTS).parent)
    check_output(results_path(AVERAGES, WEIGHTS))
    device = choose_device(device)
    chosen = {load_card(name).name: name for name in model or list_models()}
    options = f" --split {split} --most {most}"
    faces = read_faces(data).split(split)
    for note in faces.notes:
        print_above(note)
    results = read_averages(WEIGHTS) if model else Averages()
    if results.maps and not (results.faces == faces.sha256 and results.command.endswith(options)):
        raise UserError(
            f"the others were measured by {results.command!r}, on other faces or with other options; "
            "give the same, or leave out --model to recompute all"
        )
    typer.echo(f"landmarks of {len(faces):,} faces", err=True)
    with progress_bar("Landmarks"):
        landmarks = bare_landmarks(faces.images, device)
    layouts = landmarks_in_square(landmarks, five_points(landmarks))
    by_class = {
        name: layouts[faces.labels == number].mean(axis=0)
        for number, name in enumerate(EXPRESSIONS)
        if (faces.labels == number).any()
    }
    command = f"python -m fer_core averages{data_options(data)}{options}"
    results = replace(
        results,
        landmarks=layouts.mean(axis=0),
        class_landmarks=by_class,
        command=command,
        faces=faces.sha256,
    )
    results = _average(chosen, results, faces, landmarks, (most, device, model is None))
    print_claims(results, [name for name in chosen if name in results.maps])
    typer.echo(f"\nwritten to {results_path(AVERAGES, WEIGHTS)}")


def _average(
    models: Mapping[str, str],
    results: "Averages",
    faces: "FaceSet",
    landmarks: "Floats",
    how: tuple[int, str, bool],
) -> "Averages":
    """Add the average maps of models to those of others, and write them after each.

    Args:
        models: name of each model -> how it was named.
        landmarks: of the faces, in pixels.
        how: the options ``most`` and ``device``, and whether to go on where a model cannot be loaded.
    """
    from fer_core.evaluation.averages import align_by_landmarks, average_maps, write_averages
    from fer_core.models import load_model

    most, device, goes_on = how
    for name in track(list(models), "Averaging maps"):
        started = perf_counter()
        try:
            classifier = load_model(models[name], device)
        except WeightsError as error:
            if not goes_on:
                raise
            print_above(str(error))
            continue
        aligned, positions = align_by_landmarks(classifier, faces.images, landmarks)
        maps = average_maps(classifier, aligned, positions, faces.labels, max_per_class=most)
        results = replace(results, maps={**results.maps, name: maps})
        write_averages(results, WEIGHTS)  # an interruption costs one model alone
        count = sum(average.n for average in maps.values())
        print_above(f"{name}: {count:,} faces, {perf_counter() - started:.0f} s")
    return results

"""``averages``: the average map of each class and model."""

from dataclasses import replace
from time import perf_counter
from typing import Annotated

import typer

from fer_core.cli.options import Data, Device, Split, data_options
from fer_core.cli.printing import print_claims
from fer_core.cli.progress import print_above, progress_bar, track
from fer_core.devices import choose_device
from fer_core.errors import UserError
from fer_core.files import check_output, make_folder
from fer_core.weights import AVERAGES, WEIGHTS, WeightsError, list_models, load_card, results_path


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
    from fer_core.evaluation.averages import (
        Averages,
        align_by_landmarks,
        average_maps,
        landmarks_in_square,
        read_averages,
        write_averages,
    )
    from fer_core.faces.alignment import bare_landmarks
    from fer_core.faces.landmarks import five_points
    from fer_core.models import load_model

    make_folder(results_path(AVERAGES, WEIGHTS).parent)
    check_output(results_path(AVERAGES, WEIGHTS))
    device = choose_device(device)
    chosen = {load_card(name).name: name for name in model or list_models()}
    command = f"python -m fer_core averages{data_options(data)} --split {split} --most {most}"
    results = read_averages(WEIGHTS) if model else Averages()
    if results.maps and results.command != command:
        raise UserError(
            f"the others were measured by {results.command!r}; give the same options, or leave out "
            "--model to recompute all"
        )
    faces = read_faces(data).split(split)
    typer.echo(f"landmarks of {len(faces):,} faces", err=True)
    with progress_bar("Landmarks"):
        landmarks = bare_landmarks(faces.images, device)
    layout = landmarks_in_square(landmarks, five_points(landmarks)).mean(axis=0)
    results = replace(results, landmarks=layout, command=command)
    for name in track(list(chosen), "Averaging maps"):
        started = perf_counter()
        try:
            classifier = load_model(chosen[name], device)
        except WeightsError as error:
            if model:
                raise
            print_above(str(error))  # the others are averaged
            continue
        aligned, positions = align_by_landmarks(classifier, faces.images, landmarks)
        maps = average_maps(classifier, aligned, positions, faces.labels, max_per_class=most)
        results = replace(results, maps={**results.maps, name: maps})
        write_averages(
            results, WEIGHTS
        )  # after each model, so that an interruption costs one alone
        count = sum(average.n for average in maps.values())
        print_above(f"{name}: {count:,} faces, {perf_counter() - started:.0f} s")
    print_claims(results, [name for name in chosen if name in results.maps])
    typer.echo(f"\nwritten to {results_path(AVERAGES, WEIGHTS)}")

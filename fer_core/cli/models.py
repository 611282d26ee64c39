"""``models``: the trained models and their figures."""

from typing import Any

import typer

from fer_core.cli.options import Json
from fer_core.cli.printing import MODEL_COLUMNS, print_models
from fer_core.cli.progress import print_above, track
from fer_core.weights import WEIGHTS, WeightsError, damaged_cards, list_models, load_card


def models(as_json: Json = False) -> None:
    """List the trained models."""
    from fer_core.export import json_text

    rows = []
    for sentence in damaged_cards():
        print_above(sentence)
    for name in track(list_models(), "Timing models"):
        try:
            rows.append(_model_row(name))
        except WeightsError as error:  # the others are listed
            print_above(str(error))
    if as_json:
        typer.echo(json_text(rows))
        return
    print_models(rows, MODEL_COLUMNS)


def _model_row(name: str) -> dict[str, Any]:
    from fer_core.evaluation.leaderboard import measured_on

    card = load_card(name)
    figures, milliseconds = card.figures.get("PrivateTest", {}), one_thread_milliseconds(name)
    return {
        "name": name,
        "family": card.family,
        "parameters": card.parameters,
        "file_mb": round((WEIGHTS / f"{name}.safetensors").stat().st_size / 1e6, 2),
        "input_size": card.input_size,
        **{key: figures.get(key) for key in ("accuracy", "macro_f1", "ferplus_accuracy")},
        "published": card.published,
        "ms_per_face": milliseconds,
        "measured_on": measured_on(card),
    }


def one_thread_milliseconds(name: str) -> float:
    """Time one aligned face on one thread, so that machines compare; the process keeps that setting."""
    import torch

    from fer_core.evaluation.leaderboard import milliseconds

    torch.set_num_threads(1)
    return round(milliseconds(name), 2)

"""``models``: the trained models and their figures."""

from typing import Any

import typer

from fer_core.cli.options import Json
from fer_core.cli.printing import MODEL_COLUMNS, print_models
from fer_core.cli.progress import track
from fer_core.weights import WEIGHTS, list_models, load_card


def models(as_json: Json = False) -> None:
    """List the trained models."""
    from fer_core.export import json_text

    rows = [_model_row(name) for name in track(list_models(), "Timing models")]
    if as_json:
        typer.echo(json_text(rows))
        return
    print_models(rows, MODEL_COLUMNS)


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
        "ms_per_face": one_thread_milliseconds(name),
    }


def one_thread_milliseconds(name: str) -> float:
    """Time one aligned face on one thread, so that machines compare; the process keeps that setting."""
    import torch

    from fer_core.evaluation.leaderboard import milliseconds

    torch.set_num_threads(1)
    return round(milliseconds(name), 2)

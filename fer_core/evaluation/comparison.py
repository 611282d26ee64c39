"""Comparison of all trained models on one set of faces."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.data import FaceSet
from fer_core.evaluation.metrics import evaluate, rounded
from fer_core.models import load_model
from fer_core.types import Image
from fer_core.weights import WEIGHTS, list_models


def compare_models(
    faces: FaceSet,
    folder: Path = WEIGHTS,
    *,
    copies: NDArray[np.bool_] | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[dict[str, Any]]:
    """Evaluate the models of a folder of weights on bare face crops, with a single forward pass.

    Args:
        faces: N labeled faces.
        folder: folder of weights.
        copies: (N,) whether a face is a copy of a training face, if known.
        progress: called after each model with the share of finished models, 0..1.

    Returns:
        One row for each model, the most accurate first: fields of its card (name, family, parameters,
        file_mb, input_size, published), and every field of ``Evaluation``.
    """
    aligned: dict[tuple[int, bool], Image] = {}
    rows = []
    names = list_models(folder)
    for number, name in enumerate(names, start=1):
        model = load_model(name, folder=folder)
        card = model.card
        geometry = (card.input_size, card.aligned)
        if geometry not in aligned:  # the landmark network takes longer than most models
            aligned[geometry] = model.align(faces.images)
        figures = rounded(asdict(evaluate(model, faces, aligned=aligned[geometry], copies=copies)))
        del figures["model"]
        metadata = {
            "name": name,
            "family": card.family,
            "parameters": card.parameters,
            "file_mb": round((folder / f"{name}.safetensors").stat().st_size / 1e6, 2),
            "input_size": card.input_size,
            "published": card.published,
        }
        rows.append(metadata | figures)
        if progress is not None:
            progress(number / len(names))
    return sorted(rows, key=lambda row: -row["accuracy"])

"""Comparison of all trained models on one set of faces."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.data import FaceSet
from fer_core.errors import UserError
from fer_core.evaluation.metrics import evaluate, rounded
from fer_core.evaluation.passes import Progress, align_faces
from fer_core.models import load_model
from fer_core.types import Image
from fer_core.weights import WEIGHTS, list_models


def compare_models(
    faces: FaceSet,
    folder: Path = WEIGHTS,
    *,
    copies: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Evaluate the models of a folder of weights on bare face crops, with a single forward pass.

    Args:
        faces: N labeled faces.
        folder: folder of weights.
        copies: (N,) whether a face is a copy of a training face, if known.
        progress: called with the finished share of the work, 0..1; half of a model is its alignment.
        report: called with a sentence for each model that cannot be loaded; the others are evaluated.

    Returns:
        One row for each model that can be loaded, the most accurate first: fields of its card (name, family,
        parameters, file_mb, input_size, published), and the fields of ``Evaluation``.

    Raises:
        UserError: if no model can be loaded.
    """
    aligned: dict[tuple[int, bool], Image] = {}
    rows = []
    names = list_models(folder)
    for number, name in enumerate(names):
        try:
            model = load_model(name, folder=folder)
        except UserError as error:
            report(str(error))
            continue
        card = model.card
        geometry = (card.input_size, card.aligned)
        if geometry not in aligned:  # the landmark network takes longer than most models
            aligned[geometry] = align_faces(
                model, faces, progress=_part(progress, number / len(names), 0.5 / len(names))
            )
        evaluation = evaluate(
            model,
            faces,
            aligned=aligned[geometry],
            copies=copies,
            progress=_part(progress, (number + 0.5) / len(names), 0.5 / len(names)),
        )
        figures = rounded(asdict(evaluation))
        del figures["model"], figures["faces"]  # of all rows alike
        metadata = {
            "name": name,
            "family": card.family,
            "parameters": card.parameters,
            "file_mb": round((folder / f"{name}.safetensors").stat().st_size / 1e6, 2),
            "input_size": card.input_size,
            "published": card.published,
        }
        rows.append(metadata | figures)
    if not rows:
        raise UserError(f"none of the models in {folder} can be loaded; restore them")
    return sorted(rows, key=lambda row: -row["accuracy"])


def _part(progress: Progress | None, start: float, width: float) -> Progress | None:
    """Return the progress of a part of the work, which begins at ``start`` and makes up ``width`` of all."""
    return None if progress is None else lambda share: progress(start + width * share)

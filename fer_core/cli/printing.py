"""Figures and tables as lines of text."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

from fer_core.labels import EXPRESSIONS

if TYPE_CHECKING:
    from fer_core.evaluation.averages import Averages
    from fer_core.evaluation.metrics import Evaluation

MODEL_COLUMNS: Final = {
    "parameters": ("  parameters", ","),
    "file_mb": ("    MB", ".1f"),
    "accuracy": ("  accuracy", ".1%"),
    "macro_f1": ("     F1", ".3f"),
    "ferplus_accuracy": ("    FER+", ".1%"),
    "ms_per_face": ("      ms", ".1f"),
}
"""Key -> heading, as wide as the column, and format."""
LEADERBOARD_COLUMNS: Final = {
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
"""Key -> heading and format of the columns of ``evaluate --all``."""


def print_table(rows: list[dict[str, Any]], columns: Mapping[str, tuple[str, str]]) -> None:
    """Print rows in columns; an unknown figure is a dash."""
    typer.echo(f"{'name':24}" + "".join(heading for heading, _ in columns.values()))
    for row in rows:
        cells = (
            "–" if row[key] is None else format(row[key], form)
            for key, (_, form) in columns.items()
        )
        widths = (len(heading) for heading, _ in columns.values())
        line = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        typer.echo(f"{row['name']:24}{line}")


def print_evaluation(result: "Evaluation") -> None:
    """Print every figure of an evaluation, by class too, and its confusion matrix."""
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


def print_claims(averages: "Averages", models: Sequence[str]) -> None:
    """Print how the heat of each model is shared between the claimed parts and the others."""
    from fer_core.evaluation.claims import evaluate_claims

    typer.echo(f"{'share of the heat, %':24}{'class':8}{'parts':14}{'share':>7}{'others':>8}")
    for model in models:
        for found in evaluate_claims(averages, model):
            typer.echo(
                f"{model:24}{found.target:8}{' + '.join(found.parts):14}{100 * found.share:7.1f}"
                f"{100 * found.others:8.1f}   {100 * found.low:+.1f} to {100 * found.high:+.1f}"
            )

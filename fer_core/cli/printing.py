"""Figures as tables on standard output: with rules on a terminal, as plain columns where it is piped."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_core.labels import EXPRESSIONS
from fer_core.weights import DEFAULT_MODEL

if TYPE_CHECKING:
    from fer_core.evaluation.averages import Averages
    from fer_core.evaluation.metrics import Evaluation

COLUMNS: Final = {
    "parameters": ("parameters", ","),
    "file_mb": ("MB", ".1f"),
    "consensus_accuracy": ("consensus", ".1%"),
    "accuracy": ("accuracy", ".1%"),
    "unseen_accuracy": ("no copies", ".1%"),
    "macro_precision": ("precision", ".3f"),
    "macro_recall": ("recall", ".3f"),
    "macro_f1": ("F1", ".3f"),
    "ece": ("ECE", ".3f"),
    "ferplus_accuracy": ("FER+", ".1%"),
    "ms_per_face": ("ms", ".1f"),
    "measured_on": ("measured on", ""),
}
"""Key of a figure -> heading and format of its column."""
MODEL_COLUMNS: Final = (
    "parameters",
    "file_mb",
    "accuracy",
    "macro_f1",
    "ferplus_accuracy",
    "ms_per_face",
    "measured_on",
)
"""Columns of ``models``."""
LEADERBOARD_COLUMNS: Final = tuple(key for key in COLUMNS if key not in ("file_mb", "measured_on"))
"""Columns of ``evaluate --all``."""

_WIDTH: Final = 10_000
"""Columns of the console. More than any table has, so that Rich never cuts a figure or breaks a line; a
terminal that is narrower breaks lines itself."""


def make_table(justify: str, headings: Sequence[str] = ()) -> Table:
    """Return a table without rows.

    Args:
        justify: a letter for each column: ``l`` left, ``r`` right.
        headings: a heading for each column; () for a table without headings.
    """
    gap = 2 if headings else 1
    table = Table(
        box=None,
        show_header=bool(headings),
        show_edge=False,
        pad_edge=False,
        padding=(0, gap, 0, 0),
    )
    for number, letter in enumerate(justify):
        heading = headings[number] if headings else ""
        table.add_column(heading, justify="left" if letter == "l" else "right", no_wrap=True)
    return table


def print_table(table: Table, console: Console | None = None) -> None:
    """Print a table on standard output: a terminal gets styles and a rule, anything else plain text.

    Args:
        table: from ``make_table``.
        console: where to print instead.
    """
    console = console or Console(width=_WIDTH, force_terminal=sys.stdout.isatty(), markup=False)
    if console.is_terminal and table.show_header:
        table.box = SIMPLE_HEAD  # it puts a space between columns
        table.padding = (0, 1, 0, 0)
    with console.capture() as capture:
        console.print(table)
    lines = (line.rstrip() for line in capture.get().splitlines())
    typer.echo("\n".join(lines), file=console.file, color=console.is_terminal)


def print_models(rows: list[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print one row for each model, the default model in bold; an unknown figure is a dash."""
    headings = ["name", *(COLUMNS[key][0] for key in columns)]
    table = make_table("l" + "r" * len(columns), headings)
    for row in rows:
        cells = ("–" if row[key] is None else format(row[key], COLUMNS[key][1]) for key in columns)
        table.add_row(row["name"], *cells, style="bold" if row["name"] == DEFAULT_MODEL else None)
    print_table(table)


def print_figures(figures: Mapping[str, float]) -> None:
    """Print figures below each other with their names."""
    table = make_table("lr")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    print_table(table)


def print_evaluation(result: "Evaluation") -> None:
    """Print every figure of an evaluation, by class too, and its confusion matrix."""
    figures = make_table("lrl")
    figures.add_row("accuracy", f"{result.accuracy:.1%}")
    figures.add_row("macro precision", f"{result.macro_precision:.3f}")
    figures.add_row("macro recall", f"{result.macro_recall:.3f}")
    figures.add_row("macro F1", f"{result.macro_f1:.3f}")
    figures.add_row("calibration error", f"{result.ece:.3f}")
    if result.ferplus_accuracy is not None:
        figures.add_row(
            "FER+ accuracy", f"{result.ferplus_accuracy:.1%}", f"of {result.ferplus_n:,}"
        )
    if result.consensus_accuracy is not None:
        agreed = f"of {result.consensus_n:,} whose label and votes agree"
        figures.add_row("consensus", f"{result.consensus_accuracy:.1%}", agreed)
        figures.add_row("by both heads", f"{result.consensus_both_heads:.1%}", agreed)
    if result.unseen_accuracy is not None:
        figures.add_row(
            "without copies", f"{result.unseen_accuracy:.1%}", f"of {result.unseen_n:,}"
        )
    for axis, ccc in (("valence", result.valence_ccc), ("arousal", result.arousal_ccc)):
        if ccc is not None:
            figures.add_row(f"{axis} CCC", f"{ccc:.3f}")
    if result.attention_entropy is not None:
        figures.add_row("attention entropy", f"{result.attention_entropy:.3f}", "1 is even")
    print_table(figures)
    typer.echo()
    if result.by_prior:
        _print_priors(result)
        typer.echo()
    _print_classes(result)
    typer.echo()
    _print_confusion(result)


def _print_priors(result: "Evaluation") -> None:
    """Print accuracy and recalls under each prior: own shares of the classes, half way, equal shares."""
    names = [name for name in EXPRESSIONS if name in result.by_prior["own"]]
    keys = ("accuracy", "macro_recall", *names)
    table = make_table("l" + "r" * len(keys), ("prior", "accuracy", "mean recall", *names))
    for prior, figures in result.by_prior.items():
        table.add_row(prior, *(f"{figures[key]:.1%}" for key in keys))
    print_table(table)


def _print_classes(result: "Evaluation") -> None:
    table = make_table("lrrrr", ("class", "precision", "recall", "F1", "n"))
    for name, row in result.per_class.items():
        shares = (f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
        table.add_row(name, *shares, f"{row['n']:,}")
    print_table(table)


def _print_confusion(result: "Evaluation") -> None:
    """Print the confusion matrix with the right answers, on its diagonal, in bold."""
    table = make_table("l" + "r" * len(EXPRESSIONS), ("true, taken for", *EXPRESSIONS))
    for name, counts in zip(EXPRESSIONS, result.confusion, strict=True):
        cells = (
            Text(f"{count:,}", "bold" if predicted == name else "")
            for predicted, count in zip(EXPRESSIONS, counts, strict=True)
        )
        table.add_row(name, *cells)
    print_table(table)


def print_claims(averages: "Averages", models: Sequence[str]) -> None:
    """Print how the heat of each model is shared between the claimed parts and the others."""
    from fer_core.evaluation.claims import evaluate_claims

    headings = ("share of the heat, %", "class", "parts", "share", "others", "difference, 95 % CI")
    table = make_table("lllrrr", headings)
    for model in models:
        for claim in evaluate_claims(averages, model):
            table.add_row(
                model,
                claim.target,
                " + ".join(claim.parts),
                f"{100 * claim.share:.1f}",
                f"{100 * claim.others:.1f}",
                f"{100 * claim.low:+.1f} to {100 * claim.high:+.1f}",
            )
    print_table(table)

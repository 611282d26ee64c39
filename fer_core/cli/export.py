"""``export``: a trained network as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from fer_core.cli.options import Model
from fer_core.errors import UserError

FORMATS = ("onnx", "graph")


def export(
    model: Model = "default",
    file_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="onnx: one file that needs nothing else. graph: a small one beside the weights, by which "
            "the model then runs on a CPU.",
        ),
    ] = "onnx",
    out: Annotated[Path | None, typer.Option(help="The file; NAME.onnx without it.")] = None,
) -> None:
    """Write a trained network as an ONNX file, for other programs and for the fast runtime."""
    if file_format not in FORMATS:
        raise UserError(f"unknown format {file_format!r}; choose one of {', '.join(FORMATS)}")
    if file_format == "graph" and out is not None:
        raise UserError("a graph lies beside its weights; leave out --out")
    from fer_core.models.export import export_onnx, write_graphs
    from fer_core.weights import load_card

    if file_format == "graph":
        typer.echo(f"wrote {', '.join(write_graphs(model).graphs)} and their hashes on the card")
        return
    path = out or Path(f"{load_card(model).name}.onnx")
    export_onnx(model, path)
    typer.echo(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB")

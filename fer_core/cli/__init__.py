"""The command line: ``python -m fer_core COMMAND``.

Exit codes: 0 done; 2 the caller's mistake, in one line; 130 stopped by Ctrl-C; 1 a fault of ours.
"""

import io
import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup

from fer_core.cli import (
    averages,
    cartoon,
    crop,
    evaluate,
    explain,
    export,
    models,
    predict,
    serve,
    train,
    video,
)
from fer_core.errors import UserError


class Commands(TyperGroup):
    """The commands; an empty argument is refused, since an empty path would mean the current folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line.

        Raises:
            UserError: for an empty argument or option, as ``predict "$PHOTOS"`` without that variable gives.
        """
        for word in args:
            if not word or (word.startswith("--") and word.endswith("=")):
                name = word.rstrip("=") or "an argument"
                raise UserError(f"{name} is empty; is a variable of the shell not set?")
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Commands,
    help="Find faces, predict their expression class, and show what the classifier looked at.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    predict.predict,
    evaluate.evaluate,
    train.train,
    crop.crop,
    cartoon.cartoon,
    models.models,
    explain.explain,
    averages.averages,
    video.video,
    export.export,
    serve.serve,
):
    app.command()(command)


EXTRAS: Final = {
    "aiortc": "app",
    "plotly": "app",
    "streamlit": "app",
    "streamlit_webrtc": "app",
    "onnx": "export",
    "onnxscript": "export",
    "filelock": "train",
    "lightning": "train",
    "pandas": "train",
    "tensorboard": "train",
    "prometheus_client": "host",
    "ray": "scale",
}
"""Package that the base install lacks -> extra of ``pyproject.toml`` that installs it."""


def main() -> None:
    """Run the command line; mistakes of the caller become one line and exit code 2."""
    # Names of files need not be UTF-8; on a terminal they are printed as \udce9 rather than not at all.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except (UserError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        command = f"pip install 'expression-lens[{EXTRAS[error.name]}]'"
        typer.echo(f"error: {error.name} is not installed; run: {command}", err=True)
        sys.exit(2)

"""The notebook of the documentation: well formed, and run from its first cell to its last."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from fer_core.data import read_faces
from fer_core.data.mosaic import read_tiles

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
CELL_SECONDS = 3600
"""Time limit of a cell, so that a kernel that hangs ends the test; training takes a minute or two."""


@pytest.fixture
def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def test_the_notebook_is_valid_and_holds_no_outputs(notebook: Any) -> None:
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []


def test_the_notebook_installs_the_checkout_that_it_lies_in(notebook: Any) -> None:
    package = re.search(r'package = "(.+)\[(\w+)\]"', "\n".join(c.source for c in notebook.cells))
    assert package is not None
    project = (ROOT / "docs" / package[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert package[2] in tomllib.loads(project)["project"]["optional-dependencies"]


@pytest.fixture
def fer2013(shared: Callable[[str], Path], tmp_path: Path) -> Path:
    """Write FER2013's table with a quarter of its faces."""
    folder = shared("data/fer2013")
    index = pd.read_csv(folder / "index.csv")[::4]
    lines = ["emotion,pixels,Usage"]
    for name, rows in index.groupby("mosaic"):
        tiles = read_tiles(folder / f"{name}.webp", rows["tile"].to_numpy())
        for label, usage, tile in zip(rows["emotion"], rows["usage"], tiles, strict=True):
            lines.append(f"{label},{' '.join(map(str, np.ravel(tile)))},{usage}")
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(lines))
    return path


def test_the_notebook_runs_and_its_network_learns(
    notebook: Any, fer2013: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(read_faces([fer2013]).split("Training")) > 5000
    monkeypatch.setenv("FER2013", str(fer2013))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # Searched first, so that no kernel of the system or the user takes the place of this Python's.
    monkeypatch.setenv("JUPYTER_PATH", str(Path(sys.prefix, "share", "jupyter")))
    # A kernel that inherits another backend, such as a server's, keeps its pictures to itself.
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    report = "import json, sys\nprint(json.dumps([sys.executable, accuracy]))"
    notebook.cells.append(nbformat.v4.new_code_cell(report))  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=resources
    ).execute()
    executable, accuracy = json.loads(notebook.cells[-1].outputs[0].text)
    assert executable == sys.executable
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4
    assert accuracy > 0.3, "hardly better than one class for all"


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["rules", "format"])
def test_the_code_of_the_notebook_follows_the_style(command: list[str]) -> None:
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", str(NOTEBOOK)]
    result = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr

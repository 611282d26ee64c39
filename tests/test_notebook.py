"""The notebook of the documentation: well formed, and run from its first cell to its last."""

import re
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


@pytest.fixture
def notebook() -> Any:
    return nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]


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
    notebook.cells.append(nbformat.v4.new_code_cell("print(f'{accuracy:.4f}')"))  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=None, kernel_name="python3", resources=resources).execute()
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4
    assert float(notebook.cells[-1].outputs[0].text) > 0.3, "hardly better than one class for all"

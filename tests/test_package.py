"""The package as it is installed: a wheel with its weights, and what the base install needs."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PIL import Image as Pillow

from fer_core import __version__
from fer_core.types import Image

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel in isolation, as ``pip install .`` does."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_code_and_the_weights_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    files = {f"fer_core/{path.relative_to(ROOT / 'fer_core')}" for path in _files("fer_core")}
    files |= {
        f"fer_core/trained/{path.relative_to(ROOT / 'weights')}" for path in _files("weights")
    }
    assert set(names) == files
    assert "fer_core/py.typed" in names and "fer_core/trained/mtcnn.LICENSE" in names


def _files(folder: str) -> list[Path]:
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return [path for path in files if path.suffix != ".pyc"]


def test_the_installed_package_predicts_as_the_checkout_does(
    wheel: Path, tmp_path: Path, astronaut: Image
) -> None:
    photo = tmp_path / "astronaut.png"
    Pillow.fromarray(astronaut).save(photo)
    installed, home = tmp_path / "installed", tmp_path / "home"
    home.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*pip, str(installed), str(wheel)], check=True)
    command = [sys.executable, "-m", "fer_core", "predict", str(photo), "--json"]
    records = []
    for code, folder in ((installed, Path("/")), (ROOT, ROOT)):
        environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(code)}
        process = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        records.append(json.loads(process.stdout))
    assert records[0] == records[1]
    assert records[0][0]["faces"][0]["top"] == "happy"
    script = (installed / "bin" / "expression-lens").read_text()
    assert "from fer_core.cli import main" in script


def test_the_version_is_named_once(wheel: Path) -> None:
    assert wheel.name.startswith(f"expression_lens-{__version__}-")
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_base_install_needs_neither_streamlit_nor_plotly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed: set[str] = set()
    pending = [Requirement(text) for text in project["dependencies"]]
    while pending:
        requirement = pending.pop()
        if requirement.name.lower() in needed:
            continue
        needed.add(requirement.name.lower())
        pending += [
            other
            for other in map(Requirement, requires(requirement.name) or ())
            if other.marker is None or other.marker.evaluate({"extra": ""})
        ]
    assert {"torch", "timm", "numpy"} <= needed
    assert needed & {"streamlit", "plotly", "streamlit-webrtc", "aiortc", "lightning"} == set()

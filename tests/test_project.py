"""Rules for the project: order of imports, size of the weights, pinned packages."""

import ast
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from app.device.runtime import content
from fer_core.cli import EXTRAS
from fer_core.labels import EXPRESSIONS

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "fer_core"

# A part imports from its own row and the rows before it. There are no circular imports.
ORDER = (
    {
        "types",
        "labels",
        "errors",
        "images",
        "fields",
        "files",
        "forking",
        "options",
        "geometry",
        "pose",
        "export",
        "timing",
        "devices",
    },  # the ground
    {"weights", "building"},
    {"runtime", "cartoon"},
    {"faces"},
    {"models", "data"},
    {"explain"},
    {"evaluation", "training"},
    {"analyzer", "readings", "draw"},
    {"streaming"},
    {"fer_core"},  # the package itself: the names that it offers to callers
    {"video"},
    {"serving"},
    {"cli", "__main__"},
)
GROUND = ORDER[0]
ROW = {part: row for row, parts in enumerate(ORDER) for part in parts}
CORE_FILES = sorted(CORE.rglob("*.py"))
APP_FILES = [ROOT / "streamlit_app.py", *sorted((ROOT / "app").rglob("*.py"))]
APP_FILES += sorted((ROOT / "pages").glob("*.py"))

TRAINING_PACKAGES = {"torch", "torchvision", "timm", "lightning", "torchmetrics", "numpy", "pandas"}
TRAINING_PACKAGES |= {"cv2", "PIL", "safetensors", "filelock"}  # with torchvision, timm and torch

WEIGHTS = sorted((ROOT / "weights").glob("*.safetensors"))
MAX_MEGABYTES = {"prior_attention": 3, "plain": 3, "landmarks": 3, "dnn": 7.5, "mtcnn": 2.1}
MAX_MEGABYTES_OF_OTHERS = 1.5
MAX_MEGABYTES_TOGETHER = 44
MAX_MEGABYTES_OF_BROWSER_FILES = 16


# Imports ------------------------------------------------------------------------------------------


def statements(path: Path, *, lazy: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the import statements of a file; without ``lazy`` only those that run when it is imported."""
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        if not lazy:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                pending.extend(node.orelse)
                continue
        pending.extend(ast.iter_child_nodes(node))


def imports(path: Path, *, lazy: bool = True) -> set[str]:
    """Return the dotted names that a file imports; ``from a import b`` counts as ``a.b``."""
    names = set()
    for node in statements(path, lazy=lazy):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
            continue
        base = [node.module] if node.module else []
        if node.level:
            package = path.relative_to(ROOT).parent.parts
            base = [*package[: len(package) - node.level + 1], *base]
        names |= {".".join([*base, alias.name]) for alias in node.names}
    return names


def part(name: str) -> str:
    """Return the part of an imported name.

    ``fer_core.faces.mtcnn.X`` is of ``faces``; a name that the package itself offers is of ``fer_core``.
    """
    first = name.split(".")[1] if "." in name else "fer_core"
    is_part = first in ROW or (CORE / first).is_dir() or (CORE / f"{first}.py").exists()
    return first if is_part else "fer_core"


def part_of(path: Path) -> str:
    """Return the part that a file belongs to."""
    first = path.relative_to(CORE).parts[0].removesuffix(".py")
    return "fer_core" if first == "__init__" else first


def parts(path: Path) -> set[str]:
    """Return the parts of fer_core that a file imports."""
    return {part(name) for name in imports(path) if name.split(".")[0] == "fer_core"}


def module_name(path: Path) -> str:
    """Return the dotted name of a file: ``fer_core/faces/__init__.py`` is ``fer_core.faces``."""
    names = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


MODULES = {module_name(path) for path in CORE_FILES}


def module_of(name: str) -> str | None:
    """Return the module of fer_core that an imported name lies in; None for names from elsewhere."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


def circular(needs: Mapping[str, Set[str | None]]) -> list[str]:
    """Return the names that import themselves, directly or through others.

    Args:
        needs: name -> names that it imports.
    """

    def reachable(name: str) -> set[str]:
        reached: set[str] = set()
        pending = [name]
        while pending:
            for other in needs.get(pending.pop(), ()):
                if other is not None and other not in reached:
                    reached.add(other)
                    pending.append(other)
        return reached

    return sorted(name for name in needs if name in reachable(name))


def packages(names: set[str]) -> set[str]:
    """Return the top-level packages of imported names."""
    return {name.split(".")[0] for name in names}


def loaded_with(path: Path) -> set[Path]:
    """Return the files of fer_core that run when ``path`` is imported, itself included."""
    loaded: set[Path] = set()
    pending = [path]
    while pending:
        current = pending.pop()
        if current in loaded:
            continue
        loaded.add(current)
        for name in imports(current, lazy=False):
            for depth in range(1, name.count(".") + 2):
                prefix = ROOT.joinpath(*name.split(".")[:depth])
                candidates = (prefix.with_suffix(".py"), prefix / "__init__.py")
                pending += [file for file in candidates if CORE in file.parents and file.exists()]
    return loaded


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_parts_import_only_from_their_own_and_earlier_rows(path: Path) -> None:
    importer = part_of(path)
    assert importer in ROW, f"give {importer} its place in ORDER, and in the order of the design"
    if importer == "fer_core":
        allowed = {name for name, row in ROW.items() if row < ROW[importer]} - {"training"}
    elif importer == "draw":
        allowed = GROUND | {importer}
    else:
        allowed = {name for name, row in ROW.items() if row <= ROW[importer]}
        if importer not in {"training", "cli"}:
            allowed.discard("training")
    assert parts(path) <= allowed


def test_there_are_no_circular_imports() -> None:
    """A package's ``__init__`` offers the names of its modules; its modules import each other directly."""
    modules = {
        module_name(path): {module_of(name) for name in imports(path)} for path in CORE_FILES
    }
    assert circular({name: needs - {name, None} for name, needs in modules.items()}) == []
    by_part: dict[str, set[str]] = {}
    for path in CORE_FILES:
        by_part.setdefault(part_of(path), set()).update(parts(path) - {part_of(path)})
    assert circular(by_part) == []


def test_nothing_but_the_command_line_imports_training() -> None:
    files = [path for path in CORE_FILES if part_of(path) not in {"training", "cli"}]
    violations = [path for path in (*files, *APP_FILES) if "training" in parts(path)]
    assert violations == []


def test_fer_core_never_imports_streamlit() -> None:
    violations = [
        path for path in CORE_FILES if packages(imports(path)) & {"streamlit", "streamlit_webrtc"}
    ]
    assert violations == []


def test_pages_never_import_torch() -> None:
    networks = {"torch", "torchvision", "timm", "lightning", "pytorch_grad_cam"}
    assert [path for path in APP_FILES if packages(imports(path)) & networks] == []


def test_training_imports_only_the_packages_of_a_bare_gpu_machine() -> None:
    needed: set[str] = set()
    for path in (CORE / "training").rglob("*.py"):
        for file in loaded_with(path):
            needed |= packages(imports(file, lazy=False))
    assert needed - sys.stdlib_module_names - {"fer_core"} <= TRAINING_PACKAGES


def test_importing_fer_core_loads_no_heavy_package() -> None:
    code = "import sys, json, fer_core; print(json.dumps(sorted(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "cv2", "streamlit", "pandas", "sklearn", "skimage", "timm", "plotly"}
    assert heavy & set(json.loads(process.stdout)) == set()


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys, json, typer; from fer_core import cli\n"
        "for command in ([], *([name] for name in typer.main.get_command(cli.app).commands)):\n"
        "    sys.argv = ['fer_core', *command, '--help']\n"
        "    try: cli.main()\n"
        "    except SystemExit as stop: assert not stop.code\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert process.stdout.count("Usage: ") == 12
    loaded = set(json.loads(process.stdout.splitlines()[-1]))
    assert loaded & {"numpy", "torch", "cv2", "matplotlib", "sklearn", "pandas", "av"} == set()


def test_everything_but_training_and_export_is_imported_without_the_packages_of_the_extras() -> (
    None
):
    names = sorted(name for name in MODULES if not name.startswith("fer_core.training"))
    for name in ("fer_core.__main__", "fer_core.runtime.graph", "fer_core.models.export"):
        names.remove(name)
    code = (
        "import sys; from importlib import import_module; from fer_core.cli import EXTRAS\n"
        "sys.modules.update(dict.fromkeys(EXTRAS))\n"
        f"for name in {names}: import_module(name)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_command_line_names_every_package_of_the_extras() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    packages = {
        Requirement(text).name.replace("-", "_"): extra
        for extra, requirements in extras.items()
        for text in requirements
        if extra != "dev"
    }
    assert packages == EXTRAS


# Weights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_weights_are_small_and_match_the_hash_in_their_card(path: Path) -> None:
    content = path.read_bytes()
    assert len(content) <= MAX_MEGABYTES.get(path.stem, MAX_MEGABYTES_OF_OTHERS) * 1e6
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(content).hexdigest()


def test_all_weights_together_are_small() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS) <= MAX_MEGABYTES_TOGETHER * 1e6


def test_files_of_others_for_the_browser_are_small_and_come_with_their_licence() -> None:
    folder = ROOT / "static" / "device" / "onnxruntime"
    sizes = [len(content(path)) for path in folder.iterdir()]
    assert sum(sizes) <= MAX_MEGABYTES_OF_BROWSER_FILES * 1e6
    assert (folder / "LICENSE").is_file()


# Packages and theme -------------------------------------------------------------------------------


def locked(file: str) -> dict[str, set[str]]:
    """Return package -> versions of a lock; some packages have one version for each Python."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?==(\S+)", (ROOT / file).read_text()):
        versions.setdefault(name, set()).add(version)
    return versions


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_locked_versions_are_in_the_ranges_of_the_package(file: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    ranges = [*project["dependencies"], *extras["app"], *extras["train"]]
    ranges += extras["dev"] if "dev" in file else []
    versions = locked(file)
    for requirement in map(Requirement, ranges):
        assert versions[requirement.name], requirement.name
        for version in versions[requirement.name]:
            assert requirement.specifier.contains(version), f"{requirement.name} {version}"


def test_both_locks_hold_the_same_versions() -> None:
    everything = locked("requirements-dev.txt")
    for name, versions in locked("requirements.txt").items():
        assert everything[name] == versions, name


def test_theme_has_a_color_for_each_class() -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    colors = theme["chartCategoricalColors"]
    assert len(set(colors)) == len(colors) == len(EXPRESSIONS)

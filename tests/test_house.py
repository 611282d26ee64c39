"""Rules for the code: sizes, explicit objects instead of script globals, and plain names."""

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path
    for folder in ("fer_core", "app", "deploy", "pages")
    for path in (ROOT / folder).rglob("*.py")
)
FILES.append(ROOT / "streamlit_app.py")
PAGES = [ROOT / "streamlit_app.py", *sorted((ROOT / "pages").glob("*.py"))]
APP = [path for path in FILES if "fer_core" not in path.parts]

MAX_LINES = 350
MAX_LINES_OF_A_PAGE = 150
MAX_LINES_OF_A_FUNCTION = 60
MAX_PARAMETERS = 6

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def parameters(function: Function) -> list[str]:
    """Return the names of all parameters but ``self`` and ``cls``."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each]
    return [each.arg for each in (*named, *starred) if each.arg not in ("self", "cls")]


# Sizes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    is_command = path.parent == ROOT / "fer_core" / "cli"
    for function in functions(parse(path)):
        assert function.end_lineno is not None
        assert function.end_lineno - function.lineno < MAX_LINES_OF_A_FUNCTION, function.name
        # The options of a command are its parameters.
        if not (is_command and function.name == path.stem):
            assert len(parameters(function)) <= MAX_PARAMETERS, function.name


@pytest.mark.parametrize("path", PAGES[1:], ids=name_of)
def test_pages_are_short_and_open_through_the_router(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES_OF_A_PAGE
    assert f'open_page("{path.stem}")' in text
    assert text.rstrip().endswith('if __name__ == "__main__":\n    main()')


# Explicit objects ---------------------------------------------------------------------------------


def script_names(tree: ast.Module) -> set[str]:
    """Return module-level names that are neither imports, definitions nor CONSTANTS."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | Function):
            continue
        stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
        names |= {n.id for n in stored if isinstance(n.ctx, ast.Store)}
    return {name for name in names if name != name.upper()}


def names_read(tree: ast.AST) -> set[str]:
    """Return the names that the functions of a module read and do not bind themselves."""
    names: set[str] = set()
    for function in functions(tree):
        inside = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
        bound = {n.id for n in inside if isinstance(n.ctx, ast.Store)} | set(parameters(function))
        names |= {n.id for n in inside if isinstance(n.ctx, ast.Load)} - bound
    return names


@pytest.mark.parametrize("path", APP, ids=name_of)
def test_functions_read_no_script_globals(path: Path) -> None:
    tree = parse(path)
    loggers = {"log"} if path.name == "session.py" else set()
    assert script_names(tree) & names_read(tree) - loggers - set(dir(builtins)) == set()


@pytest.mark.parametrize("path", APP, ids=name_of)
def test_importing_app_modules_calls_nothing_at_module_level(path: Path) -> None:
    for node in parse(path).body:
        assert not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)), name_of(path)


# Names --------------------------------------------------------------------------------------------

REPLACED = {
    *("Steady", "_Held", "Past", "_Known", "lids", "settle", "look", "place", "placed", "places"),
    *("read_frames", "read_on", "reads_on", "said", "seen", "Standing", "IN_WORDS", "learnt"),
    *("decided", "begin_with", "Team", "ALONE", "_part_ways", "finish", "finish_eyes"),
    *("finish_landmarks", "finish_hog", "CutNetwork", "running", "cover", "foreseen", "foretold"),
    *("MOST", "REACH", "LEAD", "DOUBT", "APART", "come_in", "go_on", "moved", "degraded"),
    *("disturbed", "changes", "measured", "agreement", "shares", "compare", "cut"),
}
"""Names that plain ones have replaced."""

EXCEPTIONS = {
    ("fer_core/training/recipe.py", "start"): "a key of recipes stays",
    ("fer_core/video/record.py", "running"): "whether a recording runs, its plain meaning",
    ("fer_core/evaluation/faithfulness.py", "shares"): "shares of pixels on the axis of a curve",
    ("fer_core/draw/panels.py", "shares"): "lengths of bars, 0..1",
}
"""File and name -> reason for keeping it."""


def defined_names(tree: ast.Module) -> Iterator[str]:
    """Yield the functions, classes, attributes of classes, and constants of a module."""
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.Module | ast.ClassDef):
            for statement in node.body:
                targets = statement.targets if isinstance(statement, ast.Assign) else []
                targets += [statement.target] if isinstance(statement, ast.AnnAssign) else []
                yield from (target.id for target in targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_replaced_names_are_not_defined_again(path: Path) -> None:
    replaced = {name for name in defined_names(parse(path)) if name in REPLACED}
    assert {name for name in replaced if (name_of(path), name) not in EXCEPTIONS} == set()
    assert path.stem not in REPLACED - {"compare"}


def test_exceptions_are_still_needed() -> None:
    for (file, name), _ in EXCEPTIONS.items():
        assert name in set(defined_names(parse(ROOT / file))), f"{file} no longer has {name}"

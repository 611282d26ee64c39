"""The documentation names files and functions that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = ("fer_core/", "app/", "pages/", "tests/", "weights/", "benchmarks/", "docs/")
SOURCES = [
    *sorted((ROOT / "fer_core").rglob("*.py")),
    *sorted((ROOT / "app").rglob("*.py")),
    *sorted((ROOT / "pages").glob("*.py")),
    ROOT / "streamlit_app.py",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    names = re.findall(r"`([\w./-]+)`", page.read_text(encoding="utf-8"))
    paths = [name for name in names if name.startswith(FOLDERS)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_functions_and_classes_of_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    quoted = re.findall(r"`@?([A-Za-z_][\w.]*)(?:\([^`]*\))?`", text)
    names = {name.split(".")[-1] for name in quoted if not name.endswith((".py", ".md", ".json"))}
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    words = set(re.findall(r"\w+", code))
    assert names - words == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_a_page_runs_or_imports_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = set(re.findall(r"(?:from|-m) ((?:fer_core|benchmarks)(?:\.\w+)*)", text))
    files = [ROOT / name.replace(".", "/") for name in names]
    missing = [str(f) for f in files if not f.is_dir() and not f.with_suffix(".py").exists()]
    assert missing == []

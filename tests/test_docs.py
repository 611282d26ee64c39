"""The documentation names files and functions that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
FOLDERS = (
    "fer_core/",
    "app/",
    "deploy/",
    "pages/",
    "tests/",
    "weights/",
    "benchmarks/",
    "docs/",
    "static/",
)
SOURCES = [
    *sorted((ROOT / "fer_core").rglob("*.py")),
    *sorted((ROOT / "app").rglob("*.py")),
    *sorted((ROOT / "deploy").rglob("*.py")),
    *sorted((ROOT / "pages").glob("*.py")),
    ROOT / "streamlit_app.py",
]


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    names = re.findall(r"`([\w./-]+)`", page.read_text(encoding="utf-8"))
    paths = [name for name in names if name.startswith(FOLDERS)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_functions_and_classes_of_the_architecture_exist() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    quoted = re.findall(r"`@?([A-Za-z_][\w.]*)(?:\([^`]*\))?`", text)
    names = {name.split(".")[-1] for name in quoted if not name.endswith((".py", ".md", ".json"))}
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    words = set(re.findall(r"\w+", code))
    assert names - words == set()


def test_every_module_of_the_browser_is_in_the_architecture() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "static" / "device").glob("*.js")}
    assert set(re.findall(r"`([a-z]+\.js)`", text)) == modules


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_modules_that_a_page_runs_or_imports_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = set(re.findall(r"(?:from|-m) ((?:fer_core|benchmarks|deploy)(?:\.\w+)*)", text))
    files = [ROOT / name.replace(".", "/") for name in names]
    missing = [str(f) for f in files if not f.is_dir() and not f.with_suffix(".py").exists()]
    assert missing == []


def test_every_page_is_in_the_navigation_and_every_entry_of_it_is_a_page() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    entries = list(_entries(site["nav"]))
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(entries) == sorted(pages)


def _entries(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for below in nav.values():
            yield from _entries(below)
    elif isinstance(nav, list):
        for below in nav:
            yield from _entries(below)


def test_links_of_the_site_stay_below_docs() -> None:
    links = {
        page: re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        for page in DOCS.rglob("*.md")
    }
    outside = [
        f"{_name(page)}: {link}"
        for page, targets in links.items()
        for link in targets
        if not (page.parent / link).resolve().is_relative_to(DOCS)
    ]
    assert outside == []


def test_the_api_reference_has_every_module_of_the_library_once() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    described = re.findall(r"^::: (\S+)", text, flags=re.MULTILINE)
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "fer_core").rglob("*.py")]
    modules = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    command_line = {name for name in modules if re.match(r"fer_core\.(cli|__main__)", name)}
    assert sorted(described) == sorted(modules - command_line)


def test_the_leaderboard_of_the_readme_is_that_of_the_results() -> None:
    tables = [
        re.search(
            r"^\| model \| parameters .*?\n\n", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
        for page in (ROOT / "README.md", DOCS / "results.md")
    ]
    first, second = (table.group() if table else "" for table in tables)
    assert first == second != ""

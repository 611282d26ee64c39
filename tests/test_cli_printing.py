"""Tables and progress bars of the command line, on a terminal and piped."""

import sys
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from fer_core.cli.printing import MODEL_COLUMNS, make_table, print_models, print_table
from fer_core.cli.progress import print_above, progress_bar, track
from fer_core.weights import DEFAULT_MODEL


class FakeTerminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def sample_table() -> Table:
    table = make_table("lr", ("name", "figure"))
    table.add_row("x" * 100, "1.5")
    table.add_row("[bold]plain[/]", "12.25")
    return table


def test_a_piped_table_is_plain_and_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_table(sample_table())
    assert capsys.readouterr().out.splitlines() == [
        f"{'name':100}  figure",
        f"{'x' * 100}     1.5",
        f"{'[bold]plain[/]':100}   12.25",
    ]


def test_a_table_on_a_terminal_has_styles_and_a_rule_below_its_headings() -> None:
    file = StringIO()
    print_table(sample_table(), Console(file=file, width=200, force_terminal=True, markup=False))
    headings, rule, first, second = file.getvalue().splitlines()
    assert "\x1b[1mname" in headings and rule == "─" * 108
    assert first == f"{'x' * 100}     1.5" and second.split() == ["[bold]plain[/]", "12.25"]


def test_the_default_model_is_bold_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [dict.fromkeys(MODEL_COLUMNS) | {"name": name} for name in (DEFAULT_MODEL, "plain")]
    for terminal in (FakeTerminal(), StringIO()):
        monkeypatch.setattr(sys, "stdout", terminal)
        print_models(rows, MODEL_COLUMNS)
        *_, default, plain = terminal.getvalue().splitlines()
        assert ("\x1b[1m" in default) == terminal.isatty() and "\x1b" not in plain
        assert plain.split() == ["plain", *"–" * len(MODEL_COLUMNS)]


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")
    assert list(track("abc", "Reading letters")) == ["a", "b", "c"]
    assert isinstance(sys.stderr, FakeTerminal)
    assert "Reading letters" in sys.stderr.getvalue() and "100%" in sys.stderr.getvalue()


def test_a_line_is_printed_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("Reading"):
        print_above("error: a.png")
    (line,) = (line for line in terminal.getvalue().splitlines() if "error" in line)
    assert line.endswith("\x1b[2Kerror: a.png"), "the bar is erased first"


def test_progress_leaves_no_trace_where_standard_error_is_piped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar("Reading") as show:
        show(0.5)
    assert list(track("abc", "Reading letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_single_item_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    assert list(track("a", "Reading letters")) == ["a"]
    assert isinstance(sys.stderr, FakeTerminal) and sys.stderr.getvalue() == ""


def test_what_is_printed_under_a_bar_stays_on_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    with progress_bar("Reading"):
        print("a figure")
    assert capsys.readouterr().out == "a figure\n"

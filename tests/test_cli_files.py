"""What the command line makes of names and files: odd ones are read or refused, and no result is lost."""

import csv
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from fer_core.analyzer import Analyzer
from tests.conftest import Run


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["predict", ""], "an argument"),
        (["predict", "photo.png", "--csv", ""], "an argument"),
        (["predict", "photo.png", "--csv="], "--csv"),
        (["evaluate", "--data="], "--data"),
    ],
)
def test_an_empty_argument_is_not_the_current_folder(run: Run, words: list[str], name: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err == f"error: {name} is empty; is a variable of the shell not set?\n"


def test_a_name_that_is_not_utf8_is_read_and_written(run: Run, photo: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    photo.rename(tmp_path / name)
    table = tmp_path / "out.csv"
    code, out, err = run("predict", tmp_path, "--csv", table)
    assert code == 0 and "Traceback" not in err and "face 1: happy" in out
    with table.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["path"] == f"{tmp_path}/caf\\udce9.png" and row["top"] == "happy"
    assert run("predict", tmp_path / name, "--json")[0] == 0
    code, _, _ = run("explain", tmp_path / name, "--out", tmp_path / "maps")
    assert code == 0 and len(list((tmp_path / "maps").iterdir())) == 2


def test_the_table_of_the_day_before_lies_in_the_folder_of_the_pictures(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        code, _, err = run("predict", tmp_path, "--csv", tmp_path / "out.csv")
        assert (code, err) == (0, "")


def test_predict_writes_and_prints_each_image_as_it_is_read(
    run: Run,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written: list[int] = []
    printed = ""
    analyze = Analyzer.analyze

    def record_and_analyze(self: Analyzer, *arguments: Any, **options: Any) -> Any:
        nonlocal printed
        (beside,) = tmp_path.glob(".out.csv.*.part")
        written.append(len(beside.read_text().splitlines()))
        printed += capsys.readouterr().out
        return analyze(self, *arguments, **options)

    monkeypatch.setattr(Analyzer, "analyze", record_and_analyze)
    code, _, _ = run("predict", photo, photo, photo, "--csv", tmp_path / "out.csv")
    assert code == 0 and written == [1, 2, 3] and printed.count("face 1: happy") == 2


def test_explain_names_its_files_by_image_model_class_and_method(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    for name in ("me.2.png", "me.3.png"):
        Pillow.open(photo).save(tmp_path / name)
        for model in ("plain", "simple_cnn"):
            assert (
                run("explain", tmp_path / name, "--model", model, "--out", tmp_path / "o")[0] == 0
            )
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == sorted(
        f"me.{number}-{model}-happy-gradcam.{kind}"
        for number in (2, 3)
        for model in ("plain", "simple_cnn")
        for kind in ("png", "json")
    )


def test_a_folder_for_results_that_cannot_be_made_is_a_mistake(run: Run, photo: Path) -> None:
    code, _, err = run("explain", photo, "--out", photo)
    assert (
        code == 2
        and err == f"error: folder {photo} cannot be made: File exists; name another folder\n"
    )


def test_a_device_or_a_link_stays_what_it_is(run: Run, photo: Path, tmp_path: Path) -> None:
    pipe, link, table = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "table.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run("predict", photo, "--csv", pipe)[0] == 0
    assert os.read(reader, 9) == b"path,face" and stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)
    link.symlink_to(table)
    assert run("predict", photo, "--csv", link)[0] == 0
    assert link.is_symlink() and len(table.read_text().splitlines()) == 2


@pytest.mark.parametrize("option", ["--start", "--teacher"])
def test_a_model_that_does_not_exist_is_refused_before_the_data_are_read(
    run: Run, tmp_path: Path, option: str
) -> None:
    words = ("--data", tmp_path / "none", "--out", tmp_path / "run")
    code, _, err = run("train", "plain", *words, option, "nobody")
    assert code == 2 and err.startswith("error: unknown model 'nobody'")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["averages", "evaluate"])
def test_results_that_cannot_be_written_are_refused_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(f"fer_core.cli.{command}.WEIGHTS", tmp_path / "file" / "weights")
    (tmp_path / "file").touch()
    words = ["--all"] if command == "evaluate" else []
    code, _, err = run(command, *words, "--data", tmp_path / "none")
    assert code == 2 and "results cannot be made: Not a directory" in err

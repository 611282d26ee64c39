"""Files that take the place of old ones when they are whole."""

import os
from pathlib import Path

import pytest

from fer_core.errors import UserError
from fer_core.files import replaced


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with replaced(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and names(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_the_old_file_is_whole(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(error), replaced(path) as beside:
        beside.write_text("ne")
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["out.csv"]


def test_the_mode_is_that_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replaced(tmp_path / "out.csv") as beside:
            beside.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(b"picture")
    (tmp_path / "linked.csv").hardlink_to(source)
    cases = {
        source: "is read for this",
        tmp_path / "linked.csv": "is read for this",
        tmp_path: "is a folder",
        tmp_path / "missing" / "out.csv": "cannot be written: No such file or directory",
    }
    for path, message in cases.items():
        with pytest.raises(UserError, match=message), replaced(path, inputs=[source]):
            pytest.fail("the work has started")
    assert source.read_bytes() == b"picture" and names(tmp_path) == ["in.png", "linked.csv"]

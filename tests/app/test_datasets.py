"""A visitor can read the host's folder of datasets, and nothing else on the machine."""

from pathlib import Path

import pytest

from app.datasets import VARIABLE, dataset_folder, names_in, path_in
from fer_core.data import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sets = tmp_path / "sets"
    (sets / "faces" / "happy").mkdir(parents=True)
    (sets / ".hidden").mkdir()
    (sets / "fer2013.csv").write_text("")
    (tmp_path / "secret.csv").write_text("emotion,pixels,Usage\n")
    return sets


def test_dataset_folder_is_named_by_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert dataset_folder() is None
    monkeypatch.setenv(VARIABLE, str(folder))
    assert dataset_folder() == folder.resolve()
    assert names_in(folder) == ["faces", "fer2013.csv"]
    monkeypatch.setenv(VARIABLE, str(folder / "nowhere"))
    with pytest.raises(DataError, match="FER_DATA does not name a readable folder"):
        dataset_folder()


def test_names_in_the_dataset_folder_can_be_chosen(folder: Path) -> None:
    assert path_in(folder, "fer2013.csv") == folder / "fer2013.csv"
    assert path_in(folder, " faces/happy ") == folder / "faces" / "happy"
    assert path_in(folder, str(folder / "faces")) == folder / "faces"
    assert path_in(folder, ".") == folder


@pytest.mark.parametrize(
    "name",
    ["../secret.csv", "/etc/passwd", "faces/../../secret.csv", "nothing", "a\0b", "x" * 5000],
)
def test_paths_outside_the_dataset_folder_are_refused_like_missing_ones(
    folder: Path, name: str
) -> None:
    with pytest.raises(DataError, match="is not in the folder of datasets") as caught:
        path_in(folder, name)
    assert str(folder) not in str(caught.value)


def test_symbolic_links_out_of_the_dataset_folder_are_refused(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder.parent / "secret.csv")
    (folder / "loop").symlink_to(folder / "loop")
    for name in ("link.csv", "loop"):
        with pytest.raises(DataError, match="is not in the folder"):
            path_in(folder, name)

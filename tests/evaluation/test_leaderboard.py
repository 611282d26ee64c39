"""The models' figures side by side."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fer_core.evaluation import leaderboard
from fer_core.evaluation.leaderboard import (
    LeaderboardRow,
    leaderboard_faces,
    milliseconds,
    read_leaderboard,
    representative_models,
)
from fer_core.models import get_family, list_families
from fer_core.weights import (
    LEADERBOARD,
    WEIGHTS,
    WeightsError,
    list_models,
    load_card,
    results_path,
)


def figures(accuracy: float, **others: Any) -> dict[str, Any]:
    per_class = {
        "happy": {"precision": 0.8, "recall": 0.6, "f1": 0.7, "n": 3},
        "sad": {"precision": 0.4, "recall": 0.2, "f1": 0.3, "n": 2},
        "fear": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n": 0},
    }
    return {
        "n": 5,
        "accuracy": accuracy,
        "macro_f1": 0.5,
        "ece": 0.1,
        "per_class": per_class,
        "confusion": [[1] * 7] * 7,
        "ferplus_accuracy": None,
        **others,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write cards of three models, the last one without figures."""
    card = json.loads((WEIGHTS / "plain.json").read_text(encoding="utf-8"))
    for name, accuracy in (("plain", 0.7), ("xception", 0.8), ("later", None)):
        figures_of_split = {"PrivateTest": figures(accuracy)} if accuracy else {}
        facts = {
            **card,
            "name": name,
            "family": name,
            "figures": figures_of_split,
            "published": "62.7 % as told",
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
    return tmp_path


def write(folder: Path, *rows: dict[str, Any], **table: Any) -> None:
    results_path(LEADERBOARD, folder).parent.mkdir(exist_ok=True)
    content = {"split": "PrivateTest", "n": 9, "rows": rows, **table}
    results_path(LEADERBOARD, folder).write_text(json.dumps(content), encoding="utf-8")


def test_the_leaderboard_is_built_from_cards_without_a_file(folder: Path) -> None:
    first, second = read_leaderboard(folder)
    assert (first.name, first.accuracy, second.name) == ("xception", 0.8, "plain")
    assert first.macro("precision") == pytest.approx(0.6), "classes that do not occur do not count"
    assert first.published_share == 0.627
    assert first.margin == pytest.approx(1.96 * (0.8 * 0.2 / 5) ** 0.5)
    assert first.about.startswith("a small Xception")


def test_figures_of_the_file_have_priority_over_cards(folder: Path) -> None:
    gone = {"name": "gone", **figures(0.99)}
    known = {"unseen_accuracy": 0.8, "consensus_accuracy": 0.95}
    row = {"name": "plain", **figures(0.9, published="", **known)}
    del row["n"]
    write(folder, row, gone, n=5)
    assert "leaderboard" not in list_models(folder)
    standings = read_leaderboard(folder)
    assert [(s.name, s.accuracy, s.n) for s in standings] == [
        ("plain", 0.9, 5),
        ("xception", 0.8, 5),
    ]
    assert [s.unseen_accuracy for s in standings] == [0.8, None]
    assert [s.consensus_accuracy for s in standings] == [0.95, None]
    assert standings[0].published == "62.7 % as told", "the card's, where the row has none"


def test_figures_on_other_faces_are_left_out(folder: Path) -> None:
    write(folder, {"name": "plain", **figures(0.9)}, n=5, faces="a" * 64)
    assert [row.name for row in read_leaderboard(folder)] == ["plain", "xception"]
    path = folder / "xception.json"
    for changes, names in (
        ({"faces": "a" * 64}, ["plain", "xception"]),
        ({"faces": "b" * 64}, ["plain"]),
        ({"n": 9}, ["plain"]),
    ):
        table = json.loads(path.read_text())
        table["figures"] = {"PrivateTest": figures(0.8, **changes)}
        path.write_text(json.dumps(table))
        assert [row.name for row in read_leaderboard(folder)] == names
    assert leaderboard_faces(folder) == "a" * 64
    results_path(LEADERBOARD, folder).unlink()
    assert [row.name for row in read_leaderboard(folder)] == ["plain"], "the first card's faces"


def test_figures_of_another_split_do_not_count(folder: Path) -> None:
    write(folder, {"name": "plain", **figures(0.9)}, split="PublicTest")
    assert read_leaderboard(folder)[1].accuracy == 0.7


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"split": "PrivateTest"}'])
def test_a_damaged_file_is_named(folder: Path, content: str) -> None:
    results_path(LEADERBOARD, folder).parent.mkdir(exist_ok=True)
    results_path(LEADERBOARD, folder).write_text(content)
    with pytest.raises(
        WeightsError, match=r"leaderboard\.json is not a leaderboard .* evaluate --all"
    ):
        read_leaderboard(folder)


def test_a_missing_figure_is_named(folder: Path) -> None:
    row = figures(0.9)
    del row["ece"]
    write(folder, {"name": "plain", **row})
    with pytest.raises(WeightsError, match="the figures of plain lack 'ece'"):
        read_leaderboard(folder)


def standing(name: str, published: str = "") -> LeaderboardRow:
    return LeaderboardRow(
        name, name, name, 1, 1.0, 5, None, 0.5, 0.5, 0.1, {}, [], None, None, published
    )


@pytest.mark.parametrize(
    ("published", "share"),
    [("", None), ("66 %", 0.66), ("74.14% (ImageNet)", 0.7414), ("F1 52", None)],
)
def test_published_percentages_are_parsed_from_text(published: str, share: float | None) -> None:
    assert standing("a", published).published_share == (share and pytest.approx(share))


def test_representative_models_span_the_leaderboard() -> None:
    names = ["a", "plain", "b", "c", "prior_attention", "d"]
    assert representative_models([standing(n) for n in names]) == (
        "prior_attention",
        "plain",
        "c",
        "d",
    )
    assert representative_models([standing("a")]) == ("a",)
    assert representative_models([]) == ()


def test_every_family_has_a_description() -> None:
    assert all(get_family(name).description for name in list_families())
    card = load_card("plain")
    assert leaderboard.describe(replace(card, family="not_yet_told")) == "not yet told"
    unaligned = leaderboard.describe(replace(card, aligned=False))
    assert unaligned == f"{get_family('plain').description}, on faces that are not aligned"


def test_the_time_of_a_forward_pass_is_measured() -> None:
    assert 0 < milliseconds("plain", repeats=3) < 10_000

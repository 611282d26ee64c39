"""Charts of one face: probabilities, valence and arousal, actions, and tiles of its maps."""

import tomllib
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from app.charts.readings import action_bars, affect_plane, probability_bars, probability_timeline
from fer_core.draw import EXPRESSION_COLORS, percent, rgb
from fer_core.draw.tiles import attention_tiles, heat_tiles
from fer_core.labels import CIRCUMPLEX, EXPRESSIONS
from tests.draw.faces import make_reading

CONFIG = Path(__file__).resolve().parents[3] / ".streamlit" / "config.toml"


def test_palette_equals_the_theme() -> None:
    theme = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"]
    assert tuple(EXPRESSION_COLORS) == EXPRESSIONS
    assert list(EXPRESSION_COLORS.values()) == theme["chartCategoricalColors"]


def test_percentages_are_formatted_and_hex_colors_are_parsed() -> None:
    assert rgb("#C45A61") == (196, 90, 97)
    assert [percent(p) for p in (0, 0.01, 0.834, 0.99, 1)] == [
        "0 %",
        "1 %",
        "83 %",
        "99 %",
        "100 %",
    ]
    assert [percent(p) for p in (1e-9, 0.004, 0.0099)] == ["< 1 %"] * 3
    assert [percent(p) for p in (0.991, 0.9999)] == ["> 99 %"] * 2
    assert percent(float(np.float32(0.99999994))) == "100 %", "a sum of shares is rounded"


def test_bars_show_each_class_in_its_color() -> None:
    figure = probability_bars(make_reading((0, 0, 9, 9), top="sad", probability=0.4))
    (bar,) = figure.data
    assert list(bar.y) == list(EXPRESSIONS)
    assert list(bar.x) == pytest.approx([0.4 if name == "sad" else 0.1 for name in EXPRESSIONS])
    assert list(bar.marker.color) == list(EXPRESSION_COLORS.values())
    assert list(bar.text) == ["40 %" if name == "sad" else "10 %" for name in EXPRESSIONS]
    assert tuple(figure.layout.xaxis.range) == (0, 1)
    assert figure.layout.yaxis.autorange == "reversed", "the first class is not on top"


def test_timeline_shows_the_last_seconds() -> None:
    times = np.array([-2.0, -1.5, 0.0], np.float32)
    probabilities = np.eye(7, dtype=np.float32)[[0, 3, 3]]
    probabilities[1] = np.nan
    figure = probability_timeline(times, probabilities, window=30)
    assert tuple(figure.layout.xaxis.range) == (-30, 0)
    assert [line.name for line in figure.data] == list(EXPRESSIONS)
    assert list(figure.data[3].x) == [-2.0, -1.5, 0.0]
    assert figure.data[3].y[2] == 1.0
    assert np.isnan(figure.data[3].y[1])
    assert figure.data[3].line.color == EXPRESSION_COLORS["happy"]


def test_timeline_without_samples_is_empty() -> None:
    figure = probability_timeline(np.empty(0, np.float32), np.empty((0, 7), np.float32))
    assert all(len(line.x) == 0 for line in figure.data)


def test_plane_shows_the_classes_and_the_trail_of_a_face() -> None:
    trail = np.array([(0.0, 0.0), (0.4, 0.2), (0.8, 0.5)], np.float32)
    figure = affect_plane({3: trail})
    classes, face = figure.data
    assert list(classes.text) == list(EXPRESSIONS)
    assert list(zip(classes.x, classes.y, strict=True)) == list(CIRCUMPLEX.values())
    assert list(classes.marker.color) == list(EXPRESSION_COLORS.values())
    assert list(face.x) == pytest.approx([0, 0.4, 0.8]) and face.y[2] == pytest.approx(0.5)
    assert list(face.marker.size[:2]) == [0, 0] and face.marker.size[2] > 10, (
        "the current position is not marked"
    )
    assert list(face.text) == ["", "", ""], "a single face has a number"
    assert figure.layout.xaxis.title.text == "valence"
    assert figure.layout.yaxis.title.text == "arousal"
    assert figure.layout.xaxis.range[0] < -1 and figure.layout.xaxis.range[1] > 1


def test_plane_numbers_several_faces() -> None:
    position = np.zeros((1, 2), np.float32)
    _, *faces = affect_plane({3: position, 5: position}).data
    assert [face.text for face in faces] == [("3",), ("5",)]
    assert len(affect_plane({}).data) == 1


@pytest.mark.parametrize(
    "figure",
    [
        probability_bars(make_reading((0, 0, 9, 9))),
        probability_timeline(np.zeros(1, np.float32), np.zeros((1, 7), np.float32)),
        affect_plane({1: np.zeros((1, 2), np.float32)}),
    ],
)
def test_figures_fit_a_light_and_a_dark_page(figure: go.Figure) -> None:
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color is None


def test_tiles_share_one_scale() -> None:
    crop = np.full((48, 48), 128, np.uint8)
    strong, weak, against = (np.zeros((6, 6), np.float32) for _ in range(3))
    strong[0, 0], weak[0, 0], against[0, 0] = 4, 1, -4
    tiles = heat_tiles(crop, {"happy": strong, "sad": weak, "fear": against}, size=60)
    assert list(tiles) == ["happy", "sad", "fear"]
    changes = {
        name: int(np.abs(tile[2, 2].astype(int) - 128).sum()) for name, tile in tiles.items()
    }
    assert changes["happy"] > 2 * changes["sad"] > 0
    warm, cool = tiles["happy"][2, 2].astype(int), tiles["fear"][2, 2].astype(int)
    assert warm[0] > warm[2], "heat for the class is not warm"
    assert cool[2] > cool[0], "heat against the class is not cool"
    assert (tiles["happy"][40:, 40:] == 128).all(), "the face has changed without heat"


def test_each_attention_head_has_a_tile() -> None:
    crop = np.full((48, 48), 128, np.uint8)
    heads = np.zeros((3, 4, 4), np.float32)
    for head in range(3):
        heads[head, head, head] = 1
    tiles = attention_tiles(crop, heads, size=80)
    assert [tile.shape for tile in tiles] == 3 * [(80, 80, 3)]
    for head, tile in enumerate(tiles):
        rows, columns = np.nonzero((tile != 128).any(axis=2))
        assert {rows.min(), columns.min()} == {20 * head}
        assert {rows.max(), columns.max()} == {20 * head + 19}
        red, green, blue = tile[20 * head + 5, 20 * head + 5].astype(int)
        assert green > red and green > blue
    (only,) = attention_tiles(crop, heads[1], size=80)
    assert np.array_equal(only, tiles[1])
    assert (attention_tiles(crop, np.full((4, 4), 1 / 16, np.float32), size=80)[0] == 128).all()


def test_heat_of_a_finer_grid_lies_at_its_place_in_the_face() -> None:
    raw = np.zeros((12, 12), np.float32)
    raw[9, 2] = 1
    tile = heat_tiles(np.full((48, 48), 128, np.uint8), {"sad": raw}, size=120)["sad"]
    change = np.abs(tile.astype(int) - 128).sum(axis=2)
    assert np.unravel_index(change.argmax(), change.shape) == pytest.approx((95, 25), abs=3)


def test_flat_and_broken_maps_leave_the_face_unchanged() -> None:
    crop = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48).astype(np.uint8)
    broken = np.full((6, 6), np.nan, np.float32)
    for raw in (np.zeros((6, 6), np.float32), broken):
        tile = heat_tiles(crop, {"happy": raw}, size=48)["happy"]
        assert (tile == crop[..., None]).all()
    assert heat_tiles(crop, {}) == {}


def test_strongest_actions_are_shown_in_plain_words() -> None:
    figure = action_bars({"_neutral": 0.9, "jawOpen": 0.2, "mouthSmileLeft": 0.7}, most=2)
    (bar,) = figure.data
    assert list(bar.y) == ["mouth smile left", "jaw open"]
    assert list(bar.x) == [0.7, 0.2] and list(bar.text) == ["70 %", "20 %"]

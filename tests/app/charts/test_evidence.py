"""Charts of the evidence: shares, curves, probabilities before and after a cover."""

import numpy as np

from app.charts.evidence import before_and_after, curves, drawing_board, share_dots
from fer_core.draw.tiles import heat_scale

CROP = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)


def test_shares_are_shown_beside_those_of_an_even_map() -> None:
    heat, area = {"eyes": 0.3, "mouth": 0.7}, {"eyes": 0.05, "mouth": 0.1}
    figure = share_dots(heat, area, {"whole face": 0.6})
    shares = {trace.name: dict(zip(trace.y, trace.x, strict=True)) for trace in figure.data}
    assert shares["heat of the map"] == heat
    assert shares["if it were spread evenly"] == area
    assert shares["the network's own attention"] == {"whole face": 0.6}
    assert figure.layout.yaxis.categoryarray == ("whole face", "mouth", "eyes")
    assert len(share_dots(heat, area, {}).data) == 2


def test_baselines_are_gray_and_dashed() -> None:
    shares = np.linspace(0, 1, 5, dtype=np.float32)
    lines = {"Grad-CAM": shares, "random map": shares**2, "center blob": shares**3}
    traces = curves(shares, lines, x_title="hidden").data
    assert [trace.line.dash for trace in traces] == ["solid", "dot", "dash"]
    assert traces[0].line.color != traces[1].line.color == traces[2].line.color
    assert list(traces[1].y) == list(shares**2)


def test_probabilities_before_and_after_are_shown_side_by_side() -> None:
    before, after = np.eye(7, dtype=np.float32)[3], np.full(7, 1 / 7, np.float32)
    covered, whole = before_and_after(before, after).data
    assert (covered.name, whole.name) == ("covered", "whole face")
    assert list(covered.x) == list(after) and list(whole.text)[3] == "100 %"


def test_the_drawing_board_shows_the_face_and_what_is_covered() -> None:
    figure = drawing_board(CROP, [((0.25, 0.5), (0.75, 0.5), (0.75, 1.0))])
    assert figure.layout.dragmode == "select"
    assert figure.layout.yaxis.range == (1, 0), "rows do not count from the top"
    (triangle,) = figure.layout.shapes
    assert triangle.path == "M 0.2500,0.5000 L 0.7500,0.5000 L 0.7500,1.0000 Z"
    (points,) = figure.data
    assert min(points.x) < 0.03 and max(points.y) > 0.97


def test_the_color_scale_is_transparent_at_zero() -> None:
    scale = heat_scale(101)
    assert scale.shape == (12, 101, 4)
    assert scale[0, 50, 3] == 0 and scale[0, 0, 3] == scale[0, -1, 3] == 255
    assert scale[0, 0, 2] > scale[0, 0, 0], "heat against the class is not blue"
    assert scale[0, -1, 0] > scale[0, -1, 2], "heat for the class is not warm"

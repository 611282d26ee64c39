"""Charts of models and of datasets."""

import numpy as np
import plotly.graph_objects as go
import pytest

from app.charts.statistics import (
    FERPLUS_COLUMNS,
    accuracy_dots,
    class_counts,
    reliability_diagram,
    share_table,
    training_curve,
    vote_bars,
)
from fer_core.data.readers.ferplus import CSV_COLUMNS
from fer_core.draw import EXPRESSION_COLORS
from fer_core.labels import EXPRESSIONS


def test_each_model_has_a_row_with_the_best_on_top() -> None:
    figure = accuracy_dots({"b": 0.71, "a": 0.4}, {"a": 0.625}, people=(0.6, 0.7))
    published, measured = figure.data
    assert list(measured.y) == ["b", "a"] and list(measured.x) == [0.71, 0.4]
    assert list(published.y) == ["a"] and list(published.x) == [0.625]
    assert list(figure.layout.yaxis.categoryarray) == ["a", "b"], (
        "the axis does not count from below"
    )
    band, line = figure.layout.shapes
    assert (band.x0, band.x1) == (0.6, 0.7) and (line.x0, line.x1) == (0.625, 0.4)
    low, high = figure.layout.xaxis.range
    assert low < 0.4 and high > 0.71


def test_the_figure_grows_with_the_number_of_models() -> None:
    few, many = (
        accuracy_dots({str(n): 0.5 for n in range(count)}, {}, people=(0.6, 0.7))
        for count in (2, 25)
    )
    assert many.layout.height - few.layout.height == 23 * 24


def test_table_shows_percentages_of_its_rows() -> None:
    counts = np.zeros((7, 8), np.int64)
    counts[0, :2] = 3, 1
    figure = share_table(counts, list("abcdefgh"), rows_are="labelled", columns_are="voted")
    (heat,) = figure.data
    assert list(heat.text[0][:2]) == ["75", "25"] and list(heat.text[1]) == ["0"] * 8
    assert list(heat.y) == list(EXPRESSIONS) and list(heat.x) == list("abcdefgh")
    assert "labelled %{y}, voted %{x}: %{customdata:,} faces" in heat.hovertemplate
    assert heat.colorscale is None, "the colors are not those of the theme"
    below, above = heat.z[0][1], heat.z[0][0]
    assert below < 0.45 and above > 0.88, "shades in the middle hide the text"


def test_training_curve_shows_accuracy_and_loss() -> None:
    curve = [{"epoch": 1, "loss": 1.5, "public_accuracy": 0.5}, {"epoch": 2, "loss": 1.2}]
    figure = training_curve(curve, selected=2)
    accuracy, loss = figure.data
    assert list(accuracy.x) == [1, 2] and list(accuracy.y) == [0.5, None]
    assert list(loss.y) == [1.5, 1.2] and loss.yaxis == "y2"
    assert figure.layout.shapes[0].x0 == 2
    assert figure.layout.yaxis.tickformat == ".0%" and figure.layout.yaxis2.tickformat == ".1f"
    assert not training_curve(curve, selected=None).layout.shapes


def test_training_curve_shows_what_else_the_epochs_have() -> None:
    full = {"accuracy": 0.6, "public_loss": 1.4, "learning_rate": 0.01}
    curve = [{"epoch": 1, "loss": 1.5, "public_accuracy": 0.5}, {"epoch": 2, "loss": 1.2, **full}]
    lines = {line.name: line for line in training_curve(curve, selected=2).data}
    assert len(lines) == 5
    assert list(lines["accuracy on Training"].y) == [None, 0.6]
    assert lines["loss on PublicTest"].yaxis == "y2"
    assert lines["learning rate"].yaxis == "y3"


def test_reliability_diagram_shows_each_bin_beside_perfect_calibration() -> None:
    rows = [
        {"confidence": 0.4, "accuracy": 0.3, "share": 0.25},
        {"confidence": 0.9, "accuracy": 0.8, "share": 0.75},
    ]
    perfect, measured = reliability_diagram(rows).data
    assert list(perfect.x) == list(perfect.y) == [0, 1]
    assert list(measured.x) == [0.4, 0.9] and list(measured.y) == [0.3, 0.8]
    assert measured.marker.size[1] > measured.marker.size[0]


def test_class_counts_show_numbers_and_shares() -> None:
    figure = class_counts(np.array([1, 0, 0, 3000, 0, 0, 999]), most=0.8)
    (bar,) = figure.data
    assert list(bar.y) == list(EXPRESSIONS) and bar.x[3] == 0.75
    assert bar.text[3] == "3,000 · 75 %" and bar.text[1] == "0 · 0 %"
    assert figure.layout.xaxis.range[1] == 0.8


def test_only_classes_with_votes_are_shown() -> None:
    votes = np.zeros(10, np.float32)
    votes[[0, 3, 9]] = 3, 6, 1
    (bar,) = vote_bars(votes).data
    assert list(bar.y) == ["sad", "neutral", "no face"] and list(bar.x) == pytest.approx(
        [0.6, 0.3, 0.1]
    )
    assert list(bar.text) == ["6", "3", "1"]
    assert bar.marker.color[0] == EXPRESSION_COLORS["sad"]
    assert len(FERPLUS_COLUMNS) == len(CSV_COLUMNS)


@pytest.mark.parametrize(
    "figure",
    [
        accuracy_dots({"a": 0.5}, {}, people=(0.6, 0.7)),
        share_table(np.ones((7, 7), np.int64), EXPRESSIONS, rows_are="a", columns_are="b"),
        training_curve([{"epoch": 1}], selected=1),
        reliability_diagram([{"confidence": 0.4, "accuracy": 0.3, "share": 1.0}]),
        class_counts(np.ones(7, np.int64), most=1),
        vote_bars(np.ones(10, np.float32)),
    ],
)
def test_figures_fit_a_light_and_a_dark_page(figure: go.Figure) -> None:
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color is None

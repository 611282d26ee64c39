"""Heatmaps on the frame and attribution shares, for maps with known results."""

import numpy as np
import pytest

from fer_core.explain import explanation, is_flat, part_share, positive_share, region_share
from fer_core.faces.alignment import cut_regions
from fer_core.geometry import BLOCKS
from fer_core.labels import PARTS
from fer_core.types import Explanation, Face, Floats, RawMap, Regions

SIZE = 48
FRAME = (480, 640, 3)


def rotated_regions(degrees: float = 25, center: tuple[float, float] = (330, 250)) -> Regions:
    """Return regions of a rotated face, 200 pixels wide."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    layout = np.array([(-36, -25), (36, -25), (0, 18), (-30, 55), (30, 55)])
    points = (layout @ turn.T + center).astype(np.float32)
    x, y = center
    face = Face(box=(x - 100, y - 100, x + 100, y + 100), score=1.0, points=points)
    return cut_regions(np.zeros(FRAME, np.uint8), face, SIZE)


def explain(
    raw: Floats, regions: Regions | None = None, peak: float | None = None, margin: int = 0
) -> Explanation:
    """Explain on a frame that is larger by ``margin`` pixels on each side."""
    return explanation(
        RawMap("happy", "gradcam", raw, seconds=0.002),
        regions or rotated_regions(),
        (FRAME[0] + 2 * margin, FRAME[1] + 2 * margin, 3),
        peak=peak,
    )


def one_cell(row: int, column: int, value: float = 1.0) -> Floats:
    raw = np.zeros((6, 6), np.float32)
    raw[row, column] = value
    return raw


def aligned_pixels(regions: Regions) -> Floats:
    """Return (H, W, 2) aligned coordinates of every pixel of the frame."""
    y, x = np.mgrid[: FRAME[0], : FRAME[1]]
    return np.stack([x, y, np.ones_like(x)], axis=-1) @ regions.transform.T


# On the frame -------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 25, -60])
@pytest.mark.parametrize(("row", "column"), [(1, 4), (3, 2), (4, 1)])
def test_heat_is_placed_on_the_rotated_face(degrees: float, row: int, column: int) -> None:
    regions = rotated_regions(degrees)
    heatmap = explain(one_cell(row, column), regions).heatmap
    hottest = np.unravel_index(heatmap.argmax(), heatmap.shape)
    cell = (np.array([column, row]) + 0.5) * SIZE / 6
    assert aligned_pixels(regions)[hottest] == pytest.approx(cell, abs=1)  # an eighth of a cell
    assert heatmap.shape == FRAME[:2]
    assert heatmap.dtype == np.float32


def test_heat_is_interpolated_linearly_between_cells() -> None:
    regions = rotated_regions()
    heatmap = explain(one_cell(2, 2), regions).heatmap
    x, y = np.moveaxis(aligned_pixels(regions) + 0.5, -1, 0)  # pixel centers to continuous
    expected = np.clip(1 - abs(x / 8 - 2.5), 0, 1) * np.clip(1 - abs(y / 8 - 2.5), 0, 1)
    assert abs(heatmap - expected).max() < 0.13  # no aligned pixel lies on the tip itself
    assert abs(heatmap - expected).mean() < 1e-3


def test_the_heatmap_is_zero_outside_the_square() -> None:
    regions = rotated_regions()
    raw = np.full((6, 6), 2.0, np.float32)
    raw[0, 0] = 1.0
    heatmap = explain(raw, regions).heatmap
    aligned = aligned_pixels(regions)
    outside = (aligned < -0.1).any(axis=-1) | (aligned > SIZE + 0.1).any(axis=-1)
    inside = (aligned > 0.1).all(axis=-1) & (aligned < SIZE - 0.1).all(axis=-1)
    assert not heatmap[outside].any()
    assert heatmap[inside].min() >= 0.5
    assert heatmap.max() == pytest.approx(1)


def test_a_map_is_scaled_by_its_maximum_unless_a_peak_is_given() -> None:
    raw = one_cell(2, 2, 4.0)
    alone, shared, low = (explain(raw, peak=peak).heatmap for peak in (None, 16.0, 1.0))
    assert abs(shared - alone / 4).max() < 1e-6
    assert low.max() <= 1
    assert abs(explain(raw * 1000).heatmap - alone).max() < 1e-6


def test_negative_cells_stay_in_raw_and_give_no_heat() -> None:
    raw = one_cell(1, 1) - one_cell(4, 4, 9.0)
    explained = explain(raw)
    assert explained.raw is raw
    assert np.array_equal(explained.heatmap, explain(one_cell(1, 1)).heatmap)


@pytest.mark.parametrize("center", [(10, 240), (630, 470), (320, -60)])
def test_a_face_at_the_border_keeps_the_heat_inside_the_frame(
    center: tuple[float, float],
) -> None:
    raw = np.arange(1, 37, dtype=np.float32).reshape(6, 6)
    heatmap = explain(raw, rotated_regions(center=center)).heatmap
    margin = 300
    x, y = center
    wide = explain(raw, rotated_regions(center=(x + margin, y + margin)), margin=margin).heatmap
    expected = wide[margin:-margin, margin:-margin]
    assert 0 < (expected > 0).sum() < (wide > 0).sum()
    assert abs(heatmap - expected).mean() < 1e-4


@pytest.mark.parametrize("center", [(330, 250), (20, 470), (-60, 240)])
def test_all_heat_lies_in_the_heat_box(center: tuple[float, float]) -> None:
    explained = explain(np.arange(36, dtype=np.float32).reshape(6, 6), rotated_regions(25, center))
    assert explained.heat_box is not None
    x0, y0, x1, y1 = explained.heat_box
    assert 0 <= x0 < x1 <= FRAME[1] and 0 <= y0 < y1 <= FRAME[0]
    assert explained.heatmap[y0:y1, x0:x1].any()
    outside = explained.heatmap.copy()
    outside[y0:y1, x0:x1] = 0
    assert not outside.any()


def test_a_face_outside_the_frame_has_an_empty_heatmap() -> None:
    explained = explain(one_cell(2, 2), rotated_regions(center=(2000, 240)))
    assert not explained.heatmap.any()
    assert explained.heat_box is not None
    x0, y0, x1, y1 = explained.heat_box
    assert (x1 - x0) * (y1 - y0) == 0


# Flat maps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        np.zeros((6, 6), np.float32),
        np.full((6, 6), 3.0, np.float32),
        -np.arange(36, dtype=np.float32).reshape(6, 6),
        one_cell(2, 2, np.nan),
        one_cell(2, 2, np.inf),
    ],
    ids=["nothing", "everywhere", "only against", "nan", "infinite"],
)
def test_a_flat_map_is_marked_flat_and_has_no_heat(raw: Floats) -> None:
    explained = explain(raw)
    assert explained.is_flat
    assert is_flat(raw)
    assert explained.heatmap.shape == FRAME[:2]
    assert not explained.heatmap.any()
    assert explained.heat_box == (0, 0, 0, 0)


def test_one_warm_cell_is_not_flat() -> None:
    assert not explain(one_cell(5, 5, 1e-20)).is_flat


# Shares -------------------------------------------------------------------------------------------


def test_region_shares_sum_the_cells_of_each_block() -> None:
    raw = np.arange(36, dtype=np.float32).reshape(6, 6)
    upper = np.arange(18).sum()
    lower = sum(6 * row + column for row in (3, 4, 5) for column in (1, 2, 3, 4))
    total = np.arange(36).sum()
    assert region_share(raw) == pytest.approx(
        {"upper": upper / total, "lower": lower / total, "elsewhere": 1 - (upper + lower) / total}
    )


@pytest.mark.parametrize("size", [6, 12])
def test_shares_of_uniform_heat_equal_the_areas(size: int) -> None:
    cells = {
        region: (bottom - top) * (right - left)
        for region, (top, bottom, left, right) in BLOCKS.items()
    }
    share = region_share(np.ones((size, size), np.float32))
    assert share["upper"] == pytest.approx(cells["upper"] / 36)
    assert share["lower"] == pytest.approx(cells["lower"] / 36)


def test_shares_ignore_negative_cells() -> None:
    share = region_share(one_cell(1, 1, 3.0) + one_cell(4, 2, 1.0) - one_cell(5, 0, 100.0))
    assert share == pytest.approx({"upper": 0.75, "lower": 0.25, "elsewhere": 0.0})


@pytest.mark.parametrize("seed", range(5))
def test_shares_sum_to_one(seed: int) -> None:
    raw = np.random.default_rng(seed).normal(size=(6, 6)).astype(np.float32)
    share = region_share(raw)
    assert sum(share.values()) == pytest.approx(1)
    assert min(share.values()) >= 0


def test_shares_without_heat_are_zero() -> None:
    nothing = {"upper": 0.0, "lower": 0.0, "elsewhere": 0.0}
    assert region_share(np.zeros((6, 6), np.float32)) == nothing
    assert explain(one_cell(2, 2, np.nan)).region_share == nothing


def test_the_positive_share_is_that_of_the_heat_for_the_class() -> None:
    raw = np.array([[3, -1], [0, -1]], np.float32)
    assert positive_share(raw) == pytest.approx(0.6)
    assert positive_share(-np.abs(raw)) == positive_share(0 * raw) == 0
    assert positive_share(np.full((2, 2), np.nan, np.float32)) == 0


def test_part_shares_follow_the_landmarks() -> None:
    landmarks = np.full((78, 2), 0.5, np.float32)
    corners = ((0.25, 0.3), (0.3, 0.28), (0.36, 0.28), (0.4, 0.3), (0.36, 0.33), (0.3, 0.33))
    landmarks[36:42] = corners
    landmarks[42:48] = np.add(corners, (0.35, 0))
    landmarks[17:22] = [(0.2 + 0.05 * k, 0.15) for k in range(5)]
    landmarks[22:27] = [(0.6 + 0.05 * k, 0.15) for k in range(5)]
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    landmarks[48:60] = np.stack([0.5 + 0.2 * np.cos(angles), 0.8 + 0.1 * np.sin(angles)], axis=1)
    fine = np.zeros((96, 96), np.float32)
    fine[76, 48], fine[29, 30], fine[14, 67], fine[60, 5] = 4, 3, 2, 1
    share = part_share(fine, landmarks)
    parts = dict.fromkeys(PARTS, 0) | {"brows": 0.2, "eyes": 0.3, "mouth": 0.4}
    assert share == pytest.approx(parts | {"rest": 0.1})
    assert set(part_share(np.zeros((6, 6), np.float32), landmarks).values()) == {0.0}
    assert sum(part_share(one_cell(2, 2, 1.0), landmarks).values()) == pytest.approx(1)

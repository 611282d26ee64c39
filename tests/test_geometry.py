"""Alignment against known transforms, and the position of the blocks."""

import cv2
import numpy as np
import pytest

from fer_core.faces.alignment import align_crops, cut_regions
from fer_core.geometry import (
    MEAN_POINTS,
    alignment,
    block,
    box_iou,
    from_centers,
    mean_points,
    quads,
    reading_order,
    similarity,
    square_crop,
    warp,
)
from fer_core.labels import REGIONS
from fer_core.types import Face, Floats, Image


def turned(angle: float, scale: float, shift: tuple[float, float]) -> Floats:
    """Return a (2, 3) similarity."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]], np.float32)


@pytest.mark.parametrize("angle", [-2.5, -0.3, 0.0, 1.0])
@pytest.mark.parametrize("scale", [0.2, 1.0, 7.0])
def test_similarity_recovers_a_known_transform(angle: float, scale: float) -> None:
    transform = turned(angle, scale, (12.0, -30.0))
    source = np.array([(0, 0), (10, 0), (5, 8), (1, 12), (9, 12)], np.float32)
    target = source @ transform[:, :2].T + transform[:, 2]
    assert similarity(source, target) == pytest.approx(transform, abs=1e-4)


def test_similarity_is_least_squares_and_never_a_reflection() -> None:
    source = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    mirrored = source * (-1, 1)
    transform = similarity(source, mirrored.astype(np.float32))
    assert np.linalg.det(transform[:, :2]) >= 0


def test_coinciding_points_give_a_shift() -> None:
    transform = similarity(np.full((5, 2), 3.0, np.float32), np.full((5, 2), 10.0, np.float32))
    assert transform == pytest.approx(np.array([[1, 0, 7], [0, 1, 7]]))


def test_alignment_maps_points_to_the_mean_layout() -> None:
    back = turned(0.4, 5.0, (100, 40))
    points = (MEAN_POINTS * 48) @ back[:, :2].T + back[:, 2]
    forth = alignment(points.astype(np.float32), 48)
    assert points @ forth[:, :2].T + forth[:, 2] == pytest.approx(MEAN_POINTS * 48, abs=1e-3)


def test_a_crop_with_the_mean_layout_is_unchanged(astronaut: Image) -> None:
    crop = astronaut[60:108, 190:238, 0].copy()
    assert np.array_equal(warp(crop, alignment(mean_points((0, 0, 48, 48)), 48), 48), crop)


def test_a_large_face_is_averaged_and_not_subsampled() -> None:
    checked = np.zeros((480, 480), np.uint8)
    checked[::2, ::2] = checked[1::2, 1::2] = 255
    small = warp(checked, turned(0, 0.1, (0, 0)), 48)
    assert small[4:-4, 4:-4].min() > 110 and small[4:-4, 4:-4].max() < 145


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0])
def test_averaging_does_not_shift_the_image(scale: float) -> None:
    side = round(48 / scale)
    ramp = np.tile(np.linspace(0, 255, side), (side, 1)).astype(np.uint8)
    warped = warp(ramp, turned(0, scale, (0, 0)), 48)
    expected = cv2.resize(ramp, (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(warped.astype(int) - expected)[:, 2:-2].max() <= 1


def test_coordinates_are_converted_to_pixel_centers_for_opencv() -> None:
    doubled = from_centers(turned(0, 2, (0, 0)))
    assert doubled == pytest.approx(np.array([[2, 0, 0.5], [0, 2, 0.5]]))


def test_the_edge_is_repeated_beyond_the_border() -> None:
    assert np.all(warp(np.full((20, 20), 90, np.uint8), turned(0, 1, (30, 30)), 48) == 90)


def test_blocks_lie_on_the_grid_of_the_feature_map() -> None:
    assert block("upper", 48) == (slice(0, 24), slice(0, 48))
    assert block("lower", 48) == (slice(24, 48), slice(8, 40))
    assert block("lower", 6) == (slice(3, 6), slice(1, 5))


def test_blocks_hold_eyes_and_mouth_and_do_not_overlap() -> None:
    covered = np.zeros((48, 48), int)
    for region in ("upper", "lower"):
        covered[block(region, 48)] += 1
    assert covered.max() == 1
    for index, part in enumerate(["upper", "upper", None, "lower", "lower"]):
        x, y = MEAN_POINTS[index] * 48
        if part:
            rows, columns = block(part, 48)
            assert rows.start <= y < rows.stop and columns.start <= x < columns.stop


def test_quads_are_the_blocks_on_the_frame(astronaut: Image, astronaut_points: Floats) -> None:
    face = Face((180.0, 62.0, 267.0, 173.0), 1.0, astronaut_points)
    regions = cut_regions(astronaut, face, 48)
    assert set(regions.quads) == set(REGIONS)
    forth = regions.transform
    for region in REGIONS:
        rows, columns = block(region, 48)
        aligned = regions.quads[region] @ forth[:, :2].T + forth[:, 2]
        expected = [
            (columns.start, rows.start),
            (columns.stop, rows.start),
            (columns.stop, rows.stop),
            (columns.start, rows.stop),
        ]
        assert aligned == pytest.approx(np.array(expected), abs=1e-3)


def test_a_rotated_frame_gives_the_same_crop(astronaut: Image, astronaut_points: Floats) -> None:
    upright = cut_regions(astronaut, Face((0, 0, 1, 1), 1.0, astronaut_points), 48).face
    turn = turned(0.5, 1.3, (40, -20))
    frame = cv2.warpAffine(astronaut, turn, (700, 700))
    points = (astronaut_points @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    tilted = cut_regions(np.asarray(frame, np.uint8), Face((0, 0, 1, 1), 1.0, points), 48).face
    assert np.abs(upright.astype(int) - tilted).mean() < 4


def test_without_points_the_box_is_not_rotated(astronaut: Image) -> None:
    face = Face((100.0, 50.0, 148.0, 98.0), 1.0, np.zeros((5, 2), np.float32))
    crop = cut_regions(astronaut[:, :, 0], face, 48, by_points=False).face
    assert np.array_equal(crop, astronaut[50:98, 100:148, 0])


def test_bare_crops_may_have_any_size_and_color(astronaut: Image, astronaut_points: Floats) -> None:
    gray = astronaut[50:190, 160:290, 0].copy()
    points = np.stack([astronaut_points - (160, 50), np.full((5, 2), np.nan)]).astype(np.float32)
    aligned = align_crops([gray, astronaut[:48, :48]], points, 48)
    assert aligned.shape == (2, 48, 48) and aligned.dtype == np.uint8
    whole = cut_regions(astronaut[:, :, 0], Face((0, 0, 1, 1), 1.0, astronaut_points), 48).face
    assert np.abs(aligned[0].astype(int) - whole)[4:-4, 4:-4].mean() < 3
    assert quads(alignment(points[0], 48), 48)["face"].shape == (4, 2)


def test_square_crop_of_the_same_scale_copies_the_pixels_around_the_box(astronaut: Image) -> None:
    crop = square_crop(astronaut, (200, 100, 240, 160), 90)  # 1.5 times the longer side
    assert np.array_equal(crop, astronaut[85:175, 175:265])


def test_square_crop_scales_the_chosen_margin_and_is_black_beyond_the_image() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    crop = square_crop(white, (0, 0, 20, 10), 80, margin=2.0)  # pixels -10..30 and -15..25, doubled
    assert crop.shape == (80, 80, 3)
    assert (crop[31:, 21:] == 255).all()
    assert not crop[:29].any() and not crop[:, :19].any()


def test_square_crop_of_a_gray_image_is_gray() -> None:
    assert square_crop(np.zeros((9, 9), np.uint8), (2, 2, 6, 6), 12).shape == (12, 12)


def test_boxes_are_read_row_by_row_from_the_left() -> None:
    boxes = [
        (300.0, 210.0, 340.0, 250.0),
        (200.0, 15.0, 260.0, 75.0),
        (100.0, 180.0, 200.0, 280.0),
        (10.0, 0.0, 110.0, 100.0),
        (20.0, 500.0, 30.0, 510.0),
    ]
    assert reading_order(boxes) == [3, 1, 2, 0, 4]
    assert reading_order([]) == []


def test_box_iou_is_the_intersection_over_union_of_every_pair() -> None:
    boxes = np.array([(0, 0, 2, 2), (1, 0, 3, 2), (5, 5, 6, 6)], np.float32)
    assert box_iou(boxes, boxes[:1])[:, 0] == pytest.approx([1, 1 / 3, 0])
    assert box_iou(boxes, boxes[:0]).shape == (3, 0)
    assert box_iou(boxes, boxes).dtype == np.float32
    assert box_iou([], boxes).shape == (0, 3)
    assert box_iou([(0, 0, 2, 2)], [(1, 0, 3, 2)]) == pytest.approx(1 / 3)
    assert box_iou([(0, 0, 1, 1)], [(1, 0, 2, 1), (0, 0, 0, 0)]).tolist() == [[0, 0]]

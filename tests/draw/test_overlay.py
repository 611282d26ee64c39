import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_core.draw import EXPRESSION_COLORS, rgb
from fer_core.draw.heat import ATTENTION, blend_attention
from fer_core.draw.overlay import OverlayStyle, draw_message, draw_overlay, headline
from fer_core.draw.panels import HEAT
from fer_core.explain import explanation
from fer_core.types import Floats, FrameResult, Image, RawMap, Reading
from tests.draw.faces import make_explanation, make_reading

NOTHING = OverlayStyle(box=False, labels=False, bars=False, blocks=False, heatmap=0)
BOX = (240.0, 120.0, 400.0, 320.0)


@pytest.fixture
def frame() -> Image:
    return np.full((480, 640, 3), 100, np.uint8)


def changed(before: Image, after: Image) -> NDArray[np.bool_]:
    """Return (H, W) whether a pixel differs."""
    return np.asarray((before != after).any(axis=2))


def extent(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 around the true pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def close(color: np.ndarray, other: tuple[int, int, int]) -> bool:
    return bool(np.abs(color.astype(int) - np.array(other)).max() <= 3)


def test_the_frame_is_copied_and_not_changed(frame: Image) -> None:
    result = FrameResult((make_reading(BOX),), ((make_explanation((480, 640), (0, 0, 9, 9)),),))
    frame.setflags(write=False)
    out = draw_overlay(frame, result)
    assert (frame == 100).all()
    assert not np.shares_memory(out, frame)
    assert out.shape == (480, 640, 3) and out.dtype == np.uint8


def test_without_layers_the_frame_is_unchanged(frame: Image) -> None:
    assert (draw_overlay(frame, FrameResult()) == frame).all()
    assert (draw_overlay(frame, FrameResult((make_reading(BOX),)), NOTHING) == frame).all()


def test_box_is_a_thin_line_in_the_color_of_its_class(frame: Image) -> None:
    style = OverlayStyle(labels=False, bars=False, blocks=False, heatmap=0)
    out = draw_overlay(frame, FrameResult((make_reading(BOX, top="sad"),)), style)
    assert close(out[220, 240], rgb(EXPRESSION_COLORS["sad"]))
    assert close(out[120, 320], rgb(EXPRESSION_COLORS["sad"]))
    assert (out[140:300, 260:380] == 100).all(), "the face itself stays free"
    assert not changed(frame, out)[121, 241], "the corners are round"
    x0, y0, x1, y1 = extent(changed(frame, out))
    assert (x0, y0, x1, y1) == pytest.approx(BOX, abs=5)


def test_unsure_faces_have_no_class_color(frame: Image) -> None:
    style = OverlayStyle(labels=False, bars=False, blocks=False, heatmap=0)
    reading = make_reading(BOX, top="sad", probability=0.31, unsure=True)
    out = draw_overlay(frame, FrameResult((reading,)), style)
    red, green, blue = out[220, 240].astype(int)
    assert min(red, green, blue) > 200
    assert max(red, green, blue) - min(red, green, blue) < 10


def test_label_of_an_unsure_face_begins_with_unsure(frame: Image) -> None:
    style = OverlayStyle(box=False, bars=False, blocks=False, heatmap=0)
    widths = []
    for unsure in (False, True):
        reading = make_reading(BOX, top="sad", probability=0.31, unsure=unsure)
        x0, _, x1, y1 = extent(changed(frame, draw_overlay(frame, FrameResult((reading,)), style)))
        assert y1 <= BOX[1], "above the box"
        assert x0 == pytest.approx(BOX[0], abs=1)
        widths.append(x1 - x0)
    assert widths[1] > 1.5 * widths[0]


def test_numbers_are_shown_only_with_several_faces(frame: Image) -> None:
    style = OverlayStyle(box=False, bars=False, blocks=False, heatmap=0)
    other = make_reading((20.0, 300.0, 140.0, 440.0))

    def width(*readings: Reading) -> int:
        mask = changed(frame, draw_overlay(frame, FrameResult(readings), style))[:200]
        x0, _, x1, _ = extent(mask)
        return x1 - x0

    plain, numbered = make_reading(BOX), make_reading(BOX, track=4)
    assert width(numbered) == width(plain) == width(plain, other)
    assert width(numbered, other) > width(plain, other) + 10


def test_the_number_of_a_small_face_is_as_large_as_that_of_a_large_one(frame: Image) -> None:
    style = OverlayStyle(box=False, bars=False, blocks=False, heatmap=0)
    small, other = (
        make_reading((60.0, 200.0, 90.0, 240.0)),
        make_reading((300.0, 200.0, 500.0, 440.0)),
    )
    drawn = draw_overlay(frame, FrameResult((small, other)), style, [1, 2])
    mask = changed(frame, drawn)[:, :70]
    height = extent(mask)[3] - extent(mask)[1]
    label = changed(frame, draw_overlay(frame, FrameResult((small,)), style))
    assert height > 1.3 * (extent(label)[3] - extent(label)[1])


def test_panels_beside_the_picture_leave_it_as_it_is(frame: Image) -> None:
    result = FrameResult((make_reading(BOX),))
    style = OverlayStyle(box=False, labels=False, blocks=False, heatmap=0, beside=True)
    out = draw_overlay(frame, result, style)
    assert out.shape[0] == frame.shape[0] and out.shape[1] > frame.shape[1] + 100
    assert (out[:, : frame.shape[1]] == frame).all()
    assert len(np.unique(out[:, frame.shape[1] :])) > 20, "bars"
    none = draw_overlay(frame, result, replace(style, bars=False))
    assert none.shape == frame.shape


def test_the_stable_label_is_shown_instead_of_the_likeliest_class(frame: Image) -> None:
    reading = make_reading(BOX, top="sad", probability=0.34, label="happy")
    assert headline(reading) == "happy 11 %"
    assert headline(make_reading(BOX, top="sad", probability=0.34)) == "sad 34 %"
    style = OverlayStyle(labels=False, bars=False, blocks=False, heatmap=0)
    out = draw_overlay(frame, FrameResult((reading,)), style)
    assert close(out[220, 240], rgb(EXPRESSION_COLORS["happy"]))


def test_heat_changes_only_hot_pixels(frame: Image) -> None:
    style = OverlayStyle(box=False, labels=False, bars=False, blocks=False, heatmap=0.9)
    hot = make_explanation((480, 640), (280, 250, 360, 300))
    out = draw_overlay(frame, FrameResult((make_reading(BOX),), ((hot,),)), style)
    mask = changed(frame, out)
    assert extent(mask) == (280, 250, 360, 300)
    assert mask[250:300, 280:360].all()
    red, green, blue = out[275, 320].astype(int)
    assert red > green > blue, "the hottest is yellow"


def test_heat_fades_with_opacity_and_with_heat(frame: Image) -> None:
    heat = np.zeros((480, 640), np.float32)
    heat[100, 100], heat[100, 200] = 0.5, 1.0
    explanation = make_explanation((480, 640), (0, 0, 1, 1))
    object.__setattr__(explanation, "heatmap", heat)
    result = FrameResult((make_reading(BOX),), ((explanation,),))

    def moved(opacity: float, x: int) -> float:
        style = OverlayStyle(False, False, False, False, opacity)
        return float(np.abs(draw_overlay(frame, result, style)[100, x].astype(int) - 100).sum())

    assert moved(0.9, 200) > moved(0.4, 200) > 0
    assert moved(0.9, 200) > moved(0.9, 100) > 0


def test_only_the_first_map_of_a_face_is_drawn(frame: Image) -> None:
    style = OverlayStyle(False, False, False, False, 0.5)
    first, second = (
        make_explanation((480, 640), hot) for hot in ((10, 10, 20, 20), (300, 300, 320, 320))
    )
    out = draw_overlay(frame, FrameResult((make_reading(BOX),), ((first, second),)), style)
    assert extent(changed(frame, out)) == (10, 10, 20, 20)


def test_blocks_are_drawn_at_the_regions_of_the_network(frame: Image) -> None:
    style = OverlayStyle(box=False, labels=False, bars=False, heatmap=0)
    reading = make_reading(BOX)
    out = draw_overlay(frame, FrameResult((reading,)), style)
    for region in ("upper", "lower"):
        corners = reading.regions.quads[region]
        x, y = ((corners[0] + corners[1]) / 2).round().astype(int)
        assert out[y - 1 : y + 2, x].min(axis=1).max() > 170, "a white line"
    right = extent(changed(frame, out))[2]
    assert right > BOX[2] + 60, "with its weight beside it"
    without = draw_overlay(frame, FrameResult((make_reading(BOX, attention=False),)), style)
    assert (without == frame).all(), "a network without blocks shows none"


def test_bars_grow_with_probability_and_do_not_cover_the_face(frame: Image) -> None:
    style = OverlayStyle(box=False, labels=False, blocks=False, heatmap=0)
    lengths = []
    for probability in (0.4, 0.8):
        reading = make_reading(BOX, top="happy", probability=probability)
        out = draw_overlay(frame, FrameResult((reading,)), style)
        x0, y0, x1, _ = extent(changed(frame, out))
        assert x1 <= BOX[0] or x0 >= BOX[2] or y0 >= BOX[3], "the panel leaves the face free"
        color = np.array(rgb(EXPRESSION_COLORS["happy"]))
        lengths.append((np.abs(out.astype(int) - color).max(axis=2) <= 3).any(axis=0).sum())
    assert lengths[1] == pytest.approx(2 * lengths[0], abs=3)


def test_shares_of_the_heat_have_their_own_panel(frame: Image) -> None:
    style = OverlayStyle(box=False, labels=False, blocks=False, heatmap=0, bars=False, parts=True)
    explanation = make_explanation((480, 640), (0, 0, 9, 9))
    reading = make_reading(BOX)
    without = draw_overlay(frame, FrameResult((reading,), ((explanation,),)), style)
    assert (without == frame).all(), "shares are not known without landmarks"
    shares = {"brows": 0.1, "eyes": 0.2, "nose": 0.1, "mouth": 0.5, "rest": 0.1}
    with_shares = FrameResult((reading,), ((dataclasses.replace(explanation, part_share=shares),),))
    alone = draw_overlay(frame, with_shares, style)
    rows = (np.abs(alone.astype(int) - HEAT).max(axis=2) <= 3).sum(axis=0)
    assert rows.any() and extent(changed(frame, alone))[2] <= BOX[0], "the face stays free"
    both = draw_overlay(frame, with_shares, dataclasses.replace(style, bars=True))
    happy = np.array(rgb(EXPRESSION_COLORS["happy"]))
    parts, classes = (
        extent(np.abs(both.astype(int) - color).max(axis=2) <= 3) for color in (HEAT, happy)
    )
    assert parts[0] > BOX[2] or parts[1] > classes[3] or parts[3] < classes[1], "another corner"
    assert extent(changed(frame, both))[0] == extent(changed(frame, alone))[0]


@pytest.mark.parametrize(
    ("box", "corner"),
    [
        ((240, 20, 400, 220), "bottom left"),
        ((10, 200, 200, 470), "bottom right"),
        ((10, 200, 630, 470), "top left"),
    ],
)
def test_panel_takes_a_free_corner(
    frame: Image, box: tuple[float, float, float, float], corner: str
) -> None:
    style = OverlayStyle(box=False, labels=False, blocks=False, heatmap=0)
    out = draw_overlay(frame, FrameResult((make_reading(box),)), style)
    x0, y0, x1, y1 = extent(changed(frame, out))
    assert (
        corner == f"{'top' if y0 < 480 - y1 else 'bottom'} {'left' if x0 < 640 - x1 else 'right'}"
    )


def test_a_panel_that_does_not_fit_is_not_drawn() -> None:
    small = np.full((48, 48, 3), 100, np.uint8)
    style = OverlayStyle(box=False, labels=False, blocks=False, heatmap=0)
    out = draw_overlay(small, FrameResult((make_reading((8, 8, 40, 40)),)), style)
    assert (out == small).all()


def test_drawing_scales_with_the_frame(frame: Image) -> None:
    large = np.full((960, 1280, 3), 100, np.uint8)
    style = OverlayStyle(box=False, labels=False, blocks=False, heatmap=0)
    panels = []
    for picture, scale in ((frame, 1), (large, 2)):
        reading = make_reading((scale * BOX[0], scale * BOX[1], scale * BOX[2], scale * BOX[3]))
        x0, y0, x1, y1 = extent(
            changed(picture, draw_overlay(picture, FrameResult((reading,)), style))
        )
        panels.append(((x1 - x0) / scale, (y1 - y0) / scale))
    assert panels[1] == pytest.approx(panels[0], rel=0.06)


def test_a_small_frame_is_enlarged_until_text_can_be_read(frame: Image) -> None:
    small = np.full((240, 320, 3), 100, np.uint8)
    half = (BOX[0] / 2, BOX[1] / 2, BOX[2] / 2, BOX[3] / 2)
    halved = FrameResult(
        (make_reading(half),), ((make_explanation((240, 320), (130, 100, 160, 130)),),)
    )
    whole = FrameResult(
        (make_reading(BOX),), ((make_explanation((480, 640), (260, 200, 320, 260)),),)
    )
    drawn = draw_overlay(small, halved, legible=True)
    assert drawn.shape == frame.shape
    expected = draw_overlay(frame, whole, legible=True)
    assert (expected == draw_overlay(frame, whole)).all(), "a large frame stays as it is"
    assert np.abs(drawn.astype(int) - expected).mean() < 1
    assert draw_overlay(small, halved).shape == small.shape


@pytest.mark.parametrize(
    "box", [(-0.0, 0.0, 90.0, 120.0), (560.0, 380.0, 640.0, 480.0), (0.0, 0.0, 640.0, 480.0)]
)
def test_a_face_at_the_border_is_drawn(
    frame: Image, box: tuple[float, float, float, float]
) -> None:
    result = FrameResult((make_reading(box),), ((make_explanation((480, 640), (0, 0, 60, 60)),),))
    out = draw_overlay(frame, result)
    assert out.shape == frame.shape
    assert changed(frame, out).any()


def test_twenty_faces_are_all_marked_and_only_the_largest_has_bars(frame: Image) -> None:
    boxes = [
        (20.0 + 124 * (i % 5), 20.0 + 115 * (i // 5), 84.0 + 124 * (i % 5), 100.0 + 115 * (i // 5))
        for i in range(20)
    ]
    readings = tuple(make_reading(box, attention=False) for box in boxes)
    style = OverlayStyle(labels=False, bars=False, heatmap=0)
    out = draw_overlay(frame, FrameResult(readings), style)
    marked = [changed(frame, out)[int((y0 + y1) / 2), int(x0)] for x0, y0, _, y1 in boxes]
    assert all(marked)
    with_bars = draw_overlay(frame, FrameResult(readings), OverlayStyle(labels=False, heatmap=0))
    x0, y0, x1, y1 = extent(changed(out, with_bars))
    assert (x1 - x0) * (y1 - y0) < 0.2 * 640 * 480, "one panel"


def test_labels_of_blocks_do_not_overlap_the_bars(frame: Image) -> None:
    for box in ((10.0, 40.0, 330.0, 460.0), (200.0, 30.0, 440.0, 330.0), (0.0, 0.0, 640.0, 480.0)):
        result = FrameResult((make_reading(box),))
        bars = OverlayStyle(box=False, labels=False, blocks=False, heatmap=0)
        both = dataclasses.replace(bars, blocks=True)
        painted = draw_overlay(frame, result, bars)
        x0, y0, x1, y1 = extent(changed(frame, painted))
        panel = np.s_[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4]
        dark = draw_overlay(frame, result, both)[panel].max(axis=2) < 40
        assert dark.mean() < 0.01, "a label's ground is darker than the panel's"


def test_only_the_first_face_shows_its_attention_weights(frame: Image) -> None:
    style = OverlayStyle(box=False, labels=False, bars=False, heatmap=0)
    boxes = ((300.0, 120.0, 460.0, 320.0), (20.0, 120.0, 140.0, 260.0))
    out = draw_overlay(frame, FrameResult(tuple(make_reading(box) for box in boxes)), style)
    marked = changed(frame, out)
    assert marked[:, 490:].any()
    assert marked[:, 20:140].any(), "the second face has its blocks"
    assert not marked[:, 170:270].any(), "and no labels beside them"


def test_gray_frames_are_converted_to_color() -> None:
    out = draw_overlay(np.full((480, 640), 100, np.uint8), FrameResult((make_reading(BOX),)))
    assert out.shape == (480, 640, 3)


def test_a_message_is_written_at_the_center(frame: Image) -> None:
    out = draw_message(frame, "This frame could not be read. The log says why.")
    x0, y0, x1, y1 = extent(changed(frame, out))
    assert (x0 + x1) / 2 == pytest.approx(320, abs=2)
    assert (y0 + y1) / 2 == pytest.approx(240, abs=2)
    assert (frame == 100).all()
    assert out.max() > 240, "white letters"
    short = extent(changed(frame, draw_message(frame, "No.")))
    assert short[2] - short[0] < x1 - x0
    assert (draw_message(frame, "") == frame).all()


def test_long_messages_are_wrapped(frame: Image) -> None:
    x0, _, x1, _ = extent(changed(frame, draw_message(frame, "word " * 60)))
    assert x0 > 0 and x1 < 640


def test_landmarks_are_lines_with_an_iris_in_open_eyes(frame: Image) -> None:
    reading = make_reading(BOX)
    points = np.full((78, 2), 300.0, np.float32)
    points[0:17] = np.stack([np.linspace(250, 390, 17), np.full(17, 310)], axis=1)
    points[68:73] = [(280, 180), (288, 180), (280, 172), (272, 180), (280, 188)]
    points[73:78] = np.add(points[68:73], (80, 0))
    style = dataclasses.replace(NOTHING, landmarks=True)
    assert (draw_overlay(frame, FrameResult((reading,)), style) == frame).all(), "none are known"
    face = dataclasses.replace(reading.face, landmarks=points, eyes=(0.9, 0.1))
    with_landmarks = dataclasses.replace(reading, face=face)
    out = draw_overlay(frame, FrameResult((with_landmarks,)), style)
    differs = changed(frame, out)
    assert differs[309:311, 320].any(), "the jaw is a line between its points"
    assert differs[180, 287:289].any(), "the iris of the open eye"
    assert not differs[165:195, 340:380].any(), "none in the closed one"


ATTENDING = dataclasses.replace(NOTHING, attention=True)


def greener(before: Image, after: Image) -> Floats:
    """Return (H, W): by how much the green of a pixel has risen above its red."""
    gained = after.astype(int) - before
    return (gained[..., 1] - gained[..., 0]).astype(np.float32)


def test_attention_is_green_where_a_place_counts_more_than_the_average(frame: Image) -> None:
    places = np.full((12, 12), 0.5 / 143, np.float32)
    places[3, 4] = 0.5
    reading = make_reading(BOX, places=places)
    out = draw_overlay(frame, FrameResult((reading,)), ATTENDING)
    above = greener(frame, out)[: round(BOX[3])]  # the legend stands below the box
    x0, y0, x1, y1 = extent(above > 20)
    square = reading.regions.quads["face"]
    cell = (square[2] - square[0]) / 12
    assert (x0, y0) == pytest.approx(square[0] + cell * (4, 3), abs=1)
    assert (x1, y1) == pytest.approx(square[0] + cell * (5, 4), abs=1)
    assert np.ptp(out[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1].reshape(-1, 3), axis=0).max() == 0
    assert (draw_overlay(frame, FrameResult((reading,)), NOTHING) == frame).all()
    without = FrameResult((make_reading(BOX),))
    assert (draw_overlay(frame, without, ATTENDING) == frame).all(), (
        "others have none, nor a legend"
    )


def test_attention_heads_are_averaged_and_even_attention_has_no_color(frame: Image) -> None:
    heads = np.zeros((2, 4, 1), np.float32)
    heads[0, 0], heads[1, 3] = 1, 1
    readings = [make_reading(BOX, places=places) for places in (heads, heads.mean(axis=0))]
    first, second = (draw_overlay(frame, FrameResult((r,)), ATTENDING) for r in readings)
    assert np.array_equal(first, second)
    gained = greener(frame, first)
    x, y0, y1 = 320, *(round(float(y)) for y in readings[0].regions.quads["face"][[0, 3], 1])
    assert gained[y0 + 10, x] == gained[y1 - 10, x] > 30, "each head's row"
    assert gained[(y0 + y1) // 2, x] == 0
    even = make_reading(BOX, places=np.full((4, 4), 1 / 16, np.float32))
    painted = draw_overlay(frame, FrameResult((even,)), ATTENDING)
    assert not changed(frame, painted)[: round(BOX[3])].any()


def test_attention_is_drawn_on_a_fixed_scale() -> None:
    corners = np.array([(0, 0), (40, 0), (40, 40), (0, 40)], np.float32)
    places = np.array([[0.5, 0.25], [0.25, 0]], np.float32)
    image = np.zeros((40, 40, 3), np.uint8)
    blend_attention(image, places, corners, 0.8)
    expected = np.round(0.8 * (1 - 0.25 / 0.5) * np.array(ATTENTION)).astype(int)
    assert (image[:20, :20] == expected).all(), "twice the average: half the color"
    assert not image[20:].any() and not image[:20, 20:].any()


@pytest.mark.parametrize("box", [(-200.0, -100.0, 80.0, 180.0), (900.0, 900.0, 990.0, 990.0)])
def test_attention_of_a_face_beyond_the_border_is_clipped(
    frame: Image, box: tuple[float, float, float, float]
) -> None:
    places = np.eye(6, dtype=np.float32) / np.float32(6)
    out = draw_overlay(frame, FrameResult((make_reading(box, places=places),)), ATTENDING)
    assert out.shape == frame.shape


def test_maps_of_any_grid_cover_the_same_face(frame: Image) -> None:
    raw = np.zeros((12, 12), np.float32)
    raw[6, 3] = 1
    reading = make_reading(BOX)
    explained = explanation(RawMap("sad", "test", raw, seconds=0), reading.regions, frame.shape)
    style = dataclasses.replace(NOTHING, heatmap=1.0)
    out = draw_overlay(frame, FrameResult((reading,), ((explained,),)), style)
    square = reading.regions.quads["face"]
    middle = square[0] + (square[2] - square[0]) * (np.array([3, 6]) + 0.5) / 12
    y, x = np.unravel_index(explained.heatmap.argmax(), explained.heatmap.shape)
    assert (x, y) == pytest.approx(middle, abs=4)
    assert changed(frame, out)[y, x] and explained.region_share["lower"] == 1


@pytest.mark.parametrize("center", [(320.0, 220.0), (10.0, 470.0), (900.0, 900.0)])
def test_the_heat_box_does_not_change_the_picture(
    frame: Image, center: tuple[float, float]
) -> None:
    x, y = center
    reading = make_reading((x - 80, y - 100, x + 80, y + 100))
    raw = np.arange(36, dtype=np.float32).reshape(6, 6)
    explained = explanation(RawMap("sad", "test", raw, seconds=0), reading.regions, frame.shape)
    anywhere = dataclasses.replace(explained, heat_box=None)
    style = dataclasses.replace(NOTHING, heatmap=0.6)
    boxed, whole = (
        draw_overlay(frame, FrameResult((reading,), ((e,),)), style) for e in (explained, anywhere)
    )
    assert np.array_equal(boxed, whole)
    assert changed(frame, whole).any() == explained.heatmap.any()

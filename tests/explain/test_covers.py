"""Covers of parts of a face, and whether a map predicted their effect."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from fer_core.errors import UserError
from fer_core.explain import COVERS, cover_grid, covered, occlusion_test, part_cover
from fer_core.explain.covers import HALVES, Cover, cover_mask, cover_picture, drawn_cover, rectangle
from fer_core.faces.landmarks import POINTS
from fer_core.labels import EXPRESSIONS
from fer_core.models.base import GRAY_MEAN, Network, NetworkOutput
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image
from tests.networks import classifier_of

SIZE = 48
HAPPY = EXPRESSIONS.index("happy")
PATCH: Cover = (rectangle(0.5, 0.5, 0.75, 0.75),)
"""The only place that the network depends on."""


class LooksAtAPatch(Network):
    """A network whose score for happy is the brightness of ``PATCH``."""

    has_maps = False

    def __init__(self) -> None:
        super().__init__()
        self.input_size = SIZE

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": faces.float()}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        faces = features["face"]
        logits = torch.zeros(len(faces), 7)
        logits[:, HAPPY] = faces[:, 0, 24:36, 24:36].mean((1, 2)) / 50
        return NetworkOutput(logits=logits, votes=torch.zeros(len(faces), 8), features=features)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return classifier_of(LooksAtAPatch())


@pytest.fixture
def bright() -> Image:
    return np.full((SIZE, SIZE), 250, np.uint8)


@pytest.fixture
def right_map() -> Floats:
    """Return (4, 4), hot on the patch only."""
    raw = np.full((4, 4), -1, np.float32)
    raw[2, 2] = 3
    return raw


def test_covers_are_gray_and_clipped_to_the_face(bright: Image) -> None:
    boxes = rectangle(0.5, 0.25, 1.4, 0.5), rectangle(-0.2, 0, 0.125, 0.125)
    face = covered(bright, boxes)
    assert (face[12:24, 24:] == round(255 * GRAY_MEAN)).all()
    assert (face[:6, :6] == round(255 * GRAY_MEAN)).all()
    assert (face == 250).sum() == SIZE**2 - 12 * 24 - 36
    assert (bright == 250).all()
    assert np.array_equal(covered(bright, ()), bright)


def test_a_mask_holds_the_cells_whose_centers_lie_in_a_polygon() -> None:
    triangle = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    expected = np.add.outer(np.arange(8), np.arange(8)) < 8  # x + y + 1 <= 8
    for corners in (triangle, triangle[::-1]):
        assert np.array_equal(cover_mask((corners,), 8), expected)


def test_the_true_map_predicts_a_cover_on_the_evidence(
    classifier: Classifier, bright: Image, right_map: Floats
) -> None:
    test = occlusion_test(classifier, bright, PATCH, "happy", right_map)
    assert test.lost == pytest.approx((250 - round(255 * GRAY_MEAN)) / 50, rel=1e-3)
    assert test.before[HAPPY] == pytest.approx(np.exp(5) / (np.exp(5) + 6), rel=1e-3)
    assert test.after[HAPPY] < test.before[HAPPY] and test.after.sum() == pytest.approx(1)
    assert test.area == pytest.approx(1 / 16, rel=0.01)
    assert test.heat > 0.5 and test.heat_rank > 0.9 and test.lost_rank > 0.9
    assert test.correlation > 0.8 and test.verdict == "right" and test.change < -0.05
    assert (test.covered[24:36, 24:36] == round(255 * GRAY_MEAN)).all()


def test_a_wrong_map_is_detected_by_a_cover_elsewhere(
    classifier: Classifier, bright: Image, right_map: Floats
) -> None:
    corner = (rectangle(0.0, 0.0, 0.25, 0.25),)
    test = occlusion_test(classifier, bright, corner, "happy", right_map)
    assert test.lost == 0 and np.array_equal(test.before, test.after)
    assert test.heat == 0 and test.verdict == "right", "no heat and no loss"
    wrong = np.zeros((4, 4), np.float32)
    wrong[0, 0] = 1
    test = occlusion_test(classifier, bright, corner, "happy", wrong)
    assert test.heat > 0.5 and test.heat_rank > 0.9 and test.verdict == "wrong"
    assert test.correlation < 0


@pytest.mark.parametrize(
    ("heat", "after", "verdict"),
    [
        (0.6, 0.5, "right"),  # much heat, and a loss
        (0.6, 0.97, "wrong"),  # much heat, and the class gained
        (0.6, 0.94, "wrong"),  # much heat, and no loss that can be seen
        (0.0, 0.95, "right"),
        (0.02, 0.6, "wrong"),
        (0.25, 0.6, "too small"),  # as much heat as an even map would have
    ],
)
def test_the_verdict_goes_by_sizes_that_can_be_seen(
    classifier: Classifier,
    bright: Image,
    right_map: Floats,
    heat: float,
    after: float,
    verdict: str,
) -> None:
    test = occlusion_test(classifier, bright, PATCH, "happy", right_map)
    before = np.full(7, 0.05 / 6, np.float32)
    before[HAPPY] = 0.95
    covered = before.copy()
    covered[HAPPY] = after
    sizes = dataclasses.replace(test, before=before, after=covered, heat=heat, area=0.2)
    assert sizes.verdict == verdict


def test_a_flat_map_predicts_nothing(classifier: Classifier, bright: Image) -> None:
    test = occlusion_test(classifier, bright, PATCH, "happy", np.full((4, 4), -1, np.float32))
    assert (test.heat, test.heat_rank, test.correlation) == (0, 0, 0)


@pytest.fixture
def landmarks() -> Floats:
    """Return landmarks of a face of points, with eyes 0.4 apart and a jaw that leaves the square."""
    points = np.full((POINTS, 2), 0.5, np.float32)
    points[36:42], points[42:48] = (0.3, 0.4), (0.7, 0.4)
    points[17:22], points[22:27] = (0.3, 0.3), (0.7, 0.3)
    points[48:60] = (0.5, 0.8)
    points[27:31, 0] = 0.45
    angles = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([0.5 + 0.45 * np.cos(angles), 0.4 + 0.7 * np.sin(angles)], axis=1)
    return points


def test_a_cover_is_the_outline_of_its_part_with_a_margin(landmarks: Floats) -> None:
    (snug,), (larger,) = (part_cover(landmarks, "mouth", margin) for margin in (0, 0.1))
    assert np.min(snug, axis=0) == pytest.approx((0.46, 0.76), abs=0.002)  # a tenth of 0.4 around
    assert np.max(larger, axis=0) == pytest.approx((0.58, 0.88), abs=0.002)
    assert len(part_cover(landmarks, "eyes")) == len(part_cover(landmarks, "cheeks")) == 2
    assert len(part_cover(landmarks, "eyes and brows")) == 4
    middle = float(np.float32(0.45))
    assert part_cover(landmarks, "left half") == (rectangle(0, 0, middle, 1),)
    assert part_cover(landmarks, "right half") == (rectangle(middle, 0, 1, 1),)


@pytest.mark.parametrize("name", [*COVERS, *HALVES])
def test_every_cover_lies_in_the_square_and_grows_with_its_margin(
    landmarks: Floats, name: str
) -> None:
    areas = []
    for margin in (0.0, 0.2, 0.5):
        polygons = part_cover(landmarks, name, margin)
        corners = np.concatenate([np.array(polygon) for polygon in polygons])
        assert corners.min() >= 0 and corners.max() <= 1
        areas.append(cover_mask(polygons, 96).mean())
    assert 0 < areas[0] <= areas[1] <= areas[2] < 0.9
    assert name in HALVES or areas[0] < areas[2]


def test_the_cover_of_a_part_outside_the_square_is_empty(landmarks: Floats) -> None:
    landmarks[[*range(5, 12), *range(55, 60)], 1] += 2
    assert part_cover(landmarks, "chin") == ()


def test_an_unknown_cover_is_an_error(landmarks: Floats) -> None:
    with pytest.raises(
        UserError, match="unknown cover 'ears'; choose one of mouth, eyes and brows"
    ):
        part_cover(landmarks, "ears")


def test_a_picture_is_covered_where_the_aligned_face_is(landmarks: Floats) -> None:
    picture = np.full((200, 300, 3), 250, np.uint8)
    hidden = (cover_picture(picture, 200 * landmarks, "mouth", 0.2) != 250).all(axis=2)
    mask = cover_mask(part_cover(landmarks, "mouth", 0.2), 200)
    assert hidden[:, :200][mask].mean() > 0.98 and not hidden[:, 200:].any()
    assert hidden.sum() == pytest.approx(mask.sum(), rel=0.15), "its edge is drawn, too"
    assert (picture == 250).all()


def test_drawn_boxes_are_kept_within_the_square_and_thin_ones_dropped() -> None:
    boxes = [(0.6, 0.2, 0.5, 1.4), (0.3, 0.31, 0.1, 0.9)]
    assert drawn_cover(boxes) == (rectangle(0.2, 0.5, 0.6, 1.0),)


def test_a_grid_of_covers_is_the_same_as_each_cover_alone(
    classifier: Classifier, bright: Image
) -> None:
    grid = cover_grid(classifier, bright, 0.25)
    assert grid.shape == (12, 12, 7) and grid.sum(axis=2) == pytest.approx(np.ones((12, 12)))
    row, column = np.unravel_index(grid[..., HAPPY].argmin(), (12, 12))
    assert int(row) in (7, 8) and int(column) in (7, 8), "the patch is at 0.625"
    square = rectangle(7.5 / 12 - 0.125, 8.5 / 12 - 0.125, 7.5 / 12 + 0.125, 8.5 / 12 + 0.125)
    alone = classifier.calibrate(classifier.logits(covered(bright, (square,))[None])[0])[0]
    assert grid[8, 7] == pytest.approx(alone)
    assert np.ptp(grid[0, 0] - grid[0, 11]) == pytest.approx(0, abs=1e-6), (
        "nothing depends on corners"
    )


def test_both_probabilities_assume_the_prior_that_is_asked_for(
    classifier: Classifier, bright: Image, right_map: Floats
) -> None:
    shares = (0.1, 0.02, 0.1, 0.3, 0.18, 0.1, 0.2)
    card = dataclasses.replace(classifier.card, class_shares=shares)
    classifier = Classifier.from_network(classifier.network, card)
    own = occlusion_test(classifier, bright, PATCH, "happy", right_map)
    equal = occlusion_test(classifier, bright, PATCH, "happy", right_map, "equal")
    assert equal.before[HAPPY] < own.before[HAPPY]
    assert equal.after[HAPPY] < own.after[HAPPY]
    assert equal.lost == own.lost, "a prior moves probabilities, not logits"

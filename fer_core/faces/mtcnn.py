"""MTCNN: a cascade of three small networks that finds faces and their five points.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks, IEEE Signal Processing Letters 23(10), 2016. The networks are in ``mtcnn_networks``.

Coordinates count from pixel edges: the first pixel of a row spans 0..1, its middle is at 0.5.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from cv2.typing import MatLike

from fer_core.errors import UserError
from fer_core.faces.base import MIN_FACE
from fer_core.faces.pyramid import Pyramid
from fer_core.geometry import box_iou
from fer_core.runtime import ForwardPass, Trial, open_passes
from fer_core.types import Face, Floats, Image
from fer_core.weights import MTCNN as NAME
from fer_core.weights import WEIGHTS

PNET_SIDE: Final = 12
PNET_STRIDE: Final = 2
RIM: Final = 4
"""Pixels of black around the input of P-Net, so that it finds faces cut off by up to half."""
RNET_SIDE: Final = 24
ONET_SIDE: Final = 48

THRESHOLDS: Final = (0.6, 0.7, 0.9)
"""Scores in 0..1 that a face must pass at P-, R- and O-Net. With these, two clips of 72 and 95 frames with
and without a face give exactly one and none in every frame."""
SCALE_FACTOR: Final = 0.709
"""Size of each level of the image pyramid relative to the one before."""

BOX: Final = slice(0, 4)
MARGIN: Final = 4
POINTS: Final = slice(5, 15)
"""Columns of the (N, 15) arrays of candidate faces: box, margin, five points; one row per face."""

DUPLICATE: Final = 0.7
"""Intersection over union above which two boxes hold the same face."""
SAME_FACE: Final = 0.3
"""Intersection over union above which a proposal is taken for a known face."""
PART_OF_FACE: Final = 0.8
"""Share of its area in a known face above which a proposal is taken for a part of it, such as an eye."""
MIRRORED: Final = (1, 0, 2, 4, 3)
"""Index of each of the five points in the mirrored face."""
TRIALS: Final = {
    "pnet": Trial((1, 24, 24, 3), {"shifts": (1, 4, 7, 7), "margins": (1, 7, 7)}),
    "rnet": Trial((1, RNET_SIDE, RNET_SIDE, 3), {"shifts": (1, 4), "margins": (1,)}),
    "onet": Trial(
        (1, ONET_SIDE, ONET_SIDE, 3), {"shifts": (1, 4), "margins": (1,), "points": (1, 5, 2)}
    ),
}
"""What the three networks are tried with when they are opened."""
BATCH: Final = 512
"""Bare crops per forward pass of O-Net; bounds the memory."""


class MTCNN:
    """Detect faces of any number and size, and find five points on bare crops.

    Keeps only settings and weights, so threads may share one detector.

    Args:
        min_face: side in pixels of the smallest face looked for, at least 12; the time of ``detect``
            falls with its square.
        thresholds: scores in 0..1 that a face must pass at P-, R- and O-Net.
        scale_factor: size of each level of the image pyramid relative to the one before, 0..1.
        device: where the networks run, as torch names it.
        folder: folder of ``mtcnn.safetensors`` and its card.
        runtime: one of ``fer_core.runtime.RUNTIMES``.

    Raises:
        UserError: ``min_face`` or ``scale_factor`` is out of range, or the runtime cannot run it.
        WeightsError: the weights are missing, damaged or do not fit their card.
    """

    def __init__(
        self,
        *,
        min_face: float = MIN_FACE,
        thresholds: tuple[float, float, float] = THRESHOLDS,
        scale_factor: float = SCALE_FACTOR,
        device: str = "cpu",
        folder: Path = WEIGHTS,
        runtime: str = "auto",
    ) -> None:
        if not min_face >= PNET_SIDE:
            raise UserError(f"min_face must be at least {PNET_SIDE} pixels, not {min_face}")
        if not 0 < scale_factor < 1:
            raise UserError(f"scale_factor must lie between 0 and 1, not {scale_factor}")
        self.min_face = min_face
        self.thresholds = thresholds
        self.scale_factor = scale_factor

        def by_torch() -> dict[str, ForwardPass]:
            from fer_core.faces.mtcnn_networks import load_networks
            from fer_core.runtime.torch import TorchPass

            networks = load_networks(device, folder)
            return {n: TorchPass(each.predictions, device) for n, each in networks.items()}

        passes = open_passes(NAME, by_torch, TRIALS, device=device, folder=folder, runtime=runtime)
        self._pnet, self._rnet, self._onet = (passes[name] for name in ("pnet", "rnet", "onet"))

    def detect(self, image: Image) -> list[Face]:
        """Detect every face of at least ``min_face`` pixels in ``image`` (H, W, 3) RGB uint8."""
        return self.detect_beside(image, np.empty((0, 4), np.float32))

    def detect_beside(self, image: Image, known: Floats, *, times: float = 1.0) -> list[Face]:
        """Detect known faces again, and others beside them.

        Known boxes go straight to O-Net, and what P-Net proposes on them is left out: most of what it
        proposes in a frame.

        Args:
            image: (H, W, 3) RGB uint8.
            known: (N, 4) boxes of faces that were there a moment ago.
            times: look for others from so many times ``min_face`` on; twice costs a quarter.
        """
        pyramid = Pyramid(image)
        proposed = _elsewhere(self._propose(pyramid, times * self.min_face), known)
        boxes = self._select(pyramid, proposed)
        candidates = self._run_onet(pyramid, np.concatenate([boxes, known]))
        likely = _distinct(candidates[candidates[:, MARGIN] > 0])
        rows = _distinct(self._run_onet_mirrored(pyramid, likely))
        return [face for face in _faces(rows, image) if face.score > self.thresholds[2]]

    def points(self, crops: Image) -> tuple[Floats, Floats]:
        """Find five points on bare face crops, such as a dataset's 48x48 images, by O-Net alone.

        O-Net runs on each crop twice: as it is, and mirrored without a margin of a twelfth. On 4,000
        training images of FER2013 this finds (score > 0.7) 96.8 %, with a mean distance of 1.14
        pixels to MediaPipe's points; the crop as it is 93.4 % and 1.18; padded by a twelfth, as
        detectors frame faces, 82.2 % and 1.53.

        Args:
            crops: (N, h, w) gray or (N, h, w, 3) RGB, uint8.

        Returns:
            points (N, 5, 2) in crop pixels, and scores (N,) in 0..1: how sure O-Net is of a face.

        Raises:
            UserError: for another shape or dtype.
        """
        if crops.dtype != np.uint8 or not (crops.ndim == 3 or crops.shape[3:] == (3,)):
            raise UserError(
                "face crops must be (N, h, w) or (N, h, w, 3) uint8, "
                f"not {crops.shape} {crops.dtype}"
            )
        points = np.empty((len(crops), 5, 2), np.float32)
        scores = np.empty(len(crops), np.float32)
        for start in range(0, len(crops), BATCH):
            rows = slice(start, start + BATCH)
            points[rows], scores[rows] = self._points(crops[rows])
        return points, scores

    def _points(self, crops: Image) -> tuple[Floats, Floats]:
        height, width = crops.shape[1:3]
        top, left = height // 12, width // 12
        middle = crops[:, top : height - top, left : width - left]
        mirrored = np.stack([cv2.flip(crop, 1) for crop in middle])
        outputs = self._onet(np.concatenate([_onet_input(crops), _onet_input(mirrored)]))

        whole, inner = np.split(outputs["points"], 2)
        whole = whole * np.array([width, height], np.float32)
        inner = _mirror(inner) * np.array([width - 2 * left, height - 2 * top], np.float32)
        inner = inner + np.array([left, top], np.float32)

        scores = np.stack(np.split(_score(outputs["margins"]), 2))
        weights = (scores / np.maximum(scores.sum(axis=0), 1e-12))[..., None, None]
        return weights[0] * whole + weights[1] * inner, scores.max(axis=0)

    def _propose(self, pyramid: Pyramid, smallest: float) -> Floats:
        """Run P-Net over the picture at every scale; return (N, 4) candidate boxes."""
        height, width = pyramid.level(0).shape[:2]
        candidates = [np.empty((0, 5), np.float32)]
        # The smallest picture that is still twice as large as the first level, so that it is averaged well.
        level: MatLike = pyramid.level(int(math.log2(max(1, smallest / PNET_SIDE / 2))))
        for window in self._windows(min(height, width), smallest):
            scale = PNET_SIDE / window
            size = (math.ceil(width * scale), math.ceil(height * scale))
            level = cv2.resize(level, size, interpolation=cv2.INTER_AREA)
            framed = cv2.copyMakeBorder(level, RIM, RIM, RIM, RIM, cv2.BORDER_CONSTANT)
            outputs = self._pnet(framed[None])
            margins = outputs["margins"][0]
            rows, columns = np.nonzero(_score(margins) > self.thresholds[0])
            corners = np.stack([columns, rows], axis=1) * PNET_STRIDE - RIM
            ratio = np.array([width / size[0], height / size[1]], np.float32)
            boxes = np.hstack([corners * ratio, (corners + PNET_SIDE) * ratio]).astype(np.float32)
            boxes = _shift(boxes, outputs["shifts"][0][:, rows, columns].T)
            candidates.append(_distinct(np.hstack([boxes, margins[rows, columns, None]])))
        return _distinct(np.concatenate(candidates))[:, BOX]

    def _windows(self, shorter_side: int, smallest: float) -> Iterator[float]:
        """Yield the side of the faces that each level detects; the last one fills the image."""
        window = smallest
        while window < shorter_side:
            yield window
            window /= self.scale_factor
        if shorter_side >= smallest:
            yield shorter_side

    def _select(self, pyramid: Pyramid, boxes: Floats) -> Floats:
        """Reject most candidates by R-Net and move the others; return (N, 4) boxes."""
        if not len(boxes):
            return boxes
        crops, squares = pyramid.crops(boxes, RNET_SIDE)
        outputs = self._rnet(crops)
        margins = outputs["margins"]
        candidates = np.hstack([_shift(squares, outputs["shifts"]), margins[:, None]])
        return _distinct(candidates[_score(margins) > self.thresholds[1]])[:, BOX]

    def _run_onet(self, pyramid: Pyramid, boxes: Floats, *, mirrored: bool = False) -> Floats:
        """Run O-Net on each box; return (N, 15) box, margin and points."""
        if not len(boxes):
            return np.empty((0, POINTS.stop), np.float32)
        crops, squares = pyramid.crops(boxes, ONET_SIDE)
        outputs = self._onet(np.ascontiguousarray(crops[:, :, ::-1]) if mirrored else crops)
        shifts, points = outputs["shifts"], outputs["points"]
        if mirrored:
            shifts = shifts[:, (2, 1, 0, 3)] * np.array([-1, 1, -1, 1], np.float32)
            points = _mirror(points)
        points = squares[:, None, :2] + points * (squares[:, 2:] - squares[:, :2])[:, None]
        rows = [_shift(squares, shifts), outputs["margins"][:, None], points.reshape(-1, 10)]
        return np.hstack(rows).astype(np.float32)

    def _run_onet_mirrored(self, pyramid: Pyramid, first: Floats) -> Floats:
        """Run O-Net mirrored on the boxes of a first pass; return the mean of both passes, (N, 15).

        A face is one in the mirror too; a texture that resembles one seldom is. Of 800 press
        photographs and 169 pictures without people this misses 9 faces and invents none. A single pass
        misses 31 and invents 1, or 11 and 12 at a threshold of 0.8; its points are off by 4.8 % of
        the distance of the eyes instead of 4.6 %.
        """
        second = self._run_onet(pyramid, first[:, BOX], mirrored=True)
        return np.asarray((first + second) / 2, np.float32)


def _onet_input(crops: Image) -> Image:
    """(N, h, w) gray or (N, h, w, 3) RGB -> (N, 48, 48, 3)."""
    smaller = min(crops.shape[1:3]) > ONET_SIDE
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    side = (ONET_SIDE, ONET_SIDE)
    resized = np.stack([cv2.resize(crop, side, interpolation=interpolation) for crop in crops])
    if resized.ndim == 3:
        resized = np.repeat(resized[..., None], 3, axis=3)
    return np.asarray(resized, np.uint8)


def _score(margins: Floats) -> Floats:
    """Return scores in 0..1 of the logits of "face" minus those of "no face"."""
    return np.asarray((1 + np.tanh(margins / 2)) / 2, np.float32)  # never overflows


def _shift(boxes: Floats, shifts: Floats) -> Floats:
    """Move the sides of boxes (N, 4) by shifts (N, 4), given in box widths and heights."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return boxes + shifts * np.tile(sizes, 2)


def _mirror(points: Floats) -> Floats:
    """(N, 5, 2) as fractions of a crop -> those of its mirror image."""
    mirrored = points[:, MIRRORED].copy()
    mirrored[..., 0] = 1 - mirrored[..., 0]
    return mirrored


def _elsewhere(boxes: Floats, known: Floats) -> Floats:
    """Return the boxes (N, 4) that are neither on a known face nor a part of one."""
    if not len(boxes) or not len(known):
        return boxes
    low = np.maximum(boxes[:, None, :2], known[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], known[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
    inside = (shared / np.maximum(areas, 1) > PART_OF_FACE).any(axis=1)
    same = (box_iou(boxes, known) > SAME_FACE).any(axis=1)
    return np.asarray(boxes[~(inside | same)], np.float32)


def _distinct(rows: Floats) -> Floats:
    """Keep, of rows (N, 5 or more) with the same face, the one with the widest margin; the widest first."""
    if len(rows) < 2:
        return rows
    boxes: Any = np.hstack([rows[:, :2], rows[:, 2:4] - rows[:, :2]])
    positive = rows[:, MARGIN] - rows[:, MARGIN].min() + 1  # OpenCV drops scores that are not
    kept = cv2.dnn.NMSBoxes(boxes, positive, 0, DUPLICATE)
    return np.asarray(rows[np.reshape(kept, -1)], np.float32)


def _faces(rows: Floats, image: Image) -> list[Face]:
    """Convert rows (N, 15) to faces, with boxes clipped to the image."""
    height, width = image.shape[:2]
    boxes = rows[:, BOX].clip(0, (width, height, width, height)).tolist()
    scores = _score(rows[:, MARGIN]).tolist()
    return [
        Face(box=tuple(box), score=score, points=points)
        for box, score, points in zip(boxes, scores, rows[:, POINTS].reshape(-1, 5, 2), strict=True)
    ]

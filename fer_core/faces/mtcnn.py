"""MTCNN: a cascade of three small networks that finds faces and their five points.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks, IEEE Signal Processing Letters 23(10), 2016. The networks are in ``mtcnn_networks``.

Coordinates count from pixel edges: the first pixel of a row spans 0..1, its middle is at 0.5.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from cv2.typing import MatLike
from torch import Tensor
from torchvision.ops import clip_boxes_to_image, nms

from fer_core.errors import UserError
from fer_core.faces.base import MIN_FACE
from fer_core.faces.mtcnn_networks import load_networks
from fer_core.types import Face, Floats, Image
from fer_core.weights import WEIGHTS

PNET_SIDE: Final = 12
PNET_STRIDE: Final = 2
RIM: Final = 4
"""Pixels of black around the input of P-Net, so that it finds faces cut off by up to half."""
RNET_SIDE: Final = 24
ONET_SIDE: Final = 48

BOX: Final = slice(0, 4)
MARGIN: Final = 4
POINTS: Final = slice(5, 15)
"""Columns of the (N, 15) tensors of candidate faces: box, margin, five points; one row per face."""

DUPLICATE: Final = 0.7
"""Intersection over union above which two boxes hold the same face."""
MIRRORED: Final = (1, 0, 2, 4, 3)
"""Index of each of the five points in the mirrored face."""
BATCH: Final = 512
"""Bare crops per forward pass of O-Net; bounds the memory."""


class MTCNN:
    """Detect faces of any number and size, refine known boxes, and find five points on bare crops.

    Keeps only settings and weights, so threads may share one detector.

    Args:
        min_face: side in pixels of the smallest face looked for, at least 12; the time of ``detect``
            falls with its square.
        thresholds: scores in 0..1 that a face must pass at P-, R- and O-Net. With these, two clips
            of 72 and 95 frames with and without a face give exactly one and none in every frame.
        scale_factor: size of each level of the image pyramid relative to the one before, 0..1.
        device: where the networks run, as torch names it.
        folder: folder of ``mtcnn.safetensors`` and its card.

    Raises:
        UserError: ``min_face`` or ``scale_factor`` is out of range.
        WeightsError: the weights are missing, damaged or do not fit their card.
    """

    def __init__(
        self,
        *,
        min_face: float = MIN_FACE,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.9),
        scale_factor: float = 0.709,
        device: str = "cpu",
        folder: Path = WEIGHTS,
    ) -> None:
        if not min_face >= PNET_SIDE:
            raise UserError(f"min_face must be at least {PNET_SIDE} pixels, not {min_face}")
        if not 0 < scale_factor < 1:
            raise UserError(f"scale_factor must lie between 0 and 1, not {scale_factor}")
        self.min_face = min_face
        self.thresholds = thresholds
        self.scale_factor = scale_factor
        self.device = torch.device(device)
        networks = load_networks(self.device, folder)
        self._pnet, self._rnet, self._onet = networks["pnet"], networks["rnet"], networks["onet"]

    @torch.inference_mode()
    def detect(self, image: Image) -> list[Face]:
        """Detect every face of at least ``min_face`` pixels in ``image`` (H, W, 3) RGB uint8."""
        candidates = self._run_onet(image, self._select(image, self._propose(image)))
        likely = _distinct(candidates[candidates[:, MARGIN] > 0])
        rows = _distinct(self._run_onet_mirrored(image, likely))
        return [face for face in _faces(rows, image) if face.score > self.thresholds[2]]

    @torch.inference_mode()
    def refine(self, image: Image, boxes: Floats) -> list[Face | None]:
        """Find known faces again near their last boxes, by O-Net alone: 2 ms for one face.

        Args:
            image: (H, W, 3) RGB uint8.
            boxes: (N, 4) x0, y0, x1, y1 in frame pixels, such as those of the frame before.

        Returns:
            One entry for each box: the face, or None where O-Net finds none.
        """
        last_boxes = torch.from_numpy(np.asarray(boxes, np.float32).reshape(-1, 4))
        rows = self._run_onet_mirrored(image, self._run_onet(image, last_boxes))
        return [face if face.score > self.thresholds[2] else None for face in _faces(rows, image)]

    @torch.inference_mode()
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
        pixels = torch.from_numpy(np.ascontiguousarray(crops)).to(self.device)
        pixels = pixels[:, None] if crops.ndim == 3 else pixels.permute(0, 3, 1, 2)
        height, width = crops.shape[1:3]
        top, left = height // 12, width // 12
        middle = pixels[..., top : height - top, left : width - left].flip(-1)
        _, marks, face = self._onet(torch.cat([_onet_input(pixels), _onet_input(middle)]))

        whole, inner = _xy(marks).chunk(2)
        whole = whole * whole.new_tensor([width, height])
        inner = _mirror(inner) * inner.new_tensor([width - 2 * left, height - 2 * top])
        inner = inner + inner.new_tensor([left, top])

        scores = torch.stack(_margin(face).sigmoid().chunk(2))
        weights = (scores / scores.sum(0).clamp_min(1e-12))[..., None, None]
        points = weights[0] * whole + weights[1] * inner
        return points.cpu().numpy(), scores.amax(0).cpu().numpy()

    def _propose(self, image: Image) -> Tensor:
        """Run P-Net over the image at every scale; return (N, 4) candidate boxes."""
        height, width = image.shape[:2]
        found = [torch.empty(0, 5)]
        level: MatLike = image
        for window in self._windows(min(height, width)):
            scale = PNET_SIDE / window
            size = (math.ceil(width * scale), math.ceil(height * scale))
            level = cv2.resize(level, size, interpolation=cv2.INTER_AREA)
            framed = cv2.copyMakeBorder(level, RIM, RIM, RIM, RIM, cv2.BORDER_CONSTANT)
            shifts, face = self._pnet(self._tensor(framed[None]))
            margins = _margin(face)[0].cpu()
            rows, columns = torch.nonzero(margins.sigmoid() > self.thresholds[0], as_tuple=True)
            corners = torch.stack([columns, rows], 1) * PNET_STRIDE - RIM
            ratio = torch.tensor([width / size[0], height / size[1]])
            boxes = torch.cat([corners * ratio, (corners + PNET_SIDE) * ratio], 1)
            boxes = _shift(boxes, shifts[0].cpu()[:, rows, columns].T)
            found.append(_distinct(torch.cat([boxes, margins[rows, columns, None]], 1)))
        return _distinct(torch.cat(found))[:, BOX]

    def _windows(self, shorter_side: int) -> Iterator[float]:
        """Yield the side of the faces that each level detects; the last one fills the image."""
        window = self.min_face
        while window < shorter_side:
            yield window
            window /= self.scale_factor
        if shorter_side >= self.min_face:
            yield shorter_side

    def _select(self, image: Image, boxes: Tensor) -> Tensor:
        """Reject most candidates by R-Net and move the others; return (N, 4) boxes."""
        squares = _squares(boxes)
        shifts, face = self._rnet(self._tensor(_crops(image, squares, RNET_SIDE)))
        found = torch.cat([_shift(squares, shifts.cpu()), _margin(face).cpu()[:, None]], 1)
        return _distinct(found[found[:, MARGIN].sigmoid() > self.thresholds[1]])[:, BOX]

    def _run_onet(self, image: Image, boxes: Tensor, *, mirrored: bool = False) -> Tensor:
        """Run O-Net on each box; return (N, 15) box, margin and points."""
        squares = _squares(boxes)
        pixels = self._tensor(_crops(image, squares, ONET_SIDE))
        shifts, marks, face = (
            output.cpu() for output in self._onet(pixels.flip(-1) if mirrored else pixels)
        )
        points = _xy(marks)
        if mirrored:
            shifts = shifts[:, (2, 1, 0, 3)] * shifts.new_tensor([-1, 1, -1, 1])
            points = _mirror(points)
        points = squares[:, None, :2] + points * (squares[:, 2:] - squares[:, :2])[:, None]
        return torch.cat([_shift(squares, shifts), _margin(face)[:, None], points.flatten(1)], 1)

    def _run_onet_mirrored(self, image: Image, first: Tensor) -> Tensor:
        """Run O-Net mirrored on the boxes of a first pass; return the mean of both passes, (N, 15).

        A face is one in the mirror too; a texture that resembles one seldom is. Of 800 press
        photographs and 169 pictures without people this misses 9 faces and invents none. A single pass
        misses 31 and invents 1, or 11 and 12 at a threshold of 0.8; its points are off by 4.8 % of
        the distance of the eyes instead of 4.6 %.
        """
        return (first + self._run_onet(image, first[:, BOX], mirrored=True)) / 2

    def _tensor(self, pixels: MatLike) -> Tensor:
        """(N, h, w, 3) uint8 -> (N, 3, h, w), normalized, on the device."""
        return _normalized(torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2))


def _onet_input(pixels: Tensor) -> Tensor:
    """(N, 1 or 3, h, w) uint8 -> (N, 3, 48, 48), normalized."""
    side = (ONET_SIDE, ONET_SIDE)
    resized = F.interpolate(_normalized(pixels), side, mode="bilinear", antialias=True)
    return resized.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def _normalized(pixels: Tensor) -> Tensor:
    return (pixels.float() - 127.5) / 128


def _margin(face: Tensor) -> Tensor:
    """(N, 2, ...) -> (N, ...), the logit of "face" minus that of "no face"; its sigmoid is the score."""
    return face[:, 1] - face[:, 0]


def _shift(boxes: Tensor, shifts: Tensor) -> Tensor:
    """Move the sides of boxes (N, 4) by shifts (N, 4), given in box widths and heights."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return boxes + shifts * sizes.repeat(1, 2)


def _squares(boxes: Tensor) -> Tensor:
    """Squares around boxes (N, 4), on whole pixels so that crops begin and end at pixel edges."""
    sides = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True).round().clamp_min(1)
    corners = ((boxes[:, :2] + boxes[:, 2:] - sides) / 2).round()
    return torch.cat([corners, corners + sides], 1)


def _crops(image: Image, squares: Tensor, side: int) -> Image:
    """(N, side, side, 3) uint8; what lies outside the image is black, as in training."""
    height, width = image.shape[:2]
    crops = np.zeros((len(squares), side, side, 3), np.uint8)
    for crop, (x0, y0, x1, y1) in zip(crops, squares.int().tolist(), strict=True):
        inside: MatLike = image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
        if inside.size == 0:
            continue
        if min(x0, y0) < 0 or x1 > width or y1 > height:
            margins = (max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0))
            inside = cv2.copyMakeBorder(inside, *margins, cv2.BORDER_CONSTANT)
        cv2.resize(inside, (side, side), dst=crop, interpolation=cv2.INTER_AREA)
    return crops


def _xy(marks: Tensor) -> Tensor:
    """(N, 10) x1..x5, y1..y5 -> (N, 5, 2)."""
    return marks.reshape(-1, 2, 5).transpose(1, 2)


def _mirror(points: Tensor) -> Tensor:
    """(N, 5, 2) as fractions of a crop -> those of its mirror image."""
    x, y = points[:, MIRRORED].unbind(2)
    return torch.stack([1 - x, y], 2)


def _distinct(found: Tensor) -> Tensor:
    """Keep, of rows (N, 5 or more) with the same face, the one with the widest margin."""
    return found[nms(found[:, BOX], found[:, MARGIN], DUPLICATE)]


def _faces(found: Tensor, image: Image) -> list[Face]:
    """Convert rows (N, 15) to faces, with boxes clipped to the image."""
    boxes = clip_boxes_to_image(found[:, BOX], image.shape[:2]).tolist()
    scores = found[:, MARGIN].sigmoid().tolist()
    points = found[:, POINTS].reshape(-1, 5, 2).numpy()
    return [
        Face(box=tuple(box), score=score, points=marks)
        for box, score, marks in zip(boxes, scores, points, strict=True)
    ]

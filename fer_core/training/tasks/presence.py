"""The head of the landmark network that says whether a face is still in its square.

Live views follow a face by its landmarks, from frame to frame, and have to notice when it has left. The trunk
stays as it is, so landmarks and all that is aligned by them stay too; a linear layer on its last map is
enough: logistic regression on squares with a face and without.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from fer_core.data.augmentation import Augmentation, photometric
from fer_core.data.readers.landmarks import LandmarkSet
from fer_core.data.scenes import VIEWS, faceless_scenes
from fer_core.faces.landmark_network import LandmarkNetwork
from fer_core.faces.landmarks import BATCH, STILL_THERE, Landmarker, five_points
from fer_core.geometry import alignment, warp
from fer_core.training.notice import notice
from fer_core.types import Floats, Image

MAX_SHIFT: Final = 0.22
"""Largest distance of a face from the middle of its square at which it counts as there, in sides: the
landmark network still finds its points."""
FAR: Final = (0.6, 1.0)
"""Distance of faces that count as gone, in sides."""
SCALE: Final = 0.25
"""Largest natural logarithm of the factor between a face and its square."""
TILT: Final = 0.2
"""Standard deviation of the angle between a face and its square, in radians."""
SMALLEST: Final = 24.0
"""Smallest side of a square in a faceless picture, in pixels."""
SQUARES: Final = 250
"""Squares of each view of a faceless picture."""
FLAT: Final = 500
"""Squares of one gray, as of a covered camera; light and noise are added."""
WEBCAM: Final = Augmentation(
    brightness=0.2,
    contrast=0.4,
    blur=0.2,
    noise=0.2,
    erase=0.3,
    gamma=0.2,
    side_light=0.2,
    max_blur=2.0,
    max_noise=0.08,
)
"""What a webcam does to a picture; a face of which a fifth is covered is still there."""
HELD_OUT: Final = 5
"""Every fifth faceless picture is not trained on, but measured."""
DECAY: Final = 1e-4
"""Weight of the squared weights in the loss."""
STEPS: Final = 200
"""Most steps of the solver (L-BFGS, Liu and Nocedal 1989)."""


def fit_presence(network: LandmarkNetwork, faces: LandmarkSet, seed: int) -> dict[str, Any]:
    """Fit the head of a trained landmark network, in place.

    Args:
        faces: of Training.

    Returns:
        Numbers of squares with a face and without, for the card.
    """
    squares, present = presence_squares(faces, network.input_size, seed, measured=False)
    features = _features(network, squares)
    mean, spread = features.mean(dim=0), features.std(dim=0) + 1e-3
    scaled, target = (features - mean) / spread, torch.from_numpy(present).float()
    # Both kinds count alike, however many there are.
    shares = torch.where(target > 0, 0.5 / target.mean(), 0.5 / (1 - target.mean()))
    weight = torch.zeros(features.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        logits = scaled @ weight + bias
        value = F.binary_cross_entropy_with_logits(logits, target, shares)
        value = value + DECAY * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        network.present.weight.copy_((weight / spread)[None])
        network.present.bias.copy_(bias - (weight * mean / spread).sum())
    return {"squares_with_face": int(present.sum()), "squares_without": int((~present).sum())}


def measure_presence(landmarker: Landmarker, faces: LandmarkSet) -> dict[str, float]:
    """Measure the head on faces, and on held-out pictures without any.

    Returns:
        ``faces_lost``, the share of squares with a face that count as without; ``others_kept``, the share
        of squares without a face that count as with one.
    """
    squares, present = presence_squares(faces, landmarker.input_size, 0, measured=True)
    kept = landmarker(squares).present >= STILL_THERE
    return {
        "faces_lost": round(float((~kept[present]).mean()), 4),
        "others_kept": round(float(kept[~present].mean()), 4),
    }


def presence_squares(
    faces: LandmarkSet, size: int, seed: int, *, measured: bool
) -> tuple[Image, NDArray[np.bool_]]:
    """Return squares with a face and without, changed as a webcam changes pictures.

    Args:
        size: side of the squares, in pixels.
        measured: use the faceless pictures that are measured; otherwise those that are trained on.

    Returns:
        (N, S, S) gray uint8, and for each whether it holds a face.
    """
    rng = np.random.default_rng(seed)
    squares, present = [], []
    for image, five in zip(faces.images, five_points(faces.points), strict=True):
        upright = alignment(five, size)
        for near in (True, False):
            distance = rng.uniform(0, MAX_SHIFT) if near else rng.uniform(*FAR)
            squares.append(warp(image, _moved(upright, size, distance, rng), size))
            present.append(near)
    for square in _faceless_squares(size, rng, measured=measured):
        squares.append(square)
        present.append(False)
    changed = np.stack([photometric(square, WEBCAM, rng) for square in squares])
    return changed, np.array(present)


def _moved(transform: Floats, size: int, distance: float, rng: np.random.Generator) -> Floats:
    """Return an alignment that puts the face ``distance`` sides from the middle of its square, in a random
    direction, scaled and tilted."""
    direction, tilt = rng.uniform(0, 2 * np.pi), rng.normal(0, TILT)
    scale = np.exp(rng.uniform(-SCALE, SCALE))
    turn = scale * np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    shift = distance * size * np.array([np.cos(direction), np.sin(direction)])
    middle = turn @ (transform[:, 2] - size / 2) + size / 2 + shift
    return np.hstack([turn @ transform[:, :2], middle[:, None]]).astype(np.float32)


def _faceless_squares(size: int, rng: np.random.Generator, *, measured: bool) -> Iterator[Image]:
    """Yield squares of pictures without a face, and of one gray."""
    try:
        scenes = faceless_scenes()
    except ModuleNotFoundError as error:  # on a machine with no more than training needs
        notice(f"{error.name} is not installed, so its pictures without faces are left out")
        scenes = []
    for number, scene in enumerate(scenes):
        if (number // VIEWS % HELD_OUT == HELD_OUT - 1) != measured:
            continue
        height, width = scene.image.shape
        for _ in range(SQUARES):
            side = np.exp(rng.uniform(np.log(SMALLEST), np.log(min(height, width))))
            corner = np.array([rng.uniform(0, width - side), rng.uniform(0, height - side)])
            scale = size / side
            plain = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
            yield warp(scene.image, _moved(plain.astype(np.float32), size, 0, rng), size)
    for _ in range(FLAT):
        yield np.full((size, size), rng.integers(256), np.uint8)


@torch.inference_mode()
def _features(network: LandmarkNetwork, squares: Image) -> Tensor:
    """Return (N, C) features on which the head stands."""
    device = next(network.parameters()).device
    parts = [
        network.trunk(torch.from_numpy(squares[start : start + BATCH, None]).to(device)).cpu()
        for start in range(0, len(squares), BATCH)
    ]
    # Not of the inference mode, in which nothing could be fitted to them.
    return torch.from_numpy(torch.cat(parts).float().numpy())

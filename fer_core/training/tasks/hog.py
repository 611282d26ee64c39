"""Train the HOG face detector: a linear support vector machine on windows with and without a face.

Dalal, Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.augmentation import augment
from fer_core.data.readers.landmarks import LandmarkSet
from fer_core.data.scenes import Scene, face_scenes, faceless_scenes, turned
from fer_core.faces.base import Detector, find_faces
from fer_core.faces.hog import Hog, build_descriptor, overlaps
from fer_core.geometry import warp
from fer_core.training.card import origin
from fer_core.training.recipe import Recipe
from fer_core.types import Floats, Image
from fer_core.weights import HOG, Card, save_card, save_weights

DATA = (
    "faces of muxspace/facial_expressions, Apache-2.0, mostly pictures of LFW (Huang et al. 2007); points of "
    "MediaPipe's FaceLandmarker, Apache-2.0; sample images of scikit-image and scikit-learn without people"
)
LICENCE = "Apache-2.0 for the weights; trained on press photographs: for research and teaching"
LIMITS = (
    "Finds upright faces seen from the front. Its points are mere proportions of the box. Textures are "
    "mistaken for faces more often than by the networks; it is here for comparison."
)

FOUND: Final = 0.5
"""Intersection over union with the face from which on a box has found it."""
MAX_BACKGROUND_IOU: Final = 0.3
"""Intersection over union with the face up to which a window holds none."""

SEARCHED: Final = 1500
"""Press photographs that give windows without a face to each round, upright and turned, beside all sample
images."""
BESIDE: Final = 6
"""Windows a round of a press photograph, at most."""
ELSEWHERE: Final = 200
"""Windows a round of a sample image, at most."""
SMALLEST: Final = 48
"""Side in pixels of the smallest of them."""
NEARLY: Final = -1.0
"""Distance from the boundary from which on a window is worth learning: the margin begins there."""

FIRST_COST: Final = 0.003
COSTS: Final = (0.001, 0.003, 0.01)
"""C of the machine before and after mining; PublicTest selects the latter."""


def fit_hog(recipe: Recipe, faces: LandmarkSet, out: Path) -> Hog:
    """Train, look for mistakes and train again; PublicTest selects C and the boundary.

    Each machine is stored in ``out``, so what searches is the detector as it ships.

    Args:
        recipe: ``epochs`` is the number of rounds of mining.
        faces: with the splits Training and PublicTest.
    """
    started = perf_counter()
    rng = np.random.default_rng(recipe.seed)
    taught, empty = face_scenes(faces.split("Training")), faceless_scenes()
    positive = _descriptors([_view(scene, recipe, rng) for scene in taught], recipe)
    negative = _windows_without(taught, empty, recipe, rng)
    card, arrays = _card(recipe), {"points": _layout(taught), "score": np.array([1, 0], np.float32)}
    for _ in range(recipe.epochs):
        save_weights(card, arrays | _machine(positive, negative, FIRST_COST), out)
        hog = Hog(min_face=SMALLEST, threshold=NEARLY, folder=out)
        negative += _windows_without(taught, empty, recipe, rng, hog)

    public = face_scenes(faces.split("PublicTest"))
    trials = [
        _trial(card, arrays | _machine(positive, negative, cost), public, out) for cost in COSTS
    ]
    best = int(np.argmax([f1 for f1, _ in trials]))
    facts = {
        "seed": recipe.seed,
        "rounds": recipe.epochs,
        "faces": len(positive),
        "other_windows": sum(map(len, negative)),
        "C": COSTS[best],
        "selected_on": "PublicTest",
        **origin(),
        "minutes": round((perf_counter() - started) / 60),
    }
    save_weights(replace(card, training=facts), trials[best][1], out)
    return Hog(folder=out)


def export_hog(hog: Hog, faces: LandmarkSet, out: Path) -> Hog:
    """Measure the stored detector, on PrivateTest once, and write the figures into its card."""
    figures = {
        split: {
            **measure_detector(hog, faces.split(split)),
            "command": f"python -m fer_core evaluate --model {HOG} --data teacher/faces_lfw.npz "
            f"--split {split}",
        }
        for split in ("PublicTest", "PrivateTest")
    }
    save_card(replace(hog.card, figures=figures), out, hog.card.sha256)
    return Hog(folder=out)


def measure_detector(detector: Detector, faces: LandmarkSet) -> dict[str, Any]:
    """On pictures with one face each.

    Returns:
        ``n``; ``found``, the share of faces that a box overlaps by half or more of their union;
        ``false_per_picture``, all other boxes; ``overlap``, the mean of those that found a face;
        ``point_error``, their points' mean distance to the teacher's in inter-ocular distances.
    """
    scenes = face_scenes(faces)
    shares, errors, false = [], [], 0
    for scene in scenes:
        found = find_faces(scene.image, detector)
        overlap = overlaps(scene.box, np.reshape([face.box for face in found], (-1, 4)))[0]
        if len(found) and overlap.max() >= FOUND:
            nearest = int(overlap.argmax())
            shares.append(overlap[nearest])
            off = np.linalg.norm(found[nearest].points - scene.points[0], axis=1).mean()
            errors.append(off / np.linalg.norm(scene.points[0, 1] - scene.points[0, 0]))
            false -= 1
        false += len(found)
    return {
        "n": len(scenes),
        "found": round(len(shares) / len(scenes), 4),
        "false_per_picture": round(false / len(scenes), 4),
        "overlap": round(float(np.mean(shares)), 4) if shares else 0.0,
        "point_error": round(float(np.mean(errors)), 4) if errors else 0.0,
    }


def best_boundary(margins: Floats, right: NDArray[np.bool_], faces: int) -> tuple[float, float]:
    """The margin from which on boxes are reported, with the best F1 of them, and that F1.

    Args:
        margins, right: of each box: its distance from the boundary, and whether it found the face.
        faces: how many there are to be found.
    """
    order = np.argsort(-margins)
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + faces)
    best = int(f1.argmax())
    return float(margins[order[best]]), float(f1[best])


def _card(recipe: Recipe) -> Card:
    side = recipe.network["window"]
    descriptor = build_descriptor(**recipe.network)
    return Card(
        name=HOG,
        family=recipe.family,
        network=recipe.network,
        classes=(),
        input_size=side,
        aligned=False,
        temperature=1.0,
        unsure_below=0.0,
        parameters=descriptor.getDescriptorSize() + 1,
        preprocessing=f"grey, windows of {side}x{side} in an image pyramid, gradients of the square root",
        data=DATA,
        recipe=asdict(recipe),
        licence=LICENCE,
        limits=LIMITS,
    )


def _trial(
    card: Card, arrays: dict[str, Floats], public: Sequence[Scene], out: Path
) -> tuple[float, dict[str, Floats]]:
    """F1 of the boxes in PublicTest, upright and turned, at the best boundary; the machine with this
    boundary and its score."""
    save_weights(card, arrays, out)
    hog = Hog(threshold=NEARLY, folder=out)
    margins, right = _found([*public, *_all_turned(public)], hog)
    boundary, f1 = best_boundary(margins, right, len(public))
    score = _logistic(margins - boundary, right)
    return f1, arrays | {"bias": arrays["bias"] - np.float32(boundary), "score": score}


def _layout(scenes: Sequence[Scene]) -> Floats:
    """(5, 2) the points' median place in the faces' squares, as fractions of these."""
    places = [(s.points[0] - s.box[0, :2]) / (s.box[0, 2] - s.box[0, 0]) for s in scenes]
    return np.asarray(np.median(places, axis=0), np.float32)


def _transform(box: Floats, recipe: Recipe) -> Floats:
    """(2, 3) map of a square to the window, a cell of its surroundings on each side."""
    scale = recipe.network["window"] / (box[2] - box[0])
    shift = recipe.network["cell"] - scale * box[:2]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def _view(scene: Scene, recipe: Recipe, rng: np.random.Generator) -> Image:
    """Its face, augmented, with a cell around it."""
    transform = _transform(scene.box[0], recipe)
    return augment(scene.image, transform, _cut_size(recipe), recipe.augmentation, rng)


def _describe(scene: Scene, boxes: Floats, recipe: Recipe) -> Floats:
    """(N, D) descriptors of windows (N, 4) of a picture."""
    size = _cut_size(recipe)
    cuts = [warp(scene.image, _transform(box, recipe), size) for box in boxes]
    return _descriptors(cuts, recipe)


def _cut_size(recipe: Recipe) -> int:
    return int(recipe.network["window"] + 2 * recipe.network["cell"])


def _descriptors(cuts: Sequence[Image], recipe: Recipe) -> Floats:
    """(N, D) of windows with a cell around them, so that gradients at the edge are those of the picture."""
    descriptor = build_descriptor(**recipe.network)
    corner = (recipe.network["cell"],) * 2
    rows = [descriptor.compute(cut, locations=[corner]) for cut in cuts]
    return np.reshape(rows, (len(rows), descriptor.getDescriptorSize())).astype(np.float32)


def _windows_without(
    taught: Sequence[Scene],
    empty: Sequence[Scene],
    recipe: Recipe,
    rng: np.random.Generator,
    hog: Hog | None = None,
) -> list[Floats]:
    """Of each picture (N, D) descriptors of windows that hold no face: what the detector takes for one, or
    nearly so, the worst first; without a detector any."""
    chosen = [taught[i] for i in rng.permutation(len(taught))[:SEARCHED]]
    scenes = [(scene, ELSEWHERE) for scene in empty]
    scenes += [(scene, BESIDE) for scene in (*chosen, *_all_turned(chosen))]
    windows = []
    for scene, most in scenes:
        if hog is None:
            boxes = _random_boxes(scene, most, rng)
        else:
            boxes, margins = hog.search(scene.image)
            boxes = boxes[np.argsort(-margins)]
        without = (overlaps(boxes, scene.box) < MAX_BACKGROUND_IOU).all(axis=1)
        windows.append(_describe(scene, boxes[without][:most], recipe))
    return windows


def _all_turned(scenes: Sequence[Scene]) -> list[Scene]:
    """Each by one, two or three quarters."""
    return [turned(scene, 1 + number % 3) for number, scene in enumerate(scenes)]


def _random_boxes(scene: Scene, count: int, rng: np.random.Generator) -> Floats:
    """Squares (N, 4) of any size, at most a quarter of them beyond the edge on each side."""
    shape = np.array(scene.image.shape[::-1])
    sides = np.exp(rng.uniform(np.log(SMALLEST), np.log(shape.min()), (count, 1)))
    corners = rng.uniform(-sides / 4, shape - 0.75 * sides)
    return np.hstack([corners, corners + sides]).astype(np.float32)


def _machine(positive: Floats, negative: Sequence[Floats], cost: float) -> dict[str, Floats]:
    """Weights (D,) and bias (1,) of the support vector machine."""
    from sklearn.svm import LinearSVC

    windows = np.concatenate([positive, *negative])
    is_face = np.arange(len(windows)) < len(positive)
    machine = LinearSVC(C=cost, tol=0.1, random_state=0).fit(windows, is_face)
    return {"weights": machine.coef_[0], "bias": machine.intercept_}


def _logistic(margins: Floats, right: NDArray[np.bool_]) -> Floats:
    """(2,) slope and offset of the probability that a box holds the face (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=np.inf).fit(margins[:, None], right)
    return np.append(fitted.coef_[0], fitted.intercept_)


def _found(scenes: Sequence[Scene], hog: Hog) -> tuple[Floats, NDArray[np.bool_]]:
    """Of every box: its margin, and whether it is the one that found its picture's face."""
    margins, right = [], []
    for scene in scenes:
        boxes, some = hog.search(scene.image)
        overlap = overlaps(boxes, scene.box).max(axis=1, initial=0)
        margins.append(some)
        right.append((overlap >= FOUND) & (overlap == overlap.max(initial=0)))
    return np.concatenate(margins), np.concatenate(right)

"""Train, store and measure the HOG face detector: a linear SVM on windows with and without a face.

Dalal, Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.augmentation import augment
from fer_core.data.readers.landmarks import LandmarkSet, read_landmarks
from fer_core.data.scenes import VIEWS, Scene, face_scenes, faceless_scenes, turned
from fer_core.faces import load_detector
from fer_core.faces.base import Detector, find_faces
from fer_core.faces.hog import Hog, build_descriptor
from fer_core.geometry import box_iou, warp
from fer_core.training.origin import origin
from fer_core.training.recipe import Recipe
from fer_core.training.run import Run
from fer_core.training.task import Fitted, only_path, split_figures
from fer_core.types import Floats, Image
from fer_core.weights import HOG, Card, save_weights

DATA = (
    "faces of muxspace/facial_expressions, Apache-2.0, mostly pictures of LFW (Huang et al. 2007); points of "
    "MediaPipe's FaceLandmarker, Apache-2.0; sample images of scikit-image and scikit-learn without people"
)
LICENSE = "Apache-2.0 for the weights; trained on press photographs: for research and teaching"
LIMITS = (
    "Finds upright faces seen from the front. Its points are mere proportions of the box. Textures are "
    "mistaken for faces more often than by the networks; it is here for comparison."
)

MIN_FACE_IOU: Final = 0.5
"""Smallest intersection over union at which a box counts as the face."""
MAX_BACKGROUND_IOU: Final = 0.3
"""Largest intersection over union at which a window counts as background."""

MINED_PHOTOGRAPHS: Final = 2000
"""Number of press photographs, upright and rotated, that are mined in each round, besides all sample
images."""
MAX_PER_PHOTOGRAPH: Final = 6
"""Largest number of windows from one press photograph in a round."""
MAX_PER_SAMPLE: Final = 200
"""Largest number of windows from one sample image in a round."""
MIN_BACKGROUND_SIDE: Final = 32
"""Side of the smallest background window, in pixels: a quarter of a press photograph, so that collars, ears,
badges and folds around a face are mined too."""
HELD_OUT: Final = 4
"""Of so many sample images, the last is held out from training: it helps to select the threshold, since the
press photographs show little but a face."""
MINING_THRESHOLD: Final = -1.0
"""Smallest signed distance from the decision boundary at which a window is mined: the SVM's margin begins
there."""

BETA: Final = 0.35
"""Weight of recall against precision in the F-measure that selects the threshold (van Rijsbergen 1979): below
one, since a frame has far more windows without a face than these closely cropped pictures. At 1, badges and
folds of the astronaut's suit counted as faces."""

FIRST_COST: Final = 0.003
COSTS: Final = (0.01, 0.03, 0.1)
"""C of the SVM after mining, from which PublicTest selects; ``FIRST_COST`` is that before."""


class HogTask:
    """The HOG face detector; the data are a ``LandmarkSet``, each face with its surroundings."""

    def read(self, paths: Sequence[Path], votes: Path | None = None) -> LandmarkSet:
        return read_landmarks(only_path(paths), public=True)

    def fit(self, run: Run, data: LandmarkSet) -> Fitted[dict[str, Floats]]:
        """Train, mine false detections and train again; PublicTest and the sample images that were held out
        select C and the boundary.

        Each SVM is stored in the run folder and loaded again, so that mining uses the detector as it ships.
        The recipe's ``epochs`` is the number of rounds of mining.
        """
        recipe, started = run.recipe, perf_counter()
        rng = np.random.default_rng(recipe.seed)
        scenes = face_scenes(data.split("Training"))
        empty, held_out = _hold_out(faceless_scenes())
        positive = _descriptors([_view(scene, recipe, rng) for scene in scenes], recipe)
        negative = _background_windows(scenes, empty, recipe, rng)
        card = _card(recipe)
        arrays = {"points": _layout(scenes), "score": np.array([1, 0], np.float32)}
        for _ in range(recipe.epochs):
            save_weights(card, arrays | _machine(positive, negative, FIRST_COST), run.out)
            hog = Hog(min_face=MIN_BACKGROUND_SIDE, threshold=MINING_THRESHOLD, folder=run.out)
            negative += _background_windows(scenes, empty, recipe, rng, hog)
        public = face_scenes(data.split("PublicTest"))
        trials = [
            _trial(card, arrays | _machine(positive, negative, cost), public, held_out, run.out)
            for cost in COSTS
        ]
        best = int(np.argmax([measure for measure, _ in trials]))
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
        return Fitted(trials[best][1], facts)

    def export_model(self, fitted: Fitted[dict[str, Floats]], run: Run, data: LandmarkSet) -> Card:
        return save_weights(
            replace(_card(run.recipe), training=fitted.facts), fitted.model, run.out
        )

    def measure(
        self, card: Card, folder: Path, data: LandmarkSet, split: str, device: str = "cpu"
    ) -> dict[str, Any]:
        detector = load_detector(card.family, folder=folder, device=device)
        return measure_detector(detector, data.split(split))

    def figures(self, card: Card, folder: Path, data: LandmarkSet) -> dict[str, dict[str, Any]]:
        return split_figures(self, card, folder, data, "--data teacher/faces_lfw.npz")

    def summarize(self, figures: Mapping[str, Any]) -> str:
        return (
            f"{figures['found']:.1%} of {figures['n']:,} faces found, "
            f"{figures['false_per_picture']:.3f} false ones a picture"
        )


def measure_detector(detector: Detector, faces: LandmarkSet) -> dict[str, Any]:
    """Measure a detector on pictures with one face each.

    Returns:
        ``n``; ``found``, the share of faces that a box overlaps by half or more of their union;
        ``false_per_picture``, all other boxes; ``overlap``, the mean of those that found a face;
        ``point_error``, their points' mean distance to the teacher's in inter-ocular distances.
    """
    scenes = face_scenes(faces)
    shares, errors, false = [], [], 0
    for scene in scenes:
        found = find_faces(scene.image, detector)
        overlap = box_iou(scene.box, [face.box for face in found])[0]
        if len(found) and overlap.max() >= MIN_FACE_IOU:
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


def best_boundary(
    margins: Floats, right: NDArray[np.bool_], faces: int, *, beta: float = 1.0
) -> tuple[float, float]:
    """Return the boundary with the best F-measure of the boxes beyond it, and that measure.

    Args:
        margins: signed distance of each box from the boundary.
        right: whether each box found the face.
        faces: number of faces to be found.
        beta: weight of recall against precision.
    """
    order = np.argsort(-margins)
    hits = np.cumsum(right[order])
    measures = (1 + beta**2) * hits / (np.arange(1, len(hits) + 1) + beta**2 * faces)
    best = int(measures.argmax())
    return float(margins[order[best]]), float(measures[best])


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
        preprocessing=f"gray, windows of {side}x{side} in an image pyramid, gradients of the square root",
        data=DATA,
        recipe=asdict(recipe),
        licence=LICENSE,
        limits=LIMITS,
        kind="detector",
    )


def _hold_out(samples: Sequence[Scene]) -> tuple[list[Scene], list[Scene]]:
    """Return the views of the sample images for training, and those of the images that are held out."""
    held_out = [number // VIEWS % HELD_OUT == HELD_OUT - 1 for number in range(len(samples))]
    return (
        [scene for scene, out in zip(samples, held_out, strict=True) if not out],
        [scene for scene, out in zip(samples, held_out, strict=True) if out],
    )


def _trial(
    card: Card,
    arrays: dict[str, Floats],
    public: Sequence[Scene],
    held_out: Sequence[Scene],
    out: Path,
) -> tuple[float, dict[str, Floats]]:
    """Return the F-measure on PublicTest, upright and rotated, and on sample images without a face, at the
    best threshold, and the arrays of the SVM with that threshold and its score."""
    save_weights(card, arrays, out)
    hog = Hog(threshold=MINING_THRESHOLD, folder=out)
    margins, right = _label_boxes([*public, *_all_turned(public), *held_out], hog)
    boundary, measure = best_boundary(margins, right, len(public), beta=BETA)
    score = _logistic(margins - boundary, right)
    return measure, arrays | {"bias": arrays["bias"] - np.float32(boundary), "score": score}


def _layout(scenes: Sequence[Scene]) -> Floats:
    """Return the (5, 2) median positions of the points in the squares of the faces, as fractions of them."""
    places = [(s.points[0] - s.box[0, :2]) / (s.box[0, 2] - s.box[0, 0]) for s in scenes]
    return np.asarray(np.median(places, axis=0), np.float32)


def _transform(box: Floats, recipe: Recipe) -> Floats:
    """Return the (2, 3) map of a square to the window, with a cell of its surroundings on each side."""
    scale = recipe.network["window"] / (box[2] - box[0])
    shift = recipe.network["cell"] - scale * box[:2]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def _view(scene: Scene, recipe: Recipe, rng: np.random.Generator) -> Image:
    """Return the face of a scene, augmented, with a cell around it."""
    transform = _transform(scene.box[0], recipe)
    return augment(scene.image, transform, _crop_size(recipe), recipe.augmentation, rng)


def _describe(scene: Scene, boxes: Floats, recipe: Recipe) -> Floats:
    """Return the (N, D) descriptors of (N, 4) windows of a picture."""
    size = _crop_size(recipe)
    crops = [warp(scene.image, _transform(box, recipe), size) for box in boxes]
    return _descriptors(crops, recipe)


def _crop_size(recipe: Recipe) -> int:
    return int(recipe.network["window"] + 2 * recipe.network["cell"])


def _descriptors(crops: Sequence[Image], recipe: Recipe) -> Floats:
    """Return (N, D) descriptors of crops with a cell around them, so that edges keep their gradients."""
    descriptor = build_descriptor(**recipe.network)
    corner = (recipe.network["cell"],) * 2
    rows = [descriptor.compute(crop, locations=[corner]) for crop in crops]
    return np.reshape(rows, (len(rows), descriptor.getDescriptorSize())).astype(np.float32)


def _background_windows(
    scenes: Sequence[Scene],
    empty: Sequence[Scene],
    recipe: Recipe,
    rng: np.random.Generator,
    hog: Hog | None = None,
) -> list[Floats]:
    """Return (N, D) descriptors of background windows of each picture: false detections of ``hog`` and near
    misses, the worst first; random windows without a detector."""
    chosen = [scenes[i] for i in rng.permutation(len(scenes))[:MINED_PHOTOGRAPHS]]
    limits = [(scene, MAX_PER_SAMPLE) for scene in empty]
    limits += [(scene, MAX_PER_PHOTOGRAPH) for scene in (*chosen, *_all_turned(chosen))]
    windows = []
    for scene, most in limits:
        if hog is None:
            boxes = _random_boxes(scene, most, rng)
        else:
            boxes, margins = hog.search(scene.image)
            boxes = boxes[np.argsort(-margins)]
        without = (box_iou(boxes, scene.box) < MAX_BACKGROUND_IOU).all(axis=1)
        windows.append(_describe(scene, boxes[without][:most], recipe))
    return windows


def _all_turned(scenes: Sequence[Scene]) -> list[Scene]:
    """Return the scenes, each rotated by 90, 180 or 270 degrees."""
    return [turned(scene, 1 + number % 3) for number, scene in enumerate(scenes)]


def _random_boxes(scene: Scene, count: int, rng: np.random.Generator) -> Floats:
    """Return (N, 4) squares of any size, at most a quarter of each beyond an edge."""
    shape = np.array(scene.image.shape[::-1])
    sides = np.exp(rng.uniform(np.log(MIN_BACKGROUND_SIDE), np.log(shape.min()), (count, 1)))
    corners = rng.uniform(-sides / 4, shape - 0.75 * sides)
    return np.hstack([corners, corners + sides]).astype(np.float32)


def _machine(positive: Floats, negative: Sequence[Floats], cost: float) -> dict[str, Floats]:
    """Fit a linear SVM; return its weights (D,) and bias (1,)."""
    from sklearn.svm import LinearSVC

    windows = np.concatenate([positive, *negative])
    is_face = np.arange(len(windows)) < len(positive)
    machine = LinearSVC(C=cost, tol=0.1, random_state=0).fit(windows, is_face)
    return {"weights": machine.coef_[0], "bias": machine.intercept_}


def _logistic(margins: Floats, right: NDArray[np.bool_]) -> Floats:
    """Fit the probability that a box holds the face (Platt 1999); return (2,) slope and offset."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=np.inf).fit(margins[:, None], right)
    return np.append(fitted.coef_[0], fitted.intercept_)


def _label_boxes(scenes: Sequence[Scene], hog: Hog) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the margin of every box, and whether it is the one that found the face of its picture."""
    margins, right = [], []
    for scene in scenes:
        boxes, some = hog.search(scene.image)
        overlap = box_iou(boxes, scene.box).max(axis=1, initial=0)
        margins.append(some)
        right.append((overlap >= MIN_FACE_IOU) & (overlap == overlap.max(initial=0)))
    return np.concatenate(margins), np.concatenate(right)

"""Accuracy with and without alignment: ``python -m benchmarks.alignment --data fer2013.csv``.

Each model is evaluated on PublicTest three times: aligned by O-Net's five points, aligned by those of the
landmark network as in ``Classifier.align``, and not aligned. Since FER2013's crops are all framed alike, this
is repeated with crops that are rotated, shifted and scaled at random, like those of a face detector.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from fer_core import list_models
from fer_core.data import FaceSet, read_faces
from fer_core.faces.alignment import align_crops, bare_points
from fer_core.faces.mtcnn import MTCNN
from fer_core.geometry import mean_points
from fer_core.models import Classifier, load_model
from fer_core.types import Floats, Image
from fer_core.weights import WEIGHTS

SURE = 0.9
"""O-Net's score below which its points are not better than the mean layout."""


def disturb(image: Image, rng: np.random.Generator) -> Image:
    """Rotate by up to 20 degrees, shift by up to 8 % of the side, scale by up to 15 %."""
    height, width = image.shape
    angle, zoom = rng.uniform(-20, 20), np.exp(rng.uniform(-0.15, 0.15))
    center = ((width - 1) / 2, (height - 1) / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(center, angle, zoom), float)
    turn[:, 2] += rng.uniform(-0.08, 0.08, 2) * (width, height)
    return np.asarray(
        cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def accuracy(classifier: Classifier, faces: FaceSet, points: Floats) -> float:
    """Return the single-pass accuracy of crops aligned by (N, 5, 2) points; NaN leaves a crop unaligned."""
    crops = align_crops(faces.images, points, classifier.input_size)
    return float((classifier.logits(crops)[0].argmax(axis=1) == faces.labels).mean())


def onet_points(images: list[Image]) -> Floats:
    """Find (N, 5, 2) points of bare crops of one size by O-Net; the mean layout where its score is low."""
    points, scores = MTCNN().points(np.stack(images))
    mean = mean_points((0, 0, *images[0].shape[::-1]))
    return np.where(scores[:, None, None] >= SURE, points, mean)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="another folder of models")
    options = parser.parse_args()
    if options.data is None:
        print("left out: needs --data fer2013.csv")
        return
    faces = read_faces([options.data]).split("PublicTest")
    rng = np.random.default_rng(0)
    scattered = FaceSet([disturb(i, rng) for i in faces.images], faces.labels, faces.splits)
    print(f"PublicTest, {len(faces):,} faces, single pass, accuracy in %\n")
    print(f"{'model':20}{'crops':16}{'O-Net':>9}{'landmarks':>11}{'as they are':>13}")
    for kind, some in (("FER2013's own", faces), ("random_similarity", scattered)):
        nowhere = np.full((len(some), 5, 2), np.nan, np.float32)
        ways = (onet_points(some.images), bare_points(some.images), nowhere)
        for name in list_models(options.weights):
            classifier = load_model(name, folder=options.weights)
            onet, dense, bare = (100 * accuracy(classifier, some, points) for points in ways)
            print(f"{name:20}{kind:16}{onet:9.1f}{dense:11.1f}{bare:13.1f}")


if __name__ == "__main__":
    main()

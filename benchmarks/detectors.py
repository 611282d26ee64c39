"""Accuracy and speed of the face detectors: ``python -m benchmarks.detectors --data teacher/faces_lfw.npz``.

Each detector runs on the pictures of PrivateTest, one face each, padded by repeating a quarter of their
side. Columns: faces found, the mean intersection over union (0.5 at least) with the upright square in which
the mean layout puts a face's points, false boxes a picture, the error of the points in inter-ocular
distances, and the milliseconds for a picture of 640x480 with one face, on one thread. Without data only
these are measured. The variable EXPRESSION_LENS_YUNET names the file of yunet.
"""

import argparse
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import torch

from benchmarks.live import scene
from fer_core.data.readers.landmarks import read_landmarks
from fer_core.faces import Detector, find_faces, list_detectors, load_detector
from fer_core.training.tasks.hog import measure_detector


def milliseconds(detector: Detector, repeats: int) -> float:
    """Return the median processor time for a picture of 640x480 with one face, in milliseconds."""
    (image,) = scene(640, 480, faces=1, frames=1)
    times = []
    for _ in range(repeats + 1):
        started = process_time()
        find_faces(image, detector)
        times.append(1e3 * (process_time() - started))
    return float(np.median(times[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    faces = None
    if options.data is not None:
        faces = read_landmarks(options.data).split("PrivateTest")
        print(f"PrivateTest, {len(faces):,} pictures\n")
    print(f"{'detector':10}{'found':>8}{'overlap':>10}{'false':>8}{'points':>8}{'ms':>8}")
    for name in list_detectors():
        try:
            detector = load_detector(name)
        except FileNotFoundError as error:
            print(f"{name:10}left out: {error}")
            continue
        cells = f"{'':34}"
        if faces is not None:
            row = measure_detector(detector, faces)
            cells = (
                f"{row['found']:8.1%}{row['overlap']:10.3f}"
                f"{row['false_per_picture']:8.3f}{row['point_error']:8.3f}"
            )
        print(f"{name:10}{cells}{milliseconds(detector, options.repeats):8.0f}")


if __name__ == "__main__":
    main()

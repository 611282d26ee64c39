"""Least-squares support vector machines on hand-made features of a face."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from fer_core.labels import EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models.base import Estimator, NetworkOutput
from fer_core.models.descriptors import (
    HOG_CELLS,
    HOG_CHANNELS,
    POINT_FEATURES,
    USES_HOG,
    WINDOW_FEATURES,
    describe_points,
    find_points,
    hog,
    sliding_hog,
)
from fer_core.models.registry import register_network

HOG_FEATURES: Final = HOG_CHANNELS * HOG_CELLS**2


class KernelMachine(Estimator):
    """A least-squares SVM with a Gaussian kernel, one class against the rest (Suykens and Vandewalle 1999,
    "Least squares support vector machine classifiers").

    The kernel is approximated from a subset of the training faces, the Nyström centers (Williams and Seeger
    2001, "Using the Nyström method to speed up kernel machines"). The score of a class is
    ``w . exp(-|z - c|^2) + b``, where z are the principal components of the face's features, scaled so that
    the kernel's width is 1, and c those of the centers.

    Args:
        input_size: side of the aligned square, in pixels.
        components: number of principal components.
        centres: number of Nyström centers. The name is a key of recipes and cards.
    """

    described: int
    """Number of features of a face."""

    def __init__(self, *, input_size: int, components: int, centres: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.project = nn.Linear(self.described, components)
        self.centres = nn.Parameter(torch.randn(centres, components))
        self.expressions = nn.Linear(centres, len(EXPRESSIONS))
        self.votes = nn.Linear(centres, len(FERPLUS_EXPRESSIONS))

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        similar = self.similarities(features["face"])
        return NetworkOutput(
            logits=self.expressions(similar), votes=self.votes(similar), features=features
        )

    def similarities(self, description: Tensor) -> Tensor:
        """Compute the kernel between N faces and the centers: (N, centers), 0..1."""
        # Distances are differences of large numbers, for which bf16 has too few digits.
        with torch.autocast(description.device.type, enabled=False):
            components = self.project(description.float().flatten(1))
            squares = components.square().sum(1)[:, None] + self.centres.square().sum(1)
            similar: Tensor = (2 * components @ self.centres.T - squares).exp()
            return similar


@register_network("svm_hog", description="a least-squares SVM on edges", kind="kernel_machine")
class HogMachine(KernelMachine):
    """A least-squares SVM on histograms of oriented gradients."""

    described = HOG_FEATURES
    unexportable = USES_HOG

    def describe(self, faces: Tensor) -> Tensor:
        return hog(faces)


@register_network(
    "svm_landmarks",
    description="a least-squares SVM on 68 points of the face",
    kind="kernel_machine",
)
class LandmarkMachine(KernelMachine):
    """A least-squares SVM on the relative positions of landmarks."""

    described = POINT_FEATURES

    def describe(self, faces: Tensor) -> Tensor:
        return describe_points(find_points(faces))


@register_network(
    "svm_hog_landmarks",
    description="a least-squares SVM on edges and 68 points",
    kind="kernel_machine",
)
class HogLandmarkMachine(LandmarkMachine):
    """A least-squares SVM on histograms of oriented gradients and landmarks."""

    described = HOG_FEATURES + POINT_FEATURES
    unexportable = USES_HOG

    def describe(self, faces: Tensor) -> Tensor:
        return torch.cat([hog(faces).flatten(1), super().describe(faces)], dim=1)


@register_network(
    "svm_sliding_hog",
    description="a least-squares SVM on edges in sliding windows, and 68 points",
    kind="kernel_machine",
)
class SlidingHogMachine(LandmarkMachine):
    """A least-squares SVM on landmarks and on histograms of oriented gradients in a sliding window, after
    amineHorseman/facial-expression-recognition-svm."""

    described = WINDOW_FEATURES + POINT_FEATURES
    unexportable = USES_HOG

    def describe(self, faces: Tensor) -> Tensor:
        return torch.cat([sliding_hog(faces), super().describe(faces)], dim=1)

"""Training faces of expression networks: aligned on the fly, augmented, with all that is known of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from fer_core.data import FaceSet, majority, vote_targets
from fer_core.data.augmentation import cover_block, photometric, random_similarity, transform_points
from fer_core.faces.alignment import find_bare_landmarks
from fer_core.faces.landmarks import MIRRORED_ACTIONS, five_points
from fer_core.geometry import alignment, mean_points, warp
from fer_core.labels import AFFECT, EXPRESSIONS, FERPLUS_EXPRESSIONS, REGIONS
from fer_core.training.recipe import Recipe
from fer_core.types import Floats


class Targets(NamedTuple):
    """What is known of one face, or of N faces."""

    classes: Tensor
    """(7,) shares of FER2013's classes, times the weight of the face; zeros without a label."""
    votes: Tensor
    """(8,) shares of FER+'s votes."""
    affect: Tensor
    """(2,) valence and arousal, NaN where unknown."""
    actions: Tensor
    """(52,) facial actions, standardized over the training faces; (0,) where they are not needed."""
    covered: Tensor
    """(3,) whether the augmentation covered each of ``REGIONS``: 1 or 0."""

    def mixed_by(
        self, mixer: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], faces: Tensor
    ) -> tuple[Tensor, "Targets"]:
        """Mix each face with another of its batch, and their targets in the same shares.

        Returns:
            (N, 1, S, S) faces, and the targets, NaN where either is unknown.
        """
        faces, rows = mixer(faces.float(), torch.cat(self, dim=1))
        return faces, Targets(*torch.split(rows, [part.shape[1] for part in self], dim=1))


Batch = tuple[Tensor, Targets, Tensor]
"""What ``TrainingFaces`` returns, for N faces."""


class TrainingFaces(Dataset[Batch]):
    """Faces aligned on the fly: augmented for training, unchanged for validation.

    Args:
        size: side of the aligned square in pixels.
        with_landmarks: return landmarks too, for networks that learn to find them.
        device: where the landmark network runs that aligns the faces.
    """

    def __init__(
        self,
        faces: FaceSet,
        size: int,
        recipe: Recipe,
        *,
        training: bool,
        with_landmarks: bool = False,
        device: str = "cpu",
    ) -> None:
        self.faces = faces
        self.size = size
        self.augmentation = recipe.augmentation if training else None
        self.rng = np.random.default_rng(recipe.seed)
        with_actions = training and recipe.actions_weight > 0
        landmarks, actions = None, np.empty((len(faces), 0), np.float32)
        if recipe.aligned or with_landmarks or with_actions:
            landmarks, scores, _ = find_bare_landmarks(faces.images, device)
            if with_actions:
                actions = (scores - scores.mean(axis=0)) / scores.std(axis=0).clip(0.02)
        self.landmarks = landmarks if with_landmarks else None
        self.actions = actions.astype(np.float32)
        self.transforms = crop_transforms(faces, size, landmarks if recipe.aligned else None)
        counts = np.zeros((len(faces), 10), np.float32) if faces.votes is None else faces.votes
        unrated = np.full((len(faces), len(AFFECT)), np.nan, np.float32)
        self.classes = label_shares(faces, recipe.contradicted_weight if training else 1.0)
        self.votes = vote_targets(counts)
        self.affect = unrated if faces.affect is None else faces.affect

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Batch:
        """Return a (1, S, S) uint8 face, its targets, and (78, 2) landmarks as fractions of the square, or
        (0, 2) without."""
        transform, actions = self.transforms[index], self.actions[index]
        covered = np.zeros(len(REGIONS), np.float32)
        if self.augmentation is not None:
            transform = random_similarity(transform, self.size, self.augmentation, self.rng)
        face = warp(self.faces.images[index], transform, self.size)
        if self.augmentation is not None:
            face = photometric(face, self.augmentation, self.rng)
            if region := cover_block(face, self.augmentation, self.rng):
                covered[REGIONS.index(region)] = 1
        if len(actions) and np.linalg.det(transform[:, :2]) < 0:
            actions = actions[list(MIRRORED_ACTIONS)]
        points = np.empty((0, 2), np.float32)
        if self.landmarks is not None:
            points = transform_points(self.landmarks[index], transform, self.size)
        rows = (self.classes[index], self.votes[index], self.affect[index], actions, covered)
        targets = Targets(*(torch.from_numpy(row) for row in rows))
        return torch.from_numpy(face)[None], targets, torch.from_numpy(points)


def label_shares(faces: FaceSet, contradicted_weight: float) -> Floats:
    """Return the (N, 7) classes as shares: one for the label, less where FER+'s majority contradicts it, and
    zeros for faces without a label."""
    labeled = faces.labels >= 0
    shares = np.zeros((len(faces), len(EXPRESSIONS)), np.float32)
    shares[labeled, faces.labels[labeled]] = 1
    if faces.votes is not None:
        majorities = majority(faces.votes)
        classes = np.array([FERPLUS_EXPRESSIONS.index(name) for name in EXPRESSIONS])
        contradicted = (majorities >= 0) & labeled & (majorities != classes[faces.labels])
        shares[contradicted] *= contradicted_weight
    return shares


def crop_transforms(faces: FaceSet, size: int, landmarks: Floats | None) -> list[Floats]:
    """Return N maps (2, 3) from bare crop to a square of ``size``: aligned by (N, 78, 2) landmarks, or plain
    enlargements without them."""
    if landmarks is None:
        shapes = [image.shape[:2] for image in faces.images]
        points = np.stack([mean_points((0, 0, width, height)) for height, width in shapes])
    else:
        points = five_points(landmarks)
    return [alignment(five, size) for five in points]

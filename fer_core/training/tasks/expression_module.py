"""The training faces of expression networks, and the Lightning module: loss, optimizer, validation."""

from collections.abc import Callable

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.regression import ConcordanceCorrCoef
from torchvision.transforms import v2

from fer_core.data import FaceSet, vote_targets
from fer_core.data.augmentation import photometric, random_similarity, transform_points
from fer_core.faces.alignment import bare_landmarks
from fer_core.faces.landmarks import EYES, five_points
from fer_core.geometry import alignment, mean_points, warp
from fer_core.labels import AFFECT, EXPRESSIONS, FERPLUS_EXPRESSIONS
from fer_core.models.base import Heads, Network, NetworkOutput
from fer_core.training.optimize import optimize
from fer_core.training.recipe import Recipe
from fer_core.types import Floats

Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""What ``TrainingFaces`` returns, for N faces."""


class TrainingFaces(Dataset[tuple[Tensor, int, Tensor, Tensor, Tensor]]):
    """Faces aligned on the fly: augmented for training, unchanged for validation.

    Args:
        size: side of the aligned square in pixels.
        with_landmarks: return landmarks too, for networks that learn to find them.
    """

    def __init__(
        self,
        faces: FaceSet,
        size: int,
        recipe: Recipe,
        *,
        training: bool,
        with_landmarks: bool = False,
    ) -> None:
        self.faces = faces
        self.size = size
        landmarks = bare_landmarks(faces.images) if recipe.aligned or with_landmarks else None
        self.landmarks = landmarks if with_landmarks else None
        self.transforms = crop_transforms(faces, size, landmarks if recipe.aligned else None)
        self.augmentation = recipe.augmentation if training else None
        self.rng = np.random.default_rng(recipe.seed)
        votes = np.zeros((len(faces), 10), np.float32) if faces.votes is None else faces.votes
        self.votes: NDArray[np.float32] = vote_targets(votes)
        self.affect: NDArray[np.float32] = (
            np.full((len(faces), len(AFFECT)), np.nan, np.float32)
            if faces.affect is None
            else faces.affect
        )

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[Tensor, int, Tensor, Tensor, Tensor]:
        """Return a (1, S, S) uint8 face, its class number, (8,) vote shares, (2,) valence and arousal or
        NaN, and (78, 2) landmarks as fractions of the square, or (0, 2) without."""
        transform = self.transforms[index]
        if self.augmentation is not None:
            transform = random_similarity(transform, self.size, self.augmentation, self.rng)
        face = warp(self.faces.images[index], transform, self.size)
        if self.augmentation is not None:
            face = photometric(face, self.augmentation, self.rng)
        label = int(self.faces.labels[index])
        votes, affect = (torch.from_numpy(rows[index]) for rows in (self.votes, self.affect))
        points = np.empty((0, 2), np.float32)
        if self.landmarks is not None:
            points = transform_points(self.landmarks[index], transform, self.size)
        return torch.from_numpy(face)[None], label, votes, affect, torch.from_numpy(points)


def crop_transforms(faces: FaceSet, size: int, landmarks: Floats | None) -> list[Floats]:
    """Return N maps (2, 3) from bare crop to a square of ``size``: aligned by (N, 78, 2) landmarks, or plain
    enlargements without them."""
    if landmarks is None:
        shapes = [image.shape[:2] for image in faces.images]
        points = np.stack([mean_points((0, 0, width, height)) for height, width in shapes])
    else:
        points = five_points(landmarks)
    return [alignment(five, size) for five in points]


class ExpressionModule(L.LightningModule):
    """Trains a network on the classes of FER2013, the votes of FER+, and ratings of valence and arousal.

    Args:
        class_weights: (7,) weights of the loss on FER2013's classes; None if all weigh the same.
    """

    class_weights: Tensor | None

    def __init__(
        self, network: Network, recipe: Recipe, class_weights: Tensor | None = None
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe = recipe
        self.register_buffer("class_weights", class_weights, persistent=False)
        mixers = [v2.MixUp(alpha=recipe.mixup)] if recipe.mixup else []
        mixers += [v2.CutMix(alpha=recipe.cutmix)] if recipe.cutmix else []
        self.mixer = v2.RandomChoice(mixers) if mixers else None
        self.accuracy = MulticlassAccuracy(len(EXPRESSIONS), average="micro")
        self.votes_accuracy = MulticlassAccuracy(len(FERPLUS_EXPRESSIONS), average="micro")
        self.valence_ccc, self.arousal_ccc = ConcordanceCorrCoef(), ConcordanceCorrCoef()

    def forward(self, faces: Tensor) -> NetworkOutput:
        output: NetworkOutput = self.network(faces)
        return output

    def loss(
        self, heads: Heads | NetworkOutput, label: Tensor, targets: Tensor, rated: Tensor
    ) -> Tensor:
        """Return the weighted sum of three losses.

        Cross-entropy of the class with label smoothing, cross-entropy of the vote shares, and squared error
        of valence and arousal over those that are known.

        Args:
            label: (N,) class numbers, or (N, 7) shares of the classes in mixed faces.
            targets: (N, 8) vote shares.
            rated: (N, 2) valence and arousal, NaN where unknown.
        """
        recipe = self.recipe
        hard = F.cross_entropy(
            heads.logits.float(),
            label,
            weight=self.class_weights,
            label_smoothing=recipe.label_smoothing,
        )
        soft = -(targets * heads.votes.float().log_softmax(dim=1)).sum(dim=1).mean()
        loss = recipe.labels_weight * hard + recipe.votes_weight * soft
        if heads.affect is not None:
            known = rated.isfinite()
            error = (heads.affect.float() - rated.nan_to_num()).square() * known
            loss = loss + recipe.affect_weight * error.sum() / known.sum().clamp_min(1)
        return loss

    def training_step(self, batch: Batch, _: int) -> Tensor:
        faces, label, targets, rated, points = batch
        if self.current_epoch < self.recipe.small_epochs:
            size = (self.recipe.small_size,) * 2
            faces = F.interpolate(faces.float(), size, mode="bilinear", antialias=True)
        if self.mixer is not None:
            faces, label, targets, rated = mixed(self.mixer, faces, label, targets, rated)
        output = self(faces)
        loss = self.loss(output, label, targets, rated)
        if output.region_heads:
            branches = [self.loss(b, label, targets, rated) for b in output.region_heads.values()]
            loss = loss + self.recipe.branch_weight * torch.stack(branches).mean()
        if output.points is not None:
            errors = torch.stack([point_error(stage, points).mean() for stage in output.points])
            loss = loss + self.recipe.landmarks_weight * errors.mean()
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        faces, label, targets, rated, points = batch
        output = self(faces)
        self.accuracy(output.logits, label)
        self.log("public_accuracy", self.accuracy, prog_bar=True)
        voted = targets.sum(dim=1) > 0.5
        if voted.any():
            self.votes_accuracy(output.votes[voted], targets[voted].argmax(dim=1))
            self.log("public_votes_accuracy", self.votes_accuracy, prog_bar=True)
        if output.points is not None:
            error = point_error(output.points[-1], points).mean()
            self.log("public_point_error", error, sync_dist=True)
        if output.affect is not None:
            self._log_concordance(output.affect.float(), rated)

    def _log_concordance(self, affect: Tensor, rated: Tensor) -> None:
        metrics = zip(AFFECT, (self.valence_ccc, self.arousal_ccc), strict=True)
        for column, (axis, metric) in enumerate(metrics):
            known = rated[:, column].isfinite()
            if known.any():
                # Only updated: the figure of a single batch is not needed, and undefined for one face.
                metric.update(affect[known, column], rated[known, column])
                self.log(f"public_{axis}_ccc", metric)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return optimize(self, self.recipe)


def point_error(points: Tensor, truth: Tensor) -> Tensor:
    """Return the (N,) mean distances between (N, 78, 2) points, in inter-ocular distances (of eye
    centers)."""
    left, right = (truth[:, eye].mean(1) for eye in EYES)
    between = (left - right).norm(dim=1).clamp_min(1e-6)
    error: Tensor = (points.float() - truth).norm(dim=2).mean(1) / between
    return error


def balanced_weights(labels: NDArray[np.int64]) -> Tensor:
    """Return (7,) inverse frequencies of the classes among (N,) labels, scikit-learn's ``balanced``.

    All classes weigh the same in total, and the mean over the faces is 1. A class without faces has 0.
    """
    counts = torch.from_numpy(np.bincount(labels, minlength=len(EXPRESSIONS)))
    weights = counts.sum() / (counts.count_nonzero() * counts.clamp_min(1))
    return weights * (counts > 0)


def mixed(
    mixer: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    faces: Tensor,
    label: Tensor,
    targets: Tensor,
    rated: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mix each face with another of its batch, and their targets in the same shares.

    Returns:
        (N, 1, S, S) faces, (N, 7) classes, (N, 8) votes and (N, 2) ratings, NaN where either is unknown.
    """
    classes = F.one_hot(label, len(EXPRESSIONS)).to(targets.dtype)
    faces, mixed_targets = mixer(faces.float(), torch.cat([classes, targets, rated], dim=1))
    columns = [part.shape[1] for part in (classes, targets, rated)]
    label, targets, rated = torch.split(mixed_targets, columns, dim=1)
    return faces, label, targets, rated

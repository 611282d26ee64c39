"""The Lightning module of expression networks: losses, optimizer, validation."""

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.regression import ConcordanceCorrCoef
from torchvision.transforms import v2

from fer_core.faces.landmarks import EYES
from fer_core.labels import ACTIONS, AFFECT, EXPRESSIONS, FERPLUS_EXPRESSIONS, REGIONS
from fer_core.models.base import Heads, Network, NetworkOutput, pool
from fer_core.training.optimize import optimize
from fer_core.training.recipe import Recipe
from fer_core.training.tasks.teachers import Teachers
from fer_core.training.tasks.training_faces import Batch, Targets


class ExpressionModule(L.LightningModule):
    """Trains a network on the classes of FER2013, the votes of FER+, and ratings of valence and arousal.

    Args:
        class_weights: (7,) weights of the loss on FER2013's classes; None if all weigh the same.
        teachers: trained models whose predictions are targets too.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        class_weights: Tensor | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe = recipe
        self.register_buffer("class_weights", class_weights, persistent=False)
        mixers = [v2.MixUp(alpha=recipe.mixup)] if recipe.mixup else []
        mixers += [v2.CutMix(alpha=recipe.cutmix)] if recipe.cutmix else []
        self.mixer = v2.RandomChoice(mixers) if mixers else None
        self.teachers = teachers
        self.training_accuracy = MulticlassAccuracy(len(EXPRESSIONS), average="micro")
        self.accuracy = MulticlassAccuracy(len(EXPRESSIONS), average="micro")
        self.votes_accuracy = MulticlassAccuracy(len(FERPLUS_EXPRESSIONS), average="micro")
        self.valence_ccc, self.arousal_ccc = ConcordanceCorrCoef(), ConcordanceCorrCoef()
        self.actions = action_layer(network) if recipe.actions_weight else None

    def forward(self, faces: Tensor) -> NetworkOutput:
        output: NetworkOutput = self.network(faces)
        return output

    def loss(
        self, heads: Heads | NetworkOutput, targets: Targets, soft: Tensor | None = None
    ) -> Tensor:
        """Return the weighted sum of the losses.

        Cross-entropy of the class with label smoothing, cross-entropy of the vote shares, of the soft labels,
        and squared error of valence and arousal over those that are known.

        Args:
            soft: (N, 15) soft labels: seven classes, then eight of FER+; None without teachers.
        """
        recipe = self.recipe
        classes, votes = (each.float().log_softmax(dim=1) for each in (heads.logits, heads.votes))
        hard = class_loss(classes, targets.classes, self.class_weights, recipe.label_smoothing)
        loss = recipe.labels_weight * hard
        loss = loss + recipe.votes_weight * cross_entropy(votes, targets.votes)
        if soft is not None:
            unlabeled = targets.classes.sum(dim=1, keepdim=True) == 0
            both = torch.cat([classes, votes], dim=1)
            loss = loss + recipe.teachers_weight * cross_entropy(both, soft * (1 + unlabeled))
        if heads.affect is not None:
            known = targets.affect.isfinite()
            error = (heads.affect.float() - targets.affect.nan_to_num()).square() * known
            loss = loss + recipe.affect_weight * error.sum() / known.sum().clamp_min(1)
        return loss

    def training_step(self, batch: Batch, _: int) -> Tensor:
        faces, targets, points = batch
        recipe = self.recipe
        if self.mixer is not None and torch.rand(()) < recipe.mixed_batches:
            faces, targets = targets.mixed_by(self.mixer, faces)
        soft = None if self.teachers is None else self.teachers(faces)
        if self.current_epoch < recipe.small_epochs:
            size = (recipe.small_size,) * 2
            faces = F.interpolate(faces.float(), size, mode="bilinear", antialias=True)
        output = self(faces)
        loss = self.loss(output, targets, soft)
        if output.region_heads:
            branches = [self.loss(heads, targets, soft) for heads in output.region_heads.values()]
            loss = loss + recipe.branch_weight * torch.stack(branches).mean()
        if output.points is not None:
            errors = torch.stack([point_error(stage, points).mean() for stage in output.points])
            loss = loss + recipe.landmarks_weight * errors.mean()
        if self.actions is not None:
            pooled = torch.cat([pool(maps) for maps in output.features.values()], dim=1)
            errors = F.smooth_l1_loss(self.actions(pooled).float(), targets.actions)
            loss = loss + recipe.actions_weight * errors
        if recipe.covered_weight and output.region_attention is not None:
            covered = self.covered_loss(output.region_attention, targets)
            loss = loss + recipe.covered_weight * covered
        self._log_training(loss, output.logits, targets.classes)
        return loss

    def covered_loss(self, attention: Tensor, targets: Targets) -> Tensor:
        """Return the mean of -log(1 - weight) of the covered blocks, from (N, regions) attention weights."""
        columns = [REGIONS.index(region) for region in self.network.regions]
        elsewhere = (1 - attention.float()).clamp_min(1e-4).log()
        return -(targets.covered[:, columns] * elsewhere).sum(dim=1).mean()

    def _log_training(self, loss: Tensor, logits: Tensor, classes: Tensor) -> None:
        """Log the loss, and the accuracy on the augmented faces that have a label."""
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, sync_dist=True)
        labeled = classes.sum(dim=1) > 0
        self.training_accuracy.update(logits[labeled], classes[labeled].argmax(dim=1))
        self.log("accuracy", self.training_accuracy, on_step=False, on_epoch=True)

    def validation_step(self, batch: Batch, _: int) -> None:
        faces, targets, points = batch
        label, votes = targets.classes.argmax(dim=1), targets.votes
        output = self(faces)
        self.log("public_loss", self.loss(output, targets), sync_dist=True, batch_size=len(faces))
        self.accuracy(output.logits, label)
        self.log("public_accuracy", self.accuracy, prog_bar=True)
        voted = votes.sum(dim=1) > 0.5
        if voted.any():
            self.votes_accuracy(output.votes[voted], votes[voted].argmax(dim=1))
            self.log("public_votes_accuracy", self.votes_accuracy, prog_bar=True)
        if output.points is not None:
            error = point_error(output.points[-1], points).mean()
            self.log("public_point_error", error, sync_dist=True)
        if output.affect is not None:
            self._log_concordance(output.affect.float(), targets.affect)

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


def action_layer(network: Network) -> nn.Linear:
    """Return a linear layer from a network's pooled features to the facial actions."""
    with torch.no_grad():
        blank = torch.zeros(1, 1, network.input_size, network.input_size)
        features = network.eval().features(blank)
    network.train()
    return nn.Linear(sum(maps.shape[1] for maps in features.values()), len(ACTIONS))


def balanced_weights(labels: NDArray[np.int64]) -> Tensor:
    """Return (7,) inverse frequencies of the classes among (N,) labels, scikit-learn's ``balanced``.

    All classes weigh the same in total, and the mean over the faces is 1. A class without faces has 0.
    """
    counts = torch.from_numpy(np.bincount(labels[labels >= 0], minlength=len(EXPRESSIONS)))
    weights = counts.sum() / (counts.count_nonzero() * counts.clamp_min(1))
    return weights * (counts > 0)


def cross_entropy(log_probabilities: Tensor, shares: Tensor) -> Tensor:
    """Return the mean cross-entropy of N rows whose targets are shares."""
    return -(shares * log_probabilities).sum(dim=1).mean()


def class_loss(
    log_probabilities: Tensor, shares: Tensor, weights: Tensor | None, smoothing: float
) -> Tensor:
    """Return the cross-entropy of the class with label smoothing, as a mean over all weights.

    Args:
        log_probabilities: (N, 7).
        shares: (N, 7) shares of the classes; rows of zeros do not count.
        weights: (7,) weights of the classes; None if all weigh the same.
        smoothing: part of each face's weight that all classes share.
    """
    if weights is None:
        weights = torch.ones_like(shares[0])
    smoothed = (1 - smoothing) * shares + smoothing * shares.mean(dim=1, keepdim=True)
    total = -(weights * smoothed * log_probabilities).sum()
    return total / (weights * shares).sum().clamp_min(1e-6)

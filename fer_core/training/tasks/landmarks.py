"""Train, store and measure the landmark network, distilled from a teacher network (Hinton et al. 2015)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import Dataset

from fer_core.data.augmentation import photometric, random_similarity, transform_points
from fer_core.data.readers.landmarks import LandmarkSet, join_landmarks, read_landmarks
from fer_core.devices import choose_device
from fer_core.faces.alignment import PASSES, find_landmarks
from fer_core.faces.landmark_network import LandmarkNetwork
from fer_core.faces.landmarks import MIRRORED_ACTIONS, Landmarker, five_points, load_landmarker
from fer_core.geometry import alignment, mean_points, warp
from fer_core.training.card import run_facts
from fer_core.training.loop import fit_module, init_from, load_best, loader, seed_run
from fer_core.training.optimize import optimize
from fer_core.training.origin import origin
from fer_core.training.recipe import Recipe
from fer_core.training.run import Run
from fer_core.training.task import MEASURED_SPLITS, Fitted
from fer_core.training.tasks.expression_module import point_error
from fer_core.training.tasks.presence import fit_presence, measure_presence
from fer_core.weights import LANDMARKS, Card, get_arrays, load_card, save_weights

DATA = (
    "faces of FER2013 (Goodfellow et al. 2013), research use, and of muxspace/facial_expressions, "
    "Apache-2.0; points and actions of MediaPipe's FaceLandmarker, Apache-2.0"
)
LICENSE = "Apache-2.0 for the weights; trained on FER2013: for research and teaching"
LIMITS = (
    "Follows its teacher, mistakes included. The jaw lies on the visible outline of the face; covered "
    "points are guessed. Actions say how a face moves, not what anybody feels."
)
MOST_ACTIVE = 12
"""Number of actions that are measured: those with the largest mean score."""
POINTS_WEIGHT = 2.0
"""Weight of the point error in the loss; the mean absolute error of the actions has weight 1."""


class AlignedLandmarks(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Faces aligned by the teacher's points, augmented for training."""

    def __init__(self, faces: LandmarkSet, size: int, recipe: Recipe, *, training: bool) -> None:
        self.faces = faces
        self.size = size
        self.augmentation = recipe.augmentation if training else None
        self.rng = np.random.default_rng(recipe.seed)
        self.transforms = [alignment(five, size) for five in five_points(faces.points)]

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return a (1, S, S) uint8 face, (78, 2) fractions of the square, and (52,) actions in 0..1."""
        transform, actions = self.transforms[index], self.faces.actions[index]
        if self.augmentation is not None:
            transform = random_similarity(transform, self.size, self.augmentation, self.rng)
        face = warp(self.faces.images[index], transform, self.size)
        if self.augmentation is not None:
            face = photometric(face, self.augmentation, self.rng)
        if np.linalg.det(transform[:, :2]) < 0:
            actions = actions[list(MIRRORED_ACTIONS)]
        points = transform_points(self.faces.points[index], transform, self.size)
        return torch.from_numpy(face)[None], torch.from_numpy(points), torch.from_numpy(actions)


class LandmarkModule(L.LightningModule):
    """Trains points by their mean distance, and actions by their mean absolute error.

    Most scores of actions lie near zero and few are large, so the median says more than the mean.
    """

    def __init__(self, network: LandmarkNetwork, recipe: Recipe) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe = recipe

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        faces, points, actions = batch
        found, logits = self.network(faces)
        distance = point_error(found, points).mean()
        loss = POINTS_WEIGHT * distance + F.l1_loss(logits.float().sigmoid(), actions)
        figures = {"loss": loss, "point_error": distance}
        self.log_dict(figures, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> None:
        faces, points, actions = batch
        found, logits = self.network(faces)
        missed = (logits.float().sigmoid() - actions).abs().mean()
        figures = {
            "public_point_error": point_error(found, points).mean(),
            "public_action_error": missed,
        }
        self.log_dict(figures, prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return optimize(self, self.recipe)


class LandmarkTask:
    """Landmarks and facial actions; the data are name -> ``LandmarkSet``, trained on together."""

    def read(self, paths: Sequence[Path], votes: Path | None = None) -> dict[str, LandmarkSet]:
        return {path.stem: read_landmarks(path) for path in paths}

    def fit(self, run: Run, data: Mapping[str, LandmarkSet]) -> Fitted[LandmarkNetwork]:
        """Train on Training; the smallest point error on PublicTest selects the epoch."""
        recipe, faces = run.recipe, join_landmarks(list(data.values()))
        seed_run(recipe)
        network = LandmarkNetwork(**recipe.network)
        training, public = (
            loader(
                AlignedLandmarks(
                    faces.split(split), network.input_size, recipe, training=is_training
                ),
                recipe,
                run.world,
                training=is_training,
                device=choose_device(run.device, training=True),
            )
            for split, is_training in (("Training", True), ("PublicTest", False))
        )
        fit_module(LandmarkModule(network, recipe), training, public, run)
        best = LandmarkNetwork(**recipe.network)
        load_best(best, run.out)
        presence = fit_presence(best.eval(), faces.split("Training"), recipe.seed)
        return Fitted(best, {**run_facts(run), "presence": presence})

    def export_model(
        self, fitted: Fitted[LandmarkNetwork], run: Run, data: Mapping[str, LandmarkSet]
    ) -> Card:
        network, recipe = fitted.model, run.recipe
        card = Card(
            name=LANDMARKS,
            family=recipe.family,
            network=recipe.network,
            classes=(),
            input_size=network.input_size,
            aligned=True,
            temperature=1.0,
            unsure_below=0.0,
            parameters=sum(p.numel() for p in network.parameters()),
            preprocessing=f"gray, aligned by five points to {network.input_size}x{network.input_size}",
            data=DATA,
            recipe=asdict(recipe),
            training=fitted.facts,
            licence=LICENSE,
            limits=LIMITS,
            kind="landmarks",
        )
        return save_weights(card, get_arrays(network), run.out)

    def measure(
        self,
        card: Card,
        folder: Path,
        data: Mapping[str, LandmarkSet],
        split: str,
        device: str = "cpu",
    ) -> dict[str, Any]:
        faces = join_landmarks(list(data.values())).split(split)
        return measure_landmarks(load_landmarker(device, folder), faces)

    def figures(
        self, card: Card, folder: Path, data: Mapping[str, LandmarkSet]
    ) -> dict[str, dict[str, Any]]:
        """Measure each set by itself, on the splits that it has."""
        command = f"python -m fer_core evaluate --model {LANDMARKS} --data teacher"
        return {
            f"{name} {split}": {
                **self.measure(card, folder, {name: faces}, split),
                "command": f"{command}/{name}.npz --split {split}",
            }
            for name, faces in data.items()
            for split in MEASURED_SPLITS
            if (faces.splits == split).any()
        }

    def summarize(self, figures: Mapping[str, Any]) -> str:
        return (
            f"points {figures['point_error']:.1%} of the inter-ocular distance, "
            f"actions {figures['action_error']:.3f}, {figures['faces_lost']:.2%} of the faces lost, "
            f"{figures['others_kept']:.2%} of the squares without a face kept"
        )


class PresenceTask(LandmarkTask):
    """Another head for a trained landmark network: whether a face is still there."""

    def fit(self, run: Run, data: Mapping[str, LandmarkSet]) -> Fitted[LandmarkNetwork]:
        """Fit the head on Training; there is nothing to select."""
        card, started = load_card(run.recipe.start), perf_counter()
        network = LandmarkNetwork(**card.network)
        init_from(network, run.recipe.start)
        faces = join_landmarks(list(data.values())).split("Training")
        counts = fit_presence(network.eval(), faces, run.recipe.seed)
        minutes = round((perf_counter() - started) / 60, 1)
        return Fitted(network, {"seed": run.recipe.seed, **counts, **origin(), "minutes": minutes})

    def export_model(
        self, fitted: Fitted[LandmarkNetwork], run: Run, data: Mapping[str, LandmarkSet]
    ) -> Card:
        """Store the network; its card keeps what it says of the rest."""
        card = load_card(run.recipe.start)
        card = replace(
            card,
            training={**card.training, "presence": dict(fitted.facts)},
            parameters=sum(p.numel() for p in fitted.model.parameters()),
            graphs={},
        )
        return save_weights(card, get_arrays(fitted.model), run.out)


def measure_landmarks(landmarker: Landmarker, faces: LandmarkSet) -> dict[str, Any]:
    """Measure on bare crops, in three passes from the mean layout.

    Returns:
        ``n``; ``point_error``, the mean distance to the teacher's points in inter-ocular distances;
        ``action_error``, the mean absolute error of the twelve most active actions; and the figures of
        ``measure_presence``.
    """
    layout = [mean_points((0, 0, i.shape[1], i.shape[0])) for i in faces.images]
    points, actions, _ = find_landmarks(faces.images, np.stack(layout), landmarker, passes=PASSES)
    distance = point_error(torch.from_numpy(points), torch.from_numpy(faces.points)).mean()
    active = np.argsort(-faces.actions.mean(axis=0))[:MOST_ACTIVE]
    missed = np.abs(actions - faces.actions)[:, active].mean()
    return {
        "n": len(faces),
        "point_error": round(float(distance), 4),
        "action_error": round(float(missed), 4),
        **measure_presence(landmarker, faces),
    }

"""Train, store and measure models that assign expression classes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.data import SPLITS, FaceSet, read_training_faces
from fer_core.data.detection import FaceCropper
from fer_core.data.readers.ferg import DRAWINGS
from fer_core.devices import choose_device
from fer_core.evaluation.calibration import prior_weights
from fer_core.evaluation.metrics import draw_confusion, evaluate
from fer_core.evaluation.robustness import ROBUSTNESS_FACES, robustness
from fer_core.labels import EXPRESSIONS, PRIORS
from fer_core.models import build_network, get_family, load_model
from fer_core.models.base import GRAY_MEAN, GRAY_STD, ClassifierHead, Estimator, Network
from fer_core.training.card import figures_of, run_facts, temperature, unsure_below
from fer_core.training.loop import fit_module, init_from, load_best, loader, seed_run
from fer_core.training.notice import notice
from fer_core.training.recipe import RecipeError
from fer_core.training.run import Run
from fer_core.training.task import Fitted, split_figures
from fer_core.training.tasks.classical import fit_estimator, recipe_of_card
from fer_core.training.tasks.expression_module import ExpressionModule, balanced_weights
from fer_core.training.tasks.teachers import Teachers
from fer_core.training.tasks.training_faces import TrainingFaces
from fer_core.weights import Card, get_arrays, save_weights

VOTES: Final = "FER+ votes (Barsoum et al. 2016), MIT"
NONFACE: Final = 9
"""Column of FER+'s votes for "not a face"."""
MANY_VOTES: Final = 5
"""Half of FER+'s takers."""
LICENSE: Final = "Apache-2.0 for the weights; trained on {}: for research and teaching"
LIMITS: Final = (
    "Assigns one of seven expression classes to a face; does not know what anybody feels. Labels are noisy "
    "(people agree with FER2013's in 65 % of cases) and the faces are not a fair sample of people, ages and "
    "light, so errors differ between groups. Not for decisions about people; in the EU, inferring emotions "
    "of people at work or in education is forbidden (AI Act, Art. 5(1)(f))."
)
DRAWN_LIMITS: Final = (
    "Assigns one of seven expression classes to a drawn face. It has never seen a photograph, and is wrong "
    "on most of them. Not for decisions about people; in the EU, inferring emotions of people at work or in "
    "education is forbidden (AI Act, Art. 5(1)(f))."
)


class ExpressionTask:
    """Networks over faces, kernel machines and boosted trees; the data are a ``FaceSet`` with all splits."""

    def read(
        self,
        paths: Sequence[Path],
        votes: Path | None = None,
        *,
        cropper: FaceCropper | None = None,
        held_out: str = "",
    ) -> FaceSet:
        """Read the data as ``read_training_faces`` does; say in a line each which splits were made by rule,
        and what is missing."""
        faces = read_training_faces(paths, votes, cropper=cropper, held_out=held_out)
        for note in faces.notes:
            notice(note)
        return faces

    def fit(self, run: Run, data: FaceSet) -> Fitted[Network]:
        """Train the recipe's network to its best epoch, or fit its kernel machine or trees.

        Where people rated faces of Training for valence and arousal, a network gets a head that learns
        these, unless the recipe's ``affect_weight`` is 0.

        Raises:
            RecipeError: for options that do not fit the family, or mixing with landmarks.
            DataError: if a split has no faces.
        """
        for split in SPLITS:
            data.split(split)
        if get_family(run.recipe.family).kind != "network":
            return fit_estimator(run, data)
        recipe = run.recipe
        seed_run(recipe)
        training_faces = data.split("Training")
        if recipe.without_nonfaces and training_faces.votes is not None:
            training_faces = training_faces.select(training_faces.votes[:, NONFACE] < MANY_VOTES)
        affect = training_faces.affect
        rated = affect is not None and bool(np.isfinite(affect).any())
        options = {**recipe.network, "affect": rated and recipe.affect_weight > 0}
        network = _build(run, options)
        if recipe.start_at_shares:
            start_at_shares(network, training_faces.labels)
        teachers = Teachers(recipe.teachers, aligned=recipe.aligned) if recipe.teachers else None
        device = choose_device(run.device, training=True)
        training, public = (
            loader(
                TrainingFaces(
                    faces,
                    network.input_size,
                    recipe,
                    training=is_training,
                    with_landmarks=network.landmarks,
                    device=device,
                ),
                recipe,
                run.world,
                training=is_training,
                device=device,
            )
            for faces, is_training in ((training_faces, True), (data.split("PublicTest"), False))
        )
        weights = balanced_weights(training_faces.labels) if recipe.class_weights else None
        fit_module(ExpressionModule(network, recipe, weights, teachers), training, public, run)
        best = build_network(recipe.family, options)
        load_best(best, run.out)
        return Fitted(best, run_facts(run))

    def export_model(self, fitted: Fitted[Network], run: Run, data: FaceSet) -> Card:
        """Store fp16 weights; temperature and threshold are fitted on PublicTest with these weights, at the
        class shares that the recipe's prior assumes."""
        card, out = _card(fitted, run, data), run.out
        card = save_weights(card, get_arrays(fitted.model), out)
        model = load_model(card.name, folder=out)
        public = data.split("PublicTest")
        logits = model.logits(model.align(public.images))[0]
        weights = prior_weights(public.labels, card.class_shares, card.prior)
        offset = np.float32(PRIORS[card.prior]) * np.log(card.class_shares or 1.0, dtype=np.float32)
        fitted_temperature = temperature(logits, public.labels, weights, offset)
        model.card = replace(card, temperature=fitted_temperature)
        threshold = unsure_below(model.calibrate(logits), public.labels, weights)
        card = replace(model.card, unsure_below=threshold)
        return save_weights(card, get_arrays(fitted.model), out)

    def measure(
        self, card: Card, folder: Path, data: FaceSet, split: str, device: str = "cpu"
    ) -> dict[str, Any]:
        """Measure in a single pass; PrivateTest's confusions are drawn into ``confusion.png``."""
        evaluation = evaluate(load_model(card.name, device, folder), data.split(split))
        if split == "PrivateTest":
            draw_confusion(evaluation, folder / "confusion.png")
        return figures_of(evaluation)

    def figures(self, card: Card, folder: Path, data: FaceSet) -> dict[str, dict[str, Any]]:
        """Measure both test splits, and how robust a network is on the first faces of PrivateTest."""
        sources = " ".join(f"--data {name}" for name in data.sources)
        sources += f" --hold-out {data.held_out}" if data.held_out else ""
        options = sources if data.votes is None else f"{sources} --plus fer2013new.csv"
        figures = split_figures(self, card, folder, data, options)
        if get_family(card.family).kind == "network" and "PrivateTest" in figures:
            faces = data.split("PrivateTest").first(ROBUSTNESS_FACES)
            accuracies = robustness(load_model(card.name, folder=folder), faces)
            figures["PrivateTest"] |= {
                "robustness": {name: round(share, 4) for name, share in accuracies.items()},
                "robustness_command": f"python -m benchmarks.robustness --model {card.name} "
                f"{sources} --split PrivateTest",
            }
        return figures

    def summarize(self, figures: Mapping[str, Any]) -> str:
        return f"accuracy {figures['accuracy']:.1%}, macro F1 {figures['macro_f1']:.3f}"


def start_at_shares(network: Network, labels: NDArray[np.int64]) -> None:
    """Set the biases of the class logits to the logarithms of the classes' shares among (N,) labels; leave
    them if a class does not occur."""
    shares = class_shares(labels)
    if not shares:
        return
    logarithms = torch.tensor(shares).log()
    for module in network.modules():
        if isinstance(module, ClassifierHead):
            module.expressions.bias.data.copy_(logarithms)


def _build(run: Run, options: Mapping[str, Any]) -> Network:
    """Build the recipe's network with its initial weights."""
    recipe = run.recipe
    try:
        network = build_network(recipe.family, options)
    except TypeError as error:
        raise RecipeError(f"[network] of {recipe.name} does not fit its family: {error}") from None
    if network.landmarks and (recipe.mixup or recipe.cutmix):
        raise RecipeError("mixed faces have no landmarks; leave out mixup and cutmix")
    if recipe.start:
        init_from(network, recipe.start)
    return network


def _card(fitted: Fitted[Network], run: Run, data: FaceSet) -> Card:
    """Return the card of a trained network, before calibration."""
    recipe, network = run.recipe, fitted.model
    taught = (data.sources[name] for name in data.teaching or data.sources)
    sources = tuple(dict.fromkeys(taught))
    return Card(
        name=recipe.name,
        family=recipe.family,
        network={**recipe.network, **network.learned_options},
        classes=EXPRESSIONS,
        input_size=network.input_size,
        aligned=recipe.aligned,
        temperature=1.0,
        unsure_below=0.0,
        parameters=network.num_parameters,
        preprocessing=(
            f"gray, aligned by five points to {network.input_size}x{network.input_size}, "
            f"(value / 255 - {GRAY_MEAN}) / {GRAY_STD}, within the network"
        ),
        data="; ".join((*sources, *([] if data.votes is None else [VOTES]))),
        recipe=recipe_of_card(recipe, network)
        if isinstance(network, Estimator)
        else asdict(recipe),
        training={**fitted.facts, **({"splits": list(data.notes)} if data.notes else {})},
        published=recipe.published,
        licence=LICENSE.format(" and ".join(source.split(" (")[0] for source in sources)),
        limits=DRAWN_LIMITS if sources == (DRAWINGS,) else LIMITS,
        prior=recipe.prior,
        # Balanced weights have trained it at equal shares.
        class_shares=() if recipe.class_weights else class_shares(data.split("Training").labels),
    )


def class_shares(labels: NDArray[np.int64]) -> tuple[float, ...]:
    """Return the shares of the classes among (N,) labels; () if a class does not occur."""
    counts = np.bincount(labels[labels >= 0], minlength=len(EXPRESSIONS))
    return tuple(np.round(counts / counts.sum(), 6).tolist()) if counts.all() else ()

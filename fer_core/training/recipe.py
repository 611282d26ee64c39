"""Recipes: everything that decides how a model is trained, as TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fer_core.data.augmentation import Augmentation
from fer_core.errors import UserError, in_short
from fer_core.fields import Between, FileName, OneOf, check_fields, is_required
from fer_core.labels import PRIORS

RECIPES: Final = Path(__file__).parent / "recipes"


class RecipeError(UserError):
    """Error in a recipe; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is trained. The defaults are those of the recipes in this package."""

    name: Annotated[str, FileName()]
    """Name of the weights."""
    family: str
    """Registered network family."""
    network: Mapping[str, Any]
    """Options of the family's constructor."""
    published: str = ""
    """Figure that the project of origin reports, in percent of FER2013's PrivateTest; for the card."""
    fitting: Mapping[str, bool | int | float | str | list[float]] = field(default_factory=dict)
    """Options of the solver, for families that are not trained by gradient descent."""
    start: str = ""
    """Initial weights: copied from this model where names and shapes match."""
    select: str = "public_accuracy"
    """Logged figure on PublicTest that selects the best epoch: the smallest of errors and losses, the
    largest of all others."""
    epochs: Annotated[int, Between(1, 100_000)] = 24
    small_epochs: Annotated[int, Between(0, 100_000)] = 12
    """Epochs at the start with faces of ``small_size``: nearly as much is learned in half the time
    (progressive resizing, Tan & Le 2021)."""
    small_size: Annotated[int, Between(12, 1024)] = 36
    """Side of the small faces in pixels; a multiple of six, so that the prior blocks can be cut."""
    batch_size: Annotated[int, Between(1, 1_000_000)] = 128
    """Faces in a step, over all processes."""
    optimiser: Annotated[str, OneOf(("sgd", "adamw"))] = "sgd"
    """Optimizer: ``sgd`` with Nesterov momentum 0.9, or ``adamw`` (Loshchilov & Hutter 2019)."""
    learning_rate: Annotated[float, Between(0, 100)] = 0.15
    """Largest learning rate of the schedule."""
    schedule: Annotated[str, OneOf(("one_cycle", "cosine", "cosine_restarts", "plateau"))] = (
        "one_cycle"
    )
    """Learning-rate schedule: ``one_cycle`` rises and falls to zero (Smith & Topin 2018); ``cosine`` falls to
    zero; ``cosine_restarts`` repeats that (SGDR, Loshchilov & Hutter 2017); ``plateau`` falls to a tenth
    whenever ``select`` does not improve."""
    restart_epochs: Annotated[int, Between(1, 100_000)] = 8
    """Epochs of the first period of ``cosine_restarts``; each further one is twice as long."""
    plateau_epochs: Annotated[int, Between(1, 100_000)] = 3
    """Epochs without improvement before ``plateau`` lowers the learning rate."""
    patience: Annotated[int, Between(0, 100_000)] = 0
    """Epochs without improvement before early stopping; 0 trains all epochs."""
    weight_decay: Annotated[float, Between(0, 100)] = 5e-4
    """Weight decay (L2); with ``adamw`` decoupled from the gradient."""
    clip_gradient: Annotated[float, Between(0)] = 0.0
    """Largest norm of the gradient of all parameters; 0 for any."""
    label_smoothing: Annotated[float, Between(0, 1)] = 0.1
    class_weights: bool = False
    """Weight each class of FER2013 by the inverse of its frequency in Training, so that all count alike."""
    mixup: Annotated[float, Between(0, 1000)] = 0.0
    """Alpha of the Beta distribution by which two faces and their targets are blended (Zhang et al. 2018);
    0 for none."""
    cutmix: Annotated[float, Between(0, 1000)] = 0.0
    """Alpha of the Beta distribution by which a rectangle of one face replaces that of another (Yun et al.
    2019); 0 for none. With ``mixup`` as well, each batch gets one of the two."""
    mixed_batches: Annotated[float, Between(0, 1)] = 1.0
    """Share of the batches that are mixed, with ``mixup`` or ``cutmix``."""
    labels_weight: Annotated[float, Between(0, 1000)] = 1.0
    """Weight of the loss on FER2013's classes."""
    votes_weight: Annotated[float, Between(0, 1000)] = 1.0
    """Weight of the loss on FER+'s votes."""
    contradicted_weight: Annotated[float, Between(0, 1000)] = 1.0
    """Factor of the loss on FER2013's class for faces of which FER+'s majority says something else."""
    without_nonfaces: bool = False
    """Leave out training images that half of FER+'s takers call not a face."""
    teachers: list[str] = field(default_factory=list)
    """Trained models, by name or path of the card, that label each augmented face as it is trained on; their
    mean probabilities are soft labels (Hinton et al. 2015; fresh views: Beyer et al. 2022). ``train
    --teacher`` sets them."""
    teachers_weight: Annotated[float, Between(0, 1000)] = 1.0
    """Weight of the loss on the soft labels; for faces without a label of their own it counts twice."""
    actions_weight: Annotated[float, Between(0, 1000)] = 0.0
    """Weight of the loss on the 52 facial actions that the landmark network finds, which a linear layer
    predicts from the pooled features; it is left out of the stored network."""
    covered_weight: Annotated[float, Between(0, 1000)] = 0.0
    """Weight of a loss that lowers the attention weight of a block that the augmentation covered."""
    start_at_shares: bool = False
    """Start the biases of the class logits at the logarithms of the classes' shares in Training, so that all
    else is learned at equal shares: the logit-adjusted loss of Menon et al. 2021."""
    landmarks_weight: Annotated[float, Between(0, 1000)] = 5.0
    """Weight of the landmark error (mean distance in inter-ocular distances), for networks that find them."""
    affect_weight: Annotated[float, Between(0, 1000)] = 1.0
    """Weight of the squared error of valence and arousal, for training faces with ratings; at 0 the network
    does not learn them."""
    branch_weight: Annotated[float, Between(0, 1000)] = 0.3
    """Weight of the mean loss of the single branches, for networks with several."""
    ema_decay: Annotated[float, Between(0, 1)] = 0.995
    """Decay per step of the exponential moving average of the weights."""
    aligned: bool = True
    """Align faces by their five points; otherwise use the crops as they are."""
    prior: Annotated[str, OneOf(tuple(PRIORS))] = "own"
    """Shares of the classes that the app assumes: those of the training faces (``own``), equal ones, or
    ``half`` way between."""
    seed: Annotated[int, Between(0, 2**32 - 1)] = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether the smallest or the largest value of the selected figure is the best."""
        return "min" if self.select.endswith(("error", "loss")) else "max"


def list_recipes() -> tuple[str, ...]:
    """Return the names of the recipes in this package."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def read_recipe(name_or_path: str) -> Recipe:
    """Read a recipe of this package by name, or any TOML file by path.

    Raises:
        RecipeError: if there is no such recipe, or a field is unknown, missing, of the wrong type or out of
            range.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = RECIPES / f"{name_or_path}.toml"
    if not path.is_file():
        raise RecipeError(
            f"no recipe {name_or_path!r}; choose one of {', '.join(list_recipes())}, "
            "or give the path of a .toml file"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeError(f"{path} is not valid TOML: {in_short(error)}") from None
    table = _extended(table, path)
    augmentation = _build(Augmentation, table.get("augmentation", {}), path)
    recipe: Recipe = _build(Recipe, {**table, "augmentation": augmentation}, path)
    return recipe


def _extended(table: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a recipe's table with all that it takes over from the recipe that ``extends`` names.

    Of ``[augmentation]`` each option is taken over, of ``[network]`` all or nothing.
    """
    if "extends" not in table:
        return table
    name = table.pop("extends")
    if name not in list_recipes():
        raise RecipeError(f"{path}: extends no recipe of the package: {in_short(repr(name))}")
    parent = RECIPES / f"{name}.toml"
    inherited = _extended(tomllib.loads(parent.read_text(encoding="utf-8")), parent)
    changes = table.get("augmentation", {})
    if not isinstance(changes, dict):
        raise RecipeError(f"{path}: augmentation must be a table, not {in_short(repr(changes))}")
    augmentation = {**inherited.get("augmentation", {}), **changes}
    return {**inherited, **table, "augmentation": augmentation}


def _build(kind: type[Any], table: Any, path: Path) -> Any:
    """Build a recipe or its augmentation, and check each field."""
    if not isinstance(table, dict):
        raise RecipeError(f"{path}: augmentation must be a table, not {in_short(repr(table))}")
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(table) - known):
        raise RecipeError(
            f"{path}: unknown field {in_short(repr(unknown[0]))}; known are {', '.join(sorted(known))}"
        )
    if missing := [f.name for f in fields(kind) if is_required(f) and f.name not in table]:
        raise RecipeError(f"{path}: {missing[0]} is missing")
    built = kind(**table)
    try:
        check_fields(built)
    except UserError as error:
        raise RecipeError(f"{path}: {error}") from None
    return built

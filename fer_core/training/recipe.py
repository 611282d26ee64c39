"""A recipe: everything that decides how a network is trained, as TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal

from fer_core.data.augmentation import Augmentation
from fer_core.errors import UserError

RECIPES = Path(__file__).parent / "recipes"

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "optimiser": ("sgd", "adamw"),
    "schedule": ("one_cycle", "cosine", "cosine_restarts", "plateau"),
}
LEAST: Final[Mapping[str, float]] = {
    **dict.fromkeys(("epochs", "batch_size", "restart_epochs", "plateau_epochs"), 1),
    **dict.fromkeys(("learning_rate", "weight_decay", "label_smoothing", "small_epochs"), 0),
    **dict.fromkeys(("mixup", "cutmix", "patience"), 0),
}
"""The smallest value of a field."""


class RecipeError(UserError):
    """A recipe that cannot be read; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one network is trained. The defaults are what every recipe shares."""

    name: str
    """Under this name the weights are stored."""
    family: str
    """A registered network family."""
    network: Mapping[str, Any]
    """Options of the family's constructor."""
    published: str = ""
    """What the project that the model comes from reports, in percent of FER2013's PrivateTest; for the
    card."""
    fitting: Mapping[str, Any] = field(default_factory=dict)
    """Options of the solver of an estimator; for others there are none."""
    start: str = ""
    """A trained model whose arrays it begins with, wherever names and shapes agree."""
    select: str = "public_accuracy"
    """The logged figure on PublicTest by which the best epoch is told; of errors and losses the smallest is
    the best, of all others the largest."""
    epochs: int = 24
    small_epochs: int = 12
    """So many epochs at the start see faces of ``small_size``: nearly as much is learnt in half the
    time (progressive resizing, Tan & Le 2021)."""
    small_size: int = 36
    """Side in pixels; a multiple of six, so that the prior blocks can be cut."""
    batch_size: int = 128
    """Faces a step, of all processes together."""
    optimiser: str = "sgd"
    """``sgd``, with Nesterov momentum 0.9, or ``adamw`` (Loshchilov & Hutter 2019)."""
    learning_rate: float = 0.15
    """The largest of the schedule."""
    schedule: str = "one_cycle"
    """How the learning rate goes. ``one_cycle`` rises and falls to nothing (Smith & Topin 2018); ``cosine``
    falls to nothing; ``cosine_restarts`` does so again and again (SGDR, Loshchilov & Hutter 2017);
    ``plateau`` falls to a tenth whenever ``select`` gets no better."""
    restart_epochs: int = 8
    """Length of the first period of ``cosine_restarts``; each next one is twice as long."""
    plateau_epochs: int = 3
    """So many epochs without a better figure does ``plateau`` bear."""
    patience: int = 0
    """Training ends after so many epochs without a better figure; at 0 it never ends early."""
    weight_decay: float = 5e-4
    """L2 of the weights; with ``adamw`` decoupled from the gradient."""
    label_smoothing: float = 0.1
    class_weights: bool = False
    """Weigh each class of FER2013 by the inverse of its frequency in Training, so that all count alike."""
    mixup: float = 0.0
    """Alpha of the Beta distribution by which two faces, and what they teach, are blended (Zhang et al.
    2018); 0 for never."""
    cutmix: float = 0.0
    """Alpha of the Beta distribution by which a rectangle of one face is laid over another (Yun et al. 2019);
    0 for never. With ``mixup`` as well, each batch has one of both."""
    labels_weight: float = 1.0
    """Weight of the loss on FER2013's classes."""
    votes_weight: float = 1.0
    """Weight of the loss on FER+'s votes."""
    landmarks_weight: float = 5.0
    """Weight of the mean distance of landmarks in inter-ocular distances, for networks that find them."""
    affect_weight: float = 1.0
    """Weight of the squared error of valence and arousal, for training faces that people rated; at 0 the
    network does not learn them."""
    branch_weight: float = 0.3
    """Weight of the mean loss of the single branches, for networks that have several."""
    ema_decay: float = 0.995
    """Of the moving average of the weights, per step."""
    aligned: bool = True
    """Align faces by their five points; otherwise take crops as they are."""
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether the smallest or the largest of the selected figure is the best."""
        return "min" if self.select.endswith(("error", "loss")) else "max"


def list_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def read_recipe(name_or_path: str) -> Recipe:
    """A recipe of the package by name, or any TOML file by path.

    Raises:
        RecipeError: if there is no such recipe, or a field is unknown, missing, of the wrong kind or out of
            its range.
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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is no valid TOML: {error}") from None
    if "augmentation" in table:
        table["augmentation"] = _build(Augmentation, table["augmentation"], path)
    recipe: Recipe = _build(Recipe, table, path)
    for name, choices in CHOICES.items():
        if getattr(recipe, name) not in choices:
            raise RecipeError(f"{path}: {name} is one of {', '.join(choices)}")
    for name, least in LEAST.items():
        if not getattr(recipe, name) >= least:
            raise RecipeError(f"{path}: {name} is at least {least}")
    return recipe


def _build(kind: type[Any], table: Mapping[str, Any], path: Path) -> Any:
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(table) - known):
        raise RecipeError(
            f"{path}: unknown field {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
    for f in fields(kind):
        given, default = table.get(f.name, f.default), f.default
        if default is not MISSING and not _is_like(given, default):
            raise RecipeError(f"{path}: {f.name} = {given!r} is no {type(default).__name__}")
    try:
        return kind(**table)
    except TypeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _is_like(given: Any, default: Any) -> bool:
    """Whether a value is of its default's kind; whole numbers are numbers too."""
    allowed = (int, float) if isinstance(default, float) else type(default)
    return isinstance(given, allowed) and isinstance(given, bool) == isinstance(default, bool)

"""A recipe: everything that decides how a network is trained, as TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fer_core.data.augmentation import Augmentation
from fer_core.errors import UserError

RECIPES = Path(__file__).parent / "recipes"


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
    start: str = ""
    """A trained model whose arrays it begins with, wherever names and shapes agree."""
    select: str = "public_accuracy"
    """The figure on PublicTest by which the best epoch is told; the larger, the better."""
    epochs: int = 24
    small_epochs: int = 12
    """So many epochs at the start see faces of ``small_size``: nearly as much is learnt in half the
    time (progressive resizing, Tan & Le 2021)."""
    small_size: int = 36
    """Side in pixels; a multiple of six, so that the prior blocks can be cut."""
    batch_size: int = 128
    learning_rate: float = 0.15
    """Peak of a one-cycle schedule (Smith & Topin 2018), SGD with Nesterov momentum 0.9."""
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
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


def list_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def read_recipe(name_or_path: str) -> Recipe:
    """A recipe of the package by name, or any TOML file by path.

    Raises:
        RecipeError: if there is no such recipe, or a field is unknown, missing or of the wrong kind.
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
    return recipe


def _build(kind: type[Any], table: Mapping[str, Any], path: Path) -> Any:
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(table) - known):
        raise RecipeError(
            f"{path}: unknown field {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
    try:
        return kind(**table)
    except TypeError as error:
        raise RecipeError(f"{path}: {error}") from None

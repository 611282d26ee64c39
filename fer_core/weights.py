"""Weight files and the cards beside them.

A model is ``NAME.safetensors`` (fp16) and ``NAME.json``. The card carries the hash of the weights; a
missing, altered or foreign file is an error that says what to do, never a network with random weights.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from fer_core.errors import UserError, in_short
from fer_core.fields import Between, FileName, OneOf, check_fields, is_file_name, is_required
from fer_core.files import make_folder, replaced
from fer_core.labels import EXPRESSIONS, PRIORS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

_PACKAGED: Final = Path(__file__).resolve().parent / "trained"
WEIGHTS: Final = _PACKAGED if _PACKAGED.is_dir() else _PACKAGED.parents[1] / "weights"
"""Folder of the trained models: inside an installed package, at the top of a checkout."""

DEFAULT_MODEL: Final = "prior_attention"
"""The model that the name ``default`` stands for."""

LANDMARKS: Final = "landmarks"
EYES: Final = "eyes"
HOG: Final = "hog"
MTCNN: Final = "mtcnn"

EXPRESSION_MODEL: Final = "expressions"
"""The kind of card whose model assigns expression classes; all others find a face or describe it."""

LEADERBOARD: Final = "leaderboard"
"""Results: the figures of every model."""
AVERAGES: Final = "averages"
"""Results: the average maps of every model."""
FAITHFULNESS: Final = "faithfulness"
"""Results: deletion, insertion and ROAD of the explanation methods, for the default model."""
RANDOMIZATION: Final = "randomization"
"""Results: the randomization check of the explanation methods, for the default model."""


MAX_CARD_MEGABYTES: Final = 5
"""Largest card, in 10^6 bytes."""


class WeightsError(UserError):
    """Weights that cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Card:
    """A model card: what the model is, how it was trained and how good it is."""

    name: Annotated[str, FileName()]
    family: str
    """Registered family that builds the network."""
    network: Mapping[str, Any]
    """Options of the family."""
    classes: tuple[str, ...]
    input_size: Annotated[int, Between(1, 1024)]
    """Side of the aligned square in pixels."""
    aligned: bool
    """Faces are aligned by their five points; otherwise taken as the detector or dataset frames them."""
    temperature: Annotated[float, Between(1e-3, 1e3)]
    """Logits are divided by it; fitted on PublicTest (Guo et al. 2017)."""
    unsure_below: Annotated[float, Between(0, 1)]
    """A reading whose largest probability is below this is ``unsure``; chosen on PublicTest."""
    parameters: Annotated[int, Between(0)]
    sha256: str = ""
    preprocessing: str = ""
    data: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    """seed, commit, machine, minutes, epoch that PublicTest selected."""
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Measured figures of each split, each with the command that printed it."""
    published: str = ""
    """The figure of the project that the model comes from, where there is one."""
    licence: str = ""
    limits: str = ""
    class_shares: tuple[float, ...] = ()
    """Shares of the classes among the training faces, in the order of ``classes``; () if unknown."""
    prior: Annotated[str, OneOf(tuple(PRIORS))] = "own"
    """Shares of the classes that predictions assume: a key of ``PRIORS``."""
    baseline_weight: Annotated[float, Between(0, 2)] = 1.0
    """Part of a person's neutral scores that a baseline takes off the scores of a face."""
    baseline_offset: Annotated[float, Between(-10, 10)] = 1.5
    """What is then added to the score of neutral; ``python -m benchmarks.baseline`` chooses all three."""
    baseline_temperature: Annotated[float, Between(0.05, 20)] = 1.0
    """Scores that were compared with a baseline are divided by it."""
    graphs: Mapping[str, str] = field(default_factory=dict)
    """ONNX graphs beside the weights, which ONNX Runtime runs on a CPU: file name -> SHA-256."""
    kind: Annotated[str, OneOf((EXPRESSION_MODEL, LANDMARKS, EYES, "detector"))] = EXPRESSION_MODEL
    """What the weights are for: ``expressions``, ``landmarks``, ``eyes`` or ``detector``."""


REQUIRED: Final = tuple(each.name for each in fields(Card) if is_required(each))
"""Fields that a card must have."""


def list_models(folder: Path = WEIGHTS) -> tuple[str, ...]:
    """Return the names of the expression models in a folder of weights, the default first.

    Files that are not cards are left out; ``damaged_cards`` names them.
    """
    cards = (card for card in _read_cards(folder) if isinstance(card, tuple))
    names = [name for name, card in cards if card.kind == EXPRESSION_MODEL]
    return tuple(sorted(names, key=lambda name: name != DEFAULT_MODEL))


def damaged_cards(folder: Path = WEIGHTS) -> tuple[str, ...]:
    """Return a sentence for each ``.json`` file of a folder of weights that is not a card."""
    return tuple(str(card) for card in _read_cards(folder) if isinstance(card, WeightsError))


def _read_cards(folder: Path) -> "Iterator[tuple[str, Card] | WeightsError]":
    """Yield the name and the card of each model of a folder, or why a file is not a card."""
    for path in sorted(folder.glob("*.json")):
        try:
            yield path.stem, _read_card(path)
        except WeightsError as error:
            yield error


def results_path(name: str, folder: Path = WEIGHTS) -> Path:
    """Return the path of measured results beside the models of a folder, such as ``LEADERBOARD``."""
    return folder / "results" / f"{name}.json"


def write_results(name: str, table: Mapping[str, Any], folder: Path = WEIGHTS) -> None:
    """Store measured results beside the models of a folder."""
    path = results_path(name, folder)
    make_folder(path.parent)
    text = json.dumps(table, indent=2, ensure_ascii=False)
    with replaced(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8")


def card_path(name: str, folder: Path = WEIGHTS) -> Path:
    """Return the path of a model's card: of a name in a folder of weights, or of a ``.json`` file itself."""
    if name.endswith(".json"):
        return Path(name)
    return folder / f"{DEFAULT_MODEL if name == 'default' else name}.json"


def load_card(name: str, folder: Path = WEIGHTS) -> Card:
    """Read a model card.

    Args:
        name: name of the model, ``default`` among them, or the path of its card.
        folder: where models with a name lie.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
        WeightsError: if the file is not a card, or a value of it is out of range.
    """
    path = card_path(name, folder)
    if not path.is_file() and name.endswith(".json"):
        raise UserError(f"{path} does not exist; give the card of a trained model")
    if not path.is_file():
        valid = ", ".join(("default", *list_models(folder)))
        raise UserError(f"unknown model {name!r}; choose one of {valid}")
    return _read_card(path)


def _read_card(path: Path) -> Card:
    """Read a card, and check the type and the range of every field."""
    try:
        if path.stat().st_size > MAX_CARD_MEGABYTES * 1e6:
            raise ValueError(f"it is larger than {MAX_CARD_MEGABYTES} MB")
        table = json.loads(path.read_text(encoding="utf-8"))
        card_fields = {f.name for f in fields(Card)}
        if missing := [name for name in REQUIRED if name not in table]:
            raise ValueError(f"it lacks {missing[0]}")
        card = Card(**{key: value for key, value in table.items() if key in card_fields})
        check_fields(card)
        _check_classes(card)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{path} is not a model card ({in_short(error)}); restore the file"
        ) from None
    return card


def _check_classes(card: Card) -> None:
    """Check what the fields of a card say together.

    Raises:
        ValueError: if its classes are not those of its kind, or a share or a graph cannot be used.
    """
    if card.kind == EXPRESSION_MODEL and tuple(card.classes) != EXPRESSIONS:
        raise ValueError(f"classes must be {', '.join(EXPRESSIONS)}")
    if card.class_shares and (
        len(card.class_shares) != len(card.classes) or min(card.class_shares) <= 0
    ):
        raise ValueError("class_shares must be a number above 0 for each class")
    if odd := [name for name in card.graphs if not is_file_name(name)]:
        raise ValueError(f"graphs must lie beside the card, not at {odd[0]!r}")


def load_weights(name: str, folder: Path = WEIGHTS) -> "tuple[Card, dict[str, NDArray[Any]]]":
    """Load a model's card and its arrays, checked against the hash in the card.

    Raises:
        UserError: for an unknown name.
        WeightsError: if the weight file is missing, altered or not a safetensors file.
    """
    card = load_card(name, folder)
    path = card_path(name, folder).with_suffix(".safetensors")
    return card, read_arrays(path, _checked(path, card.sha256, card.name))


def read_arrays(path: Path, content: bytes) -> "dict[str, NDArray[Any]]":
    """Return the arrays of a safetensors file, whose values have to be finite.

    Raises:
        WeightsError: if it is not such a file, or holds NaN or infinite values.
    """
    import numpy as np
    from safetensors import SafetensorError  # imported late: cards alone are read without arrays
    from safetensors.numpy import load

    try:
        arrays = load(content)
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise WeightsError(
            f"{path} is not a safetensors file ({in_short(error)}); restore it"
        ) from None
    for name, array in arrays.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise WeightsError(
                f"{path} holds values that are not finite, in {in_short(name)}; restore it or train again"
            )
    return arrays


def load_graphs(name: str, folder: Path = WEIGHTS) -> dict[str, Path]:
    """Return the graphs of a model, each by its file name; they and the weights are checked against the card.

    {} where the card names none, and where one is not beside the weights: torch does without.

    Raises:
        UserError: for an unknown name.
        WeightsError: if the weights are missing or not finite, or a file is altered.
    """
    card, path = load_card(name, folder), card_path(name, folder)
    if not all(path.with_name(file).is_file() for file in card.graphs):
        return {}
    weights = path.with_suffix(".safetensors")
    read_arrays(weights, _checked(weights, card.sha256, card.name))
    for file, sha256 in card.graphs.items():
        _checked(path.with_name(file), sha256, card.name)
    return {file: path.with_name(file) for file in card.graphs}


def _checked(path: Path, sha256: str, name: str) -> bytes:
    """Return the content of a file of a model if it is the one that the card names."""
    if not path.is_file():
        raise WeightsError(
            f"{path} is missing; restore it from the repository or train {name} again"
        )
    with path.open("rb") as file:  # an altered file may be of any size: it is not read whole
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise WeightsError(
            f"{path} does not match the hash in its card, so it is damaged or another model's; "
            f"restore both files from the repository or train {name} again"
        )
    return path.read_bytes()


def save_weights(card: Card, arrays: "Mapping[str, NDArray[Any]]", folder: Path) -> Card:
    """Store floating-point arrays in fp16, others as they are, with a card that carries their hash."""
    import numpy as np

    make_folder(folder)
    path = folder / f"{card.name}.safetensors"
    halved = {
        name: array.astype(np.float16) if np.issubdtype(array.dtype, np.floating) else array
        for name, array in arrays.items()
    }
    save_arrays(halved, path)
    return save_card(card, folder, hashlib.sha256(path.read_bytes()).hexdigest())


def save_arrays(
    arrays: "Mapping[str, NDArray[Any]]", path: Path, facts: Mapping[str, str] | None = None
) -> None:
    """Store arrays as they are, with ``facts`` as metadata of the file."""
    import numpy as np
    from safetensors.numpy import save

    # safetensors writes memory as it lies, whatever the strides say.
    in_order = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with replaced(path) as beside:
        # safetensors' own function writes a file that only its owner may read.
        beside.write_bytes(save(in_order, dict(facts or {})))


def save_card(card: Card, folder: Path, sha256: str) -> Card:
    """Write a card for the weights with this hash."""
    table = {**asdict(card), "sha256": sha256}
    text = json.dumps(table, indent=2, ensure_ascii=False)
    with replaced(folder / f"{card.name}.json") as beside:
        beside.write_text(text + "\n", encoding="utf-8")
    return Card(**table)


def get_arrays(network: "nn.Module") -> "dict[str, NDArray[Any]]":
    """Return every parameter and buffer once, under its first name; floats as fp32, integers as they are."""
    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().numpy()
        for name, tensor in named.items()
        if not name.endswith("num_batches_tracked")
    }


def put_arrays(network: "nn.Module", arrays: "Mapping[str, NDArray[Any]]", path: Path) -> None:
    """Load the arrays of ``get_arrays`` into a network.

    Raises:
        WeightsError: if a name, a shape or a kind of number differs.
    """
    import torch  # not before it is needed: cards alone are read without it

    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    wanted = {name for name in named if not name.endswith("num_batches_tracked")}
    differing = wanted.symmetric_difference(arrays) or {
        name
        for name in wanted
        if named[name].shape != arrays[name].shape
        or named[name].is_floating_point() != (arrays[name].dtype.kind == "f")
    }
    if differing:
        raise WeightsError(
            f"{path} does not fit its card's network (first difference: {in_short(min(differing))}); "
            "restore both files from the repository"
        )
    for name in wanted:
        named[name].data.copy_(torch.from_numpy(arrays[name]))

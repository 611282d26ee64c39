"""What facial actions do to an answer: by how much, and which smallest change turns it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from fer_core.cartoon.actions import FaceActions
from fer_core.labels import EXPRESSIONS, expression_index
from fer_core.types import Floats

Read = Callable[[Sequence[FaceActions]], Floats]
"""Returns the (N, 7) probabilities of a face with N sets of actions, in the order of ``EXPRESSIONS``."""

ACTION_NAMES: Final = tuple(field.name for field in fields(FaceActions))

PAIRS: Final = {
    "smile_left": ("smile_left", "smile_right"),
    "blink_left": ("blink_left", "blink_right"),
}
"""Actions of both sides, which are tried together."""

STEPS: Final = 10
"""Values of an action that are tried between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of one action that makes another class the likeliest."""

    action: str
    value: float
    """Of the action after the change, 0..1."""
    size: float
    """How far the action moved, 0..1."""
    expression: str
    """The class that is the likeliest then."""
    actions: FaceActions
    """All actions after the change."""


def raised(actions: FaceActions, name: str, by: float) -> FaceActions:
    """Return the actions with one of them raised, within 0..1; the first of a pair raises both."""
    values = {each: getattr(actions, each) + by for each in PAIRS.get(name, (name,))}
    return replace(actions, **{each: min(max(value, 0.0), 1.0) for each, value in values.items()})


def tried_actions(names: Iterable[str] = ACTION_NAMES) -> list[str]:
    """Return the actions that can be changed alone, of each pair the first."""
    second = {pair[1] for pair in PAIRS.values()}
    return [name for name in names if name not in second]


def action_effects(
    read: Read,
    actions: FaceActions,
    target: str,
    names: Sequence[str] = ACTION_NAMES,
    step: float = 0.25,
) -> dict[str, float]:
    """Return how much each action moves the probability of a class (finite differences).

    Args:
        target: a class.
        names: the actions to try.
        step: by how much each is raised; where it is too high for that, it is lowered and the sign turned.

    Returns:
        Action -> change of the probability for one step up, -1..1.
    """
    names = tried_actions(names)
    signs = [1 if getattr(actions, name) + step <= 1 else -1 for name in names]
    changed = [raised(actions, name, sign * step) for name, sign in zip(names, signs, strict=True)]
    shares = read([actions, *changed])[:, expression_index(target)]
    differences = np.array(signs) * (shares[1:] - shares[0])
    return dict(zip(names, differences.tolist(), strict=True))


def smallest_turn(
    read: Read, actions: FaceActions, names: Sequence[str] = ACTION_NAMES, goal: str | None = None
) -> Turn | None:
    """Return the smallest change of a single action after which another class is the likeliest.

    Args:
        names: the actions to try, each at ``STEPS`` values.
        goal: the class that is to become the likeliest; None for any other.

    Returns:
        The change, of equal ones that with the larger probability of the new class; None if no single action
        does it.
    """
    tries = [
        (name, value, raised(actions, name, value - getattr(actions, name)))
        for name in tried_actions(names)
        for value in np.linspace(0, 1, STEPS + 1).round(3).tolist()
        if value != getattr(actions, name)
    ]
    shares = read([actions, *(changed for *_, changed in tries)])
    tops = shares.argmax(axis=1)
    turns: list[tuple[float, float, Turn]] = []
    for (name, value, changed), top, row in zip(tries, tops[1:].tolist(), shares[1:], strict=True):
        expression = EXPRESSIONS[top]
        if top != tops[0] and goal in (None, expression):
            size = abs(value - getattr(actions, name))
            turns.append((size, -float(row[top]), Turn(name, value, size, expression, changed)))
    return min(turns, key=lambda turn: turn[:2])[2] if turns else None


def between(first: FaceActions, second: FaceActions, share: float) -> FaceActions:
    """Return the actions on the way from one face to another: the first at 0, the second at 1."""
    mixed: Mapping[str, float] = {
        name: (1 - share) * getattr(first, name) + share * getattr(second, name)
        for name in ACTION_NAMES
    }
    return FaceActions(**mixed)


def distance(first: FaceActions, second: FaceActions) -> float:
    """Return the sum over all actions of how far they differ, 0..15; both sides of a pair count as one, by
    their mean."""
    sides = [PAIRS.get(name, (name,)) for name in tried_actions()]
    return float(
        sum(
            abs(getattr(first, name) - getattr(second, name)) / len(names)
            for names in sides
            for name in names
        )
    )

"""Fixed rules for datasets that come without FER2013's three splits."""

from collections.abc import Iterable
from typing import Final

PUBLIC_EVERY: Final = 10
"""Of a dataset's training images in their fixed order, every tenth selects instead of teaching."""

TEST_PART: Final = 5
"""One in five people tests, another one selects."""


def training_or_public(number: int) -> str:
    """Split of the training image of this number, counted from 0."""
    return "PublicTest" if number % PUBLIC_EVERY == 0 else "Training"


def split_people(people: Iterable[str]) -> dict[str, str]:
    """Split of each person, so that nobody is in two.

    Of the people in the order of their names, the last fifth is PrivateTest, the fifth before it PublicTest,
    at least one each; the others are Training. Two people are PublicTest and PrivateTest, a single one is
    PrivateTest: such a set can be measured and is not trained on.
    """
    names = sorted(set(people), reverse=True)
    share = max(1, len(names) // TEST_PART)
    return {
        name: "PrivateTest" if n < share else "PublicTest" if n < 2 * share else "Training"
        for n, name in enumerate(names)
    }

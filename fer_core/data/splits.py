"""Fixed rules that split datasets without FER2013's three splits."""

from collections.abc import Iterable
from typing import Final

PUBLIC_EVERY: Final = 10
"""Every tenth training image, in the dataset's fixed order, is used for validation."""

TEST_PART: Final = 5
"""One in five people is used for testing, and another one for validation."""


def training_or_public(number: int) -> str:
    """Return the split of the training image with this number, counted from 0."""
    return "PublicTest" if number % PUBLIC_EVERY == 0 else "Training"


def split_people(people: Iterable[str]) -> dict[str, str]:
    """Assign each person to one split.

    The people are sorted by name. The last fifth is PrivateTest and the fifth before it PublicTest, at least
    one person each; all others are Training. Two people are PublicTest and PrivateTest, and a single person
    is PrivateTest: such a set is for evaluation only.

    Args:
        people: names, repeated as often as they occur.

    Returns:
        Name -> split.
    """
    names = sorted(set(people), reverse=True)
    share = max(1, len(names) // TEST_PART)
    return {
        name: "PrivateTest" if n < share else "PublicTest" if n < 2 * share else "Training"
        for n, name in enumerate(names)
    }

"""A tick or a cross before a sentence: what a test of a map found."""

from typing import Final

TICK: Final = ":material/check_circle:"
CROSS: Final = ":material/cancel:"
UNCLEAR: Final = ":material/help:"


def verdict(passed: bool, claim: str) -> str:
    """Return a claim with a tick if the test passed, a cross otherwise; in bold."""
    return f"{TICK if passed else CROSS} **{claim}**"

"""The base class of the errors that are shown to users."""

from typing import Final

MAX_LENGTH: Final = 100
"""Most characters of a foreign text within a message."""


class UserError(ValueError):
    """An error the caller can fix; the message says in one line what is wrong and what to do."""


def in_short(text: object) -> str:
    """Return a text from a file, or the message of another library, as part of one line of a message."""
    line = " ".join(str(text)[: 10 * MAX_LENGTH].split())
    printable = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line
    )
    return printable if len(printable) <= MAX_LENGTH else f"{printable[: MAX_LENGTH - 1]}…"

"""Lines for the person who trains, on standard error."""

import sys

from lightning.pytorch.utilities import rank_zero_only


@rank_zero_only
def notice(line: str) -> None:
    """Print a line on standard error; of several processes only the first does."""
    print(line, file=sys.stderr, flush=True)

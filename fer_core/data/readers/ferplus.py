"""Reader of FER+ (Barsoum et al. 2016), ``fer2013new.csv``: ten people's votes on each FER2013 image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.tables import WHOLE, number_in, read_rows
from fer_core.labels import FERPLUS_EXPRESSIONS

CSV_COLUMNS = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "NF"),
)


MAX_VOTES: Final = 1000
"""Most votes for one answer."""


def read_votes(path: Path) -> NDArray[np.float32]:
    """Read the vote counts.

    Returns:
        (N, 10) votes in the order of ``CSV_COLUMNS``, one row for each FER2013 image.

    Raises:
        DataError: if the header is wrong or a field is not a number; the message names the line.
    """
    votes = []
    for line, row in read_rows(path, CSV_COLUMNS):
        votes.append(vote_counts(row, f"{path}, line {line}"))
    return np.array(votes, np.float32).reshape(-1, len(CSV_COLUMNS))


def vote_counts(fields: Sequence[str], location: str) -> list[float]:
    """Return the counts of votes in the fields of a row.

    Raises:
        DataError: if a field is not a number of votes; the message begins with ``location``.
    """
    votes = [number_in(field, location) for field in fields]
    if min(votes) < 0 or max(votes) > MAX_VOTES:
        raise DataError(f"{location}: votes are numbers from 0 to {MAX_VOTES}; {WHOLE}")
    return votes


def vote_targets(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute soft targets from vote counts.

    Single votes are dropped as noise, and so are votes for ``unknown`` and ``not a face``. So a row sums to
    the share of votes that is left for the eight classes; this sum is its weight in the loss.

    Args:
        votes: (N, 10) vote counts.

    Returns:
        (N, 8) targets; each row sums to 0..1.
    """
    kept = np.where(votes > 1, votes, 0)
    total = kept.sum(axis=1, keepdims=True)
    shares = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
    return np.asarray(shares[:, : len(FERPLUS_EXPRESSIONS)], np.float32)


def majority(votes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the class with the most votes, -1 if an image is not counted.

    Single votes are dropped. The largest of the ten columns is the label; the first one wins a tie. An image
    is counted if its label is one of the eight classes.

    Args:
        votes: (N, 10) vote counts.

    Returns:
        (N,) in the order of ``FERPLUS_EXPRESSIONS``, or -1.
    """
    kept = np.where(votes > 1, votes, 0)
    truth = kept.argmax(axis=1)
    counts = (truth < len(FERPLUS_EXPRESSIONS)) & (kept.max(axis=1) > 0)
    return np.where(counts, truth, -1)

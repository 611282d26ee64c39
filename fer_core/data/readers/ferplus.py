"""FER+: ten people's votes for each FER2013 image (Barsoum et al. 2016), ``fer2013new.csv``."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.tables import read_rows
from fer_core.labels import FERPLUS_EXPRESSIONS

CSV_COLUMNS = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "NF"),
)


def read_votes(path: Path) -> NDArray[np.float32]:
    """(N, 10) vote counts, row for row with FER2013.

    Raises:
        DataError: for a wrong header or a field that is no number, with its line.
    """
    votes = []
    for line, row in read_rows(path, CSV_COLUMNS):
        try:
            votes.append([float(field) for field in row])
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}; is the download whole?") from None
    return np.array(votes, np.float32).reshape(-1, len(CSV_COLUMNS))


def vote_targets(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Soft targets from vote counts.

    Votes of a single taker are dropped as noise, ``unknown`` and ``not a face`` likewise, so a row
    sums to the share of votes that is left for the eight classes: that is its weight in the loss.

    Args:
        votes: (N, 10).

    Returns:
        (N, 8), each row summing to 0..1.
    """
    kept = np.where(votes > 1, votes, 0)
    total = kept.sum(axis=1, keepdims=True)
    shares = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
    return np.asarray(shares[:, : len(FERPLUS_EXPRESSIONS)], np.float32)


def majority(votes: NDArray[np.float32]) -> NDArray[np.int64]:
    """The class of most votes, -1 where the image does not count.

    The rule: votes of a single taker are dropped; the largest of the ten columns is the truth, the
    first wins a tie, and an image counts if that column is one of the eight classes.

    Args:
        votes: (N, 10).

    Returns:
        (N,) in the order of ``FERPLUS_EXPRESSIONS``, or -1.
    """
    kept = np.where(votes > 1, votes, 0)
    truth = kept.argmax(axis=1)
    counts = (truth < len(FERPLUS_EXPRESSIONS)) & (kept.max(axis=1) > 0)
    return np.where(counts, truth, -1)

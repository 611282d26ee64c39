"""Rows of a timeline: one face in one frame."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer_core.export import DETAIL_COLUMNS
from fer_core.labels import ACTIONS, EXPRESSIONS, expression_index
from fer_core.models.classifier import Classifier
from fer_core.pose import LANDMARKS
from fer_core.readings import circumplex_position
from fer_core.streaming.smoothing import smooth_symmetrically
from fer_core.types import Face, Floats, Reading

SEQUENCE: Final = 8
"""Maximum length of a sequence, in frames of one face."""

ROW: Final = np.dtype(
    [
        ("frame", np.int32),
        ("time", np.float64),
        ("track", np.int32),
        ("box", np.float32, (4,)),
        ("score", np.float32),
        ("points", np.float32, (5, 2)),
        ("probabilities", np.float32, (7,)),
        ("valence", np.float32),
        ("arousal", np.float32),
        ("unsure", np.bool_),
        ("label", np.int8),
        ("blink", np.int8),
        ("time_attention", np.float16, (SEQUENCE,)),
        ("actions", np.uint8, (len(ACTIONS),)),
    ]
)
"""One face in one frame, with the fields of ``Reading``, in 183 bytes: an hour at 30 frames per second takes
20 MB. Valence and arousal are NaN where unknown; the label is the number of the class that was shown;
``blink`` is 1 if a blink ended, -1 if blinks were not detected; ``time_attention`` ends with the newest frame
and is NaN before the first one; actions are in 255ths."""

FACE_COLUMNS: Final = (
    *("frame", "time", "track", "x0", "y0", "x1", "y1", "top"),
    *EXPRESSIONS,
    *("valence", "arousal", "blink", "smoothing", "baseline"),
)
"""Columns of ``csv_record``."""

ORIGIN_COLUMNS: Final = ("model", "version")
"""Columns that say where a row comes from: the model, and the version of this package."""

CSV_COLUMNS: Final = (*FACE_COLUMNS, *ORIGIN_COLUMNS)
"""Columns of a timeline's table."""


def table_columns(*, details: bool) -> tuple[str, ...]:
    """Return ``CSV_COLUMNS``, with ``fer_core.export.DETAIL_COLUMNS`` before the origin of each row."""
    return (*FACE_COLUMNS, *(DETAIL_COLUMNS if details else ()), *ORIGIN_COLUMNS)


def row_of(frame: int, time: float, reading: Reading) -> NDArray[np.void]:
    """Return a reading of a frame as a row."""
    face = reading.face
    unknown = (np.nan if value is None else value for value in (reading.valence, reading.arousal))
    detection = (frame, time, face.track_id, face.box, face.score, face.points)
    label = expression_index(reading.shown[0])
    blink = -1 if reading.blinks is None else reading.blinks.ended
    scores = [] if face.actions is None else list(face.actions.values())
    actions = np.round(255 * np.array(scores or [0.0] * len(ACTIONS)))
    attention = np.full(SEQUENCE, np.nan, np.float32)
    if reading.time_attention is not None:
        attention[-len(reading.time_attention) :] = reading.time_attention
    prediction = (reading.probabilities, *unknown, reading.unsure, label, blink, attention, actions)
    return np.array((*detection, *prediction), ROW)


def face_of(row: np.void, landmarks: Floats | None = None) -> Face:
    """Return the face of a row; with its landmarks and actions if ``landmarks`` are known."""
    x0, y0, x1, y1 = row["box"].tolist()
    face = Face((x0, y0, x1, y1), float(row["score"]), row["points"], track_id=int(row["track"]))
    if landmarks is None or np.isnan(landmarks).any():
        return face
    actions = dict(zip(ACTIONS, (row["actions"] / 255).tolist(), strict=True))
    return replace(face, landmarks=landmarks, actions=actions)


def restore(reading: Reading, row: np.void) -> Reading:
    """Return a reading with the smoothed values that the stream stored in its row."""
    return replace(
        reading,
        probabilities=row["probabilities"],
        valence=or_none(row["valence"]),
        arousal=or_none(row["arousal"]),
        unsure=bool(row["unsure"]),
        label=EXPRESSIONS[row["label"]],
    )


def landmarks_of(face: Face) -> Floats:
    """Return the (78, 2) landmarks of a face; NaN where it has none."""
    if face.landmarks is None:
        return np.full((LANDMARKS, 2), np.nan, np.float32)
    return face.landmarks.astype(np.float32)


def smooth_rows(rows: NDArray[np.void], seconds: float, unsure_below: float) -> NDArray[np.void]:
    """Return rows whose predictions are averaged over time, for each face by itself.

    The logarithms of the probabilities are averaged, which comes to the same as averaging the logits.

    Args:
        rows: (N,) of ``ROW``, each of its frame alone.
        seconds: time constant, see ``smooth_symmetrically``.
        unsure_below: largest probability below which a row is unsure.
    """
    smooth = rows.copy()
    for track in np.unique(rows["track"]):
        chosen = np.flatnonzero(rows["track"] == track)
        face = rows[chosen]
        logarithms = np.log(np.maximum(face["probabilities"], np.finfo(np.float32).tiny))
        values = np.column_stack([logarithms, face["valence"], face["arousal"]])
        known = np.isfinite(values)
        values = smooth_symmetrically(np.where(known, values, 0), face["time"], seconds)
        exponents = np.exp(values[:, :7] - values[:, :7].max(axis=1, keepdims=True))
        probabilities = exponents / exponents.sum(axis=1, keepdims=True)
        smooth["probabilities"][chosen] = probabilities
        smooth["label"][chosen] = probabilities.argmax(axis=1)
        smooth["unsure"][chosen] = probabilities.max(axis=1) < unsure_below
        smooth["valence"][chosen] = np.where(known[:, 7], values[:, 7], np.nan)
        smooth["arousal"][chosen] = np.where(known[:, 8], values[:, 8], np.nan)
    return smooth


def compare_rows(
    rows: NDArray[np.void], classifier: Classifier, prior: str, neutral: Mapping[int, Floats]
) -> NDArray[np.void]:
    """Return rows whose faces are compared with a neutral one.

    Args:
        rows: (N,) of ``ROW``, each of its frame alone, by the model of ``classifier``.
        prior: shares of the classes that their probabilities assume.
        neutral: track -> (7,) scores of its neutral face at equal shares; other tracks stay as they are.
    """
    compared = rows.copy()
    for track, scores in neutral.items():
        chosen = np.flatnonzero(rows["track"] == track)
        own = classifier.equal_scores(rows["probabilities"][chosen], prior)
        probabilities = classifier.normalize_scores(own, scores)
        compared["probabilities"][chosen] = probabilities
        compared["label"][chosen] = probabilities.argmax(axis=1)
        compared["unsure"][chosen] = probabilities.max(axis=1) < classifier.card.unsure_below
        if not classifier.rates_affect:
            position = circumplex_position(probabilities)
            compared["valence"][chosen], compared["arousal"][chosen] = position.T
    return compared


def describe_smoothing(seconds: float) -> str:
    """Return how predictions are averaged over time, for a caption: a part of a sentence."""
    if seconds <= 0:
        return "read frame by frame"
    return f"smoothed over past and future ({seconds:g} s)"


def csv_record(row: np.void, smoothing: float, baseline: str) -> dict[str, Any]:
    """Return a row with ``FACE_COLUMNS`` as keys; unknown values are None.

    Args:
        smoothing: time constant of the timeline, in seconds.
        baseline: the neutral face with which the row was compared; "" for none.
    """
    box, probabilities = row["box"].tolist(), row["probabilities"].tolist()
    return {
        "frame": int(row["frame"]),
        "time": round(float(row["time"]), 4),
        "track": int(row["track"]),
        **{edge: round(box[k], 1) for k, edge in enumerate(("x0", "y0", "x1", "y1"))},
        "top": EXPRESSIONS[int(np.argmax(probabilities))],
        **dict(zip(EXPRESSIONS, probabilities, strict=True)),
        "valence": or_none(row["valence"]),
        "arousal": or_none(row["arousal"]),
        "blink": None if row["blink"] < 0 else int(row["blink"]),
        "smoothing": smoothing,
        "baseline": baseline or None,
    }


def or_none(value: np.float32) -> float | None:
    """Return a value as a float; None for NaN."""
    return None if np.isnan(value) else float(value)

"""Rows of a timeline: one face in one frame."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import ACTIONS, EXPRESSIONS, expression_index
from fer_core.pose import LANDMARKS
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

CSV_COLUMNS: Final = (
    *("frame", "time", "track", "x0", "y0", "x1", "y1", "top"),
    *EXPRESSIONS,
    *("valence", "arousal", "blink"),
)


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


def csv_record(row: np.void) -> dict[str, Any]:
    """Return a row with ``CSV_COLUMNS`` as keys; unknown values are None."""
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
    }


def or_none(value: np.float32) -> float | None:
    """Return a value as a float; None for NaN."""
    return None if np.isnan(value) else float(value)

"""Predictions over a clip: a row for each face of each frame, and statistics of the rows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer_core.analyzer import Analyzer
from fer_core.errors import UserError
from fer_core.labels import ACTIONS, EXPRESSIONS, expression_index
from fer_core.streaming.stream import Stream, StreamSettings
from fer_core.types import Face, FrameResult, Image, Reading
from fer_core.video.decode import BreaksOffError, Clip, Frame

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

MAX_BATCH_FRAMES: Final = 8
MAX_BATCH_PIXELS: Final = 8e6
"""Maximum frames and pixels of a batch, which bound the memory."""

CSV_COLUMNS: Final = (
    *("frame", "time", "track", "x0", "y0", "x1", "y1", "top"),
    *EXPRESSIONS,
    *("valence", "arousal", "blink"),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of the work on a clip."""

    time: float
    """Seconds of the clip that are finished."""
    duration: float | None
    """Declared duration of the clip, in seconds; None if unknown."""
    elapsed: float
    """Time spent so far, in seconds."""

    @property
    def share(self) -> float:
        """Finished share of the clip, 0..1; 0 if the duration is unknown."""
        return min(1.0, self.time / self.duration) if self.duration else 0.0

    @property
    def left(self) -> float | None:
        """Estimated remaining time, in seconds; None if unknown."""
        return self.elapsed * (1 / self.share - 1) if self.share else None


@dataclass(frozen=True, slots=True)
class Moment:
    """Face and time at which a class has its highest probability."""

    frame: int
    time: float
    track: int
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """All predictions of a clip, or of its first part."""

    clip: str
    """Name of the file."""
    model: str
    every: int
    """Step between analyzed frames: 1 for every frame, 2 for every second one."""
    frames: int
    """Number of analyzed frames, with or without a face."""
    end: float
    """Time of the last analyzed frame, in seconds."""
    stopped: bool
    """Whether the analysis was stopped before the clip's end."""
    flaw: str | None
    """Reason why the clip breaks off, in one sentence; None if it is complete."""
    rows: NDArray[np.void]
    """(N,) of ``ROW``, sorted by time; the largest face of a frame comes first."""
    prior: str | None = None
    """Shares of the classes that the probabilities assume: a key of ``PRIORS``; None for the card's."""

    @property
    def tracks(self) -> list[int]:
        """Numbers of the faces, in the order in which they appear."""
        return list(dict.fromkeys(self.rows["track"].tolist()))

    def of(self, track: int) -> NDArray[np.void]:
        """Return the rows of one face."""
        return self.rows.compress(self.rows["track"] == track)

    def best(self, track: int | None = None) -> dict[str, Moment]:
        """Return class -> moment of its highest probability, for one face or all; {} without rows."""
        rows = self.rows if track is None else self.of(track)
        if not len(rows):
            return {}
        return {
            name: _moment(rows[rows["probabilities"][:, number].argmax()], number)
            for number, name in enumerate(EXPRESSIONS)
        }

    def by_second(self) -> list[dict[str, Any]]:
        """Return a record for each second and face: number of frames, class with the highest mean, means, and
        number of blinks."""
        return _means(self.rows, self.rows["time"].astype(int), "second")

    def by_face(self) -> list[dict[str, Any]]:
        """Return a record for each face: first and last time, and the fields of ``by_second``."""
        records = []
        for track in self.tracks:
            rows = self.of(track)
            (means,) = _means(rows, np.zeros(len(rows), int), "second")
            del means["second"]
            times = {"first": float(rows["time"][0]), "last": float(rows["time"][-1])}
            records.append({"track": means.pop("track"), **times, **means})
        return records

    def csv_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a record for each row, with ``CSV_COLUMNS`` as keys; unknown values are None."""
        for row in self.rows:
            box, probabilities = row["box"].tolist(), row["probabilities"].tolist()
            yield {
                "frame": int(row["frame"]),
                "time": round(float(row["time"]), 4),
                "track": int(row["track"]),
                **{edge: round(box[k], 1) for k, edge in enumerate(("x0", "y0", "x1", "y1"))},
                "top": EXPRESSIONS[int(np.argmax(probabilities))],
                **dict(zip(EXPRESSIONS, probabilities, strict=True)),
                "valence": _or_none(row["valence"]),
                "arousal": _or_none(row["arousal"]),
                "blink": None if row["blink"] < 0 else int(row["blink"]),
            }

    def record(self) -> dict[str, Any]:
        """Return all fields and statistics as plain values for JSON."""
        return {
            "clip": self.clip,
            "model": self.model,
            "every": self.every,
            "frames": self.frames,
            "end": self.end,
            "stopped": self.stopped,
            "flaw": self.flaw,
            "rows": list(self.csv_rows()),
            "by_second": self.by_second(),
            "by_face": self.by_face(),
            "best": {name: asdict(moment) for name, moment in self.best().items()},
            "prior": self.prior,
        }

    def replay(
        self, image: Image, frame: int, analyzer: Analyzer, *, maps: tuple[str, ...] = ()
    ) -> FrameResult:
        """Return the result of a frame as ``Stream`` computed it; only crops and maps are recomputed.

        Args:
            image: the frame, (H, W, 3) RGB uint8.
            frame: number of the frame; a skipped frame gets the result of the last analyzed one.
            analyzer: the analyzer that computed the timeline.
            maps: classes to explain for each face; "top" is the face's most likely class.
        """
        first, last = np.searchsorted(self.rows["frame"], frame - frame % self.every + np.arange(2))
        rows = self.rows[first:last]
        faces = [_face(row) for row in rows]
        result = analyzer.predict(image, faces, model=self.model, prior=self.prior, landmarks=True)
        readings = tuple(map(_restore, result.readings, rows))
        explanations = tuple(
            tuple(analyzer.explain(image, reading, target) for target in maps)
            for reading in readings
        )
        return FrameResult(readings, explanations if maps else ())


class TimelineReader:
    """Predict over a clip; each step of the iteration analyzes a frame and yields the progress.

    The iteration may stop at any time and continue later; ``timeline`` holds the predictions so far. Frames
    and readings are not kept.

        reader = TimelineReader(clip, analyzer)
        for progress in reader:
            print(f"{progress.share:.0%}")
        reader.timeline.by_face()

    Args:
        settings: settings of the stream; maps are not needed here.
        every: 1 for every frame, 2 for every second one, and so on.

    Raises:
        UserError: if ``every`` is less than 1 or the sequence is longer than ``SEQUENCE``.
        VideoError: during the iteration, if no frame can be decoded.
    """

    def __init__(
        self,
        clip: Clip,
        analyzer: Analyzer,
        settings: StreamSettings | None = None,
        *,
        every: int = 1,
    ) -> None:
        if every < 1:
            raise UserError(f"every {every}-th frame cannot be read; give 1 or more")
        self._clip, self._every = clip, every
        settings = settings or StreamSettings(maps=())
        if (length := settings.sequence) > SEQUENCE:
            raise UserError(f"a sequence of {length} frames is too long; give at most {SEQUENCE}")
        classifier = analyzer.classifier(settings.model)
        self._model, self._prior = classifier.name, classifier.assumed_prior(settings.prior)
        self._stream = Stream(analyzer, settings)
        self._rows = bytearray()
        self._frames, self._end = 0, 0.0
        self._flaw: str | None = None
        self._done = False
        self._steps = self._read()

    def __iter__(self) -> Iterator[Progress]:
        return self._steps

    @property
    def timeline(self) -> Timeline:
        """Predictions so far."""
        return Timeline(
            clip=self._clip.name,
            model=self._model,
            every=self._every,
            frames=self._frames,
            end=self._end,
            stopped=not self._done,
            flaw=self._flaw,
            rows=np.frombuffer(bytes(self._rows), ROW),
            prior=self._prior,
        )

    def _read(self) -> Iterator[Progress]:
        elapsed, started = 0.0, monotonic()
        for frames in self._batches():
            results = self._stream.push_all([(frame.image, frame.time) for frame in frames])
            for frame, result in zip(frames, results, strict=True):
                for reading in result.readings:
                    self._rows += _row(frame.number, frame.time, reading).tobytes()
                self._frames, self._end = self._frames + 1, frame.time
                elapsed += monotonic() - started
                yield Progress(frame.time, self._clip.duration, elapsed)
                started = monotonic()
        self._done = True

    def _batches(self) -> Iterator[list[Frame]]:
        """Yield the frames of the clip in batches, up to the point where it breaks off."""
        batch: list[Frame] = []
        try:
            for frame in self._clip.frames(every=self._every):
                batch.append(frame)
                if len(batch) >= min(MAX_BATCH_FRAMES, MAX_BATCH_PIXELS * 3 // frame.image.size):
                    yield batch
                    batch = []
        except BreaksOffError as error:
            self._flaw = str(error)
        if batch:
            yield batch


def _row(frame: int, time: float, reading: Reading) -> NDArray[np.void]:
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


def _face(row: np.void) -> Face:
    x0, y0, x1, y1 = row["box"].tolist()
    return Face((x0, y0, x1, y1), float(row["score"]), row["points"], track_id=int(row["track"]))


def _restore(reading: Reading, row: np.void) -> Reading:
    """Return a reading with the smoothed values that the stream stored in its row."""
    return replace(
        reading,
        probabilities=row["probabilities"],
        valence=_or_none(row["valence"]),
        arousal=_or_none(row["arousal"]),
        unsure=bool(row["unsure"]),
        label=EXPRESSIONS[row["label"]],
    )


def _moment(row: np.void, expression: int) -> Moment:
    probability = float(row["probabilities"][expression])
    return Moment(int(row["frame"]), float(row["time"]), int(row["track"]), probability)


def _or_none(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)


def _means(rows: NDArray[np.void], groups: NDArray[np.int_], name: str) -> list[dict[str, Any]]:
    """Return a record for each group and track, in order: number of rows, and their means."""
    keys, inverse = np.unique(np.stack([groups, rows["track"]], 1), axis=0, return_inverse=True)
    records = []
    for number, (group, track) in enumerate(keys.tolist()):
        group_rows = rows[inverse == number]
        means, blinks = group_rows["probabilities"].mean(axis=0), group_rows["blink"]
        records.append(
            {
                name: group,
                "track": track,
                "frames": len(group_rows),
                "top": EXPRESSIONS[int(means.argmax())],
                **dict(zip(EXPRESSIONS, means.tolist(), strict=True)),
                "valence": _or_none(group_rows["valence"].mean()),
                "arousal": _or_none(group_rows["arousal"].mean()),
                "blinks": None if (blinks < 0).all() else int((blinks > 0).sum()),
            }
        )
    return records

"""What was read in a clip: a row for each face of each frame, and what follows from the rows."""

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
"""Most pictures of a face that are read as one sequence here."""

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
"""One face in one frame, as ``Reading`` holds it, in 183 bytes: an hour at 30 frames a second takes 20 MB.
Valence and arousal are NaN where they are unknown; the label is the number of the class that was shown;
``blink`` is 1 where one ended, -1 where nobody looked for any; ``time_attention`` ends with the newest
picture and is NaN where there is none; actions are in 255ths."""

FRAMES_AT_ONCE: Final = 8
PIXELS_AT_ONCE: Final = 8e6
"""Frames that are read together, and the most pixels that they may have: memory stays bounded."""

CSV_COLUMNS: Final = (
    *("frame", "time", "track", "x0", "y0", "x1", "y1", "top"),
    *EXPRESSIONS,
    *("valence", "arousal", "blink"),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work on a clip has come."""

    time: float
    """Seconds of the clip that are done."""
    duration: float | None
    """Seconds of the whole clip, where it announces them."""
    elapsed: float
    """Seconds that it took."""

    @property
    def share(self) -> float:
        """0..1; 0 while it cannot be known."""
        return min(1.0, self.time / self.duration) if self.duration else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take, at the pace so far."""
        return self.elapsed * (1 / self.share - 1) if self.share else None


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a class had its highest probability."""

    frame: int
    time: float
    track: int
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """All that was read in a clip, or in its beginning."""

    clip: str
    """Name of the file."""
    model: str
    every: int
    """Frames from one that was read to the next."""
    frames: int
    """Frames that were read, those without a face too."""
    end: float
    """Time of the last one, in seconds."""
    stopped: bool
    """Reading was stopped before the clip's end."""
    flaw: str | None
    """Why the clip has no proper end, in a sentence."""
    rows: NDArray[np.void]
    """(N,) of ``ROW``, rising in time; in a frame the largest face first."""

    @property
    def tracks(self) -> list[int]:
        """Numbers of the faces, in the order in which they appear."""
        return list(dict.fromkeys(self.rows["track"].tolist()))

    def of(self, track: int) -> NDArray[np.void]:
        """The rows of one face."""
        return self.rows.compress(self.rows["track"] == track)

    def best(self, track: int | None = None) -> dict[str, Moment]:
        """Class -> its best moment, of one face or of all; empty where there is none."""
        rows = self.rows if track is None else self.of(track)
        if not len(rows):
            return {}
        return {
            name: _moment(rows[rows["probabilities"][:, number].argmax()], number)
            for number, name in enumerate(EXPRESSIONS)
        }

    def by_second(self) -> list[dict[str, Any]]:
        """For each second and face: frames with it, the class with the highest mean, the means, and how
        many blinks ended."""
        return _means(self.rows, self.rows["time"].astype(int), "second")

    def by_face(self) -> list[dict[str, Any]]:
        """For each face: when it was seen, and the same as for a second."""
        records = []
        for track in self.tracks:
            rows = self.of(track)
            (means,) = _means(rows, np.zeros(len(rows), int), "second")
            del means["second"]
            seen = {"first": float(rows["time"][0]), "last": float(rows["time"][-1])}
            records.append({"track": means.pop("track"), **seen, **means})
        return records

    def csv_rows(self) -> Iterator[dict[str, Any]]:
        """A record a row, in ``CSV_COLUMNS``; what is unknown is None."""
        for row in self.rows:
            box, probabilities = row["box"].tolist(), row["probabilities"].tolist()
            yield {
                "frame": int(row["frame"]),
                "time": round(float(row["time"]), 4),
                "track": int(row["track"]),
                **{edge: round(box[k], 1) for k, edge in enumerate(("x0", "y0", "x1", "y1"))},
                "top": EXPRESSIONS[int(np.argmax(probabilities))],
                **dict(zip(EXPRESSIONS, probabilities, strict=True)),
                "valence": _known(row["valence"]),
                "arousal": _known(row["arousal"]),
                "blink": None if row["blink"] < 0 else int(row["blink"]),
            }

    def record(self) -> dict[str, Any]:
        """Everything, with numbers that JSON can hold."""
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
        }

    def replay(
        self, image: Image, frame: int, analyzer: Analyzer, *, maps: tuple[str, ...] = ()
    ) -> FrameResult:
        """What was read in a frame, as ``Stream`` gave it: only crops and maps are computed anew.

        Args:
            image: the picture of that frame.
            frame: its number; one that was left out shows what the last one before it held.
            maps: classes to explain for each face; "top" is the face's likeliest one.
        """
        first, last = np.searchsorted(self.rows["frame"], frame - frame % self.every + np.arange(2))
        rows = self.rows[first:last]
        faces = [_face(row) for row in rows]
        anew = analyzer.predict(image, faces, model=self.model, landmarks=True)
        readings = tuple(map(_as_read, anew.readings, rows))
        explanations = tuple(
            tuple(analyzer.explain(image, reading, target) for target in maps)
            for reading in readings
        )
        return FrameResult(readings, explanations if maps else ())


class TimelineReader:
    """Reads a clip: every step of the iteration works on a frame and tells how far it is.

    The iteration may be left at any time, and gone on with later; ``timeline`` holds what was read so
    far. Neither frames nor readings are kept.

        reader = TimelineReader(clip, analyzer)
        for progress in reader:
            print(f"{progress.share:.0%}")
        reader.timeline.by_face()

    Args:
        settings: as for a stream; maps are not needed here.
        every: 1 for every frame, 2 for every other one, and so on.

    Raises:
        UserError: ``every`` is less than 1, or the sequence longer than ``SEQUENCE``.
        VideoError: in the iteration; no frame can be decoded.
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
        self._clip = clip
        self._every = every
        settings = settings or StreamSettings(maps=())
        if settings.sequence > SEQUENCE:
            raise UserError(
                f"{settings.sequence} pictures are too long a sequence; give {SEQUENCE} at most"
            )
        self._model = analyzer.classifier(settings.model).name
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
        """What was read so far."""
        return Timeline(
            clip=self._clip.name,
            model=self._model,
            every=self._every,
            frames=self._frames,
            end=self._end,
            stopped=not self._done,
            flaw=self._flaw,
            rows=np.frombuffer(bytes(self._rows), ROW),
        )

    def _read(self) -> Iterator[Progress]:
        worked = 0.0
        started = monotonic()
        for frames in self._batches():
            results = self._stream.push_all([(frame.image, frame.time) for frame in frames])
            for frame, result in zip(frames, results, strict=True):
                for reading in result.readings:
                    self._rows += _row(frame.number, frame.time, reading).tobytes()
                self._frames, self._end = self._frames + 1, frame.time
                worked += monotonic() - started
                yield Progress(frame.time, self._clip.duration, worked)
                started = monotonic()
        self._done = True

    def _batches(self) -> Iterator[list[Frame]]:
        """The frames of the clip, a few at a time, as far as it goes."""
        batch: list[Frame] = []
        try:
            for frame in self._clip.frames(every=self._every):
                batch.append(frame)
                if len(batch) >= min(FRAMES_AT_ONCE, PIXELS_AT_ONCE * 3 // frame.image.size):
                    yield batch
                    batch = []
        except BreaksOffError as error:
            self._flaw = str(error)
        if batch:
            yield batch


def _row(frame: int, time: float, reading: Reading) -> NDArray[np.void]:
    face = reading.face
    unknown = (np.nan if value is None else value for value in (reading.valence, reading.arousal))
    values = (frame, time, face.track_id, face.box, face.score, face.points)
    label = expression_index(reading.shown[0])
    blink = -1 if reading.blinks is None else reading.blinks.ended
    scores = [] if face.actions is None else list(face.actions.values())
    actions = np.round(255 * np.array(scores or [0.0] * len(ACTIONS)))
    over_time = np.full(SEQUENCE, np.nan, np.float32)
    if reading.time_attention is not None:
        over_time[-len(reading.time_attention) :] = reading.time_attention
    read = (reading.probabilities, *unknown, reading.unsure, label, blink, over_time, actions)
    return np.array((*values, *read), ROW)


def _face(row: np.void) -> Face:
    x0, y0, x1, y1 = row["box"].tolist()
    return Face((x0, y0, x1, y1), float(row["score"]), row["points"], track_id=int(row["track"]))


def _as_read(reading: Reading, row: np.void) -> Reading:
    """The reading of a crop, with what a stream had made of it."""
    return replace(
        reading,
        probabilities=row["probabilities"],
        valence=_known(row["valence"]),
        arousal=_known(row["arousal"]),
        unsure=bool(row["unsure"]),
        label=EXPRESSIONS[row["label"]],
    )


def _moment(row: np.void, expression: int) -> Moment:
    probability = float(row["probabilities"][expression])
    return Moment(int(row["frame"]), float(row["time"]), int(row["track"]), probability)


def _known(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)


def _means(rows: NDArray[np.void], groups: NDArray[np.int_], name: str) -> list[dict[str, Any]]:
    """A record for each group and track, rising: how many rows, and their means."""
    keys, inverse = np.unique(np.stack([groups, rows["track"]], 1), axis=0, return_inverse=True)
    records = []
    for number, (group, track) in enumerate(keys.tolist()):
        chosen = rows[inverse == number]
        means = chosen["probabilities"].mean(axis=0)
        records.append(
            {
                name: group,
                "track": track,
                "frames": len(chosen),
                "top": EXPRESSIONS[int(means.argmax())],
                **dict(zip(EXPRESSIONS, means.tolist(), strict=True)),
                "valence": _known(chosen["valence"].mean()),
                "arousal": _known(chosen["arousal"].mean()),
                "blinks": None if (chosen["blink"] < 0).all() else int((chosen["blink"] > 0).sum()),
            }
        )
    return records

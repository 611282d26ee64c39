"""Predictions over a clip: a row for each face of each frame, and statistics of the rows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from fer_core import __version__
from fer_core.analyzer import Analyzer
from fer_core.errors import UserError
from fer_core.export import data_frame, detail_cells
from fer_core.labels import EXPRESSIONS
from fer_core.models.classifier import Classifier
from fer_core.types import Baseline, Floats, FrameResult, Image
from fer_core.video.rows import (
    compare_rows,
    csv_record,
    describe_smoothing,
    face_of,
    or_none,
    restore,
    smooth_rows,
)

if TYPE_CHECKING:
    import pandas as pd


MOMENT: Final = 1.0
"""Time around a moment over which a neutral face is taken, in seconds."""


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
    landmarks: Floats | None = None
    """(N, 78, 2) landmarks of each row, in pixels of its frame; None unless read with details."""
    smoothing: float = 0.0
    """Time constant in seconds of the average over past and future; 0 if each frame stands for itself."""
    unsure_below: float = 0.0
    """Largest probability below which a row is unsure, from the model's card."""
    baseline: str = ""
    """The neutral face with which each face was compared: ``median``, a time such as ``2.5 s``, or
    ``picture``; "" for none."""
    version: str = __version__
    """Version of the package that read the clip."""

    def compared(self, neutral: "float | str | Baseline", classifier: Classifier) -> "Timeline":
        """Return the timeline with each face compared with a neutral one. Nothing is read again.

        Args:
            neutral: a moment in seconds, around which each face is taken for neutral for a second;
                ``"median"`` for the median of each face over the clip, which serves where faces are mostly
                at rest; or a baseline for all faces. Faces that are not there at the moment stay as they are.
            classifier: the model of the timeline.

        Raises:
            UserError: if the timeline is smoothed or compared already, no face is there at the moment, or
                the model is another.
        """
        if self.smoothing > 0 or self.baseline:
            raise UserError("compare the timeline of single frames, before it is smoothed")
        if classifier.name != self.model:
            raise UserError(f"the clip was read by {self.model!r}, not by {classifier.name!r}")
        prior = self.prior or classifier.assumed_prior()
        scores: dict[int, Floats] = {}
        for track in self.tracks:
            rows = self.of(track)
            if isinstance(neutral, Baseline):
                classifier.check_baseline(neutral)
                scores[track] = classifier.scores(neutral.logits, "equal")
                continue
            if not isinstance(neutral, str):
                rows = rows[np.abs(rows["time"] - neutral) <= MOMENT / 2]
            if len(rows):
                own = classifier.equal_scores(rows["probabilities"], prior)
                scores[track] = np.asarray(np.median(own, axis=0), np.float32)
        if not scores:
            raise UserError(f"there is no face at {neutral} s; choose a moment with a neutral face")
        return replace(
            self,
            rows=compare_rows(self.rows, classifier, prior, scores),
            baseline=describe_baseline(neutral),
        )

    def smoothed(self, seconds: float) -> "Timeline":
        """Return the timeline with predictions averaged over past and future, for each face by itself.

        Nothing is read again. A step, such as a smile that begins, stays where it is.

        Args:
            seconds: time constant, in which a frame's weight falls to 37 %; 0 for each frame by itself.

        Raises:
            UserError: if the timeline is smoothed already.
        """
        if self.smoothing > 0:
            raise UserError("the timeline is smoothed already; smooth the one of single frames")
        check_smoothing(seconds)
        rows = smooth_rows(self.rows, seconds, self.unsure_below) if seconds else self.rows
        return replace(self, rows=rows, smoothing=seconds)

    @property
    def treatment(self) -> str:
        """How predictions were averaged and with whom faces were compared: a part of a sentence."""
        neutral = f", compared with the neutral face ({self.baseline})" if self.baseline else ""
        return describe_smoothing(self.smoothing) + neutral

    @property
    def origin(self) -> str:
        """The model and the version of this package that made the predictions."""
        return f"{self.model}, Expression Lens {self.version}"

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

    def reached(self, track: int) -> list[str]:
        """Return the classes of one face that were the likeliest once, or not below the card's threshold."""
        probabilities = self.of(track)["probabilities"]
        highest = probabilities == probabilities.max(axis=1, keepdims=True)
        if self.unsure_below > 0:
            highest |= probabilities >= self.unsure_below
        return [
            name for name, reached in zip(EXPRESSIONS, highest.any(axis=0), strict=True) if reached
        ]

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

    def csv_rows(self, *, details: bool = False) -> Iterator[dict[str, Any]]:
        """Yield a record for each row, with ``CSV_COLUMNS`` as keys; unknown values are None.

        Args:
            details: add ``fer_core.export.DETAIL_COLUMNS``, of a timeline that was read with details; the
                order is that of ``table_columns``.
        """
        for number, row in enumerate(self.rows):
            cells = csv_record(row, self.smoothing, self.baseline)
            if details:
                landmarks = None if self.landmarks is None else self.landmarks[number]
                cells.update(detail_cells(face_of(row, landmarks)))
            yield {**cells, "model": self.model, "version": self.version}

    def data_frame(self, *, details: bool = False) -> "pd.DataFrame":
        """Return ``csv_rows`` as a pandas table.

        Raises:
            UserError: if pandas is not installed.
        """
        return data_frame(self.csv_rows(details=details))

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
            "smoothing": self.smoothing,
            "baseline": self.baseline or None,
            "version": self.version,
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
        faces = [face_of(row) for row in rows]
        result = analyzer.predict(image, faces, model=self.model, prior=self.prior, landmarks=True)
        readings = tuple(map(restore, result.readings, rows))
        explanations = tuple(
            tuple(analyzer.explain(image, reading, target) for target in maps)
            for reading in readings
        )
        return FrameResult(readings, explanations if maps else ())


def describe_baseline(neutral: "float | str | Baseline") -> str:
    """Return the name of a neutral face, for tables and captions."""
    if isinstance(neutral, Baseline):
        return "picture"
    return neutral if isinstance(neutral, str) else f"{neutral:g} s"


def check_smoothing(seconds: float) -> None:
    """Raise a UserError unless these are seconds over which predictions can be averaged."""
    if not 0 <= seconds < np.inf:
        raise UserError(
            f"predictions cannot be smoothed over {seconds:g} s; give 0 or more seconds"
        )


def _moment(row: np.void, expression: int) -> Moment:
    probability = float(row["probabilities"][expression])
    return Moment(int(row["frame"]), float(row["time"]), int(row["track"]), probability)


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
                "valence": or_none(group_rows["valence"].mean()),
                "arousal": or_none(group_rows["arousal"].mean()),
                "blinks": None if (blinks < 0).all() else int((blinks > 0).sum()),
            }
        )
    return records

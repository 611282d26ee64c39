"""One viewer's memory over the shared analyzer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol, runtime_checkable

import numpy as np

from fer_core.analyzer import Analyzer, stage
from fer_core.faces import find_faces
from fer_core.faces.blinks import BlinkCounter
from fer_core.faces.tracking import Tracker, overlap
from fer_core.images import to_rgb
from fer_core.steady import Past, Steady
from fer_core.types import Blinks, Face, Floats, FrameResult, Image

DETECT_EVERY = 0.2
"""Seconds between two searches of the whole frame; in between the known faces are followed."""

ONE_FACE = 0.5
"""Overlap (intersection over union) above which two finds are taken for one face."""

CLEARLY_LARGER = 1.25
"""Ratio of areas from which another face comes first."""


@runtime_checkable
class Follower(Protocol):
    """A detector that can find a face again near where it was, for a fraction of a search."""

    def refine(self, image: Image, boxes: Floats) -> list[Face | None]: ...


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What a viewer asked for. None means the analyzer's own choice."""

    model: str | None = None
    detector: str | None = None
    min_face: int | None = None
    maps: tuple[str, ...] = ("top",)
    other: str | None = None
    """A class whose map is taken away from each of ``maps``."""
    method: str = "gradcam"
    landmarks: bool = True
    """Find dense landmarks and facial actions, and count blinks."""
    sequence: int = 1
    """Pictures of a face that a network which can do so reads as one, a tenth of a second apart at least;
    1 reads each frame by itself."""
    smoothing: float = 0.25
    """Time constant in seconds of the moving average of what the network says, and of the patience with
    which the shown class is kept; 0 shows each frame by itself."""


@dataclass(slots=True)
class _Known:
    """What is remembered of one face."""

    steady: Steady = field(default_factory=Steady)
    past: Past = field(default_factory=Past)
    lids: BlinkCounter = field(default_factory=BlinkCounter)


@dataclass(frozen=True, slots=True)
class _Memory:
    """What is remembered of the faces in one frame, as the analyzer asks for it."""

    faces: Sequence[_Known]
    time: float
    constant: float
    sequence: int

    def sequences(self, rows: Floats) -> list[Floats] | None:
        if self.sequence <= 1:
            return None
        return [
            face.past.recall(row, self.sequence, time=self.time)
            for face, row in zip(self.faces, rows, strict=True)
        ]

    def average(self, said: Floats) -> Floats:
        rows = zip(self.faces, said, strict=True)
        return np.stack(
            [face.steady.average(row, time=self.time, constant=self.constant) for face, row in rows]
        )

    def settle(self, probabilities: Floats, threshold: float) -> list[tuple[str, bool]]:
        return [
            face.steady.settle(row, threshold, time=self.time, constant=self.constant)
            for face, row in zip(self.faces, probabilities, strict=True)
        ]

    def blinks(self, faces: Sequence[Face]) -> list[Blinks | None]:
        return [
            None if face.landmarks is None else known.lids.see(face.eyes, time=self.time)
            for known, face in zip(self.faces, faces, strict=True)
        ]


class Stream:
    """Follows faces from frame to frame and steadies what is read from them.

    ``settings`` may be replaced at any time. Each stream belongs to one viewer; when frames come
    faster than they can be worked on, a push that finds another at work returns the last result.
    """

    def __init__(self, analyzer: Analyzer, settings: StreamSettings | None = None) -> None:
        self.settings = settings or StreamSettings()
        self._analyzer = analyzer
        self._busy = Lock()
        self._tracker = Tracker()
        self._memories: dict[int, _Known] = {}
        self._first: int | None = None
        self._searched = -np.inf
        self._searched_with: tuple[str | None, int | None] = (None, None)
        self._model: str | None = None
        self._last = FrameResult()

    def push(self, frame: Image, *, time: float) -> FrameResult:
        """Read the next frame.

        Args:
            frame: (H, W, 3) RGB uint8; its size may change from frame to frame.
            time: seconds, on any clock that does not go back.
        """
        if not self._busy.acquire(blocking=False):
            return self._last
        try:
            (self._last,) = self._read([(to_rgb(frame), time)])
            return self._last
        finally:
            self._busy.release()

    def push_all(self, frames: Sequence[tuple[Image, float]]) -> list[FrameResult]:
        """Read several frames at once, which is faster than one by one and tells the same.

        Args:
            frames: as for ``push``, each with its time.

        Returns:
            As many results, with the timings of all.
        """
        with self._busy:
            return self._read([(to_rgb(frame), time) for frame, time in frames])

    def _read(self, frames: Sequence[tuple[Image, float]]) -> list[FrameResult]:
        settings = self.settings
        timings: dict[str, float] = {}
        known = []
        for frame, time in frames:
            with stage(timings, "detect"):
                faces = self._in_order(self._find(frame, time, settings))
            memory = _Memory(
                self._recall(faces, settings.model), time, settings.smoothing, settings.sequence
            )
            known.append((frame, faces, memory))
        return self._analyzer.read_frames(
            known,
            model=settings.model,
            maps=settings.maps,
            other=settings.other,
            method=settings.method,
            landmarks=settings.landmarks,
            timings=timings,
        )

    def _find(self, frame: Image, time: float, settings: StreamSettings) -> list[Face]:
        """Follow the known faces; search the frame when it is time, or when one of them was lost."""
        detector = self._analyzer.detector(settings.detector, settings.min_face)
        asked = (settings.detector, settings.min_face)
        due = time - self._searched >= DETECT_EVERY or asked != self._searched_with
        if not due and isinstance(detector, Follower):
            seen, hidden = self._tracker.expected(frame, time)
            found = detector.refine(frame, np.concatenate([seen, hidden]))
            followed = _distinct(found[: len(seen)])
            if len(followed) == len(seen):
                faces = _distinct([*followed, *found[len(seen) :]])
                return self._tracker.update(frame, faces, time)
        self._searched, self._searched_with = time, asked
        return self._tracker.update(frame, find_faces(frame, detector), time)

    def _in_order(self, faces: Sequence[Face]) -> list[Face]:
        """Largest first, but two of a size do not take turns."""

        def rank(face: Face) -> float:
            return face.area * (CLEARLY_LARGER if face.track_id == self._first else 1.0)

        ordered = sorted(faces, key=rank, reverse=True)
        if ordered:
            self._first = ordered[0].track_id
        return ordered

    def _recall(self, faces: Sequence[Face], model: str | None) -> list[_Known]:
        """The memory of each face; those of faces that are gone are dropped, and what another model said."""
        if model != self._model:
            self._memories = {n: _Known(lids=known.lids) for n, known in self._memories.items()}
            self._model = model
        self._memories = {n: m for n, m in self._memories.items() if n in self._tracker.known}
        numbers = (face.track_id for face in faces)
        return [self._memories.setdefault(n, _Known()) for n in numbers if n is not None]


def _distinct(found: Iterable[Face | None]) -> list[Face]:
    """The faces among the finds; of several on one face only the first."""
    faces: list[Face] = []
    for face in found:
        if face and all(overlap(face.box, other.box) <= ONE_FACE for other in faces):
            faces.append(face)
    return faces

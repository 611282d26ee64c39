"""One viewer's memory over the shared analyzer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol, runtime_checkable

import numpy as np

from fer_core.analyzer import Analyzer, stage
from fer_core.faces import Detector, find_faces
from fer_core.images import to_rgb
from fer_core.types import Face, Floats, FrameResult, Image

DETECT_EVERY = 0.25
"""Seconds between two searches of the whole frame; in between the known faces are followed."""

SAME_FACE = 0.3
"""Overlap (intersection over union) from which two boxes are taken for one face."""


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
    method: str = "gradcam"
    smoothing: float = 0.3
    """Time constant of the logits' moving average, in seconds; 0 shows each frame by itself."""


@dataclass(slots=True)
class _Track:
    """A face that was seen in the last frame."""

    number: int
    face: Face
    logits: Floats | None = None


class Stream:
    """Follows faces from frame to frame and steadies what is read from them.

    ``settings`` may be replaced at any time. Each stream belongs to one viewer; when frames come
    faster than they can be worked on, a push that finds another at work returns the last result.
    """

    def __init__(self, analyzer: Analyzer, settings: StreamSettings | None = None) -> None:
        self.settings = settings or StreamSettings()
        self._analyzer = analyzer
        self._busy = Lock()
        self._tracks: list[_Track] = []
        self._next_number = 0
        self._searched = -np.inf
        self._searched_with: tuple[str | None, int | None] = (None, None)
        self._time = 0.0
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
            self._last = self._push(to_rgb(frame), time)
            return self._last
        finally:
            self._busy.release()

    def _push(self, frame: Image, time: float) -> FrameResult:
        settings = self.settings
        timings: dict[str, float] = {}
        with stage(timings, "detect"):
            self._update_tracks(frame, time, settings)
        elapsed, self._time = time - self._time, time
        if settings.model != self._model:
            self._model = settings.model
            for track in self._tracks:
                track.logits = None
        return self._analyzer.read(
            frame,
            [track.face for track in self._tracks],
            model=settings.model,
            maps=settings.maps,
            method=settings.method,
            timings=timings,
            smooth=lambda logits: self._smooth(logits, elapsed, settings.smoothing),
        )

    def _update_tracks(self, frame: Image, time: float, settings: StreamSettings) -> None:
        """Follow the known faces; search the frame when it is time, or when one was lost."""
        detector = self._analyzer.detector(settings.detector, settings.min_face)
        asked = (settings.detector, settings.min_face)
        due = time - self._searched >= DETECT_EVERY or asked != self._searched_with
        if not due and isinstance(detector, Follower):
            boxes = np.array([t.face.box for t in self._tracks], np.float32).reshape(-1, 4)
            followed = detector.refine(frame, boxes)
            if all(face is not None for face in followed):
                for track, face in zip(self._tracks, followed, strict=True):
                    if face is not None:
                        track.face = replace(face, track_id=track.number)
                return
        self._search(frame, detector)
        self._searched, self._searched_with = time, asked

    def _search(self, frame: Image, detector: Detector) -> None:
        """Find all faces and give each the track it overlaps most, or a new one."""
        known = list(self._tracks)
        self._tracks = []
        for face in find_faces(frame, detector):
            track = max(known, key=lambda t: overlap(t.face.box, face.box), default=None)
            if track is not None and overlap(track.face.box, face.box) >= SAME_FACE:
                known.remove(track)
            else:
                track = _Track(self._next_number, face)
                self._next_number += 1
            track.face = replace(face, track_id=track.number)
            self._tracks.append(track)

    def _smooth(self, logits: Floats, elapsed: float, constant: float) -> Floats:
        """Exponential moving average of each track's logits, independent of the frame rate."""
        keep = float(np.exp(-max(elapsed, 0.0) / constant)) if constant > 0 else 0.0
        for track, row in zip(self._tracks, logits, strict=True):
            before = row if track.logits is None else track.logits
            track.logits = keep * before + (1 - keep) * row
        return np.stack([t.logits for t in self._tracks if t.logits is not None])


Box = Sequence[float]


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1; 0..1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)

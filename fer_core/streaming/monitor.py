"""What one viewer's stream did lately, handed from the thread that processes frames to the page."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np

from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, FrameResult, Image

HISTORY: Final = 60.0
"""Length of the history of probabilities, in seconds."""

SAMPLE_EVERY: Final = 0.25
"""Time between two samples of it in seconds: as fine as a chart of a minute can show."""

TRAIL: Final = 5.0
"""Length of a face's trail on the plane of valence and arousal, in seconds."""

RATE_WINDOW: Final = 3.0
"""Window over which the frame rate and the milliseconds are averaged, in seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """The state of a stream at one moment."""

    frames: int
    """Number of frames since the start."""
    age: float
    """Time since the start, in seconds."""
    silence: float
    """Time since the last frame, or since the start where there was none, in seconds."""
    rate: float
    """Processed frames per second."""
    timings: Mapping[str, float]
    """Stage -> mean milliseconds per frame; a stage that runs in every third frame counts a third."""
    latency: float
    """Mean time from the arrival of a frame to its picture, in seconds."""
    frame: Image | None
    """Last frame as the camera delivered it."""
    result: FrameResult | None
    """Result of the last frame."""
    error: str | None
    """Why the last frame could not be processed; None if it could."""
    times: Floats
    """(N,) times of the samples in seconds; 0 is now, the past is negative."""
    probabilities: Floats
    """(N, 7) probabilities of the first face; NaN where there was none."""
    trails: Mapping[int, Floats]
    """``track_id`` of each face in the last frame -> (M, 2) valence and arousal, oldest first."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """One sample of the history."""

    time: float
    probabilities: Floats
    """(7,) probabilities of the first face; NaN where there is none."""
    affect: Mapping[int, tuple[float, float]]
    """``track_id`` -> valence and arousal."""


class Monitor:
    """Keeps the last frame, its result and a minute of probabilities; safe to use from any thread.

    Times are seconds on any clock that does not go back.
    """

    def __init__(self, *, time: float) -> None:
        self._lock = Lock()
        self.restart(time=time)

    def restart(self, *, time: float) -> None:
        """Forget everything."""
        with self._lock:
            self._started = self._last_seen = time
            self._frames = 0
            self._frame: Image | None = None
            self._result: FrameResult | None = None
            self._error: str | None = None
            self._recent: deque[tuple[float, Mapping[str, float], float]] = deque()
            self._history: deque[_Sample] = deque()

    def add(
        self,
        frame: Image,
        result: FrameResult,
        *,
        time: float,
        timings: Mapping[str, float],
        latency: float = 0.0,
    ) -> None:
        """Add a frame that has been processed.

        Args:
            frame: (H, W, 3) RGB uint8 as the camera delivered it; kept, not copied.
            timings: milliseconds of every stage, drawing included.
            latency: time from the arrival of the frame to its picture, in seconds.
        """
        with self._lock:
            self._frames += 1
            self._frame, self._result, self._error, self._last_seen = frame, result, None, time
            self._recent.append((time, timings, latency))
            if not self._history or time - self._history[-1].time >= SAMPLE_EVERY:
                self._history.append(_sample(result, time))
            self._forget(time)

    def fail(self, error: Exception, *, time: float) -> bool:
        """Add a frame that could not be processed.

        Returns:
            Whether the error is new: the frame before was fine, or failed in another way.
        """
        with self._lock:
            before, self._error, self._last_seen = (
                self._error,
                f"{type(error).__name__}: {error}",
                time,
            )
            return self._error != before

    def activity(self, *, time: float) -> Activity:
        """Return the state of the stream at ``time``."""
        with self._lock:
            self._forget(time)
            seconds = min(RATE_WINDOW, max(time - self._started, 1e-6))
            stages = dict.fromkeys(name for _, timings, _ in self._recent for name in timings)
            return Activity(
                frames=self._frames,
                age=time - self._started,
                silence=time - self._last_seen,
                rate=len(self._recent) / seconds,
                timings={name: self._mean(name) for name in stages},
                latency=sum(each for *_, each in self._recent) / max(1, len(self._recent)),
                frame=self._frame,
                result=self._result,
                error=self._error,
                times=np.array([s.time - time for s in self._history], np.float32),
                probabilities=np.array(
                    [s.probabilities for s in self._history], np.float32
                ).reshape(-1, len(EXPRESSIONS)),
                trails=self._trails(time),
            )

    def _trails(self, time: float) -> dict[int, Floats]:
        recent = [sample.affect for sample in self._history if time - sample.time <= TRAIL]
        present = recent[-1] if recent else {}
        return {
            track: np.array([affect[track] for affect in recent if track in affect], np.float32)
            for track in present
        }

    def _mean(self, stage: str) -> float:
        return sum(timings.get(stage, 0.0) for _, timings, _ in self._recent) / len(self._recent)

    def _forget(self, time: float) -> None:
        """Drop what is older than its window."""
        while self._recent and time - self._recent[0][0] > RATE_WINDOW:
            self._recent.popleft()
        while self._history and time - self._history[0].time > HISTORY:
            self._history.popleft()


def _sample(result: FrameResult, time: float) -> _Sample:
    nobody = np.full(len(EXPRESSIONS), np.nan, np.float32)
    return _Sample(
        time=time,
        probabilities=result.readings[0].probabilities if result.readings else nobody,
        affect={
            reading.face.track_id: (reading.valence, reading.arousal)
            for reading in result.readings
            if reading.face.track_id is not None
            and reading.valence is not None
            and reading.arousal is not None
        },
    )

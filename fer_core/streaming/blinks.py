"""Blinks of one face, counted from how open its eyes are."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.types import Blinks

SHUT: Final = 0.4
"""Fraction of the person's usual openness below which an eye counts as closed."""

REOPENED: Final = 0.6
"""Fraction of it above which a closed eye counts as open again."""

MIN_BLINK: Final = 0.05
"""Shortest blink in seconds; shorter closures are measurement errors. Blinks take 0.1 to 0.4 seconds (Stern,
Walrath & Goldstein 1984, "The endogenous eyeblink")."""

MAX_BLINK: Final = 1.0
"""Longest blink in seconds; beyond it the eyes were shut."""

MAX_FACE_GAP: Final = 0.5
"""Time without the face after which closed eyes may have been open in between, in seconds."""

OPENNESS_TIME: Final = 5.0
"""Time constant in seconds with which the usual openness follows open eyes."""

RATE_WINDOW: Final = 60.0
MIN_RATE_TIME: Final = 10.0
"""Window of the blink rate, and the time from which on there is one, in seconds."""


@dataclass(slots=True)
class _Eye:
    """One eye, closed or open by hysteresis relative to the person's own openness."""

    usual: float = 1.0
    """Usual openness when open, 0..1; narrow eyes have less."""
    closed: bool = False
    since: float = 0.0
    """Time of the last closing, in seconds."""
    closures: int = 0

    def update(self, openness: float, *, time: float, elapsed: float) -> None:
        part = openness / self.usual
        if self.closed and part > REOPENED:
            self.closed = False
            self.closures += time - self.since >= MIN_BLINK
        elif not self.closed and part < SHUT:
            self.closed, self.since = True, time
        elif not self.closed:
            keep = float(np.exp(-elapsed / OPENNESS_TIME))
            self.usual = max(0.2, keep * self.usual + (1 - keep) * openness)


class BlinkCounter:
    """Counts the blinks of one face: closures of both eyes together, so winks do not count.

    Times are in seconds, so the count does not depend on the frame rate, as long as a closure is
    seen in one frame at least.
    """

    def __init__(self) -> None:
        self._eyes = (_Eye(), _Eye())
        self._both_since: float | None = None
        self._rested = True
        self._count = 0
        self._ends: deque[float] = deque()
        self._started: float | None = None
        self._last_seen = 0.0

    def update(self, openness: tuple[float, float] | None, *, time: float) -> Blinks:
        """Update the counts with a frame.

        Args:
            openness: openness of each eye, 0..1, the image's left first; None where it is unknown.
            time: time of the frame in seconds, not before that of the last one.
        """
        if self._started is None:
            self._started = self._last_seen = time
        elapsed = time - self._last_seen
        if elapsed > MAX_FACE_GAP:
            self._both_since = None
            for eye in self._eyes:
                eye.closed = False
        blinked = False
        if openness is not None:
            for eye, value in zip(self._eyes, openness, strict=True):
                eye.update(value, time=time, elapsed=elapsed)
            blinked = self._both(time)
            self._last_seen = time
        while self._ends and time - self._ends[0] > RATE_WINDOW:
            self._ends.popleft()
        watched = min(time - self._started, RATE_WINDOW)
        left, right = self._eyes
        return Blinks(
            count=self._count,
            rate=60 * len(self._ends) / watched if watched >= MIN_RATE_TIME else None,
            closed=(left.closed, right.closed),
            closures=(left.closures, right.closures),
            ended=blinked,
        )

    def _both(self, time: float) -> bool:
        """Return whether a blink ended: the eyes were closed together, neither too briefly nor for too long.

        The next blink begins once both have been open: trembling lids count once.
        """
        left, right = self._eyes
        if left.closed and right.closed:
            if self._both_since is None and self._rested:
                self._both_since, self._rested = time, False
            return False
        since, self._both_since = self._both_since, None
        self._rested = self._rested or not (left.closed or right.closed)
        if since is None or not MIN_BLINK <= time - since <= MAX_BLINK:
            return False
        self._count += 1
        self._ends.append(time)
        return True

"""Blinks of one face, counted from how open its eyes are."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.types import Blinks

SHUT: Final = 0.4
"""Part of the person's usual openness below which an eye counts as closed."""

REOPENED: Final = 0.6
"""Part of it above which a closed eye counts as open again."""

LEAST: Final = 0.05
"""Seconds for which both eyes have to be closed; what is shorter is a misreading. Blinks take 0.1 to 0.4
seconds (Stern, Walrath & Goldstein 1984, "The endogenous eyeblink")."""

LONGEST: Final = 1.0
"""Seconds beyond which eyes were shut, not blinked."""

GAP: Final = 0.5
"""Seconds without the face after which closed eyes may have been open in between."""

OPEN_TIME: Final = 5.0
"""Time constant in seconds with which the usual openness follows open eyes."""

RATE_OVER: Final = 60.0
RATE_FROM: Final = 10.0
"""Seconds over which the rate is taken, and from which on there is one."""


@dataclass(slots=True)
class _Eye:
    """One eye, closed or open by hysteresis about the person's own openness."""

    usual: float = 1.0
    """Openness when open; narrow eyes have less."""
    closed: bool = False
    since: float = 0.0
    """When it last closed, in seconds."""
    closures: int = 0

    def update(self, openness: float, *, time: float, elapsed: float) -> None:
        part = openness / self.usual
        if self.closed and part > REOPENED:
            self.closed = False
            self.closures += time - self.since >= LEAST
        elif not self.closed and part < SHUT:
            self.closed, self.since = True, time
        elif not self.closed:
            keep = float(np.exp(-elapsed / OPEN_TIME))
            self.usual = max(0.2, keep * self.usual + (1 - keep) * openness)


class BlinkCounter:
    """Counts the blinks of one face: closures that both eyes share, and so no winks.

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
        self._seen = 0.0

    def update(self, openness: tuple[float, float] | None, *, time: float) -> Blinks:
        """Take note of a frame.

        Args:
            openness: of each eye, 0..1, the image's left first; None where it cannot be told.
            time: of the frame, not before the last one's.
        """
        if self._started is None:
            self._started = self._seen = time
        elapsed = time - self._seen
        if elapsed > GAP:
            self._both_since = None
            for eye in self._eyes:
                eye.closed = False
        blinked = False
        if openness is not None:
            for eye, value in zip(self._eyes, openness, strict=True):
                eye.update(value, time=time, elapsed=elapsed)
            blinked = self._both(time)
            self._seen = time
        while self._ends and time - self._ends[0] > RATE_OVER:
            self._ends.popleft()
        watched = min(time - self._started, RATE_OVER)
        left, right = self._eyes
        return Blinks(
            count=self._count,
            rate=60 * len(self._ends) / watched if watched >= RATE_FROM else None,
            closed=(left.closed, right.closed),
            closures=(left.closures, right.closures),
            ended=blinked,
        )

    def _both(self, time: float) -> bool:
        """Whether a blink ended: the eyes were closed together, neither too briefly nor for too long.

        The next one begins once both have been open: lids that tremble blink once.
        """
        left, right = self._eyes
        if left.closed and right.closed:
            if self._both_since is None and self._rested:
                self._both_since, self._rested = time, False
            return False
        since, self._both_since = self._both_since, None
        self._rested = self._rested or not (left.closed or right.closed)
        if since is None or not LEAST <= time - since <= LONGEST:
            return False
        self._count += 1
        self._ends.append(time)
        return True

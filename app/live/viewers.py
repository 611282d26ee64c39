"""Who streams: how many viewers there is room for, whose turn it is, and what the process counts.

All viewers of a process share its cores. Each frame of each viewer waits in one queue for as many workers as
there are cores, so everybody gets the same; with more threads they wait for Python's lock instead of for
each other, which cost a tenth of the frames and a part of every core.
"""

import logging
import os
from bisect import bisect_left
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, Final

from fer_core.errors import UserError
from fer_core.runtime import engine_from_environment

LIMIT_VARIABLE: Final = "EXPRESSION_LENS_VIEWERS"
"""Environment variable with the number of viewers who may stream at a time."""

VIEWERS_PER_CORE: Final = 4
"""Viewers that a core serves at ten frames a second; ``python -m benchmarks.viewers`` measures it."""

WAITING_PER_CORE: Final = 8
"""Frames for each core that may be under way to an engine."""

LATENCY_BOUNDS: Final = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)
"""Upper bounds of the buckets of the latency, in seconds."""

LOG: Final = logging.getLogger("expression_lens.viewers")


@dataclass(slots=True)
class Latencies:
    """How long frames took, counted in buckets as Prometheus counts them."""

    bounds: tuple[float, ...] = LATENCY_BOUNDS
    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    """Frames in each bucket; the last one is of those beyond all bounds."""
    total: float = 0.0
    """Sum of all latencies, in seconds."""

    def add(self, seconds: float) -> None:
        """Count one frame."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Place:
    """The place of one viewer who streams."""

    track: object = None
    """The track of the video, which frees the place when it ends."""
    stop: Callable[[], None] = lambda: None
    """Ends the stream; it may wait for a second, in any thread."""
    ice_state: Callable[[], str] = lambda: "new"
    """Returns the state of the connection, as WebRTC names it."""


class Viewers:
    """The viewers of this process who stream. Safe to use from any thread.

    Args:
        limit: how many may stream at a time.
        at_a_time: frames that are processed at a time.
    """

    def __init__(self, limit: int, at_a_time: int) -> None:
        self.limit = limit
        self.workers = ThreadPoolExecutor(at_a_time, thread_name_prefix="frames")
        """Processes the frames of all viewers, in the order in which they ask."""
        self.refused = 0
        """Streams that were refused, since there was no place."""
        self.frames = 0
        """Frames that have been processed."""
        self.latencies = Latencies()
        """Time from the arrival of each frame to its picture."""
        self.draining = False
        """Whether the server ends: no stream begins, and those that run are told."""
        self._places: dict[str, Place] = {}
        self._lock = Lock()

    @property
    def count(self) -> int:
        """Number of viewers who stream."""
        return len(self._places)

    @property
    def is_full(self) -> bool:
        """Whether a new viewer has to wait."""
        return self.draining or self.count >= self.limit

    def holds(self, session: str) -> bool:
        """Return whether a session has a place."""
        return session in self._places

    def place_of(self, session: str) -> Place | None:
        """Return the place of a session, if it has one."""
        return self._places.get(session)

    def admit(self, session: str) -> Place | None:
        """Give a session a place, or the one that it has.

        Returns:
            None, counted as a refusal, where there is no room.
        """
        with self._lock:
            if session not in self._places:
                if self.is_full:
                    self.refused += 1
                    return None
                self._places[session] = Place()
            return self._places[session]

    def leave(self, session: str, place: Place) -> None:
        """Free a place, if the session still has it: a later stream of the session keeps its own."""
        with self._lock:
            if self._places.get(session) is place:
                del self._places[session]

    def stop(self, session: str) -> None:
        """End the stream of a session, if it has one, and free its place."""
        with self._lock:
            place = self._places.pop(session, None)
        if place is not None:
            _end(place)

    def stop_all(self) -> None:
        """End all streams."""
        with self._lock:
            places = list(self._places.values())
            self._places.clear()
        for place in places:
            _end(place)

    def drain(self) -> None:
        """Refuse new streams, and tell those that run that they end soon."""
        self.draining = True

    def sessions(self) -> list[str]:
        """Return the sessions that have a place."""
        return list(self._places)

    def ice_states(self) -> Mapping[str, int]:
        """Return the state of a connection, as WebRTC names it -> number of streams in it."""
        states: dict[str, int] = {}
        for place in list(self._places.values()):
            state = place.ice_state()
            states[state] = states.get(state, 0) + 1
        return states

    def add_frame(self, latency: float) -> None:
        """Count a frame that has been processed.

        Args:
            latency: time since it arrived, in seconds.
        """
        with self._lock:
            self.frames += 1
            self.latencies.add(latency)


def _end(place: Place) -> None:
    """End a stream; one that cannot be ended must not keep the others from it."""
    try:
        place.stop()
    except Exception:
        LOG.exception("A stream could not be ended")


@cache
def shared_viewers() -> Viewers:
    """Return the viewers of this process."""
    cores = usable_cores()
    # A worker that asks an engine waits for it, and leaves the core to the others.
    at_a_time = cores if engine_from_environment() is None else WAITING_PER_CORE * cores
    return Viewers(viewer_limit(os.environ, cores), at_a_time)


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def viewer_limit(environment: Mapping[str, Any], cores: int) -> int:
    """Return how many viewers may stream at a time: as the host has set it, or by the cores.

    Raises:
        UserError: if the setting is not a whole number of 1 or more.
    """
    text = environment.get(LIMIT_VARIABLE, "")
    if not text:
        return VIEWERS_PER_CORE * cores
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"{LIMIT_VARIABLE} must be a whole number of 1 or more, not {text!r}")
    return int(text)

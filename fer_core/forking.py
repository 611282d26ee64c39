"""Locks that a forked process may use.

``os.fork`` copies locks as they are, but only the thread that forks: a lock that another thread holds would
stay locked in the child for ever. So a fork waits until nobody holds ours, and until no run of ONNX Runtime,
which locks its memory, is under way. Torch gets one thread in a child (``fer_core.building``). The memory of
a viewer (``Stream``, ``Monitor``, ``Recorder``) belongs to the process that made it, and GPUs do not bear a
fork.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from weakref import WeakSet

_locks: "WeakSet[Lock]" = WeakSet()
_forking = Lock()
"""Held from before a fork until after it, so that two forks do not wait for each other's locks."""


def fork_safe_lock() -> Lock:
    """Return a lock that is free in a forked child: a fork waits until it is.

    For work that takes no other such lock and does not fork itself.
    """
    lock = Lock()
    _locks.add(lock)
    return lock


class _Runs:
    """Counts work during which nobody may fork; such work goes on side by side."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, as in a child, which has none of its parent's other threads."""
        self.condition = Condition()
        self.count = 0
        self.forking = False

    def block(self) -> None:
        """Wait until no work is under way, and let none begin."""
        with self.condition:
            self.forking = True
            self.condition.wait_for(lambda: self.count == 0)

    def unblock(self) -> None:
        """Let work begin again."""
        with self.condition:
            self.forking = False
            self.condition.notify_all()


_runs = _Runs()


@contextmanager
def without_forks() -> Iterator[None]:
    """Make forks wait for the end of the block, for work that holds locks of a library."""
    runs = _runs
    with runs.condition:
        runs.condition.wait_for(lambda: not runs.forking)
        runs.count += 1
    try:
        yield
    finally:
        with runs.condition:
            runs.count -= 1
            runs.condition.notify_all()


_held: "list[Lock]" = []


def _acquire_all() -> None:
    _forking.acquire()
    _runs.block()
    for lock in list(_locks):
        lock.acquire()
        _held.append(lock)


def _release_in_parent() -> None:
    _release_locks()
    _runs.unblock()


def _release_in_child() -> None:
    _release_locks()
    _runs.reset()


def _release_locks() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_acquire_all,
        after_in_parent=_release_in_parent,
        after_in_child=_release_in_child,
    )

"""Locks that a forked process may use.

``os.fork`` copies locks as they are, but only the thread that forks: a lock that another thread holds would
stay locked in the child for ever. Torch gets one thread in a child (``fer_core.building``), and ONNX Runtime
has no others. The memory of a viewer (``Stream``, ``Monitor``, ``Recorder``) belongs to the process that made
it, and GPUs do not bear a fork.
"""

import os
from threading import Lock
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


_held: "list[Lock]" = []


def _acquire_all() -> None:
    _forking.acquire()
    for lock in list(_locks):
        lock.acquire()
        _held.append(lock)


def _release_all() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_acquire_all, after_in_parent=_release_all, after_in_child=_release_all
    )

"""Work on many items in several processes of this machine, or on a Ray cluster, in the order of the items."""

import logging
import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.synchronize import Event
from typing import Any, Final, TypeVar

from fer_core.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

WAITING: Final = 2
"""Items of each process that are under way or sent ahead, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Where the work is done.

    Raises:
        UserError: for an unknown engine, or if Ray is not installed.
    """

    processes: int = 1
    """Processes that share the work; 1 with ``local`` is this process itself."""
    engine: str = "local"
    """``local`` for processes of this machine; ``ray`` for those of a Ray cluster, which all have to see the
    same files."""

    def __post_init__(self) -> None:
        if self.engine not in ("local", "ray"):
            raise UserError(f"unknown engine {self.engine!r}; choose local or ray")
        if self.engine == "ray" and find_spec("ray") is None:
            raise UserError("--engine ray needs Ray; run: pip install 'expression-lens[scale]'")

    @property
    def is_this_process(self) -> bool:
        """Whether this process does the work itself."""
        return self.engine == "local" and self.processes == 1

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield the result of each item, in the order of the items.

        With several processes, Ctrl-C ends the work on further items; the results of those under way still
        come, and then the KeyboardInterrupt.

        Args:
            work: turns an item into a result. Each process gets a copy, which it keeps.
            items: what ``work`` takes.

        Raises:
            UserError: if a process ends by itself.
        """
        if self.is_this_process:
            return map(work, items)
        if self.engine == "ray":
            return _map_by_ray(work, items, self.processes)
        return _map_by_processes(work, items, self.processes)


def stop_requested() -> bool:
    """Return whether the work of this process has to end early, for work that takes long over one item."""
    return _worker is not None and _worker.stop.is_set()


# Processes of this machine ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Worker:
    """What a process of a pool keeps."""

    work: Callable[[Any], Any]
    stop: Event


_worker: _Worker | None = None


def _set_up(work: bytes, stop: Event) -> None:
    """Prepare a process of a pool: only its parent hears Ctrl-C."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores
    _worker = _Worker(pickle.loads(work), stop)


def _do(item: Any) -> Any:
    assert _worker is not None
    return _worker.work(item)


def _map_by_processes(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    context = multiprocessing.get_context("spawn")  # a fork copies locks that are held
    stop = context.Event()
    pool = ProcessPoolExecutor(
        min(processes, max(1, len(items))), context, _set_up, (pickle.dumps(work), stop)
    )
    interrupt: KeyboardInterrupt | None = None
    waiting: deque[Future[Result]] = deque()
    remaining = iter(items)
    try:
        while True:
            try:
                while interrupt is None and len(waiting) < WAITING * processes:
                    try:
                        waiting.append(pool.submit(_do, next(remaining)))
                    except StopIteration:
                        break
                if not waiting:
                    break
                result = waiting[0].result()
            except KeyboardInterrupt as error:
                if interrupt is not None:  # pressed again
                    raise
                interrupt = error
                stop.set()
                waiting = deque(future for future in waiting if not future.cancel())
                continue
            waiting.popleft()
            yield result
    except BrokenProcessPool:
        raise UserError(
            "a process ended unexpectedly, perhaps for want of memory; give fewer --processes"
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
    if interrupt is not None:
        raise interrupt


# Ray ----------------------------------------------------------------------------------------------


class _RayWorker:
    """An actor of a pool of Ray Data; a subclass names the work."""

    work = b""

    def __init__(self) -> None:
        self._work = pickle.loads(self.work)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        answer: tuple[Any, UserError | None]
        try:
            answer = (self._work(pickle.loads(row["item"])), None)
        except UserError as error:
            answer = (None, error)
        return {"answer": pickle.dumps(answer)}


def _map_by_ray(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    import ray
    import ray.data

    started = not ray.is_initialized()
    if started:
        # Ray warns in long lines of the actors that Ray Data makes.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        ray.init(logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    data = pickle.dumps(work)

    class Worker(_RayWorker):  # a class of a function goes to the actors whole
        work = data

    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        rows = [{"item": pickle.dumps(item)} for item in items]
        blocks = min(len(rows), 4 * WAITING * processes)
        answers = (
            ray.data.from_items(rows, override_num_blocks=max(1, blocks))
            .map(
                Worker,  # type: ignore[arg-type]  # a class serves as well, one object an actor
                compute=ray.data.ActorPoolStrategy(size=processes),
                num_cpus=1,
            )
            .iter_rows()
        )
        for row in answers:
            result, error = pickle.loads(row["answer"])
            if error is not None:
                raise error
            yield result
    finally:
        if started:
            ray.shutdown()

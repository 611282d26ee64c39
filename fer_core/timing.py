"""How long each stage of the work on a frame takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


@contextmanager
def stage(timings: dict[str, float], name: str) -> Iterator[None]:
    """Add the milliseconds of the block to ``timings[name]``."""
    started = perf_counter()
    yield
    timings[name] = timings.get(name, 0.0) + 1000 * (perf_counter() - started)

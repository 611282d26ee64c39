"""Progress bars on standard error; nothing at all where that is not a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar with the time left while the block runs; it vanishes with the block.

    Yields:
        A function that takes the finished share of the work, 0..1. Until it is called, the bar only shows
        that something happens.
    """
    if not sys.stderr.isatty() or parent_process() is not None:  # a process of several shows none
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import Progress, TimeElapsedColumn

    columns = (*Progress.get_default_columns(), TimeElapsedColumn())
    # Standard output stays as it is, unless both are the terminal: Rich prints it on standard error.
    with Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as bar:
        task = bar.add_task(label, total=None)
        yield lambda share: bar.update(task, total=1.0, completed=share)


def print_above(line: str) -> None:
    """Print a line on standard error, above the bar if there is one.

    ``typer.echo`` would write past Rich, into the bar, on standard output as well: ``print`` serves there.
    """
    print(line, file=sys.stderr)


def track(items: Iterable[Item], label: str, count: int | None = None) -> Iterator[Item]:
    """Yield the items with a bar that shows the share of finished ones; a single item gets no bar.

    Args:
        count: number of the items, where they are computed one by one.
    """
    if count is None:
        items = list(items)
        count = len(items)
    if count < 2:
        yield from items
        return
    with progress_bar(label) as show:
        for number, item in enumerate(items, start=1):
            yield item
            show(number / count)

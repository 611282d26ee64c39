"""Frames, latency and fairness of the Live page with many viewers: ``python -m benchmarks.viewers``.

Viewers are sessions without a browser (``benchmarks.session``): 640×480 frames of one moving face. Server and
viewers share this machine, whose cores the last columns count. ``--baseline`` measures another version of the
project in the same run, since machines differ and are noisy. A frame of the clip needs two frames' time
to go through the buffers of WebRTC: 200 ms of the latency at ten frames a second.

``--soak MINUTES`` lets viewers come and go, and prints memory, threads and streams that died, by the minute.
``--idle PAGES`` opens pages that nobody starts, and prints what they cost the server.
"""

import argparse
import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, process_time
from typing import Final

import numpy as np
import psutil

from benchmarks.driver import ROOT, Server, processor, serve
from benchmarks.session import Viewer

SETTLED: Final = 6.0
"""Time after the last START until frames are counted, in seconds."""

START_PATIENCE: Final = 30.0
"""Longest wait for the stream of a viewer, in seconds."""

STAY: Final = 120.0
"""Time for which a viewer of the soak stays, in seconds, give or take a half."""

HEADS: Final = (
    ("viewers", 8),
    ("fps asked", 10),
    ("servers", 8),
    ("version", 10),
    ("fps in all", 11),
    ("p50 ms", 8),
    ("p95 ms", 8),
    ("Jain", 7),
    ("lost", 5),
    ("cores", 7),
    ("load", 6),
    ("MB", 7),
)


@dataclass(frozen=True)
class Measurement:
    """What one number of viewers got."""

    rates: Sequence[float]
    """Processed frames a second of each viewer."""
    latencies: Sequence[float]
    """Age of each picture that came back, in seconds."""
    lost: int
    """Viewers who have no connection, or were told that their picture is lost."""
    cores: float
    """Processor seconds of the servers, a second."""
    load_cores: float
    """Those of the viewers."""
    megabytes: float
    """Resident memory of the servers."""

    @property
    def fairness(self) -> float:
        """Jain's index of the rates, 1/N..1."""
        rates = np.array(self.rates)
        return float(rates.sum() ** 2 / max(1e-9, len(rates) * (rates**2).sum()))


async def measure(
    servers: Sequence[Server], count: int, rate: float, seconds: float
) -> Measurement:
    """Let viewers stream, spread over the servers, and count what they get."""
    urls = itertools.cycle(server.url for server in servers)
    viewers = [Viewer(next(urls), rate, n / rate / count) for n in range(count)]
    for viewer in viewers:
        with suppress(TimeoutError):  # it counts as lost
            await asyncio.wait_for(open_and_start(viewer), START_PATIENCE)
    await asyncio.sleep(SETTLED)
    processes = [psutil.Process(server.pid) for server in servers]
    before, own, began = sum(map(cpu_seconds, processes)), process_time(), monotonic()
    await asyncio.sleep(seconds)
    elapsed = monotonic() - began
    measurement = Measurement(
        rates=[frame_rate(viewer, began) for viewer in viewers],
        latencies=[age for v in viewers for at, age in v.latencies if at >= began],
        lost=sum(v.state != "connected" or v.says("Picture lost") for v in viewers),
        cores=(sum(map(cpu_seconds, processes)) - before) / elapsed,
        load_cores=(process_time() - own) / elapsed,
        megabytes=sum(map(megabytes, processes)),
    )
    await asyncio.gather(*(viewer.stop() for viewer in viewers))
    return measurement


async def open_and_start(viewer: Viewer) -> None:
    """Open the page of a viewer and press START."""
    await viewer.open()
    await viewer.start()


def frame_rate(viewer: Viewer, began: float) -> float:
    """Return the processed frames a second between what the page said first and last since a time."""
    counts = [each for each in viewer.counts if each[0] >= began]
    if len(counts) < 2:
        return 0.0
    (start, first), *_, (end, last) = counts
    return (last - first) / (end - start)


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def print_row(options: tuple[int, float, int, str], got: Measurement) -> None:
    """Print a row of the table."""
    low, high = (1000 * np.percentile(got.latencies or [np.nan], q) for q in (50, 95))
    cells = (
        *(options[0], f"{options[1]:g}", options[2], options[3]),
        *(f"{sum(got.rates):.1f}", f"{low:.0f}", f"{high:.0f}", f"{got.fairness:.3f}", got.lost),
        *(f"{got.cores:.2f}", f"{got.load_cores:.2f}", f"{got.megabytes:.0f}"),
    )
    widths = (width for _, width in HEADS)
    print("".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True)), flush=True)


def compare(options: argparse.Namespace) -> None:
    """Print the table: each number of viewers with each version and number of servers."""
    print(f"{processor()}; 640x480, {options.seconds:g} s each\n")
    print("".join(f"{head:>{width}}" for head, width in HEADS))
    versions = [("this", ROOT)]
    if options.baseline:
        versions.insert(0, ("baseline", options.baseline.resolve()))
    cases = itertools.product(options.viewers, options.fps, options.servers, versions)
    for count, rate, number, (name, root) in cases:
        with TemporaryDirectory() as folder, ExitStack() as stack:
            settings = {"EXPRESSION_LENS_VIEWERS": str(count)}
            servers = [
                stack.enter_context(serve(Path(folder) / f"{n}.txt", root=root, settings=settings))
                for n in range(number)
            ]
            got = asyncio.run(measure(servers, count, rate, options.seconds))
            print_row((count, rate, number, name), got)


async def soak(server: Server, count: int, rate: float, minutes: float) -> None:
    """Let viewers come and go; print each minute what the server holds."""
    process, end = psutil.Process(server.pid), monotonic() + 60 * minutes
    viewers: list[Viewer] = []
    died = came = 0

    async def come_and_go(number: int) -> None:
        nonlocal died, came
        while monotonic() < end:
            viewer = Viewer(server.url, rate, number / rate / count)
            await viewer.open()
            came += 1
            if not await viewer.start():
                await viewer.stop()
                continue
            viewers.append(viewer)
            leaves = min(end, monotonic() + STAY * random.uniform(0.5, 1.5))
            while monotonic() < leaves and viewer.state == "connected":
                await asyncio.sleep(1)
            died += viewer.state != "connected" or bool(viewer.errors)
            viewers.remove(viewer)
            await (viewer.stop() if number % 2 else viewer.vanish())

    tasks = [asyncio.create_task(come_and_go(number)) for number in range(count)]
    print(f"{'minute':>6}{'came':>6}{'streams':>9}{'died':>6}{'MB':>8}{'threads':>9}")
    for minute in itertools.count(1):
        await asyncio.sleep(60)
        held = (megabytes(process), process.num_threads())
        print(f"{minute:6}{came:6}{len(viewers):9}{died:6}{held[0]:8.0f}{held[1]:9}", flush=True)
        if monotonic() >= end:
            break
    await asyncio.gather(*tasks)
    await asyncio.sleep(60)  # the sessions of closed tabs end after half a minute
    print(f"{'after':>6}{came:6}{0:9}{died:6}{megabytes(process):8.0f}{process.num_threads():9}")


async def idle(server: Server, pages: int, seconds: float) -> None:
    """Open pages without a stream; print what the server does for them."""
    viewers = [Viewer(server.url) for _ in range(pages)]
    for viewer in viewers:
        await viewer.open()
    await asyncio.sleep(SETTLED)
    process = psutil.Process(server.pid)
    before, began = cpu_seconds(process), monotonic()
    await asyncio.sleep(seconds)
    cores = (cpu_seconds(process) - before) / (monotonic() - began)
    print(f"{processor()}; {pages} idle pages: {cores:.3f} cores, {megabytes(process):.0f} MB")
    await asyncio.gather(*(viewer.stop() for viewer in viewers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--fps", type=float, nargs="+", default=[10.0])
    parser.add_argument("--servers", type=int, nargs="+", default=[1, 2], help="side by side")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--baseline", type=Path, help="folder of another version of the project")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="viewers who come and go")
    parser.add_argument("--idle", type=int, metavar="PAGES", help="pages that nobody starts")
    options = parser.parse_args()
    if not options.soak and not options.idle:
        compare(options)
        return
    count, rate = options.viewers[0], options.fps[0]
    settings = {"EXPRESSION_LENS_VIEWERS": str(2 * count)}  # room for those who have just left
    with (
        TemporaryDirectory() as folder,
        serve(Path(folder) / "log.txt", settings=settings) as server,
    ):
        if options.idle:
            asyncio.run(idle(server, options.idle, options.seconds))
        else:
            asyncio.run(soak(server, count, rate, options.soak))


if __name__ == "__main__":
    main()

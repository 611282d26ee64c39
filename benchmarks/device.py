"""The live page inside the browser, measured in Chromium: ``python -m benchmarks.device``.

The webcam is a clip of a moving face, 640x480 at 30 frames a second; box, probabilities, heatmap, blocks and
landmarks are drawn. Server and browser run on this machine. Processor time is that of all of Chromium: it has
the decoding of the clip and, without a GPU, the drawing of the page. The first answer counts from the address
to a face with probabilities, with an empty cache, and Start is pressed as soon as it can be.

``--pages`` opens that many pages without a browser, which load the files and keep their session, and prints
what they cost the server. Needs Chromium and playwright, as the browser tests do.
"""

import argparse
import asyncio
import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

import numpy as np
import psutil
import skimage.data

from app.device.files import device_files
from app.device.routes import ROUTE
from benchmarks.driver import (
    CHROMIUM,
    PATIENCE,
    Page,
    Server,
    chromium_arguments,
    processor,
    serve,
    wait_for,
    write_webcam,
)
from benchmarks.session import Viewer
from benchmarks.viewers import cpu_seconds, megabytes
from fer_core.types import Image

SETTLED: Final = 5.0
"""Time after the first answer, or after the last page was opened, until something is counted, in seconds."""

MARKS: Final = ("choice of this mode", "Start enabled", "first answer")
"""What a visitor waits for; until the first, it is Streamlit's own start."""

START: Final = '.device button[name="start"]:enabled'


@dataclass
class Measurement:
    """The rows of the table."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, value: float, digits: int = 1) -> None:
        """Add a row."""
        self.rows.append((name, f"{value:,.{digits}f}"))

    def print(self) -> None:
        """Print the table."""
        name_width, value_width = (max(map(len, column)) for column in zip(*self.rows, strict=True))
        for name, value in self.rows:
            print(f"{name:{name_width}}  {value:>{value_width}}")


@dataclass(frozen=True)
class Meter:
    """What the page itself shows of its speed: means of its last seconds."""

    frames: int
    latency: float
    """Milliseconds from the camera's picture to the drawn one."""
    stages: dict[str, float]
    """Stage -> milliseconds a frame."""


def read_meter(page: Page) -> Meter | None:
    """Return what the page shows; None as long as it shows nothing."""
    text = page.locator(".device .meter").text_content() or ""
    words = re.search(r"latency (\d+) ms · ([\d,]+) frames so far.*?: (.*)", text)
    if words is None:
        return None
    stages = re.findall(r"([a-z]+) ([\d.]+)", words[3])
    return Meter(
        frames=int(words[2].replace(",", "")),
        latency=float(words[1]),
        stages={name: float(value) for name, value in stages},
    )


def shows_a_face(page: Page) -> bool:
    """Return whether the picture has an answer for at least one face."""
    text = page.locator(".device .stage canvas").get_attribute("data-answer")
    return bool(json.loads(text or "[]"))


def open_page(page: Page, server: Server) -> tuple[float, ...]:
    """Open the page and press Start; return the seconds from the address to each of ``MARKS``."""
    opened = monotonic()
    page.goto(f"{server.url}/live", wait_until="commit")
    page.get_by_role("radio", name="On this device").click()
    chosen = monotonic() - opened
    page.locator(START).wait_for()
    ready = monotonic() - opened
    page.locator(START).click()
    wait_for(lambda: shows_a_face(page), "the first answer", every=0.02)
    return chosen, ready, monotonic() - opened


def of_chromium(measure: Callable[[psutil.Process], float]) -> dict[int, float]:
    """Return process -> what is measured of it, for all processes of Chromium below this one."""
    values = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in process.name().lower():
                values[process.pid] = measure(process)
    return values


def own_megabytes(process: psutil.Process) -> float:
    """Return the memory of a process that it shares with no other, in megabytes."""
    return float(process.memory_full_info().uss) / 2**20


def measure_speed(page: Page, seconds: float, result: Measurement) -> None:
    """Add frame rate, latency, milliseconds of the stages, and processor time of a frame."""
    before, began = of_chromium(cpu_seconds), monotonic()
    samples: list[Meter] = []
    while not samples or monotonic() - began < seconds:
        samples += filter(None, [read_meter(page)])
        page.wait_for_timeout(1000)
    samples += filter(None, [read_meter(page)])
    elapsed, frames = monotonic() - began, samples[-1].frames - samples[0].frames
    spent = sum(after - before.get(pid, 0.0) for pid, after in of_chromium(cpu_seconds).items())
    result.add("frames a second", frames / elapsed)
    result.add("latency, ms", float(np.mean([each.latency for each in samples])))
    for stage in samples[-1].stages:
        mean = np.mean([each.stages[stage] for each in samples if stage in each.stages])
        result.add(f"{stage}, ms", float(mean))
    result.add("processor time a frame, all of Chromium, ms", 1000 * spent / frames)
    result.add("processor cores, all of Chromium", spent / elapsed, 2)


class Heaps:
    """Sizes of the JavaScript heaps of a page and of its worker, after a collection of garbage."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._workers: list[str] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self._count = 0
        self._session.on(
            "Target.attachedToTarget", lambda event: self._workers.append(event["sessionId"])
        )
        self._session.on("Target.receivedMessageFromTarget", self._receive)
        # Playwright hands out no session for a worker, so its messages go through that of the page.
        options = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False}
        self._session.send("Target.setAutoAttach", options)
        self._wait_for(lambda: bool(self._workers), "the worker")

    def measure(self) -> tuple[float, float]:
        """Return the megabytes in use by page and worker."""
        self._session.send("HeapProfiler.collectGarbage")
        page = self._session.send("Runtime.getHeapUsage")
        self._ask_worker("HeapProfiler.collectGarbage")
        worker = self._ask_worker("Runtime.getHeapUsage")
        return megabytes_in_use(page), megabytes_in_use(worker)

    def _ask_worker(self, method: str) -> dict[str, Any]:
        self._count += 1
        number = self._count
        message = {
            "sessionId": self._workers[-1],
            "message": json.dumps({"id": number, "method": method}),
        }
        self._session.send("Target.sendMessageToTarget", message)
        self._wait_for(lambda: number in self._answers, method)
        result: dict[str, Any] = self._answers.pop(number)["result"]
        return result

    def _receive(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._answers[message["id"]] = message

    def _wait_for(self, condition: Callable[[], bool], message: str) -> None:
        """Wait for messages of the worker, which playwright hands over while it waits itself."""

        def is_met() -> bool:
            self._page.wait_for_timeout(10)
            return condition()

        wait_for(is_met, message)


def megabytes_in_use(usage: dict[str, Any]) -> float:
    """Return the size of a heap, of its arrays, and of what the browser itself keeps for it."""
    parts = ("usedSize", "backingStorageSize", "embedderHeapUsedSize")
    return float(sum(usage.get(part, 0.0) for part in parts)) / 1e6


def measure_memory(page: Page, minutes: float, result: Measurement) -> None:
    """Add the sizes of both heaps, and the memory of Chromium, over some minutes.

    The memory of WebAssembly belongs to no heap, so only Chromium's own has it.
    """
    heaps, names = Heaps(page), ("heap of the page", "heap of the worker", "memory of Chromium")
    began, samples = monotonic(), []
    while True:
        samples.append((*heaps.measure(), sum(of_chromium(own_megabytes).values())))
        if monotonic() - began >= 60 * minutes:
            break
        page.wait_for_timeout(1000 * min(15, 60 * minutes))
    for name, sizes in zip(names, zip(*samples, strict=True), strict=True):
        result.add(f"{name}, MB", sizes[0])
        result.add(f"{name} after {minutes:g} min, MB", sizes[-1])
        result.add(f"{name}, largest less smallest, MB", max(sizes) - min(sizes))


@contextmanager
def watched_requests(page: Page) -> Iterator[list[Any]]:
    """Collect the requests for the page's own files."""
    requests: list[Any] = []

    def collect(request: Any) -> None:
        if f"/{ROUTE}/" in request.url:
            requests.append(request)

    page.on("requestfinished", collect)
    yield requests
    page.remove_listener("requestfinished", collect)


def add_times(times: list[tuple[float, ...]], result: Measurement) -> None:
    """Add the times from the address: the medians, and the first answer of the first visitor."""
    for name, column in zip(MARKS, zip(*times, strict=True), strict=True):
        result.add(f"address to {name}, median of {len(times)}, s", float(np.median(column)), 2)
    result.add(f"address to {MARKS[-1]}, first visitor of the server, s", times[0][-1], 2)


def measure_browser(server: Server, options: argparse.Namespace, result: Measurement) -> None:
    """Open the page in Chromium and measure it."""
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        astronaut: Image = skimage.data.astronaut()  # type: ignore[no-untyped-call]
        webcam = write_webcam(Path(folder) / "face.mjpeg", astronaut)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=chromium_arguments(webcam)
        )
        times = []
        for number in range(options.starts):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.set_default_timeout(1000 * PATIENCE)
            with watched_requests(page) as requests:
                times.append(open_page(page, server))
                page.wait_for_timeout(500)
            if number < options.starts - 1:
                page.context.close()
        add_times(times, result)
        sizes = [request.sizes() for request in requests]
        wire = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
        result.add(f"{len(sizes)} files over the wire, MB", wire / 1e6, 2)
        page.get_by_role("button", name="Landmarks").click()
        page.wait_for_timeout(1000 * SETTLED)
        measure_speed(page, options.seconds, result)
        if options.minutes:
            measure_memory(page, options.minutes, result)
        browser.close()


def load_files(url: str) -> int:
    """Load all files of the page as a browser does; return their bytes on the wire."""
    size = 0
    for name in device_files():
        request = urllib.request.Request(
            f"{url}/{ROUTE}/{name}", headers={"accept-encoding": "gzip"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            size += len(response.read())
    return size


async def measure_pages(server: Server, count: int, seconds: float, result: Measurement) -> None:
    """Add what open pages cost the server: to load them all at once, and then."""
    process = psutil.Process(server.pid)
    before, began = cpu_seconds(process), monotonic()
    viewers = [Viewer(server.url) for _ in range(count)]

    async def load(viewer: Viewer) -> None:
        await viewer.open()
        await asyncio.to_thread(load_files, server.url)

    await asyncio.gather(*map(load, viewers))
    result.add(f"{count} pages: to load all at once, s", monotonic() - began)
    result.add(
        f"{count} pages: processor time of the server to load one, ms",
        1000 * (cpu_seconds(process) - before) / count,
    )
    await asyncio.sleep(SETTLED)
    before, began = cpu_seconds(process), monotonic()
    await asyncio.sleep(seconds)
    share = (cpu_seconds(process) - before) / (monotonic() - began)
    result.add(f"{count} pages: % of a core of the server, in all", 100 * share, 2)
    result.add(f"{count} pages: % of a core of the server, each", 100 * share / count, 3)
    result.add(f"{count} pages: memory of the server, MB", megabytes(process), 0)
    await asyncio.gather(*(viewer.vanish() for viewer in viewers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="over which the heap is measured")
    parser.add_argument("--seconds", type=float, default=20, help="over which speed and load are")
    parser.add_argument(
        "--starts", type=int, default=3, help="of which the first answer is a median"
    )
    parser.add_argument("--pages", type=int, default=30, help="that are open at once; 0 for none")
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("chromium is not installed")
    result = Measurement()
    with TemporaryDirectory() as folder, serve(Path(folder) / "log.txt") as server:
        measure_browser(server, options, result)
        if options.pages:
            asyncio.run(measure_pages(server, options.pages, options.seconds, result))
    print(f"{processor()}; 640x480\n")
    result.print()


if __name__ == "__main__":
    main()

"""Frame rate and memory of the Live page in Chromium: ``python -m benchmarks.browser``.

Server and browser run on this machine. The webcam is a clip of a moving face, 640x480 at 30 frames a second;
everything is drawn, the heatmap included. Frames are those that the server has processed, not those that the
browser shows. Needs Chromium and playwright, as the browser tests do.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import skimage.data

from benchmarks.driver import (
    CHROMIUM,
    LivePage,
    Server,
    chromium_arguments,
    serve,
    wait_for,
    write_webcam,
)
from fer_core.types import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

SETTLED = 60
"""Seconds of streaming after which memory is compared and frames are counted."""


def megabytes(pid: int) -> float:
    """Return the resident memory of a process, in megabytes."""
    answer = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(answer.stdout) / 1024


def start_camera(live: LivePage) -> float:
    """Press START; return the seconds until the first processed frame."""
    live.start()
    started = time.monotonic()
    wait_for(live.shows_overlay, "the first processed frame", every=0.01)
    return time.monotonic() - started


def measure(server: Server, page: "Page", minutes: float, starts: int) -> dict[str, float]:
    """Stream for some minutes; return each figure by its name."""
    live = LivePage(page, server)
    seconds = [start_camera(live)]
    for _ in range(starts - 1):
        live.stop()
        page.get_by_text("Camera off").wait_for()
        seconds.append(start_camera(live))
    time.sleep(SETTLED)
    early = megabytes(server.pid)
    frames, began = live.frames(), time.monotonic()
    time.sleep(max(60 * minutes - SETTLED, 10))
    processed = live.frames() - frames
    elapsed = time.monotonic() - began
    late = megabytes(server.pid)
    return {
        f"START to first frame, s (median of {starts})": float(np.median(seconds)),
        "frames per second": processed / elapsed,
        "memory after 1 min, MB": early,
        f"memory after {minutes:g} min, MB": late,
        "growth, MB": late - early,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="of streaming; more than one")
    parser.add_argument("--starts", type=int, default=3)
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        astronaut: Image = skimage.data.astronaut()  # type: ignore[no-untyped-call]
        webcam = write_webcam(Path(folder) / "face.mjpeg", astronaut)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=chromium_arguments(webcam)
        )
        with serve(Path(folder) / "log.txt") as server:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            figures = measure(server, page, options.minutes, options.starts)
        browser.close()
    width = max(map(len, figures))
    for name, figure in figures.items():
        print(f"{name:{width}}  {figure:8.1f}")


if __name__ == "__main__":
    main()

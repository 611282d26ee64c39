"""Speed of explanations: ``python -m benchmarks.explain``.

For each model and each fast method that it supports: the maps of all seven classes of one face, in
milliseconds; the ratio is to one forward pass of the same model in the same run. Below it, the time that the
Explain page takes in Chromium to show another class, from the press on its button until the script has run,
with server and browser on this machine. That needs Chromium and playwright, as the browser tests do.
"""

import argparse
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from skimage.data import astronaut

from benchmarks.driver import CHROMIUM, chromium_arguments, serve
from fer_core import EXPRESSIONS, Analyzer, list_models
from fer_core.explain import METHODS, method_for, raw_maps
from fer_core.types import Image


def median(work: Callable[[], object], repeats: int) -> float:
    """Return the median time of a call, in milliseconds, after one call that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        started = perf_counter()
        work()
        times.append(1000 * (perf_counter() - started))
    return float(np.median(times))


def change_class(repeats: int) -> float | None:
    """Return the milliseconds from a press on a class until its page is complete; None without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return None
    if CHROMIUM is None:
        return None
    with (
        TemporaryDirectory() as folder,
        serve(Path(folder) / "log.txt") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=chromium_arguments(Path(folder) / "none.mjpeg")
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(f"{server.url}/explain")
        names = iter(EXPRESSIONS * repeats)

        def change() -> None:
            name = next(names)
            page.get_by_role("button", name=re.compile(rf"^{name} (<|>|\d)")).click()
            page.wait_for_function(
                "name => document.body.innerText.includes(name + ', by ') && "
                "document.querySelector('[data-test-script-state=notRunning]')",
                arg=name,
            )

        took = median(change, repeats)
        browser.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    analyzer = Analyzer()
    picture: Image = astronaut()  # type: ignore[no-untyped-call]
    (face,) = (reading.face for reading in analyzer(picture))
    fast = [method for method in METHODS if method.fast]
    print("| model | " + " | ".join(method.title for method in fast) + " | a forward pass |")
    print("|---" * (len(fast) + 2) + "|")
    for name in list_models():
        model = analyzer.classifier(name)
        (reading,) = analyzer.predict(picture, [face], model=name).readings
        crop = reading.regions.face
        forward = median(partial(model.forward, crop[None]), options.repeats)
        cells = []
        for method in fast:
            if method_for(model, method.name) != method.name:
                cells.append("–")
                continue
            seven_maps = partial(raw_maps, model, crop, EXPRESSIONS, method.name)
            took = median(seven_maps, options.repeats)
            cells.append(f"{took:.0f} ({took / forward:.1f}×)")
        print(f"| `{name}` | " + " | ".join(cells) + f" | {forward:.1f} |")
    page_took = change_class(options.repeats)
    if page_took:
        print(f"\nAnother class on the Explain page: {page_took:.0f} ms")
    else:
        print("\nNo browser is installed, so the Explain page was not measured.")


if __name__ == "__main__":
    main()

"""How quickly an explanation is there: ``python -m benchmarks.explain``.

For each model and each method that is made for it and fast, the maps of all seven classes of one face, in
milliseconds on two threads; the ratio is to one forward pass of the same model in the same run. Below, how
long the Explain page takes to show another class once the maps are known, without the browser's share.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from skimage.data import astronaut
from streamlit.testing.v1 import AppTest

from fer_core import EXPRESSIONS, Analyzer, list_models
from fer_core.explain import METHODS, method_for, raw_maps

APP = Path(__file__).resolve().parent.parent / "streamlit_app.py"


def median(work: Callable[[], object], repeats: int) -> float:
    """Milliseconds."""
    work()
    times = []
    for _ in range(repeats):
        started = perf_counter()
        work()
        times.append(1000 * (perf_counter() - started))
    return float(np.median(times))


def change_class(repeats: int) -> float:
    """Milliseconds from a press on a class to the page that shows it."""
    app = AppTest.from_file(str(APP), default_timeout=120).run()
    app.switch_page("pages/explain.py").run()
    classes = iter(EXPRESSIONS * repeats)
    return median(lambda: app.button(key=f"explain_show_{next(classes)}").click().run(), repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(2)
    analyzer = Analyzer()
    picture = astronaut()
    (face,) = (reading.face for reading in analyzer(picture))
    fast = [method for method in METHODS if method.fast]
    print("| model | " + " | ".join(method.title for method in fast) + " | a forward pass |")
    print("|---" * (len(fast) + 2) + "|")
    for name in list_models():
        model = analyzer.classifier(name)
        (reading,) = analyzer.read(picture, [face], model=name).readings
        crop = reading.regions.face
        forward = median(lambda model=model, crop=crop: model.forward(crop[None]), options.repeats)
        cells = []
        for method in fast:
            if method_for(model, method.name) != method.name:
                cells.append("–")
                continue
            took = median(
                lambda model=model, crop=crop, method=method: raw_maps(
                    model, crop, EXPRESSIONS, method.name
                ),
                options.repeats,
            )
            cells.append(f"{took:.0f} ({took / forward:.1f}×)")
        print(f"| `{name}` | " + " | ".join(cells) + f" | {forward:.1f} |")
    print(f"\nAnother class on the Explain page: {change_class(options.repeats):.0f} ms")


if __name__ == "__main__":
    main()

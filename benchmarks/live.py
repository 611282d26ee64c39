"""Milliseconds of processor time of the live path, stage by stage: ``python -m benchmarks.live``.

Moving pictures of one real face go through ``Stream`` and the overlay as on the Live page, with landmarks,
blinks and the heatmap of the assigned class. The last column compares with detecting in every frame, in the
same run, since machines are noisy. Stages are wall-clock time; the total is processor time of all threads.
"""

import argparse
from collections.abc import Iterator
from time import perf_counter, process_time

import cv2
import numpy as np
import skimage.data

from fer_core import Analyzer
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.streaming.stream import Stream
from fer_core.types import FrameResult, Image

STAGES = ("detect", "landmarks", "align", "predict", "map", "draw")
FRAME_RATE = 30


def scene(width: int, height: int, faces: int, frames: int) -> Iterator[Image]:
    """Yield frames in which ``faces`` faces sway from side to side."""
    portrait: Image = skimage.data.astronaut()[0:256, 96:352]  # type: ignore[no-untyped-call]
    side = height * 3 // 4 if faces == 1 else min(height // 2, width // 3)
    face = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    columns, rows = (1, 1) if faces == 1 else (3, 2)
    for number in range(frames):
        frame = np.full((height, width, 3), 96, np.uint8)
        sway = round(8 * np.sin(number / 6))
        for place in range(faces):
            row, column = divmod(place, columns)
            x = (2 * column + 1) * width // (2 * columns) - side // 2 + sway
            y = (2 * row + 1) * height // (2 * rows) - side // 2
            x, y = np.clip((x, y), 0, (width - side, height - side))
            frame[y : y + side, x : x + side] = face
        yield frame


def run(
    analyzer: Analyzer, frames: list[Image], *, follow: bool
) -> tuple[list[dict[str, float]], int]:
    """Return the timings of each frame, and the number of faces in the last one."""
    stream, style, rows = Stream(analyzer), OverlayStyle(landmarks=True), []
    result = FrameResult()
    for number, frame in enumerate(frames):
        started, time = process_time(), number / FRAME_RATE
        result = stream.push(frame, time=time) if follow else analyzer.analyze(frame)
        read = perf_counter()
        draw_overlay(frame, result, style)
        draw = 1e3 * (perf_counter() - read)
        rows.append({**result.timings, "draw": draw, "total": 1e3 * (process_time() - started)})
    return rows, len(result.readings)


def comparison_cost(analyzer: Analyzer, frames: list[Image]) -> float:
    """Return the milliseconds by which a frame takes longer if its face is compared with a neutral one.

    Two streams take turns with the same frames; the median of the differences.
    """
    alone, compared = Stream(analyzer), Stream(analyzer)
    differences = []
    for number, frame in enumerate([*frames, *frames]):
        costs = []
        for stream in (alone, compared):
            started = process_time()
            draw_overlay(frame, stream.push(frame, time=number / FRAME_RATE))
            costs.append(1e3 * (process_time() - started))
        if number == 0:
            compared.set_baseline()
        if compared.baselines:
            differences.append(costs[1] - costs[0])
    return float(np.median(differences))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    analyzer = Analyzer(options.model, threads=options.threads)
    analyzer.warm_up()
    print(
        f"{analyzer.classifier().name} on {analyzer.device}, {options.threads} threads, "
        f"{options.frames} frames; ms a frame, p50 / p95\n"
    )
    heads = "".join(f"{stage:>13}" for stage in (*STAGES, "total"))
    print(f"{'frame':10}{'faces':>6}{heads}{'detecting always':>19}")
    for width, height, faces in ((640, 480, 1), (640, 480, 5), (1280, 720, 1)):
        frames = list(scene(width, height, faces, options.frames))
        rows, found = run(analyzer, frames, follow=True)
        searching, _ = run(analyzer, frames[: len(frames) // 4], follow=False)
        cells = []
        for stage in (*STAGES, "total"):
            low, high = np.percentile([row.get(stage, 0.0) for row in rows], (50, 95))
            cells.append(f"{low:.1f} / {high:.1f}")
        ratio = np.median([r["total"] for r in searching]) / np.median([r["total"] for r in rows])
        line = "".join(f"{cell:>13}" for cell in cells)
        print(f"{f'{width}x{height}':10}{found:6}{line}{f'{ratio:.1f} times as long':>19}")
    frames = list(scene(640, 480, 1, options.frames))
    print(f"\ncompared with a neutral face: {comparison_cost(analyzer, frames):+.2f} ms a frame")


if __name__ == "__main__":
    main()

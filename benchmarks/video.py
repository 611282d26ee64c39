"""Speed and memory of reading clips: ``python -m benchmarks.video``.

A clip of 640x480 at 30 frames a second, in which one real face sways, is read frame by frame without maps.
Memory is that of the process after the first minute and at the end; the published figure is that of
``--minutes 10``. The clip is generated first, which is not measured.
"""

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import av

from benchmarks.live import scene
from fer_core import Analyzer, StreamSettings
from fer_core.video import Clip, TimelineReader

FRAME_RATE = 30
LOOP = 4
"""Seconds after which the pictures repeat."""


def write(path: Path, seconds: float) -> None:
    """Write the clip, whose frames repeat after ``LOOP`` seconds."""
    frames = list(scene(640, 480, 1, LOOP * FRAME_RATE))
    with av.open(path, "w") as output:
        stream = output.add_stream("h264", FRAME_RATE, {"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number in range(round(seconds * FRAME_RATE)):
            frame = av.VideoFrame.from_ndarray(frames[number % len(frames)], format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def resident() -> float:
    """Return the resident memory of this process, in megabytes."""
    fields = Path("/proc/self/status").read_text().split()
    return int(fields[fields.index("VmRSS:") + 1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    analyzer = Analyzer(options.model, threads=options.threads)
    analyzer.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write(path, 60 * options.minutes)
        with Clip(path) as clip:
            reader = TimelineReader(clip, analyzer, StreamSettings(maps=()))
            started, first_minute = perf_counter(), None
            for step in reader:
                if first_minute is None and step.time >= min(60, 30 * options.minutes):
                    first_minute = (step.time, resident())
            elapsed, memory = perf_counter() - started, resident()
    timeline = reader.timeline
    early, before = first_minute or (timeline.end, memory)
    print(f"{timeline.model} on {analyzer.device}, {options.threads} threads, 640x480, one face\n")
    print(
        f"{'clip':>8}{'frames':>9}{'rows':>9}{'times real time':>18}{'memory':>10}{'growth since':>22}"
    )
    growth = f"{memory - before:.1f} MB, {early:.0f} s"
    print(
        f"{f'{timeline.end:.0f} s':>8}{timeline.frames:9,}{len(timeline.rows):9,}"
        f"{timeline.end / elapsed:18.1f}{f'{memory:.0f} MB':>10}{growth:>22}"
    )


if __name__ == "__main__":
    main()

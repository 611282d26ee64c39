"""Stability and latency of the shown class: ``python -m benchmarks.steadiness --clip CLIP``.

Counts how often the shown class of a face in a clip changes, with and without smoothing. Then measures how
long a step from one class to another takes to be shown: the logits of a face jump from one confident class
to another, which is confident or barely ahead, for all pairs of classes.
"""

import argparse
from itertools import pairwise, permutations
from pathlib import Path
from time import process_time

import av
import numpy as np

from fer_core import EXPRESSIONS, Analyzer, Stream, StreamSettings
from fer_core.models import Classifier
from fer_core.streaming.smoothing import TemporalSmoother
from fer_core.streaming.tracker import Tracker
from fer_core.types import Face, Floats

SMOOTHING = StreamSettings().smoothing
STEPS = ((0.9, 0.9), (0.97, 0.6), (0.6, 0.9))
"""Probability of the class before a step, and of the one after it."""

Row = tuple[int, float, Floats]
"""Track, seconds and (7,) logits of one face in one frame."""


def read_clip(analyzer: Analyzer, path: Path) -> tuple[list[Row], float]:
    """Predict every face of every frame without smoothing; return the rows and the length in seconds."""
    stream, rows, time = Stream(analyzer, StreamSettings(maps=(), smoothing=0)), [], 0.0
    with av.open(path) as clip:
        for frame in clip.decode(video=0):
            time = float(frame.time or 0.0)
            picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            readings = stream.push(picture, time=time).readings
            rows += [(reading.face.track_id or 0, time, reading.logits) for reading in readings]
    return rows, time


def changes(classifier: Classifier, rows: list[Row], smoothing: float) -> int:
    """Count the changes of a shown label: of its class, or of whether it is unsure."""
    memories: dict[int, TemporalSmoother] = {}
    shown: dict[int, list[tuple[str, bool]]] = {}
    for track, time, logits in rows:
        memory = memories.setdefault(track, TemporalSmoother())
        answer = show(classifier, memory, logits, time, smoothing)
        shown.setdefault(track, []).append(answer)
    return sum(before != after for answers in shown.values() for before, after in pairwise(answers))


def show(
    classifier: Classifier, memory: TemporalSmoother, logits: Floats, time: float, smoothing: float
) -> tuple[str, bool]:
    averaged = memory.average(logits, time=time, constant=smoothing)
    probabilities = classifier.calibrate(averaged[None])[0]
    threshold = classifier.card.unsure_below
    return memory.stable_label(probabilities, threshold, time=time, constant=smoothing)


def step_delay(classifier: Classifier, rate: int, before: Floats, after: Floats) -> float:
    """Return the seconds from the first frame of another class to the first that shows it."""
    memory = TemporalSmoother()
    wanted = EXPRESSIONS[int(after.argmax())]
    for number in range(-2 * rate, 5 * rate):
        logits = before if number < 0 else after
        label, _ = show(classifier, memory, logits, number / rate, SMOOTHING)
        if number >= 0 and label == wanted:
            return number / rate
    return np.inf


def sure_of(classifier: Classifier, number: int, probability: float) -> Floats:
    """Return (7,) logits that give one class this probability and share the rest among the others."""
    probabilities = np.full(len(EXPRESSIONS), (1 - probability) / (len(EXPRESSIONS) - 1))
    probabilities[number] = probability
    return np.asarray(classifier.card.temperature * np.log(probabilities), np.float32)


def tracking_ms(faces: int, frames: int = 300) -> float:
    """Return the processor time of smoothing a frame of ``faces`` faces, in milliseconds."""
    random = np.random.default_rng(0)
    image = random.integers(0, 255, (480, 640, 3), np.uint8)
    points = np.zeros((5, 2), np.float32)
    tracker, started = Tracker(), process_time()
    for number in range(frames):
        corners = [(120 * n + number % 9, 150, 120 * n + 110, 290) for n in range(faces)]
        tracker.update(image, [Face(box, 1.0, points) for box in corners], number / 30)
    return 1000 * (process_time() - started) / frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    analyzer = Analyzer(options.model, threads=1)
    classifier = analyzer.classifier()
    if options.clip is None:
        print("changes in a clip left out: needs --clip")
    else:
        rows, length = read_clip(analyzer, options.clip)
        tracks = len({track for track, _, _ in rows})
        print(f"{options.clip.name}: {length:.1f} s, {len(rows)} readings, tracks: {tracks}")
        counts = [changes(classifier, rows, smoothing) for smoothing in (0.0, SMOOTHING)]
        rates = " -> ".join(f"{60 * count / length:.1f}" for count in counts)
        print(f"changes of what is shown a minute, smoothing 0 -> {SMOOTHING} s: {rates}")
    print("\nslowest step of all pairs of classes, seconds")
    for rate in (15, 30, 60):
        delays = [
            max(
                step_delay(classifier, rate, sure_of(classifier, a, p), sure_of(classifier, b, q))
                for a, b in permutations(range(len(EXPRESSIONS)), 2)
            )
            for p, q in STEPS
        ]
        cells = "  ".join(
            f"{p} to {q}: {delay:.2f}" for (p, q), delay in zip(STEPS, delays, strict=True)
        )
        print(f"{rate:3} frames a second   {cells}")
    print("\ntracking, ms a frame: " + ", ".join(f"{n} faces {tracking_ms(n):.2f}" for n in (1, 5)))


if __name__ == "__main__":
    main()

"""What an engine costs and saves: ``python -m benchmarks.engine`` (with the extras ``app`` and ``scale``).

Four tables, each against this process in the same run, since machines are noisy. Cores are processor time a
second: of this process, which stands for the app's, and of all processes of the engine together.

crops    Faces a second through one network, from 1 and 8 threads.
streams  Viewers whose 640×480 frames come 10 a second, with landmarks and the map of the assigned class;
         what a viewer cannot get is dropped. Drawing, which stays in the app, is left out.
video    What the app pays for a viewer's video whatever reads it: milliseconds of processor time a frame.
pictures ``predict`` over pictures: one process, several, and Ray Data.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep

import numpy as np
import skimage.data
from av import VideoFrame
from PIL import Image as Pillow

from benchmarks.live import scene
from fer_core import Analyzer, Stream, StreamSettings, load_model
from fer_core.cli.predict import PictureReader
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.models.classifier import Classifier
from fer_core.options import CLASSES_ONLY
from fer_core.runtime import Engine
from fer_core.runtime.wire import dumps
from fer_core.serving.hosts import StreamHost
from fer_core.serving.streams import RemoteStream
from fer_core.serving.workers import Workers
from fer_core.types import Image

RATE = 10.0
"""Frames a second of a viewer."""
TICKS = os.sysconf("SC_CLK_TCK")


def processor() -> str:
    """Return the name of the processor and whether it has AVX-512."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(": ")[2] for line in text.splitlines() if line.startswith("model name")]
    widest = "with AVX-512" if "avx512f" in text else "without AVX-512"
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} threads, {widest}"


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from descendants(int(child))


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process and all that it has started."""
    total = 0
    for each in descendants(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory(pid: int) -> tuple[float, float]:
    """Return the memory of all processes of the engine and that of its replicas among it, in MB.

    Shared pages count once.
    """
    total = replicas = 0
    for each in descendants(pid):
        try:
            title = Path(f"/proc/{each}/cmdline").read_bytes()
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        total += kilobytes
        replicas += kilobytes if title.startswith(b"ray::ServeReplica") else 0
    return total / 1000, replicas / 1000


class Measured:
    """Seconds, and processor time of this process and of the engine, of a ``with`` block."""

    def __init__(self, engine: int | None) -> None:
        self._engine = engine

    def _now(self) -> tuple[float, float, float]:
        return (
            perf_counter(),
            process_time(),
            processor_seconds(self._engine) if self._engine else 0.0,
        )

    def __enter__(self) -> "Measured":
        self._start = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        differences = [b - a for a, b in zip(self._start, self._now(), strict=True)]
        self.seconds, self.here, self.there = differences


@contextmanager
def serving(replicas: int, port: int) -> Iterator[tuple[Engine, int]]:
    """Run the engine; yield its client and the number of its process."""
    command = [sys.executable, "-m", "fer_core", "serve", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--replicas", str(replicas)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        yield Engine(f"127.0.0.1:{port}").connect(), process.pid
    finally:
        process.terminate()
        process.wait()


def crops(classifier: Classifier, threads: int, seconds: float, engine: int | None) -> str:
    """Return a row of faces a second, and of processor time for each face."""
    side = classifier.input_size
    face = np.random.default_rng(0).integers(0, 256, (1, 1, side, side), dtype=np.uint8)

    def ask(_: int) -> int:
        count, end = 0, perf_counter() + seconds
        while perf_counter() < end:
            classifier.forward_pass(face)
            count += 1
        return count

    ask(0) if seconds < 1 else classifier.forward_pass(face)
    with Measured(engine) as measured, ThreadPoolExecutor(threads) as pool:
        count = sum(pool.map(ask, range(threads)))
    where = "engine" if engine else "here"
    return (
        f"{classifier.name:<20} {where:<7} {threads:>7} {count / measured.seconds:>8.0f} "
        f"{1e3 * threads * measured.seconds / count:>8.2f} {1e3 * measured.here / count:>8.2f} "
        f"{1e3 * measured.there / count:>9.2f}"
    )


def streams(
    make: Callable[[], Stream | RemoteStream], viewers: int, seconds: float, engine: int | None
) -> str:
    """Return a row of frames a second, latency, and cores."""
    frames = list(scene(640, 480, 1, 40))

    def watch(number: int) -> list[float]:
        stream = make()
        latencies: list[float] = []
        for frame in frames[:5]:
            stream.push(frame, time=perf_counter())
        start = perf_counter() + number / RATE / viewers
        due = start
        for frame in cycle(frames):
            if due > start + seconds:
                return latencies
            sleep(max(0.0, due - perf_counter()))
            stream.push(frame, time=perf_counter())
            latencies.append(perf_counter() - due)
            missed = int((perf_counter() - due) * RATE)
            due += (missed + 1) / RATE
        return latencies

    with Measured(engine) as measured, ThreadPoolExecutor(viewers) as pool:
        rows = list(pool.map(watch, range(viewers)))
    latencies = 1e3 * np.concatenate(rows)
    return (
        f"{'engine' if engine else 'here':<7} {viewers:>7} {len(latencies) / seconds:>8.1f} "
        f"{np.median(latencies):>8.0f} {np.percentile(latencies, 95):>8.0f} "
        f"{measured.here / measured.seconds:>8.2f} {measured.there / measured.seconds:>9.2f}"
    )


def video(analyzer: Analyzer, rate: float) -> str:
    """Return what decoding, drawing and encoding a frame costs, and the traffic, as WebRTC has it."""
    from aiortc.codecs.vpx import Vp8Decoder, Vp8Encoder, vp8_depayload
    from aiortc.jitterbuffer import JitterFrame

    stream, style = Stream(analyzer), OverlayStyle()
    camera, decoder, encoder = Vp8Encoder(), Vp8Decoder(), Vp8Encoder()
    seconds, counts, size = {"decode": 0.0, "draw": 0.0, "encode": 0.0}, 0, 0
    for number, image in enumerate(scene(640, 480, 1, 60)):
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = round(number * 90_000 / rate), Fraction(1, 90_000)
        packets, timestamp = camera.encode(frame)
        data = b"".join(vp8_depayload(packet) for packet in packets)
        started = process_time()
        (received,) = decoder.decode(JitterFrame(data, timestamp))
        assert isinstance(received, VideoFrame)
        image = np.asarray(received.to_ndarray(format="rgb24"), np.uint8)
        decoded = process_time()
        result = stream.push(image, time=number / rate)
        read = process_time()
        image = draw_overlay(image, result, style)
        drawn = process_time()
        answer = VideoFrame.from_ndarray(image, format="rgb24")
        answer.pts, answer.time_base = received.pts, received.time_base
        packets, _ = encoder.encode(answer)
        if number < 10:  # the first is whole, the others are differences
            continue
        counts += 1
        size += sum(map(len, packets))
        seconds["decode"] += decoded - started
        seconds["draw"] += drawn - read
        seconds["encode"] += process_time() - drawn
    parts = ", ".join(f"{name} {1e3 * each / counts:.1f}" for name, each in seconds.items())
    whole = 1e3 * sum(seconds.values()) / counts
    bits = 8 * size / counts * rate / 1e6
    return (
        f"video: {parts}, together {whole:.1f} ms a frame; {bits:.2f} Mbit/s at {rate:.0f} frames/s"
    )


def pictures(paths: Sequence[Path], workers: Workers) -> str:
    """Return a row of pictures a second, the start of the processes included, and how long that took."""
    reader = PictureReader(("default", "mtcnn", "auto"), CLASSES_ONLY)
    started = perf_counter()
    times = [perf_counter() - started for _ in workers.map(reader, paths)]
    where = f"{workers.engine}, {workers.processes}"
    return f"{where:<10} {len(paths) / times[-1]:>10.1f} {times[0]:>14.1f}"


def picture_files(folder: Path, count: int) -> list[Path]:
    """Write pictures with one face each."""
    image: Image = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        Pillow.fromarray(np.roll(image, number % 64, axis=1)).save(path, quality=92)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row")
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--models", default="default,emonet_multihead")
    options = parser.parse_args()
    print(f"{processor()}; {options.replicas} replicas; load {os.getloadavg()[0]:.1f}\n")
    analyzer = Analyzer(threads=1)
    with serving(options.replicas, options.port) as (engine, pid):
        print("model                where   threads  faces/s  ms/face  ms here  ms engine")
        for name in options.models.split(","):
            here, there = load_model(name), load_model(name, engine=engine)
            there.forward_pass(np.zeros((1, 1, there.input_size, there.input_size), np.uint8))
            for threads in (1, 8):
                print(crops(here, threads, options.seconds, None))
                print(crops(there, threads, options.seconds, pid), flush=True)
        print("\nwhere   viewers frames/s   median      p95    cores   cores of")
        print("                           ms       ms    here     engine")
        for viewers in (1, 2, 4, 8, 16, 32):
            print(streams(lambda: Stream(analyzer), viewers, options.seconds, None))
            remote = streams(lambda: RemoteStream(engine, analyzer), viewers, options.seconds, pid)
            print(remote, flush=True)
        print(f"\n{video(analyzer, RATE)}")
        frame = next(scene(640, 480, 1, 1))
        host = StreamHost(analyzer)
        status, answer = host.answer(
            "/push?stream=a&time=0", dumps((StreamSettings(model="prior_attention"), frame))
        )
        assert status == 200, answer
        sizes = f"sends {len(dumps(frame)):,} bytes, its answer has {len(dumps(answer)):,}"
        print(f"a frame to the engine {sizes}")
        total, replicas = memory(pid)
        print(f"memory of the engine: {total:,.0f} MB, its replicas {replicas:,.0f} MB")
        with Measured(pid) as idle:
            sleep(options.seconds)
        print(
            f"cores of the idle engine: {idle.there / idle.seconds:.2f}; lost: {engine.problem}\n"
        )
    print("processes  pictures/s   s to the first")
    with TemporaryDirectory() as folder:
        paths = picture_files(Path(folder), options.pictures)
        for workers in (Workers(), Workers(2), Workers(2, "ray")):
            print(pictures(paths, workers), flush=True)


if __name__ == "__main__":
    main()

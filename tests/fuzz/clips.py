"""Mutated clips: whatever is in a file, it is read or refused by a sentence, in bounded time and memory.

    python -m tests.fuzz.clips COUNT [FIRST]

prints what became of the clips numbered from FIRST on, by their format, and a line for each that went wrong;
such clips are kept in the folder for temporary files. It runs by itself so that a crash of FFmpeg ends it
alone; the last number on standard error is then that of the clip.
"""

import io
import resource
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import process_time
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from fer_core import Analyzer, StreamSettings
from fer_core.video import Clip, TimelineReader, VideoError, annotate, read_frame

WIDTH, HEIGHT, FRAMES, RATE, SOUND_RATE = 64, 48, 8, 10, 48_000

KINDS: Final = {
    "mp4": ("mp4", "libx264", "aac"),
    "mov": ("mov", "mpeg4", "pcm_s16le"),
    "avi": ("avi", "mpeg4", "mp2"),
    "mjpeg": ("avi", "mjpeg", None),
    "webm": ("webm", "libvpx", "libopus"),
    "mkv": ("matroska", "libx264", "aac"),
    "ffv1": ("matroska", "ffv1", "flac"),
    "ts": ("mpegts", "libx264", "aac"),
    "mpg": ("vob", "mpeg2video", "mp2"),
    "flv": ("flv", "flv", "aac"),
    "wmv": ("asf", "wmv2", "libmp3lame"),
}
"""Name -> format, codec of the pictures, codec of the sound."""

MAX_SECONDS: Final = 5.0
"""CPU time of one clip."""
MAX_MEGABYTES: Final = 600
"""Memory of all clips above that at the start."""

Random = np.random.Generator
Mutation = Callable[[Random, bytes], bytes]


# Clips --------------------------------------------------------------------------------------------


def make_clip(kind: str, seed: int = 0) -> bytes:
    """Return a tiny clip of moving noise with sound."""
    form, codec, sound = KINDS[kind]
    random = np.random.default_rng(seed)
    file = io.BytesIO()
    # An index in each part leaves more to read of a file that was cut.
    options = {"movflags": "frag_keyframe+empty_moov"} if form == "mov" else {}
    with av.open(file, "w", format=form, options=options) as output:
        video = output.add_stream(codec, RATE if form != "vob" else 25)
        assert isinstance(video, VideoStream)
        video.width, video.height = WIDTH, HEIGHT
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec != "mjpeg":
            video.codec_context.gop_size = 4
        audio = output.add_stream(sound, SOUND_RATE, layout="stereo") if sound else None
        assert audio is None or isinstance(audio, AudioStream)
        for number in range(FRAMES):
            image = random.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
            image = np.repeat(np.repeat(image, 8, axis=0), 8, axis=1)
            output.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            if audio is not None:
                samples = random.integers(-9000, 9000, (1, 2 * SOUND_RATE // RATE), np.int16)
                tone = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
                tone.sample_rate, tone.pts = SOUND_RATE, number * SOUND_RATE // RATE
                tone.time_base = Fraction(1, SOUND_RATE)
                output.mux(audio.encode(tone))
        output.mux(video.encode(None))
        if audio is not None:
            output.mux(audio.encode(None))
    return file.getvalue()


# Mutations ----------------------------------------------------------------------------------------


def flip_bytes(random: Random, content: bytes) -> bytes:
    """Replace a few bytes."""
    changed = np.frombuffer(content, np.uint8).copy()
    places = random.integers(0, len(changed), random.integers(1, 30))
    changed[places] = random.integers(0, 256, len(places))
    return changed.tobytes()


def flip_head(random: Random, content: bytes) -> bytes:
    """Replace a few bytes of the first or the last 1,000, where headers and indexes lie."""
    size = min(1000, len(content))
    if random.random() < 0.5:
        return flip_bytes(random, content[:size]) + content[size:]
    return content[:-size] + flip_bytes(random, content[-size:])


def set_extremes(random: Random, content: bytes) -> bytes:
    """Replace four bytes by zeros, ones or the largest numbers."""
    changed = bytearray(content)
    for _ in range(random.integers(1, 4)):
        place = int(random.integers(0, max(1, len(changed) - 4)))
        extremes = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1")
        changed[place : place + 4] = extremes[random.integers(4)]
    return bytes(changed)


def truncate(random: Random, content: bytes) -> bytes:
    """Cut the end off."""
    return content[: int(random.integers(1, len(content)))]


def cut_out(random: Random, content: bytes) -> bytes:
    """Leave out a part."""
    start, end = sorted(random.integers(0, len(content), 2).tolist())
    return content[:start] + content[end:]


def shuffle_blocks(random: Random, content: bytes) -> bytes:
    """Put blocks of the file behind its head into another order; some come twice."""
    size = int(random.integers(100, 2000))
    blocks = [content[at : at + size] for at in range(size, len(content), size)]
    order = random.integers(0, max(1, len(blocks)), len(blocks))
    return content[:size] + b"".join(blocks[number] for number in order)


def join(random: Random, content: bytes) -> bytes:
    """Append a clip, of this kind or of another, or part of it."""
    other = content
    if random.random() < 0.5:
        other = make_clip(list(KINDS)[random.integers(len(KINDS))])
    return content + other[int(random.integers(0, len(other))) * int(random.integers(2)) :]


def odd_times(random: Random, content: bytes) -> bytes:
    """Copy the packets with other times and in another order, as far as the format takes them."""
    out = io.BytesIO()
    try:
        with (
            av.open(io.BytesIO(content), "r") as clip,
            av.open(out, "w", format="matroska") as output,
        ):
            copies = {s.index: output.add_stream_from_template(s) for s in clip.streams}
            packets = [packet for packet in clip.demux() if packet.dts is not None]
            if random.random() < 0.3:
                packets = [packets[number] for number in random.permutation(len(packets))]
            for packet in packets:
                packet.stream = copies[packet.stream_index]
                packet.pts = packet.dts = odd_time(random, packet.dts or 0)
                output.mux(packet)
    except (av.FFmpegError, ValueError, OverflowError):
        pass  # not every format takes them; what was written so far is a clip, too
    return out.getvalue() or content


def odd_time(random: Random, time: int) -> int:
    """Return a time near the one given, far from it, or the same as others."""
    choices = (time, time, time, 0, time // 3, -time, time + 10**5, time * 10**6, 2**40)
    return int(choices[random.integers(len(choices))])


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(flip_bytes, flip_head, set_extremes, truncate),
    *(cut_out, shuffle_blocks, join, odd_times),
)


def mutated_clip(number: int) -> tuple[str, bytes]:
    """Return the kind and the content of the clip with a number, always the same."""
    random = np.random.default_rng(number)
    kind = list(KINDS)[number % len(KINDS)]
    content = make_clip(kind, int(random.integers(3)))
    for _ in range(random.integers(1, 3)):
        content = MUTATIONS[random.integers(len(MUTATIONS))](random, content) or b"\0"
    return kind, content


# Reading ------------------------------------------------------------------------------------------


def read_all(content: bytes, analyzer: Analyzer) -> str:
    """Read a clip, write it annotated, and read frames by their times; return what became of it."""
    try:
        with Clip(content) as clip:
            reader = TimelineReader(clip, analyzer, StreamSettings(maps=(), smoothing=0.1))
            times = [step.time for step in reader]
    except VideoError:
        return "refused"
    timeline = reader.timeline
    timeline.record()
    film = io.BytesIO()
    try:
        for _ in annotate(content, timeline, analyzer, film, maps=()):
            pass
        with Clip(film.getvalue()) as written:
            assert sum(1 for _ in written.frames()) == timeline.frames
    except VideoError as error:
        return f"read, {'not written' if 'cannot be written' in str(error) else 'film is broken'}"
    for time in {times[0], times[len(times) // 2], times[-1]}:
        read_frame(content, time)
    return "read in part" if timeline.flaw else "read"


def peak() -> float:
    """Return the largest memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(count: int, first: int = 0) -> int:
    """Read clips; return 1 if one went wrong."""
    warnings.simplefilter("error")
    analyzer = Analyzer(detector="haar", device="cpu", threads=1)
    read_all(make_clip("mp4"), analyzer)
    before, failures = peak(), 0
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for number in range(first, first + count):
        print(number, file=sys.stderr)
        kind, content = mutated_clip(number)
        started, reason = process_time(), ""
        try:
            counts[kind][read_all(content, analyzer)] += 1
        except Exception:
            reason = traceback.format_exc()
        if (seconds := process_time() - started) > MAX_SECONDS:
            reason += f"{seconds:.1f} s of CPU time"
        if (memory := peak() - before) > MAX_MEGABYTES:
            reason += f"{memory:.0f} MB of memory"
            before = peak()
        if reason:
            failures += 1
            path = Path(tempfile.gettempdir()) / f"clip-{number}-{kind}"
            path.write_bytes(content)
            print(f"clip {number}, kept as {path}: {reason}")
    for kind, outcomes in counts.items():
        print(f"{kind:6}", ", ".join(f"{n} {what}" for what, n in sorted(outcomes.items())))
    print(f"{count} clips, {failures} went wrong, {peak() - before:.0f} MB")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

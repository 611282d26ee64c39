"""Limits of the size of frames, and the memory that they take."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from fer_core.video import BreaksOffError, Clip
from fer_core.video.container import MAX_MEGAPIXELS
from fer_core.video.film import film_size
from tests.video.conftest import av

MAX_PEAK = 600
"""Megabytes that reading a clip may take above what was in use before."""

PEAK = """
import resource, sys
from fer_core.video import Clip, VideoError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

before = peak()
try:
    with Clip(sys.argv[1]) as clip:
        for frame in clip.frames():
            print(*frame.image.shape)
except VideoError as error:
    print(error)
print(round(peak() - before))
"""


FILM_PEAK = """
import io, resource
from fractions import Fraction
import numpy as np
from fer_core.video.film import Film

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

picture = np.random.default_rng(0).integers(0, 255, (270, 480, 3), np.uint8)
picture = picture.repeat(16, axis=0).repeat(16, axis=1)
before, out = peak(), io.BytesIO()
with Film(out, Fraction(10)) as film:
    for number in range(16):
        film.write(picture, number / 10)
print(round(peak() - before))
"""


def pictures(width: int, height: int, number: int, aspect: int = 1) -> list[bytes]:
    """Return gray JPEG pictures whose pixels are ``aspect`` times as wide as high."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.sample_aspect_ratio = Fraction(aspect)
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 10)
    packets = []
    for count in range(number):
        frame = av.VideoFrame(width, height, "yuvj420p")
        for plane in frame.planes:
            plane.update(bytes([90]) * plane.buffer_size)
        frame.pts = count
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def write(path: Path, packets: list[bytes], width: int, height: int) -> Path:
    """Write pictures of any size into a file that declares one."""
    with av.open(path, "w") as output:
        video = output.add_stream("mjpeg", 10)
        video.width, video.height, video.pix_fmt = width, height, "yuvj420p"
        for number, content in enumerate(packets):
            packet = av.Packet(content)
            packet.stream, packet.time_base = video, Fraction(1, 10)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            output.mux(packet)
    return path


def read_in_a_process(path: Path) -> tuple[list[str], int]:
    """Return what another process printed while it read the clip, and the peak of its memory in megabytes."""
    command = [sys.executable, "-c", PEAK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *lines, peak = done.stdout.splitlines()
    return lines, int(peak)


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.mov"])
def test_a_clip_with_too_many_pixels_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, pictures(9000, 9000, 1), 9000, 9000)
    lines, peak = read_in_a_process(path)
    (line,) = lines
    assert f"larger than {MAX_MEGAPIXELS} megapixels" in line and line.startswith("no frame of")
    assert peak < 100


def test_square_pixels_count(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", pictures(6000, 4000, 1, aspect=4), 6000, 4000)
    lines, peak = read_in_a_process(path)
    assert lines == [f"a.mkv is larger than {MAX_MEGAPIXELS} megapixels; scale it down first"]
    assert peak < MAX_PEAK


@pytest.mark.parametrize("name", ["a.mkv", "a.avi"])
def test_frames_that_grow_are_not_given_memory(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, pictures(64, 48, 5) + 3 * pictures(9000, 9000, 1), 64, 48)
    lines, peak = read_in_a_process(path)
    assert lines[:5] == ["48 64 3"] * 5
    assert lines[5:] == [f"{name} breaks off at 0.4 s; what came before is kept"]
    assert peak < 100


def test_the_largest_frames_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", pictures(7680, 4320, 2), 7680, 4320)
    lines, peak = read_in_a_process(path)
    assert lines == ["4320 7680 3"] * 2 and peak < MAX_PEAK


def test_frames_that_grow_by_their_aspect_break_off(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write(path, pictures(64, 48, 2, aspect=2) + pictures(6000, 4000, 1, aspect=2), 64, 48)
    with Clip(path) as clip:
        frames = clip.frames()
        assert [next(frames).image.shape for _ in range(2)] == [(48, 128, 3)] * 2
        with pytest.raises(
            BreaksOffError, match=r"at 0\.2 s where its picture has more than 36 mega"
        ):
            next(frames)


def test_a_film_of_the_largest_frames_is_written_in_bounded_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILM_PEAK], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < MAX_PEAK


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4320, 7680), (2230, 3964)),
        ((2160, 4096), (2160, 4096)),
        ((2, 36_000), (2, 16_384)),
    ],
)
def test_a_film_has_at_most_the_pixels_of_4k(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    height, width = film_size(*size)
    assert (height, width) == expected
    assert height % 2 == width % 2 == 0

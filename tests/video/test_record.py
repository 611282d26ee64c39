"""Recording live pictures."""

import io
from collections.abc import Sequence
from threading import Thread
from time import sleep

import numpy as np
import pytest

from fer_core.types import Image
from fer_core.video import Frame, Recorder
from fer_core.video.decode import Clip
from fer_core.video.film import MIN_PICTURE_GAP
from tests.video.conftest import av

HEIGHT, WIDTH = 120, 160


def gray_picture(level: int, height: int = HEIGHT, width: int = WIDTH) -> Image:
    return np.full((height, width, 3), level, np.uint8)


def record(pictures: Sequence[Image], times: Sequence[float]) -> bytes:
    recorder = Recorder()
    for picture, time in zip(pictures, times, strict=True):
        recorder.add(picture, time=time)
    content = recorder.stop()
    assert content is not None
    return content


def decode(content: bytes | None) -> list[Frame]:
    assert content is not None
    with Clip(content) as clip:
        return list(clip.frames())


def test_recorded_pictures_and_times_are_decoded_again() -> None:
    levels = [40, 120, 200, 80, 160]
    times = [1000.0, 1000.05, 1000.4, 1000.41, 1003.0]
    content = record([gray_picture(level) for level in levels], times)
    with av.open(io.BytesIO(content)) as container:
        (video,) = container.streams
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
    frames = decode(content)
    assert [f.time for f in frames] == pytest.approx([t - 1000 for t in times], abs=1e-3)
    assert {f.image.shape for f in frames} == {(HEIGHT, WIDTH, 3)}
    assert [f.image.mean() for f in frames] == pytest.approx(levels, abs=3)


def test_colors_and_positions_are_kept() -> None:
    picture = gray_picture(0)
    picture[:60, :80], picture[60:, 80:] = (200, 40, 40), (40, 40, 200)
    (frame,) = decode(record([picture], [0.0]))
    assert frame.image[10:50, 10:70].mean(axis=(0, 1)) == pytest.approx([200, 40, 40], abs=8)
    assert frame.image[70:110, 90:150].mean(axis=(0, 1)) == pytest.approx([40, 40, 200], abs=8)
    assert frame.image[10:50, 90:150].mean() < 5


def test_the_length_of_the_recording_is_known() -> None:
    recorder = Recorder()
    assert (recorder.running, recorder.seconds, recorder.message) == (True, 0, None)
    recorder.add(gray_picture(90), time=7.0)
    recorder.add(gray_picture(90), time=9.5)
    assert (recorder.running, recorder.seconds) == (True, 2.5)
    recorder.stop()
    assert (recorder.running, recorder.seconds, recorder.message) == (False, 2.5, None)


def test_without_pictures_there_is_no_file() -> None:
    recorder = Recorder()
    assert recorder.stop() is None
    assert recorder.stop() is None


def test_stopping_twice_and_adding_afterwards_change_nothing() -> None:
    recorder = Recorder()
    recorder.add(gray_picture(90), time=0.0)
    content = recorder.stop()
    recorder.add(gray_picture(90), time=1.0)
    assert recorder.stop() == content
    assert len(decode(content)) == 1


def test_times_never_go_back() -> None:
    frames = decode(record([gray_picture(90)] * 5, [5.0, 6.0, 6.0, 2.0, 7.0]))
    expected = [0, 1, 1 + MIN_PICTURE_GAP, 1 + 2 * MIN_PICTURE_GAP, 2]
    assert [f.time for f in frames] == pytest.approx(expected, abs=1e-4)


def test_a_recording_stops_at_its_limit() -> None:
    recorder = Recorder(limit=60)
    for time in (0.0, 30.0, 60.0, 60.1, 61.0):
        recorder.add(gray_picture(90), time=time)
    assert not recorder.running
    assert recorder.message == "The recording has stopped by itself after 1 min."
    assert [f.time for f in decode(recorder.stop())] == pytest.approx([0, 30, 60], abs=1e-3)


def test_a_clock_that_stands_still_reaches_the_limit_too() -> None:
    recorder = Recorder(limit=10.5 * MIN_PICTURE_GAP)
    for _ in range(20):
        recorder.add(gray_picture(90), time=0.0)
    assert not recorder.running
    assert len(decode(recorder.stop())) == 11


def test_the_memory_of_a_recording_is_bounded() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 240, 320, 3), np.uint8)
    for rate in (10, 30):
        seconds = 6
        times = np.arange(rate * seconds) / rate
        content = record([noise[number % 8] for number in range(len(times))], times.tolist())
        assert len(content) < (seconds + 1) * 3_000_000 / 8 * 1.1


def test_the_first_picture_sets_the_size() -> None:
    pictures = [
        gray_picture(200),
        gray_picture(200, 240, 320),
        gray_picture(200, 160, 120),
        gray_picture(200, 30, 80),
    ]
    frames = decode(record(pictures, [0.0, 0.1, 0.2, 0.3]))
    assert {f.image.shape for f in frames} == {(HEIGHT, WIDTH, 3)}
    assert frames[1].image.min() > 190, "the same shape fills it"
    upright, flat = frames[2].image, frames[3].image
    assert upright[:, 40:120].min() > 180 and upright[:, :30].max() < 20, "90 wide, in the middle"
    assert upright[:, 130:].max() < 20
    assert flat[34:86].min() > 180 and max(flat[:26].max(), flat[94:].max()) < 20


def test_odd_sizes_are_padded_by_a_pixel() -> None:
    frames = decode(record([gray_picture(90, 121, 161)] * 2, [0.0, 0.1]))
    assert {f.image.shape for f in frames} == {(122, 162, 3)}
    assert frames[1].image.min() > 80


def test_a_picture_that_cannot_be_encoded_ends_the_recording() -> None:
    recorder = Recorder()
    recorder.add(gray_picture(90), time=0.0)
    with pytest.raises(ValueError):
        recorder.add(gray_picture(90).astype(np.float32), time=0.1)
    assert not recorder.running
    assert recorder.message is not None
    assert recorder.message.startswith("The recording has stopped by itself: ")
    recorder.add(gray_picture(90), time=0.2)
    assert len(decode(recorder.stop())) == 1, "what came before is kept"


def test_a_first_picture_that_cannot_be_encoded_leaves_no_file() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError):
        recorder.add(gray_picture(90).astype(np.float32), time=0.0)
    assert recorder.stop() is None


def test_a_recorder_can_be_used_by_two_threads() -> None:
    recorder = Recorder()

    def add_pictures() -> None:
        for number in range(3000):
            recorder.add(gray_picture(90), time=number / 30)

    film = Thread(target=add_pictures)
    film.start()
    while recorder.seconds < 0.5:
        sleep(0.01)
    content = recorder.stop()
    film.join()
    frames = decode(content)
    assert 16 <= len(frames) <= 3000
    assert recorder.stop() == content
    assert frames[-1].time == pytest.approx(recorder.seconds, abs=1e-3)

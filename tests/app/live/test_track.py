"""The track that works on the newest frame and sends each picture once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from threading import Event

import numpy as np
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from app.live.track import FrameDelay, NewestFrameTrack
from tests.coroutines import run_coroutine

PATIENCE = 60


class Camera(MediaStreamTrack):
    """A camera that sends what a test puts into it."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.frames: asyncio.Queue[VideoFrame | None] = asyncio.Queue()

    async def recv(self) -> VideoFrame:
        frame = await self.frames.get()
        if frame is None:
            raise MediaStreamError
        return frame


def frame(number: int) -> VideoFrame:
    """Return a frame whose gray value and time are its number."""
    made = VideoFrame.from_ndarray(np.full((16, 16), number, np.uint8), format="gray")
    made.pts, made.time_base = number, Fraction(1, 10)
    return made


def run(
    test: Callable[[Camera, NewestFrameTrack], "asyncio.Future[None]"],
    process: Callable[[VideoFrame, float], VideoFrame],
) -> None:
    """Run a test with a track that reads a camera."""

    async def main() -> None:
        with ThreadPoolExecutor(1) as executor:
            camera, track = Camera(), NewestFrameTrack(process, executor)
            track.addTrack(camera)
            assert track.hasTrack()
            track.start()
            await asyncio.wait_for(test(camera, track), PATIENCE)
            track.stop()

    run_coroutine(main())


def test_each_picture_is_sent_once_and_keeps_its_time() -> None:
    async def test(camera: Camera, track: NewestFrameTrack) -> None:
        for number in (1, 2, 3):
            camera.frames.put_nowait(frame(number))
            picture = await track.recv()
            assert picture.to_ndarray(format="gray")[0, 0] == number + 100
            assert (picture.pts, picture.time_base) == (number, Fraction(1, 10))
        waiting = asyncio.ensure_future(track.recv())
        await asyncio.sleep(0)
        assert not waiting.done(), "an old picture is not sent again"
        camera.frames.put_nowait(frame(4))
        assert (await waiting).pts == 4

    def process(newest: VideoFrame, age: float) -> VideoFrame:
        assert 0 <= age < PATIENCE
        assert newest.pts is not None
        return frame(newest.pts + 100)

    run(test, process)  # type: ignore[arg-type]


def test_frames_that_are_overtaken_are_dropped() -> None:
    begun, may_end = Event(), Event()
    processed: list[int | None] = []

    async def test(camera: Camera, track: NewestFrameTrack) -> None:
        camera.frames.put_nowait(frame(1))
        first = asyncio.ensure_future(track.recv())
        await asyncio.to_thread(begun.wait, PATIENCE)
        for number in (2, 3, 4):
            camera.frames.put_nowait(frame(number))
        while not camera.frames.empty():
            await asyncio.sleep(0)
        may_end.set()
        assert (await first).pts == 1
        assert (await track.recv()).pts == 4
        assert processed == [1, 4]

    def process(newest: VideoFrame, age: float) -> VideoFrame:
        processed.append(newest.pts)
        begun.set()
        assert may_end.wait(PATIENCE)
        return newest

    run(test, process)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["camera", "stop"])
def test_the_end_wakes_whoever_waits_for_a_picture(ending: str) -> None:
    async def test(camera: Camera, track: NewestFrameTrack) -> None:
        ended = asyncio.Event()
        track.on("ended", ended.set)
        waiting = asyncio.ensure_future(track.recv())
        await asyncio.sleep(0)
        if ending == "camera":
            camera.frames.put_nowait(None)
        else:
            await asyncio.to_thread(track.stop)
        with pytest.raises(MediaStreamError):
            await waiting
        assert ended.is_set() and track.readyState == "ended"

    run(test, lambda newest, age: newest)  # type: ignore[arg-type]


def test_a_frame_is_late_by_what_it_took_longer_than_the_fastest() -> None:
    delay = FrameDelay()
    assert delay.of(0.0, 100.5) == 0
    assert delay.of(0.1, 100.3) == 0, "a faster one"
    assert delay.of(0.2, 100.9) == pytest.approx(0.5, abs=1e-3)
    assert delay.of(0.3, 100.6) == pytest.approx(0.1, abs=1e-3)


def test_clocks_that_run_apart_do_not_add_up() -> None:
    delay, fast = FrameDelay(), 1 + 5e-5
    delays = [delay.of(second, 100 + second * fast) for second in range(7200)]
    assert max(delays) < 0.01

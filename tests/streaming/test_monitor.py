"""The monitor, from which a page reads the state of a stream."""

from threading import Thread

import numpy as np
import pytest

from fer_core.labels import EXPRESSIONS
from fer_core.streaming.monitor import HISTORY, RATE_WINDOW, SAMPLE_EVERY, TRAIL, Monitor
from fer_core.types import Face, Floats, FrameResult, Image, Reading, Regions

FRAME = np.zeros((4, 6, 3), np.uint8)


def reading(top: int, side: float, track: int = 1, valence: float = 0.0) -> Reading:
    """Return a reading of a square face of this side with probability 1 for ``top``."""
    probabilities = np.eye(len(EXPRESSIONS), dtype=np.float32)[top]
    gray: Image = np.zeros((6, 6), np.uint8)
    transform: Floats = np.zeros((2, 3), np.float32)
    return Reading(
        face=Face((0, 0, side, side), 1.0, np.zeros((5, 2), np.float32), track_id=track),
        regions=Regions(gray, gray, gray, transform, {}),
        model="none",
        logits=probabilities,
        probabilities=probabilities,
        unsure=False,
        valence=valence,
        arousal=0.25,
    )


@pytest.fixture
def monitor() -> Monitor:
    return Monitor(time=100.0)


def test_a_new_monitor_has_no_activity(monitor: Monitor) -> None:
    activity = monitor.activity(time=107.0)
    assert activity.frames == 0
    assert activity.silence == 7.0
    assert activity.rate == 0.0
    assert activity.timings == {}
    assert activity.frame is None
    assert activity.result is None
    assert activity.error is None
    assert activity.times.shape == (0,)
    assert activity.probabilities.shape == (0, 7)
    assert activity.trails == {}


def test_rate_and_milliseconds_are_over_the_last_seconds(monitor: Monitor) -> None:
    for number in range(100):  # ten a second; every other one looks for faces
        timings = {"predict": 5.0} if number % 2 else {"detect": 30.0, "predict": 7.0}
        monitor.add(FRAME, FrameResult(), time=100 + number / 10, timings=timings)
    activity = monitor.activity(time=109.9)
    assert activity.frames == 100
    assert activity.rate == pytest.approx(10, abs=0.5)
    assert activity.timings == pytest.approx({"detect": 15.0, "predict": 6.0}, rel=0.05)
    later = monitor.activity(time=109.9 + RATE_WINDOW + 1)
    assert later.rate == 0.0
    assert later.timings == {}
    assert later.silence == pytest.approx(RATE_WINDOW + 1)
    assert later.frames == 100


def test_a_minute_of_the_first_face_is_kept(monitor: Monitor) -> None:
    happy = FrameResult((reading(4, 20), reading(3, 10)))
    seconds = np.arange(0, 2 * HISTORY, 0.05)
    for second in seconds:
        result = FrameResult() if 90 <= second < 100 else happy
        monitor.add(FRAME, result, time=float(100 + second), timings={})
    activity = monitor.activity(time=float(100 + seconds[-1]))
    assert len(activity.times) == pytest.approx(HISTORY / SAMPLE_EVERY, abs=2)
    assert activity.times[0] == pytest.approx(-HISTORY, abs=SAMPLE_EVERY)
    assert activity.times[-1] == pytest.approx(0, abs=SAMPLE_EVERY)
    assert (np.diff(activity.times) >= SAMPLE_EVERY - 1e-3).all()
    gap = np.isnan(activity.probabilities[:, 0])
    assert gap.sum() == pytest.approx(10 / SAMPLE_EVERY, abs=1)
    assert (activity.probabilities[~gap].argmax(axis=1) == 4).all()


def test_each_face_leaves_a_trail_of_some_seconds(monitor: Monitor) -> None:
    for number in range(1000):  # a hundred seconds; the second face leaves after half of them
        second = number / 10
        faces = [reading(3, 20, track=7, valence=second / 100)]
        faces += [reading(3, 10, track=9)] * (second < 50)
        monitor.add(FRAME, FrameResult(tuple(faces)), time=100 + second, timings={})
        if second == 49.9:
            assert set(monitor.activity(time=149.9).trails) == {7, 9}
    trails = monitor.activity(time=199.9).trails
    assert set(trails) == {7}, "who is gone has no trail"
    assert len(trails[7]) == pytest.approx(TRAIL / 0.3, abs=1), "a sample every third frame"
    assert trails[7][:, 0] == pytest.approx(np.linspace(0.951, 0.999, len(trails[7])), abs=0.003)
    assert trails[7][:, 1] == pytest.approx(0.25)
    assert monitor.activity(time=199.9 + TRAIL + 1).trails == {}


def test_the_last_frame_and_result_are_returned(monitor: Monitor) -> None:
    result = FrameResult((reading(0, 10),))
    monitor.add(FRAME, result, time=101.0, timings={})
    activity = monitor.activity(time=101.0)
    assert activity.frame is FRAME
    assert activity.result is result


def test_an_error_is_reported_until_the_next_good_frame(monitor: Monitor) -> None:
    assert monitor.fail(ValueError("no"), time=101.0)
    assert not monitor.fail(ValueError("no"), time=102.0)
    assert monitor.fail(ValueError("other"), time=103.0)
    activity = monitor.activity(time=103.5)
    assert activity.error == "ValueError: other"
    assert activity.silence == 0.5
    monitor.add(FRAME, FrameResult(), time=104.0, timings={})
    assert monitor.activity(time=104.0).error is None
    assert monitor.fail(ValueError("other"), time=105.0)


def test_restart_forgets_the_frame(monitor: Monitor) -> None:
    monitor.add(FRAME, FrameResult((reading(0, 10),)), time=101.0, timings={"detect": 1.0})
    monitor.restart(time=110.0)
    activity = monitor.activity(time=112.0)
    assert (activity.frames, activity.frame, activity.result) == (0, None, None)
    assert activity.silence == 2.0
    assert len(activity.times) == 0


def test_a_monitor_can_be_used_by_several_threads(monitor: Monitor) -> None:
    def write() -> None:
        for number in range(500):
            monitor.add(FRAME, FrameResult(), time=100 + number / 1000, timings={"a": 1.0})
            monitor.activity(time=100 + number / 1000)

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert monitor.activity(time=100.5).frames == 2000

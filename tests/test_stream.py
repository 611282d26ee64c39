"""One viewer's memory: following, smoothing, being late."""

from dataclasses import replace
from threading import Event, Thread

import cv2
import numpy as np
import pytest

from fer_core import Analyzer, Stream, StreamSettings
from fer_core.stream import DETECT_EVERY, overlap
from fer_core.types import FrameResult, Image


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(device="cpu")


def shifted(image: Image, dx: int, dy: int = 0) -> Image:
    return cv2.warpAffine(image, np.float32([[1, 0, dx], [0, 1, dy]]), image.shape[1::-1])


class Searches:
    """Counts how often a detector searched a whole frame."""

    def __init__(self, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        detector = analyzer.detector()
        search = detector.detect

        def counted(image: Image) -> list:
            self.count += 1
            return search(image)

        monkeypatch.setattr(detector, "detect", counted)


def test_a_moving_face_is_followed_between_searches(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches, stream = Searches(analyzer, monkeypatch), analyzer.stream()
    centres, tracks = [], set()
    for number in range(16):
        result = stream.push(shifted(astronaut, 3 * number), time=number / 30)
        (reading,) = result.readings
        centres.append((reading.face.box[0] + reading.face.box[2]) / 2)
        tracks.add(reading.face.track_id)
    assert searches.count == 2, f"once at the start, once {DETECT_EVERY} s later"
    assert np.diff(centres).mean() == pytest.approx(3, abs=0.4)
    assert tracks == {0}


def test_a_lost_face_makes_the_stream_search_at_once(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = analyzer.stream()
    stream.push(astronaut, time=0)
    searches = Searches(analyzer, monkeypatch)
    jumped = shifted(astronaut, 180, 120)
    (reading,) = stream.push(jumped, time=0.03).readings
    assert searches.count == 1 and reading.face.box[0] > 330
    assert stream.push(np.zeros_like(astronaut), time=0.06).readings == ()


def test_the_size_of_frames_may_change(analyzer: Analyzer, astronaut: Image) -> None:
    stream = analyzer.stream()
    stream.push(astronaut, time=0)
    smaller = cv2.resize(astronaut, (300, 300))
    (reading,) = stream.push(smaller, time=0.3).readings
    assert 95 < reading.face.box[0] < 120


def test_smoothing_is_exponential_in_seconds(analyzer: Analyzer, astronaut: Image) -> None:
    stream = Stream(analyzer, StreamSettings(smoothing=0.5, maps=()))
    bright = np.clip(astronaut.astype(int) + 40, 0, 255).astype(np.uint8)
    before = analyzer(astronaut)[0].logits
    stream.push(astronaut, time=0)
    shown = stream.push(bright, time=0.25).readings[0]
    alone = Stream(analyzer, StreamSettings(smoothing=0, maps=()))
    alone.push(astronaut, time=0)
    after = alone.push(bright, time=0.25).readings[0].logits
    keep = np.exp(-0.5)
    assert shown.logits == pytest.approx(keep * before + (1 - keep) * after, abs=0.02)
    assert shown.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_map_is_that_of_the_shown_class(analyzer: Analyzer, astronaut: Image) -> None:
    stream = Stream(analyzer, StreamSettings(smoothing=10))
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    for number, frame in enumerate([astronaut, shifted(astronaut, 2), mirrored]):
        result = stream.push(frame, time=number / 30)
        assert result.explanations[0][0].target == result.readings[0].top[0]


def test_settings_may_change_while_it_runs(analyzer: Analyzer, astronaut: Image) -> None:
    stream = analyzer.stream()
    assert stream.push(astronaut, time=0).readings[0].model == "prior_attention"
    stream.settings = replace(stream.settings, model="plain", maps=("sad", "happy"))
    result = stream.push(astronaut, time=0.03)
    assert result.readings[0].model == "plain" and result.readings[0].region_attention is None
    assert [e.target for e in result.explanations[0]] == ["sad", "happy"]
    stream.settings = replace(stream.settings, detector="haar", maps=())
    result = stream.push(astronaut, time=0.06)
    assert len(result.readings) == 1 and result.explanations == ()


def test_a_late_frame_gets_the_last_result(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = analyzer.stream()
    first = stream.push(astronaut, time=0)
    started, go_on = Event(), Event()
    read = analyzer.read

    def slow(*arguments: object, **options: object) -> FrameResult:
        started.set()
        go_on.wait(10)
        return read(*arguments, **options)

    monkeypatch.setattr(analyzer, "read", slow)
    worker = Thread(target=stream.push, args=(astronaut,), kwargs={"time": 0.1})
    worker.start()
    started.wait(10)
    assert stream.push(astronaut, time=0.2) is first
    go_on.set()
    worker.join()


def test_an_error_leaves_the_stream_usable(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = analyzer.stream()
    with monkeypatch.context() as patch:
        patch.setattr(analyzer, "read", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stream.push(astronaut, time=0)
    assert len(stream.push(astronaut, time=0.1).readings) == 1


def test_viewers_do_not_share_tracks(analyzer: Analyzer, astronaut: Image) -> None:
    one, other = analyzer.stream(), analyzer.stream()
    one.push(astronaut, time=0)
    one.push(shifted(astronaut, 200), time=1)
    assert one.push(shifted(astronaut, 200), time=1.1).readings[0].face.track_id == 1
    assert other.push(astronaut, time=0).readings[0].face.track_id == 0


def test_overlap() -> None:
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (1, 0, 2, 1)) == 0

"""One viewer's stream: tracks, smoothing, late frames."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Event, Thread

import cv2
import numpy as np
import pytest

from fer_core import Analyzer, Stream, StreamSettings
from fer_core.errors import UserError
from fer_core.faces.mtcnn import MTCNN
from fer_core.labels import PRIORS
from fer_core.options import AnalysisOptions
from fer_core.readings import Observation, circumplex_position
from fer_core.streaming.stream import DETECT_EVERY
from fer_core.types import Face, Floats, Image
from tests.conftest import ClipFrames


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(device="cpu")


def shifted(image: Image, dx: int, dy: int = 0) -> Image:
    height, width = image.shape[:2]
    transform = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return np.asarray(cv2.warpAffine(image, transform, (width, height)), np.uint8)


class Searches:
    """Counts how often a detector searched a whole frame."""

    def __init__(self, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        detector = analyzer.detector()
        assert isinstance(detector, MTCNN)
        search = detector.detect_beside

        def counted(image: Image, known: Floats, *, times: float = 1.0) -> list[Face]:
            self.count += 1
            return search(image, known, times=times)

        monkeypatch.setattr(detector, "detect_beside", counted)


def test_a_moving_face_is_followed_between_searches(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches, stream = Searches(analyzer, monkeypatch), Stream(analyzer)
    centers, tracks = [], set()
    for number in range(16):
        result = stream.push(shifted(astronaut, 3 * number), time=number / 30)
        (reading,) = result.readings
        centers.append((reading.face.box[0] + reading.face.box[2]) / 2)
        tracks.add(reading.face.track_id)
    assert searches.count == 3, f"at the start, and every {DETECT_EVERY} s"
    assert np.diff(centers).mean() == pytest.approx(3, abs=0.4)
    assert tracks == {1}


def test_a_lost_face_starts_a_search_at_once(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(analyzer)
    stream.push(astronaut, time=0)
    searches = Searches(analyzer, monkeypatch)
    jumped = shifted(astronaut, 180, 120)
    (reading,) = stream.push(jumped, time=0.03).readings
    assert searches.count == 1 and reading.face.box[0] > 330
    assert stream.push(np.zeros_like(astronaut), time=0.06).readings == ()


def test_the_size_of_frames_may_change(analyzer: Analyzer, astronaut: Image) -> None:
    stream = Stream(analyzer)
    stream.push(astronaut, time=0)
    smaller = np.asarray(cv2.resize(astronaut, (300, 300)), np.uint8)
    (reading,) = stream.push(smaller, time=0.3).readings
    assert 95 < reading.face.box[0] < 120


def test_smoothing_is_exponential_in_seconds(analyzer: Analyzer, astronaut: Image) -> None:
    stream = Stream(analyzer, StreamSettings(smoothing=0.5, maps=()))
    bright = np.clip(astronaut.astype(int) + 40, 0, 255).astype(np.uint8)
    before = stream.push(astronaut, time=0).readings[0]
    after = stream.push(bright, time=0.25).readings[0]
    keep = np.exp(-0.5)
    mixed = keep * before.logits + (1 - keep) * after.logits
    expected = analyzer.classifier().calibrate(mixed)
    assert after.probabilities == pytest.approx(expected, abs=1e-5)
    alone = analyzer.classifier().calibrate(after.logits)
    assert np.abs(after.probabilities - alone).max() > 1e-4, "logits are those of the frame alone"
    assert (after.valence, after.arousal) == pytest.approx(circumplex_position(expected), abs=1e-4)


def test_readings_of_streams_and_images_assume_the_prior_of_their_settings(
    analyzer: Analyzer, astronaut: Image
) -> None:
    classifier = analyzer.classifier()
    for prior in PRIORS:
        stream = Stream(analyzer, StreamSettings(prior=prior, maps=()))
        streamed = stream.push(astronaut, time=0).readings[0]
        alone = analyzer.analyze(astronaut, prior=prior, maps=()).readings[0]
        for reading in (streamed, alone):
            expected = classifier.calibrate(reading.logits, prior)
            assert reading.probabilities == pytest.approx(expected, abs=1e-5)
            assert reading.prior == prior
    with pytest.raises(UserError, match="own, half, equal"):
        StreamSettings(prior="fair")


def test_streams_have_a_stable_label_and_single_images_none(
    analyzer: Analyzer, astronaut: Image
) -> None:
    (alone,) = analyzer(astronaut)
    assert alone.label is None and alone.shown == alone.top
    (streamed,) = Stream(analyzer).push(astronaut, time=0).readings
    assert streamed.label == streamed.shown[0] == alone.top[0]
    assert streamed.probabilities == pytest.approx(alone.probabilities, abs=1e-5)


def test_the_map_is_that_of_the_shown_class(analyzer: Analyzer, astronaut: Image) -> None:
    stream = Stream(analyzer, StreamSettings(smoothing=10))
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    for number, frame in enumerate([astronaut, shifted(astronaut, 2), mirrored]):
        result = stream.push(frame, time=number / 30)
        assert result.explanations[0][0].target == result.readings[0].shown[0]


def test_settings_may_change_while_it_runs(analyzer: Analyzer, astronaut: Image) -> None:
    stream = Stream(analyzer)
    assert stream.push(astronaut, time=0).readings[0].model == "prior_attention"
    stream.settings = replace(stream.settings, model="plain", maps=("sad", "happy"))
    result = stream.push(astronaut, time=0.03)
    assert result.readings[0].model == "plain" and result.readings[0].region_attention is None
    assert [e.target for e in result.explanations[0]] == ["sad", "happy"]
    stream.settings = replace(stream.settings, detector="haar", maps=())
    result = stream.push(astronaut, time=0.06)
    assert len(result.readings) == 1 and result.explanations == ()


def test_a_frame_during_another_push_gets_the_last_result(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(analyzer)
    first = stream.push(astronaut, time=0)
    started, finish = Event(), Event()
    observe = analyzer.observe

    def slow(
        frames: Sequence[tuple[Image, Sequence[Face]]],
        options: AnalysisOptions,
        timings: dict[str, float],
        grays: Sequence[Image],
    ) -> list[Observation]:
        started.set()
        finish.wait(10)
        return observe(frames, options, timings, grays)

    monkeypatch.setattr(analyzer, "observe", slow)
    worker = Thread(target=stream.push, args=(astronaut,), kwargs={"time": 0.1})
    worker.start()
    started.wait(10)
    assert stream.push(astronaut, time=0.2) is first
    finish.set()
    worker.join()


def test_a_stream_can_be_used_after_an_error(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(analyzer)
    with monkeypatch.context() as patch:
        patch.setattr(analyzer, "observe", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stream.push(astronaut, time=0)
    assert len(stream.push(astronaut, time=0.1).readings) == 1


def test_viewers_do_not_share_tracks(analyzer: Analyzer, astronaut: Image) -> None:
    one, other = Stream(analyzer), Stream(analyzer)
    one.push(astronaut, time=0)
    assert one.push(astronaut, time=5).readings[0].face.track_id == 2, "long ago is forgotten"
    assert other.push(astronaut, time=5.1).readings[0].face.track_id == 1


def crossing(astronaut: Image, rate: float) -> Iterator[tuple[float, Image, float, float]]:
    """Yield time, frame and positions of two faces that cross within two seconds, the first in front."""
    front = cv2.resize(astronaut[20:230, 130:320], (152, 168), interpolation=cv2.INTER_AREA)
    back = front[:, ::-1, ::-1]
    for number in range(round(2 * rate)):
        time = number / rate
        frame = np.full((240, 640, 3), 110, np.uint8)
        x, y = round(10 + 230 * time), round(470 - 230 * time)
        frame[36:204, y : y + 152] = back
        frame[36:204, x : x + 152] = front
        yield time, frame, x + 76, y + 76


@pytest.mark.parametrize("rate", [10, 30])
def test_two_people_who_cross_keep_their_numbers(
    analyzer: Analyzer, astronaut: Image, rate: float
) -> None:
    stream = Stream(analyzer, StreamSettings(maps=()))
    numbers: tuple[set[int | None], set[int | None]] = (set(), set())
    for time, frame, front, back in crossing(astronaut, rate):
        for reading in stream.push(frame, time=time).readings:
            middle = (reading.face.box[0] + reading.face.box[2]) / 2
            if abs(front - back) > 80:
                whose = abs(middle - front) > abs(middle - back)
                numbers[whose].add(reading.face.track_id)
    assert all(len(each) == 1 for each in numbers) and numbers[0] != numbers[1]


def test_two_faces_of_one_size_keep_their_order(analyzer: Analyzer, astronaut: Image) -> None:
    stream, face = Stream(analyzer), analyzer(astronaut)[0].face
    for first, factor in ((1, 1.0), (1, 1.1), (2, 1.5), (2, 1.1)):
        x0, y0, x1, y1 = face.box
        grown = replace(face, box=(x0, y0, x0 + factor * (x1 - x0), y1), track_id=2)
        ordered = stream._in_order([replace(face, track_id=1), grown])
        assert ordered[0].track_id == first


def test_a_hidden_face_gets_its_number_back(analyzer: Analyzer, astronaut: Image) -> None:
    stream, frames = Stream(analyzer, StreamSettings(maps=())), []
    small = np.ascontiguousarray(astronaut[:256, 96:352])
    for number in range(20):
        hidden = 5 <= number < 10  # half a second at ten frames a second
        frame = np.full_like(small, 90) if hidden else small
        frames.append(stream.push(frame, time=number / 10).readings)
    assert [len(readings) for readings in frames] == [0 if 5 <= n < 10 else 1 for n in range(20)]
    assert {reading.face.track_id for readings in frames for reading in readings} == {1}


def test_one_face_in_a_clip_has_one_track(analyzer: Analyzer, clip_frames: ClipFrames) -> None:
    stream, rows = Stream(analyzer, StreamSettings(maps=())), []
    for number, frame in enumerate(clip_frames("face_noface.mov", 1)):
        readings = stream.push(frame, time=number * 19667 / 519168).readings
        rows += [(number, reading.face.track_id) for reading in readings]
    assert 68 <= len({number for number, _ in rows}) <= 78, "the face is in frames 0 to 71"
    assert {track for _, track in rows} == {1}


def test_frames_pushed_together_have_the_same_results_as_one_by_one(
    analyzer: Analyzer, astronaut: Image
) -> None:
    frames = [(shifted(astronaut, 3 * number), number / 30) for number in range(9)]
    settings = StreamSettings(maps=())
    one_by_one = Stream(analyzer, settings)
    expected = [one_by_one.push(frame, time=time) for frame, time in frames]
    for result, other in zip(Stream(analyzer, settings).push_all(frames), expected, strict=True):
        (reading,), (single,) = result.readings, other.readings
        assert reading.face.box == pytest.approx(single.face.box)
        assert reading.probabilities == pytest.approx(single.probabilities, abs=1e-4)
        assert reading.blinks == single.blinks


@pytest.mark.parametrize(
    ("clip", "blinks"),
    [("head_d18.mp4", 2), ("single_face.mp4", 1), ("talking_swiz3n.mpg", 0)],
)
def test_blinks_in_clips_agree_with_counts_by_people(
    analyzer: Analyzer,
    clip_frames: Callable[[str, int], Iterator[Image]],
    clip: str,
    blinks: int,
) -> None:
    stream = Stream(analyzer, StreamSettings(maps=()))
    counts = [0]
    for number, frame in enumerate(clip_frames(clip, 1)):
        for reading in stream.push(frame, time=number / 30).readings[:1]:
            assert reading.blinks is not None
            counts.append(reading.blinks.count)
    assert counts[-1] == blinks


def test_without_landmarks_there_are_no_blinks(analyzer: Analyzer, astronaut: Image) -> None:
    stream = Stream(analyzer, StreamSettings(landmarks=False))
    (reading,) = stream.push(astronaut, time=0).readings
    assert reading.blinks is None and reading.face.landmarks is None


def test_the_count_of_blinks_is_kept_when_the_model_changes(
    analyzer: Analyzer, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(analyzer, StreamSettings(maps=()))
    stream.push(astronaut, time=0)
    monkeypatch.setattr("fer_core.faces.description.find_eyes", lambda *_: np.full((1, 2), 0.02))
    stream.push(astronaut, time=0.1)
    monkeypatch.undo()
    stream.settings = StreamSettings(model="plain", maps=())
    (reading,) = stream.push(astronaut, time=0.3).readings
    assert reading.model == "plain"
    assert reading.blinks is not None and reading.blinks.count == 1


def test_a_network_with_attention_over_time_reads_the_last_frames_as_a_sequence(
    analyzer: Analyzer, astronaut: Image
) -> None:
    stream = Stream(analyzer, StreamSettings(model="acnn_alstm", sequence=3, maps=()))
    counted = []
    for number in range(5):
        (reading,) = stream.push(shifted(astronaut, number), time=number / 10).readings
        assert reading.time_attention is not None
        counted.append(reading.time_attention)
    assert [len(weights) for weights in counted] == [1, 2, 3, 3, 3]
    assert [weights.sum() for weights in counted] == pytest.approx([1] * 5, abs=1e-5)
    assert min(counted[-1]) > 0.1 and reading.top[0] == "happy"
    stream.settings = replace(stream.settings, sequence=1)
    (reading,) = stream.push(astronaut, time=0.5).readings
    assert reading.time_attention is None
    stream.settings = replace(stream.settings, model="plain", sequence=3)
    (reading,) = stream.push(astronaut, time=0.6).readings
    assert reading.time_attention is None

"""The timeline of a clip, and its statistics."""

import dataclasses
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core import EXPRESSIONS, Analyzer, StreamSettings, __version__
from fer_core.errors import UserError
from fer_core.export import DETAIL_COLUMNS
from fer_core.models import load_model
from fer_core.types import Image
from fer_core.video import (
    CSV_COLUMNS,
    Clip,
    Progress,
    Timeline,
    TimelineReader,
    VideoError,
    table_columns,
)
from fer_core.video.rows import ROW
from tests.video.conftest import RATE, WriteClip


def read(path: Path, analyzer: Analyzer, *, every: int = 1) -> Timeline:
    with Clip(path) as clip:
        reader = TimelineReader(clip, analyzer, every=every)
        for _ in reader:
            pass
        return reader.timeline


def made(*rows: tuple[int, float, int, str, float]) -> Timeline:
    """Return a timeline of rows (frame, time, track, class, its probability)."""
    table = np.zeros(len(rows), ROW)
    for number, (frame, time, track, name, probability) in enumerate(rows):
        probabilities = np.full(7, (1 - probability) / 6, np.float32)
        probabilities[EXPRESSIONS.index(name)] = probability
        likeliest = probabilities.argmax()
        fields = (frame, time, track, (1, 2, 30, 40), 1, 0, probabilities)
        table[number] = (*fields, 0.5, np.nan, False, likeliest, number % 2, np.nan, 51)
    return Timeline("a.mp4", "plain", 1, 90, 3.0, stopped=False, flaw=None, rows=table)


@pytest.fixture(scope="module")
def table() -> Timeline:
    return made(
        (0, 0.0, 4, "happy", 0.6),
        (1, 0.5, 4, "happy", 0.9),
        (1, 0.5, 7, "sad", 0.8),
        (40, 1.4, 7, "fear", 0.5),
    )


def test_a_face_in_part_of_the_clip_has_rows_only_there(
    write_clip: WriteClip, analyzer: Analyzer, face: Image, nobody: Image
) -> None:
    times = [0.3 * number for number in range(12)]  # far enough apart that each frame is searched
    path = write_clip([nobody] * 3 + [face] * 6 + [nobody] * 3, times=times)
    timeline = read(path, analyzer)
    assert (timeline.frames, timeline.stopped, timeline.flaw) == (12, False, None)
    assert timeline.end == pytest.approx(3.3, abs=1e-3)
    (track,) = timeline.tracks
    rows = timeline.of(track)
    assert rows["frame"].tolist() == [3, 4, 5, 6, 7, 8]
    assert rows["time"] == pytest.approx(0.3 * rows["frame"], abs=1e-3)
    assert rows["probabilities"].sum(axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
    box = rows["box"].mean(axis=0)
    assert 60 < box[0] < 100 and 140 < box[2] < 180
    assert all(EXPRESSIONS[p.argmax()] == "happy" for p in rows["probabilities"])


def test_a_clip_without_faces_has_no_rows(
    write_clip: WriteClip, analyzer: Analyzer, nobody: Image
) -> None:
    timeline = read(write_clip([nobody] * 4), analyzer)
    assert (timeline.frames, len(timeline.rows), timeline.tracks) == (4, 0, [])
    assert timeline.by_second() == timeline.by_face() == list(timeline.csv_rows()) == []
    assert timeline.best() == {}
    assert timeline.record()["rows"] == []


def test_a_clip_of_one_frame_is_read(
    write_clip: WriteClip, analyzer: Analyzer, face: Image
) -> None:
    timeline = read(write_clip([face]), analyzer)
    assert (timeline.frames, len(timeline.rows), timeline.end) == (1, 1, 0.0)
    assert timeline.best()["happy"].frame == 0


def test_every_third_frame_is_analyzed(
    write_clip: WriteClip, analyzer: Analyzer, face: Image
) -> None:
    timeline = read(write_clip([face] * 7), analyzer, every=3)
    assert timeline.rows["frame"].tolist() == [0, 3, 6] and timeline.frames == 3
    with Clip(write_clip([face])) as clip, pytest.raises(UserError, match="give 1 or more"):
        TimelineReader(clip, analyzer, every=0)


def test_reading_can_stop_and_continue(
    write_clip: WriteClip, analyzer: Analyzer, face: Image
) -> None:
    with Clip(write_clip([face] * 8)) as clip:
        reader = TimelineReader(clip, analyzer)
        assert reader.timeline.frames == 0
        steps = list(itertools.islice(reader, 3))
        assert [step.time for step in steps] == pytest.approx(np.arange(3) / RATE, abs=1e-3)
        partial = reader.timeline
        assert (partial.frames, len(partial.rows), partial.stopped) == (3, 3, True)
        assert sum(1 for _ in reader) == 5
        assert (reader.timeline.frames, reader.timeline.stopped) == (8, False)
    assert len(partial.rows) == 3, "what was taken before does not change"


def test_a_clip_that_breaks_off_keeps_its_earlier_rows(
    write_clip: WriteClip, analyzer: Analyzer
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), np.uint8)
    path = write_clip(list(noise), name="a.mkv")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    timeline = read(path, analyzer)
    assert timeline.flaw == f"a.mkv breaks off at {timeline.end:.1f} s; what came before is kept"
    assert 10 < timeline.frames < 50 and not timeline.stopped


def test_a_clip_without_a_frame_is_an_error(
    write_clip: WriteClip, analyzer: Analyzer, nobody: Image
) -> None:
    path = write_clip([nobody], options={"movflags": "faststart"})
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    path.write_bytes(content[:start] + bytes(len(content) - start))
    with pytest.raises(VideoError, match="no frame"):
        read(path, analyzer)


def test_progress_is_reported() -> None:
    half = Progress(time=2.0, duration=4.0, elapsed=3.0)
    assert (half.share, half.left) == (0.5, 3.0)
    unknown = Progress(time=2.0, duration=None, elapsed=3.0)
    assert (unknown.share, unknown.left) == (0.0, None)
    assert Progress(time=4.1, duration=4.0, elapsed=3.0).share == 1.0


def test_the_table_has_a_row_for_each_face_and_frame(table: Timeline) -> None:
    first, *_ = rows = list(table.csv_rows())
    assert len(rows) == 4 and tuple(first) == CSV_COLUMNS
    assert tuple(first)[:8] == ("frame", "time", "track", "x0", "y0", "x1", "y1", "top")
    assert tuple(first)[8:] == CSV_COLUMNS[8:] and CSV_COLUMNS[-2:] == ("model", "version")
    assert [first[name] for name in CSV_COLUMNS[:8]] == [0, 0.0, 4, 1.0, 2.0, 30.0, 40.0, "happy"]
    assert first["happy"] == pytest.approx(0.6) and first["sad"] == pytest.approx(0.4 / 6)
    assert (first["valence"], first["arousal"], first["blink"]) == (0.5, None, 0)
    assert {row["smoothing"] for row in rows} == {0}
    assert [row["blink"] for row in rows] == [0, 1, 0, 1]


def test_the_table_becomes_a_data_frame(table: Timeline) -> None:
    frame = table.data_frame()
    assert tuple(frame.columns) == CSV_COLUMNS and len(frame) == 4
    assert frame["track"].tolist() == [4, 4, 7, 7]
    detailed = table.data_frame(details=True)
    assert tuple(detailed.columns) == table_columns(details=True)
    assert set(detailed.columns) == {*CSV_COLUMNS, *DETAIL_COLUMNS}
    assert tuple(detailed.columns)[-2:] == ("model", "version"), "new columns come last"
    assert detailed["yaw"].isna().all(), "the clip was not read with details"


def test_means_are_computed_by_second_and_by_face(table: Timeline) -> None:
    seconds = table.by_second()
    assert [(s["second"], s["track"], s["frames"], s["top"]) for s in seconds] == [
        (0, 4, 2, "happy"),
        (0, 7, 1, "sad"),
        (1, 7, 1, "fear"),
    ]
    assert seconds[0]["happy"] == pytest.approx(0.75) and seconds[0]["valence"] == 0.5
    faces = table.by_face()
    assert [(f["track"], f["first"], f["last"], f["frames"]) for f in faces] == [
        (4, 0.0, 0.5, 2),
        (7, 0.5, 1.4, 2),
    ]
    assert faces[1]["sad"] == pytest.approx((0.8 + 0.5 / 6) / 2)
    assert [s["blinks"] for s in seconds] == [1, 0, 1] and [f["blinks"] for f in faces] == [1, 1]


def test_values_that_were_not_measured_are_none(table: Timeline) -> None:
    rows = table.rows.copy()
    rows["blink"] = -1
    unknown = dataclasses.replace(table, rows=rows)
    assert {row["blink"] for row in unknown.csv_rows()} == {None}
    assert {face["blinks"] for face in unknown.by_face()} == {None}


def test_classes_are_reached_that_were_the_likeliest_or_above_the_threshold(
    table: Timeline,
) -> None:
    assert table.reached(4) == ["happy"] and table.reached(7) == ["fear", "sad"]
    weak = made((0, 0.0, 1, "happy", 0.4))
    assert replace(weak, unsure_below=0.1).reached(1) == list(EXPRESSIONS)
    assert replace(weak, unsure_below=0.2).reached(1) == ["happy"]


def test_the_best_moment_of_each_class_is_found(table: Timeline) -> None:
    best = table.best()
    assert tuple(best) == EXPRESSIONS
    assert (best["happy"].frame, best["happy"].time, best["happy"].track) == (1, 0.5, 4)
    assert best["happy"].probability == pytest.approx(0.9)
    assert (best["fear"].frame, best["sad"].track) == (40, 7)
    assert table.best(track=7)["happy"].probability == pytest.approx(0.5 / 6)


def test_the_record_is_json(table: Timeline) -> None:
    record = json.loads(json.dumps(table.record()))
    assert (record["clip"], record["model"], record["frames"]) == ("a.mp4", "plain", 90)
    assert len(record["rows"]) == 4 and record["rows"][0]["arousal"] is None
    assert record["best"]["happy"]["time"] == 0.5
    assert record["smoothing"] == 0 and record["baseline"] is None
    assert list(record)[-3:] == ["smoothing", "baseline", "version"]
    assert record["version"] == __version__ == record["rows"][0]["version"]
    assert len(record["by_second"]) == 3 and len(record["by_face"]) == 2


def test_a_smoothed_timeline_averages_the_past_and_the_future_of_each_face() -> None:
    steps = [
        (n, n / 10, track, "happy" if n >= 5 else "sad", 0.9) for n in range(10) for track in (1, 2)
    ]
    timeline = dataclasses.replace(made(*steps), unsure_below=0.7)
    smooth = timeline.smoothed(0.2)
    assert (smooth.smoothing, timeline.smoothing) == (0.2, 0)
    assert (
        {row["smoothing"] for row in smooth.csv_rows()} == {smooth.record()["smoothing"]} == {0.2}
    )
    rows = smooth.of(1)
    assert [EXPRESSIONS[label] for label in rows["label"]] == ["sad"] * 5 + ["happy"] * 5, (
        "the step stays where it is"
    )
    happy, sad = (rows["probabilities"][:, EXPRESSIONS.index(name)] for name in ("happy", "sad"))
    assert happy == pytest.approx(sad[::-1], rel=1e-4), "the past counts as much as the future"
    assert (np.diff(happy) > 0).all() and 0.4 < sad[4] < 0.7
    assert rows["probabilities"].sum(axis=1) == pytest.approx(np.ones(10), abs=1e-5)
    assert rows["unsure"].tolist() == (rows["probabilities"].max(axis=1) < 0.7).tolist()
    assert smooth.of(2)["probabilities"].tolist() == rows["probabilities"].tolist()
    assert (rows["valence"] == 0.5).all() and np.isnan(rows["arousal"]).all()
    assert rows["blink"].tolist() == timeline.of(1)["blink"].tolist()
    with pytest.raises(UserError, match="smoothed already"):
        smooth.smoothed(0.1)
    assert timeline.smoothed(0).rows is timeline.rows


@pytest.mark.parametrize("seconds", [-0.1, np.nan, np.inf])
def test_smoothing_needs_seconds(
    write_clip: WriteClip, analyzer: Analyzer, nobody: Image, table: Timeline, seconds: float
) -> None:
    with pytest.raises(UserError, match="give 0 or more seconds"):
        table.smoothed(seconds)
    with Clip(write_clip([nobody])) as clip, pytest.raises(UserError, match="0 or more seconds"):
        TimelineReader(clip, analyzer, StreamSettings(maps=(), smoothing=seconds))


def test_a_clip_is_read_frame_by_frame_and_smoothed_afterwards(
    write_clip: WriteClip, analyzer: Analyzer, face: Image
) -> None:
    dark = (face * 0.3).astype(np.uint8)
    path = write_clip([face] * 6 + [dark] * 6)
    single = read(path, analyzer)
    with Clip(path) as clip:
        for frame, row in zip(clip.frames(), single.rows, strict=True):
            (reading,) = single.replay(frame.image, frame.number, analyzer).readings
            alone = analyzer.classifier().calibrate(reading.logits[None], single.prior)[0]
            assert row["probabilities"] == pytest.approx(alone, abs=2e-3)
    assert [row["label"] for row in single.rows] == single.rows["probabilities"].argmax(1).tolist()
    with Clip(path) as clip:
        reader = TimelineReader(clip, analyzer, StreamSettings(maps=(), smoothing=0.1))
        list(reader)
    assert reader.timeline.smoothing == 0.1
    assert reader.timeline.rows.tobytes() == single.smoothed(0.1).rows.tobytes()
    assert reader.timeline.rows.tobytes() != single.rows.tobytes()


def test_replay_returns_the_stored_result_of_a_frame(
    write_clip: WriteClip, analyzer: Analyzer, face: Image
) -> None:
    bright = np.clip(face.astype(int) + 60, 0, 255).astype(np.uint8)
    with Clip(write_clip([face, face, bright, bright])) as clip:
        frames = list(clip.frames())
    with Clip(write_clip([face, face, bright, bright])) as clip:
        reader = TimelineReader(clip, analyzer, every=2)
        for _ in reader:
            pass
    result = reader.timeline.replay(frames[3].image, 3, analyzer, maps=("top", "sad"))
    (reading,) = result.readings
    row = reader.timeline.rows[1]
    assert row["frame"] == 2, "frame 3 was left out and shows what frame 2 held"
    assert reading.probabilities.tolist() == row["probabilities"].tolist()
    assert reading.shown[0] == EXPRESSIONS[row["label"]]
    assert reading.face.box == tuple(row["box"]) and reading.face.track_id == row["track"]
    assert [e.target for e in result.explanations[0]] == [reading.top[0], "sad"]
    assert reader.timeline.replay(frames[3].image, 9, analyzer).readings == ()


def test_a_real_clip_has_one_face_in_its_first_part(
    shared: Callable[[str], Path], analyzer: Analyzer
) -> None:
    timeline = read(shared("data/clips/face_noface.mov"), analyzer)
    assert len(timeline.tracks) == 1
    assert 68 <= len(set(timeline.rows["frame"].tolist())) <= 78
    assert timeline.frames == 169 and timeline.flaw is None


def test_blinks_of_a_real_clip_are_in_its_rows(
    shared: Callable[[str], Path], analyzer: Analyzer
) -> None:
    timeline = read(shared("data/clips/head_d18.mp4"), analyzer)
    (face,) = timeline.by_face()
    assert face["blinks"] == 2
    ends = timeline.rows["frame"][timeline.rows["blink"] > 0].tolist()
    assert ends == pytest.approx([99, 189], abs=3), "counted by eye, frame by frame"
    assert timeline.rows["actions"].max() > 50


def test_a_timeline_is_compared_as_its_frames_would_be(table: Timeline) -> None:
    classifier = load_model("plain")
    (row,) = table.rows[table.rows["track"] == table.tracks[0]][:1]
    compared = table.compared(float(row["time"]), classifier)
    assert compared.baseline == f"{row['time']:g} s" and table.baseline == ""
    prior = classifier.assumed_prior()
    own = classifier.equal_scores(row["probabilities"][None], prior)
    moments = np.abs(table.rows["time"] - row["time"]) <= 0.5
    near = table.rows[moments & (table.rows["track"] == row["track"])]
    neutral = np.median(classifier.equal_scores(near["probabilities"], prior), axis=0)
    expected = classifier.normalize_scores(own, neutral)[0]
    assert compared.rows["probabilities"][0] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(UserError, match="before it is smoothed"):
        table.smoothed(0.5).compared("median", classifier)
    with pytest.raises(UserError, match="there is no face at 99"):
        table.compared(99.0, classifier)
    with pytest.raises(UserError, match="read by 'plain', not by 'simple_cnn'"):
        table.compared("median", load_model("simple_cnn"))

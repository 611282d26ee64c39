"""All steps of a frame, on a real face."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core import EXPRESSIONS, Analyzer, list_models
from fer_core.errors import UserError
from fer_core.labels import ACTIONS, CIRCUMPLEX, PARTS
from fer_core.options import AnalysisOptions, OptionChanges
from fer_core.readings import circumplex_position
from fer_core.types import Floats, Image
from fer_core.weights import load_weights, save_weights
from tests.conftest import ClipFrames


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(device="cpu")


def test_the_astronaut_is_happy(
    analyzer: Analyzer, astronaut: Image, astronaut_points: Floats
) -> None:
    result = analyzer.analyze(astronaut)
    (reading,) = result.readings
    assert reading.top[0] == "happy" and reading.top[1] > 0.6 and not reading.unsure
    assert reading.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert reading.face.points == pytest.approx(astronaut_points, abs=4)
    assert set(result.timings) == {"detect", "landmarks", "align", "predict", "map"}
    ((explanation,),) = result.explanations
    assert explanation.target == "happy" and explanation.raw.shape == (6, 6)
    assert explanation.heatmap.shape == astronaut.shape[:2]
    assert explanation.heatmap.max() == pytest.approx(1, abs=0.1)
    y, x = np.unravel_index(explanation.heatmap.argmax(), explanation.heatmap.shape)
    assert 180 < x < 270 and 60 < y < 180


def test_a_model_that_is_named_by_its_card_explains_its_readings(
    tmp_path: Path, astronaut: Image
) -> None:
    card, arrays = load_weights("plain")
    save_weights(replace(card, name="mine"), arrays, tmp_path)
    analyzer = Analyzer(str(tmp_path / "mine.json"), device="cpu")
    (reading,) = analyzer(astronaut)
    assert reading.model == "mine"
    explanation = analyzer.explain(astronaut, reading, target="happy")
    assert explanation.target == "happy" and explanation.raw.max() > 0
    assert analyzer.classifier("mine") is analyzer.classifier()
    with pytest.raises(UserError, match=r"nothing\.json does not exist; give the card"):
        Analyzer(str(tmp_path / "nothing.json"))


def test_probabilities_have_a_position_on_the_circumplex() -> None:
    certain = circumplex_position(np.eye(7, dtype=np.float32))
    assert certain == pytest.approx(np.array([CIRCUMPLEX[name] for name in EXPRESSIONS]))
    uniform = circumplex_position(np.full((1, 7), 1 / 7, np.float32))[0]
    assert uniform == pytest.approx([-1.17 / 7, 2.45 / 7], abs=1e-6)
    mixed = 0.5 * (certain[EXPRESSIONS.index("happy")] + certain[EXPRESSIONS.index("sad")])
    both = np.array([[0, 0, 0, 0.5, 0.5, 0, 0]], np.float32)
    assert circumplex_position(both)[0] == pytest.approx(mixed)
    anything = np.random.default_rng(0).dirichlet(np.full(7, 0.3), 1000).astype(np.float32)
    assert np.abs(circumplex_position(anything)).max() < 1


def test_readings_have_valence_and_arousal(analyzer: Analyzer, astronaut: Image) -> None:
    (reading,) = analyzer(astronaut)
    valence, arousal = circumplex_position(reading.probabilities[None])[0]
    assert (reading.valence, reading.arousal) == pytest.approx((valence, arousal), abs=1e-6)
    assert reading.valence is not None and reading.arousal is not None
    assert reading.valence > 0.4 and reading.arousal > 0.3, "a smile is pleasant and lively"


def test_the_default_model_has_region_attention(analyzer: Analyzer, astronaut: Image) -> None:
    weights = analyzer(astronaut)[0].region_attention
    assert weights is not None and list(weights) == ["face", "upper", "lower"]
    assert sum(weights.values()) == pytest.approx(1)
    plain = analyzer.analyze(astronaut, model="plain").readings[0]
    assert plain.region_attention is None and plain.model == "plain"


def test_several_maps_share_one_forward_pass(analyzer: Analyzer, astronaut: Image) -> None:
    result = analyzer.analyze(astronaut, maps=EXPRESSIONS)
    maps = result.explanations[0]
    assert [m.target for m in maps] == list(EXPRESSIONS)
    sums = [float(m.raw.sum()) for m in maps]
    assert EXPRESSIONS[int(np.argmax(sums))] == "happy"


@pytest.mark.parametrize("method", ["gradcam", "layercam"])
def test_a_map_rather_than_another_is_their_difference(
    analyzer: Analyzer, astronaut: Image, method: str
) -> None:
    reading = analyzer(astronaut)[0]
    happy, neutral = (
        analyzer.raw_maps(reading, (name,), method)[name].raw for name in ("happy", "neutral")
    )
    result = analyzer.predict(
        astronaut, [reading.face], maps=("happy",), other="neutral", method=method
    )
    ((contrast,),) = result.explanations
    assert (contrast.target, contrast.other) == ("happy", "neutral")
    assert contrast.raw == pytest.approx(happy - neutral, abs=1e-5)


def test_explain_agrees_with_analyze(analyzer: Analyzer, astronaut: Image) -> None:
    result = analyzer.analyze(astronaut, maps=("fear",))
    by_number = analyzer.explain(astronaut, face=0, target="fear")
    by_reading = analyzer.explain(astronaut, face=result.readings[0], target="fear")
    assert by_number.raw == pytest.approx(result.explanations[0][0].raw, abs=1e-4)
    assert by_reading.raw == pytest.approx(by_number.raw, abs=1e-6)


def test_a_crop_and_its_frame_agree(analyzer: Analyzer, astronaut: Image) -> None:
    in_frame = analyzer(astronaut)[0].probabilities
    bare = analyzer.classifier().probabilities(astronaut[None, 40:190, 150:300])[0]
    assert EXPRESSIONS[bare.argmax()] == "happy"
    assert bare == pytest.approx(in_frame, abs=0.2)


@pytest.mark.parametrize(
    "image",
    [np.zeros((1, 1, 3), np.uint8), np.full((300, 300, 3), 128, np.uint8)],
    ids=["one pixel", "blank"],
)
def test_no_face_is_an_empty_result(analyzer: Analyzer, image: Image) -> None:
    result = analyzer.analyze(image)
    assert result.readings == () and result.explanations == () and analyzer(image) == []


def test_twenty_faces_are_read_largest_first(analyzer: Analyzer, astronaut: Image) -> None:
    face = astronaut[0:240, 110:330]
    result = analyzer.analyze(np.tile(face, (4, 5, 1)))
    assert len(result.readings) == len(result.explanations) == 20
    areas = [r.face.area for r in result.readings]
    assert areas == sorted(areas, reverse=True)
    tops = [r.top[0] for r in result.readings]
    assert tops.count("happy") >= 18


def test_half_a_face_at_the_border_is_read(analyzer: Analyzer, astronaut: Image) -> None:
    for reading in analyzer(astronaut[:, 215:]):
        x0, y0, x1, y1 = reading.face.box
        assert 0 <= x0 < x1 <= 297 and 0 <= y0 < y1 <= 512


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "vgg"}, "unknown model 'vgg'; choose one of default"),
        ({"detector": "hog9"}, "choose one of"),
        ({"maps": ("joy",)}, "unknown expression class 'joy'; choose one of angry"),
        ({"method": "magic"}, "choose one of"),
    ],
)
def test_unknown_names_list_the_valid_ones(
    analyzer: Analyzer, astronaut: Image, options: OptionChanges, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        analyzer.analyze(astronaut, **options)


def test_unknown_faces_and_devices_are_refused(analyzer: Analyzer, astronaut: Image) -> None:
    with pytest.raises(ValueError, match="there is no face 3: 1 found"):
        analyzer.explain(astronaut, face=3)
    with pytest.raises(ValueError, match="choose one of auto, cpu, cuda"):
        Analyzer(device="tpu")


def test_threads_can_share_an_analyzer(analyzer: Analyzer, astronaut: Image) -> None:
    def ask(target: str) -> Floats:
        return analyzer.explain(astronaut, target=target, method="gradcam++").raw

    serial = {target: ask(target) for target in EXPRESSIONS}
    with ThreadPoolExecutor(4) as pool:
        for target, raw in zip(EXPRESSIONS * 2, pool.map(ask, EXPRESSIONS * 2), strict=True):
            assert raw == pytest.approx(serial[target], abs=1e-5)


@pytest.mark.parametrize("name", list_models())
def test_every_model_predicts_and_explains(analyzer: Analyzer, astronaut: Image, name: str) -> None:
    result = analyzer.analyze(astronaut, model=name)
    assert result.readings[0].top[0] == "happy"
    assert not result.explanations[0][0].is_flat


@pytest.mark.parametrize(
    ("clip", "faces", "least"), [("single_face.mp4", 1, 0.98), ("no_face.mp4", 0, 1.0)]
)
def test_the_expected_number_of_faces_is_found_in_clips(
    analyzer: Analyzer, clip_frames: ClipFrames, clip: str, faces: int, least: float
) -> None:
    counts = [len(analyzer(frame)) for frame in clip_frames(clip, 15)]
    assert np.mean([count == faces for count in counts]) >= least


def test_landmarks_agree_with_points_measured_by_hand(
    analyzer: Analyzer, astronaut: Image, astronaut_points: Floats
) -> None:
    result = analyzer.analyze(astronaut)
    face = result.readings[0].face
    assert face.landmarks is not None and face.landmarks.shape == (78, 2)
    # Pupils, tip of the nose, corners of the mouth; the eyes are 43 pixels apart.
    points = face.landmarks[[68, 73, 30, 48, 54]]
    assert np.linalg.norm(points - astronaut_points, axis=1).max() < 5
    assert face.actions is not None and tuple(face.actions) == ACTIONS
    assert min(face.actions["mouthSmileLeft"], face.actions["mouthSmileRight"]) > 0.4
    assert face.eyes is not None and min(face.eyes) > 0.8
    share = result.explanations[0][0].part_share
    assert share is not None and set(share) == {*PARTS, "rest"}
    assert sum(share.values()) == pytest.approx(1)
    assert {"mouth", "cheeks"} == set(sorted(share, key=lambda part: -share[part])[:2])


def test_landmarks_can_be_left_out(analyzer: Analyzer, astronaut: Image) -> None:
    result = analyzer.analyze(astronaut, landmarks=False)
    face = result.readings[0].face
    assert face.landmarks is None and face.actions is None and face.eyes is None
    assert result.explanations[0][0].part_share is None
    assert "landmarks" not in result.timings


def test_the_openness_of_small_eyes_is_unknown(analyzer: Analyzer, astronaut: Image) -> None:
    small = cv2.resize(astronaut, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    (reading,) = analyzer.analyze(np.asarray(small, np.uint8), min_face=20).readings
    assert reading.face.landmarks is not None and reading.face.eyes is None


def test_frames_observed_together_agree_with_single_frames(
    analyzer: Analyzer, astronaut: Image
) -> None:
    blank = np.zeros_like(astronaut)
    faces = [reading.face for reading in analyzer(astronaut)]
    frames = [(astronaut, faces), (blank, []), (astronaut, faces)]
    options = AnalysisOptions(landmarks=False)
    first, second, third = (
        analyzer.frame_result(observation, options, {})
        for observation in analyzer.observe(frames, options, {})
    )
    assert second.readings == () and second.explanations == ()
    alone = analyzer.predict(astronaut, faces, maps=("top",))
    for result in (first, third):
        together, single = result.readings[0], alone.readings[0]
        assert together.probabilities == pytest.approx(single.probabilities, abs=1e-4)
        assert result.explanations[0][0].raw == pytest.approx(
            alone.explanations[0][0].raw, abs=1e-3
        )


def test_each_map_that_is_asked_for_is_there_in_its_order(
    analyzer: Analyzer, astronaut: Image
) -> None:
    result = analyzer.analyze(astronaut, maps=("top", "happy", "sad", "happy"))
    targets = [explanation.target for explanation in result.explanations[0]]
    assert targets == ["happy", "happy", "sad", "happy"], "the top class is happy"


FORKED = """
import os, signal, threading
from skimage import data
from fer_core import Analyzer

image, analyzer = data.astronaut(), Analyzer(device="cpu", threads=2)
stopped = threading.Event()

def analyze():
    return len(analyzer.analyze(image, maps=("happy",)).readings)

def repeat():
    while not stopped.is_set():
        analyze()

assert analyze() == 1
threads = [threading.Thread(target=repeat) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(5):
    child = os.fork()
    if not child:
        signal.alarm(60)  # a child that inherited a held lock would wait for ever
        os._exit(analyze() != 1)
    assert os.waitpid(child, 0)[1] == 0
stopped.set()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_that_was_forked_while_two_threads_analyze_analyzes_too() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

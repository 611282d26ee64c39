"""A person's neutral face: what is compared with it, and the map of what moved."""

from dataclasses import replace

import numpy as np
import pytest

from fer_core import EXPRESSIONS, Analyzer, Baseline, Stream, StreamSettings, list_models, load_card
from fer_core.errors import UserError
from fer_core.models import load_model
from fer_core.streaming.baselines import MAX_LEAD, describe_doubt
from fer_core.types import Image, Reading

NEUTRAL = EXPRESSIONS.index("neutral")


def neutral_gain(reading: Reading) -> float:
    """Return by how much the baseline raises the probability of neutral."""
    assert reading.probabilities_alone is not None
    return float(reading.probabilities[NEUTRAL] - reading.probabilities_alone[NEUTRAL])


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(device="cpu")


@pytest.fixture(scope="module")
def other(astronaut: Image) -> Image:
    """Return the portrait with a darker mouth: another picture of the same person."""
    image = astronaut.copy()
    image[128:160, 205:245] = image[128:160, 205:245] // 3
    return image


@pytest.fixture(scope="module")
def baseline(analyzer: Analyzer, other: Image) -> Baseline:
    return Baseline.from_readings(analyzer.analyze(other, maps=()).readings)


def test_a_reading_keeps_both_probabilities(
    analyzer: Analyzer, astronaut: Image, baseline: Baseline
) -> None:
    (alone,) = analyzer(astronaut)
    (reading,) = analyzer(astronaut, baseline=baseline)
    assert alone.baseline is None and alone.probabilities_alone is None
    assert reading.baseline is baseline and reading.prior == "equal"
    assert reading.probabilities_alone == pytest.approx(alone.probabilities)
    assert reading.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert not np.allclose(reading.probabilities, alone.probabilities, atol=0.01)


def test_the_probabilities_are_those_of_the_formula(
    analyzer: Analyzer, astronaut: Image, baseline: Baseline
) -> None:
    card = load_card("default")
    shares = np.log(card.class_shares)
    (reading,) = analyzer(astronaut, baseline=baseline)
    z, n = (logits / card.temperature - shares for logits in (reading.logits, baseline.logits))
    scores = z - card.baseline_weight * n + card.baseline_offset * np.eye(7)[NEUTRAL]
    expected = np.exp(scores / card.baseline_temperature)
    assert reading.probabilities == pytest.approx(expected / expected.sum(), abs=1e-5)


def test_a_face_compared_with_itself_is_neutral(analyzer: Analyzer, astronaut: Image) -> None:
    itself = Baseline.from_readings(analyzer(astronaut))
    (reading,) = analyzer(astronaut, baseline=itself)
    assert itself.count == 1 and analyzer(astronaut)[0].top[0] == "happy"
    assert neutral_gain(reading) > 0.1


@pytest.mark.parametrize("name", list_models())
def test_a_constant_added_to_all_logits_of_a_person_changes_nothing(name: str) -> None:
    classifier, random = load_model(name), np.random.default_rng(0)
    logits = random.normal(0, 3, (4, 7)).astype(np.float32)
    neutral = random.normal(0, 3, 7).astype(np.float32)
    before = classifier.normalize(logits, Baseline(classifier.name, neutral, 1))
    after = classifier.normalize(logits + 5, Baseline(classifier.name, neutral + 5, 1))
    assert after == pytest.approx(before, abs=1e-5)


def test_a_baseline_of_another_model_is_refused(
    analyzer: Analyzer, astronaut: Image, baseline: Baseline
) -> None:
    message = "the baseline is of model 'prior_attention', not of 'plain'"
    with pytest.raises(UserError, match=message):
        analyzer.analyze(astronaut, model="plain", baseline=baseline)
    readings = [*analyzer(astronaut), *analyzer.analyze(astronaut, model="plain").readings]
    with pytest.raises(UserError, match="needs readings of one model, not of 2"):
        Baseline.from_readings(readings)
    with pytest.raises(UserError, match="needs readings of one model, not of 0"):
        Baseline.from_readings([])


@pytest.mark.parametrize("name", list_models())
def test_the_map_of_what_moved_adds_up_to_the_difference_of_the_logits(
    analyzer: Analyzer, astronaut: Image, other: Image, name: str
) -> None:
    before = Baseline.from_readings(analyzer.analyze(other, model=name, maps=()).readings)
    result = analyzer.analyze(astronaut, model=name, maps=EXPRESSIONS, baseline=before)
    (reading,) = result.readings
    exact = reading.evidence is not None
    assert (before.evidence is not None) == exact
    for number, shown in enumerate(result.explanations[0]):
        assert shown.compared == exact
        if exact:
            moved = float(reading.logits[number] - before.logits[number])
            assert float(shown.raw.sum()) == pytest.approx(moved, abs=1e-4)
    if exact:
        again = analyzer.raw_maps(reading, ("happy",))["happy"]
        assert again.compared
        assert again.raw == pytest.approx(result.explanations[0][3].raw, abs=1e-3)


def test_a_stream_takes_a_second_of_each_face_and_compares_with_it(
    analyzer: Analyzer, astronaut: Image
) -> None:
    stream = Stream(analyzer, StreamSettings(maps=(), smoothing=0))
    (reading,) = stream.push(astronaut, time=0).readings
    track = reading.face.track_id
    assert track is not None and not stream.baselines
    stream.set_baseline(track)
    assert stream.captures == {track}
    for time in (0.1, 0.6, 1.0):
        (reading,) = stream.push(astronaut, time=time).readings
        assert reading.baseline is None
    (reading,) = stream.push(astronaut, time=1.1).readings
    assert reading.baseline is stream.baselines[track] and not stream.captures
    assert reading.baseline.count == 4 and reading.baseline.spread < 0.2
    assert neutral_gain(reading) > 0.1
    stream.clear_baseline()
    assert stream.push(astronaut, time=1.2).readings[0].baseline is None


def test_a_baseline_is_lost_with_the_track_and_with_the_model(
    analyzer: Analyzer, astronaut: Image
) -> None:
    stream = Stream(analyzer, StreamSettings(maps=(), smoothing=0))
    stream.push(astronaut, time=0)
    stream.set_baseline()
    for time in (0.1, 0.7, 1.2):
        stream.push(astronaut, time=time)
    assert stream.baselines
    stream.settings = replace(stream.settings, model="plain")
    assert stream.push(astronaut, time=1.3).readings[0].baseline is None and not stream.baselines
    stream.set_baseline()
    for time in (1.4, 1.9, 2.5):
        stream.push(astronaut, time=time)
    assert next(iter(stream.baselines.values())).model == "plain"
    stream.push(np.zeros_like(astronaut), time=9)
    stream.push(astronaut, time=9.1)
    assert not stream.baselines
    with pytest.raises(UserError, match="there is no face 99; tracked are"):
        stream.set_baseline(99)


def test_a_stream_compares_all_faces_with_the_baseline_of_its_settings(
    analyzer: Analyzer, astronaut: Image, baseline: Baseline
) -> None:
    stream = Stream(analyzer, StreamSettings(maps=(), baseline=baseline))
    (reading,) = stream.push(astronaut, time=0).readings
    assert reading.baseline is baseline


def test_a_clear_expression_or_a_moving_face_is_doubted(
    analyzer: Analyzer, astronaut: Image
) -> None:
    classifier = analyzer.classifier()
    smile = Baseline.from_readings(analyzer(astronaut))
    doubt = describe_doubt(classifier, smile)
    assert doubt is not None and doubt.startswith("This looks happy to the network")
    shares = np.log(classifier.card.class_shares, dtype=np.float32)
    calm = replace(smile, logits=shares * np.float32(classifier.card.temperature))
    assert describe_doubt(classifier, calm) is None
    doubt = describe_doubt(classifier, replace(calm, spread=1.0))
    assert doubt is not None and "keep it still" in doubt
    leading = calm.logits + np.eye(7, dtype=np.float32)[0] * (MAX_LEAD + 0.5)
    assert describe_doubt(classifier, replace(calm, logits=leading)) is not None

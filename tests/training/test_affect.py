"""Valence and arousal, from people's ratings to readings, on generated faces."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from fer_core import Analyzer, Stream, StreamSettings, cli
from fer_core.data import FaceSet
from fer_core.data.augmentation import Augmentation
from fer_core.evaluation.metrics import concordance, evaluate
from fer_core.geometry import mean_points
from fer_core.models import Classifier, build_network, load_model
from fer_core.models.base import Heads
from fer_core.readings import circumplex_position
from fer_core.training.recipe import read_recipe
from fer_core.training.task import Fitted
from fer_core.training.tasks.expression_module import ExpressionModule
from fer_core.types import Face, Floats, Image
from fer_core.weights import WEIGHTS
from tests.training.conftest import export, fit, targets_of


def whole_face(image: Image) -> Face:
    """Return a face that fills an image."""
    height, width = image.shape
    box = (0.0, 0.0, float(width), float(height))
    return Face(box=box, score=1.0, points=mean_points(box))


def stripes(valence: float, arousal: float) -> Image:
    """Return (48, 48): brightness is valence, and the strength of the stripes is arousal."""
    pattern = np.where(np.arange(48) // 4 % 2, 1, -1) * 25 * (1 + arousal)
    return np.tile(127 + 70 * valence + pattern, (48, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    """Return rated faces whose class follows from valence; every ninth has no ratings.

    The classes are numbered by brightness, but their positions on the circumplex do not rise with it.
    """
    rated = np.random.default_rng(0).uniform(-1, 1, (360, 2)).astype(np.float32)
    images = [stripes(*row) for row in rated.tolist()]
    labels = ((rated[:, 0] + 1) * 3.49).astype(np.int64)
    splits = np.array(["Training"] * 240 + ["PublicTest"] * 60 + ["PrivateTest"] * 60)
    rated[::9] = np.nan
    return FaceSet(images, labels, splits, affect=rated, sources={"AffectNet": "AffectNet (2017)"})


@pytest.fixture(scope="module")
def trained(faces: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Classifier, Path]:
    """Train a network with a few channels for eight epochs; return it with its run folder."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("rated")
    recipe = read_recipe("plain")
    backbone = recipe.network["backbone"]
    few_channels = {"channels": [8, 8, 16, 16], "layers": [1, 1, 1, 1], "stem_width": 8}
    backbone = {**backbone, "options": {**backbone["options"], **few_channels}}
    recipe = dataclasses.replace(
        recipe,
        name="rated",
        network={**recipe.network, "backbone": backbone},
        epochs=8,
        small_epochs=0,
        batch_size=40,
        aligned=False,
        learning_rate=0.1,
        ema_decay=0.5,
        augmentation=Augmentation(brightness=0, contrast=0, erase=0),
    )
    return export(Fitted(fit(recipe, faces, folder), {}), recipe, faces, folder), folder


@pytest.fixture
def analyzer(trained: tuple[Classifier, Path], monkeypatch: pytest.MonkeyPatch) -> Analyzer:
    """Return an analyzer that also knows the trained network."""

    def load(name: str, device: str, *, engine: None = None) -> Classifier:
        return load_model(name, device, trained[1] if name == "rated" else WEIGHTS)

    monkeypatch.setattr("fer_core.analyzer.load_model", load)
    return Analyzer(device="cpu")


def test_the_affect_head_learns_and_the_card_has_its_figures(
    trained: tuple[Classifier, Path], faces: FaceSet
) -> None:
    classifier, folder = trained
    evaluation = evaluate(classifier, faces.split("PrivateTest"))
    assert evaluation.valence_ccc is not None and evaluation.valence_ccc > 0.7
    assert evaluation.arousal_ccc is not None and evaluation.arousal_ccc > 0.7
    averaged = evaluate(classifier, faces.split("PrivateTest"), tta=True)
    assert averaged.arousal_ccc is not None and averaged.arousal_ccc > 0.7
    card = classifier.card
    figures = card.figures["PrivateTest"]
    assert card.network["affect"] is True
    assert figures["valence_ccc"] == pytest.approx(evaluation.valence_ccc, abs=1e-4)
    assert figures["arousal_ccc"] == pytest.approx(evaluation.arousal_ccc, abs=1e-4)
    assert figures["command"].endswith("--model rated --data AffectNet --split PrivateTest")
    assert card.data == "AffectNet (2017)" and "trained on AffectNet:" in card.licence
    (log,) = folder.glob("metrics/*/metrics.csv")
    with log.open() as file:
        epochs = [
            float(r["public_arousal_ccc"]) for r in csv.DictReader(file) if r["public_arousal_ccc"]
        ]
    assert len(epochs) == 8 and epochs[-1] > 0.7


def test_evaluate_prints_the_concordance_for_a_folder(
    trained: tuple[Classifier, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for part in ("images", "annotations"):
        (tmp_path / "val_set" / part).mkdir(parents=True)
    for number, valence in enumerate(np.linspace(-0.9, 0.9, 10)):
        ratings = {"exp": number % 7, "val": valence, "aro": -2}
        for name, value in ratings.items():
            np.save(tmp_path / "val_set" / "annotations" / f"{number}_{name}.npy", value)
        picture = Pillow.fromarray(stripes(float(valence), 0.0))
        picture.save(tmp_path / "val_set" / "images" / f"{number}.png")
    monkeypatch.setattr("fer_core.models.load_model", lambda *_: trained[0])
    cli.app(["evaluate", "--data", str(tmp_path)], standalone_mode=False)
    output = capsys.readouterr().out
    assert "rated on 10 faces of PrivateTest" in output and "arousal CCC" not in output
    (line,) = (line for line in output.splitlines() if line.startswith("valence CCC"))
    assert float(line.split()[-1]) > 0.7


def test_readings_take_valence_and_arousal_from_the_affect_head(
    trained: tuple[Classifier, Path], analyzer: Analyzer
) -> None:
    dark, bright = (
        analyzer.predict(face, [whole_face(face)], model="rated").readings[0]
        for face in (stripes(-0.7, 0.5), stripes(0.7, -0.5))
    )
    assert dark.valence is not None and bright.valence is not None
    assert dark.arousal is not None and bright.arousal is not None
    assert dark.valence < -0.2 < 0.2 < bright.valence and bright.arousal < dark.arousal
    _, _, affect = trained[0].logits(trained[0].align([stripes(0.7, -0.5)]))
    assert affect is not None
    assert (bright.valence, bright.arousal) == pytest.approx(affect[0], abs=1e-4)
    assert np.abs(circumplex_position(bright.probabilities[None])[0] - affect[0]).max() > 0.1


def test_networks_without_an_affect_head_use_their_probabilities(analyzer: Analyzer) -> None:
    face = stripes(0.7, -0.5)
    (reading,) = analyzer.predict(face, [whole_face(face)], model="plain").readings
    expected = circumplex_position(reading.probabilities[None])[0]
    assert (reading.valence, reading.arousal) == pytest.approx(expected, abs=1e-6)


def test_streams_average_the_outputs_of_the_affect_head(
    analyzer: Analyzer, astronaut: Image
) -> None:
    darker = astronaut // 2

    def affect_of_frames(smoothing: float) -> Floats:
        """Return (2, 2) valence and arousal in both frames."""
        stream = Stream(analyzer, StreamSettings(model="rated", maps=(), smoothing=smoothing))
        frames = ((astronaut, 0.0), (darker, 0.25))
        readings = [stream.push(frame, time=time).readings[0] for frame, time in frames]
        return np.array([(reading.valence, reading.arousal) for reading in readings])

    unsmoothed, smoothed = affect_of_frames(0), affect_of_frames(0.5)
    weight = np.exp(-0.5)
    assert smoothed[0] == pytest.approx(unsmoothed[0], abs=1e-5)
    assert smoothed[1] == pytest.approx(
        weight * unsmoothed[0] + (1 - weight) * unsmoothed[1], abs=1e-5
    )
    assert unsmoothed[0, 0] - unsmoothed[1, 0] > 0.1, (
        "the darker picture is not rated as less pleasant"
    )


def test_the_loss_ignores_unknown_ratings() -> None:
    recipe = dataclasses.replace(read_recipe("plain"), affect_weight=3.0)
    module = ExpressionModule(build_network(recipe.family, recipe.network), recipe)
    label = torch.tensor([0, 3])
    rated = torch.tensor([[0.5, float("nan")], [float("nan"), float("nan")]])
    heads = Heads(torch.zeros(2, 7), torch.zeros(2, 8), torch.zeros(2, 2, requires_grad=True))
    without_head = module.loss(heads._replace(affect=None), targets_of(label, affect=rated))
    loss = module.loss(heads, targets_of(label, affect=rated))
    assert (loss - without_head).item() == pytest.approx(3 * 0.5**2)
    assert heads.affect is not None
    (gradient,) = torch.autograd.grad(loss, heads.affect)
    assert gradient.tolist() == [[-3.0, 0.0], [0.0, 0.0]]
    unrated = module.loss(heads, targets_of(label))
    assert unrated.item() == pytest.approx(without_head.item())


def test_concordance_agrees_with_its_formula() -> None:
    rated = np.array([-1, 0, 1, np.nan], np.float32)
    predicted = np.array([0, 0.5, 1, -1], np.float32)
    # Covariance 0.5, variances 0.25 and 1, means half apart: 2 * 0.5 / (0.25 + 1 + 0.25).
    assert concordance(predicted, rated) == pytest.approx(2 / 3)
    assert concordance(rated, rated) == pytest.approx(1)
    assert concordance(-rated, rated) == pytest.approx(-1)
    assert concordance(np.zeros(4, np.float32), rated) is None
    assert concordance(predicted, np.full(4, np.nan, np.float32)) is None

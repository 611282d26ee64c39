"""The Models page: the leaderboard, one model in detail, and one face through several models."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.messages import as_text
from app.samples import portrait
from fer_core import EXPRESSIONS, Analyzer, list_models, load_card
from fer_core.draw.overlay import headline
from fer_core.evaluation import leaderboard
from fer_core.evaluation.leaderboard import LeaderboardRow, read_leaderboard, representative_models
from fer_core.models import Classifier
from fer_core.weights import Card, WeightsError
from tests.pages.conftest import encode

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def models(open_page: OpenPage) -> AppTest:
    return open_page("models")


def page_text(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def map_urls(app: AppTest) -> list[str]:
    """Return the addresses of the maps on the page, without the pictures of the face picker."""
    pictures = [image.proto.imgs[0] for image in app.image]
    return [picture.url for picture in pictures if picture.alt.startswith("Map of the evidence")]


def test_a_file_that_is_not_a_card_is_named_and_the_models_are_shown(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "weights/notes.json is not a model card (it is a list); restore the file"
    monkeypatch.setattr("fer_core.weights.damaged_cards", lambda: (sentence,))
    app = open_page("models")
    assert [warning.value for warning in app.warning] == [as_text(sentence)]
    assert app.dataframe and not app.exception


def test_the_leaderboard_and_one_model_are_shown_with_their_figures(
    open_page: OpenPage, downloads: dict[str, bytes]
) -> None:
    app = open_page("models")
    assert not app.exception and not app.error
    leaderboard_rows = read_leaderboard()
    table = app.dataframe[0].value
    assert table["name"].tolist() == [row.name for row in leaderboard_rows]
    assert table["accuracy"].tolist() == pytest.approx(
        [100 * row.accuracy for row in leaderboard_rows]
    )
    assert table["about"][0] == leaderboard_rows[0].about
    assert "65 ± 5 %" in page_text(app)
    assert f"± {100 * leaderboard_rows[0].margin:.1f} points" in page_text(app)

    rows = list(csv.DictReader(io.StringIO(downloads["leaderboard.csv"].decode())))
    assert [row["name"] for row in rows] == table["name"].tolist()
    assert float(rows[0]["accuracy"]) == leaderboard_rows[0].accuracy
    assert float(rows[0]["macro_recall"]) == pytest.approx(
        leaderboard_rows[0].macro("recall"), abs=1e-4
    )

    app.selectbox(key="models_chosen").select("plain").run()
    plain, card = next(row for row in leaderboard_rows if row.name == "plain"), load_card("plain")
    shown = {metric.label: metric.value for metric in app.metric}
    assert plain.consensus_accuracy is not None
    assert shown["Consensus"] == f"{100 * plain.consensus_accuracy:.1f} %"
    assert shown["Accuracy"] == f"{100 * plain.accuracy:.1f} %"
    assert shown["Macro F1"] == f"{plain.macro_f1:.3f}"
    classes = app.dataframe[1].value
    assert classes["class"].tolist() == list(EXPRESSIONS)
    assert classes["faces"].tolist() == [plain.per_class[name]["n"] for name in EXPRESSIONS]
    assert f"**Weighs it with:** {card.parameters:,} numbers" in page_text(app)
    assert f"**Limits:** {card.limits}" in page_text(app)
    has_curve = bool(card.training.get("curve"))
    assert ("There is no curve" in page_text(app)) is not has_curve
    assert json.loads(downloads["plain.json"])["sha256"] == card.sha256


def test_calibration_and_robustness_are_shown_where_the_card_has_them(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def card_with(figures: Mapping[str, object]) -> Card:
        card = load_card("plain")
        private = {
            key: value
            for key, value in card.figures["PrivateTest"].items()
            if key not in ("reliability", "robustness")
        }
        return replace(card, figures={"PrivateTest": {**private, **figures}})

    rows = [{"confidence": 0.9, "accuracy": 0.8, "share": 1.0}]
    measured = {"reliability": rows, "robustness": {"clean": 0.6, "blur 1": 0.5, "mean": 0.5}}
    monkeypatch.setattr("app.models.detail.load_card", lambda name: card_with({}))
    app = open_page("models")
    assert not app.exception
    assert "ECE" not in page_text(app) and "worse pictures" not in page_text(app)
    monkeypatch.setattr("app.models.detail.load_card", lambda name: card_with(measured))
    app.run()
    assert not app.exception
    assert "Calibration error (ECE): 10.0 %" in page_text(app)
    (table,) = (each.value for each in app.dataframe if "change" in each.value)
    assert table["change"].tolist() == ["unchanged", "blur 1", "mean of all changes"]
    assert table["accuracy"].tolist() == [60, 50, 50]


def test_chosen_models_each_predict_the_same_face(models: AppTest) -> None:
    app = models
    chosen = app.multiselect(key="models_several")
    assert chosen.options == list(list_models())
    assert chosen.value == list(representative_models(read_leaderboard()))
    chosen.set_value(["prior_attention", "plain"])
    app.selectbox(key="models_target").select("sad").run()
    assert not app.exception and not app.error
    analyzer = Analyzer()
    for name in ("prior_attention", "plain"):
        reading = analyzer.analyze(portrait(), model=name, maps=(), landmarks=False).readings[0]
        assert f"#### {headline(reading)}" in page_text(app)
    captions = [caption for image in app.image for caption in image.captions]
    assert captions == ["sad, by Grad-CAM"] * 2


def test_a_damaged_model_shows_its_error_beside_the_other_models(
    models: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Analyzer.classifier

    def damaged(self: Analyzer, model: str | None = None) -> Classifier:
        if model == "plain":
            raise WeightsError("plain.safetensors does not match the hash in its card")
        return load(self, model)

    monkeypatch.setattr(Analyzer, "classifier", damaged)
    app = models
    app.multiselect(key="models_several").set_value(["plain", "prior_attention"])
    app.segmented_control(key="models_source").set_value("Mouth covered").run()
    assert [error.value for error in app.error] == [
        "plain.safetensors does not match the hash in its card"
    ]
    assert not app.exception
    assert len(app.image) == 1, "the map of the other model is missing"


def test_models_are_compared_on_an_uploaded_picture_and_a_bad_file_gives_a_sentence(
    models: AppTest,
) -> None:
    app = models
    app.multiselect(key="models_several").set_value(["plain"])
    app.segmented_control(key="models_source").set_value("Your own picture").run()
    assert not app.error and not app.image
    upload = app.file_uploader(key="models_file")
    upload.upload("bad.png", b"hello").run()
    assert len(app.error) == 1 and "not an image" in app.error[0].value
    app.file_uploader(key="models_file").clear()
    wall = np.full((200, 200, 3), 120, np.uint8)
    app.file_uploader(key="models_file").upload("wall.png", encode(wall)).run()
    assert not app.error and app.warning[0].value.startswith("No face was found.")
    app.file_uploader(key="models_file").clear()
    one = portrait()[:400, 300:800]
    crowd = np.hstack([one, one[:, ::-1]])
    app.file_uploader(key="models_file").upload("two.png", encode(crowd)).run()
    assert not app.exception
    app.button(key="models_face_0").click().run()
    first = map_urls(app)
    assert len(first) == 1
    app.button(key="models_face_1").click().run()
    assert len(map_urls(app)) == 1 and map_urls(app) != first


def test_speed_is_measured_when_the_button_is_pressed(
    models: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(name: str) -> float:
        if name == "plain":
            raise WeightsError("plain.safetensors is missing")
        return 1.5

    monkeypatch.setattr(leaderboard, "milliseconds", measured)
    app = models
    app.button(key="models_speed").click().run()
    assert [error.value for error in app.error] == ["plain.safetensors is missing"]
    table = app.dataframe[0].value.set_index("name")
    assert table["ms"]["prior_attention"] == 1.5 and np.isnan(table["ms"]["plain"])


@pytest.mark.parametrize(
    "leaderboard_rows", [WeightsError("leaderboard.json is not a leaderboard"), ()]
)
def test_an_empty_or_damaged_leaderboard_is_reported(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, leaderboard_rows: object
) -> None:
    def read() -> tuple[LeaderboardRow, ...]:
        if isinstance(leaderboard_rows, Exception):
            raise leaderboard_rows
        return ()

    monkeypatch.setattr(leaderboard, "read_leaderboard", read)
    app = open_page("models")
    assert not app.exception and not app.dataframe
    if isinstance(leaderboard_rows, Exception):
        assert [error.value for error in app.error] == ["leaderboard.json is not a leaderboard"]
    else:
        assert "has been measured yet" in page_text(app)
        assert len(app.image) == 2, "the comparison is missing"

"""The entry file, the Start page, and the pages that only explain."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import fer_core
from app.samples import DRAWN, SAMPLES, portrait
from fer_core import EXPRESSIONS, Analyzer, list_models, load_card
from fer_core.draw import percent
from fer_core.errors import UserError

OpenPage = Callable[[str], AppTest]


def page_text(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.title, *app.header, *app.markdown])


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


def test_start_shows_the_sample_with_its_predicted_class(
    open_page: OpenPage, analyzer: Analyzer
) -> None:
    app = open_page("start")
    assert not app.exception
    name, probability = analyzer(portrait())[0].top
    picture, *drawn = app.image
    assert len(drawn) == len(EXPRESSIONS)
    captions = [image.proto.imgs[0].caption.split()[0] for image in drawn]
    assert captions == list(EXPRESSIONS)
    assert picture.proto.imgs[0].alt.endswith(f"the classifier says {name}, {percent(probability)}")


def test_start_links_to_the_pages_and_names_the_limits(open_page: OpenPage) -> None:
    app = open_page("start")
    links = {link.proto.page for link in app.get("page_link")}
    assert {"live", "photo", "how_it_works", "limits"} <= links
    text = page_text(app)
    assert "Ask first." in text
    assert "It knows no feelings." in text
    assert any("Art. 5(1)(f)" in caption.value for caption in app.caption)


def test_pages_say_that_an_expression_class_is_not_a_feeling(open_page: OpenPage) -> None:
    for name in ("start", "photo", "how_it_works", "limits"):
        captions = [caption.value for caption in open_page(name).caption]
        assert "An expression class a classifier assigns, not what somebody feels." in captions


def test_settings_are_kept_between_pages_and_the_method_is_offered_only_where_it_applies(
    open_page: OpenPage,
) -> None:
    app = open_page("start")
    assert app.selectbox(key="model").options == list(list_models())
    with pytest.raises(KeyError):
        app.selectbox(key="method")
    app.selectbox(key="detector").select("haar").run()
    app.switch_page("pages/photo.py").run()
    assert app.session_state["detector"] == "haar"
    assert app.selectbox(key="method").value == "gradcam"
    assert isinstance(app.session_state["analyzer"], Analyzer)


def test_the_sidebar_shows_the_accuracy_of_the_model(open_page: OpenPage) -> None:
    app = open_page("start")
    figures = fer_core.load_card("default").figures["PrivateTest"]
    sentence = f"Right for {100 * figures['accuracy']:.1f} % of {figures['n']:,} test faces"
    assert any(sentence in caption.value for caption in app.sidebar.caption)


def test_a_setting_that_cannot_be_loaded_gives_a_sentence(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("start")
    monkeypatch.setattr(
        Analyzer, "detector", lambda *_: (_ for _ in ()).throw(UserError("no such file; add it"))
    )
    app.run()
    assert [error.value for error in app.error] == ["no such file; add it"]
    assert not app.exception
    assert not app.title, "the page runs without its settings"


def test_how_it_works_shows_four_steps_and_a_map_for_each_class(open_page: OpenPage) -> None:
    app = open_page("how_it_works")
    assert not app.exception
    assert [header.value[0] for header in app.header[:4]] == ["1", "2", "3", "4"]
    assert len(app.get("plotly_chart")) == 1
    captions = [caption for image in app.image for caption in image.captions]
    assert sum("%" in caption for caption in captions) == 7, "not one map for each class"


def test_limits_shows_the_document(open_page: OpenPage) -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "limits.md"
    assert document.read_text(encoding="utf-8").strip() in [
        element.value.strip() for element in open_page("limits").markdown
    ]


def test_a_face_is_found_in_each_sample(analyzer: Analyzer) -> None:
    for name, sample in SAMPLES.items():
        image = sample()
        (reading,) = analyzer(image)
        (x0, y0, x1, y1), (height, width, _) = reading.face.box, image.shape
        assert 0.2 < (x0 + x1) / 2 / width < 0.65 and 0.25 < (y0 + y1) / 2 / height < 0.65, name


def test_each_drawn_sample_is_read_as_what_it_shows(analyzer: Analyzer) -> None:
    for name, sample in SAMPLES.items():
        who, _, expression = name.partition(", ")
        if who in DRAWN:
            assert analyzer(sample())[0].top[0] == expression, name


def test_how_it_works_explains_models_without_feature_maps(open_page: OpenPage) -> None:
    app = open_page("how_it_works")
    assert any("looks three times" in text.value for text in app.markdown)
    assert any("(*Grad-CAM*.)" in text.value for text in app.markdown)
    app.selectbox(key="model").set_value("svm_hog").run()
    assert not app.exception
    assert any("(*Occlusion*.)" in text.value for text in app.markdown)
    assert not any("looks three times" in text.value for text in app.markdown)


def test_class_shares_are_chosen_in_the_sidebar_and_kept_between_pages(
    open_page: OpenPage, analyzer: Analyzer
) -> None:
    app = open_page("explain")
    assert app.selectbox(key="prior").value == "model"
    app.selectbox(key="prior").select("equal").run()
    assert not app.exception
    reading = analyzer.analyze(portrait(), prior="equal", maps=()).readings[0]
    for name, p in zip(EXPRESSIONS, reading.probabilities, strict=True):
        assert app.button(key=f"explain_show_{name}").label == f"{name} {percent(float(p))}"
    app.switch_page("pages/limits.py").run()
    assert app.selectbox(key="prior").value == "equal"


def test_class_shares_are_not_offered_for_a_model_that_does_not_know_those_of_its_training(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("limits")
    card = dataclasses.replace(load_card("default"), class_shares=())
    monkeypatch.setattr("fer_core.load_card", lambda name: card)
    app.run()
    assert not app.exception
    with pytest.raises(KeyError):
        app.selectbox(key="prior")

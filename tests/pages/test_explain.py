"""The Explain page: maps, covers, tests of the maps and downloads."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.samples import portrait
from app.verdicts import CROSS, TICK
from fer_core import EXPRESSIONS, Analyzer
from fer_core.draw import percent
from fer_core.evaluation.averages import read_averages
from fer_core.explain import METHODS, list_layers
from fer_core.weights import WeightsError
from tests.pages.conftest import encode

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def explain(open_page: OpenPage) -> AppTest:
    return open_page("explain")


def open_view(app: AppTest, name: str) -> AppTest:
    app.session_state.explain_view = name
    return app.run()


def captions(app: AppTest) -> list[str]:
    return [caption for image in app.image for caption in image.captions]


def page_text(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def test_all_classes_are_shown_and_one_can_be_chosen(
    explain: AppTest, downloads: dict[str, bytes]
) -> None:
    app = explain
    assert not app.exception and not app.error
    analyzer = Analyzer()
    reading = analyzer.analyze(portrait(), maps=()).readings[0]
    assert "**happy**, by Grad-CAM, 6 × 6 cells" in captions(app)
    for name, p in zip(EXPRESSIONS, reading.probabilities, strict=True):
        assert app.button(key=f"explain_show_{name}").label == f"{name} {percent(float(p))}"
    app.button(key="explain_show_sad").click().run()
    assert app.pills(key="explain_class").value == "sad"
    assert "**sad**, by Grad-CAM, 6 × 6 cells" in captions(app)
    app.selectbox(key="explain_other").select("neutral").run()
    assert "**sad rather than neutral**, by Grad-CAM, 6 × 6 cells" in captions(app)

    stem = "smile-prior_attention-sad-rather-than-neutral-gradcam-layer-4"
    record = json.loads(downloads[f"{stem}.json"])
    maps = analyzer.raw_maps(reading, ("sad", "neutral"))
    assert (record["model"], record["target"], record["other"]) == (
        "prior_attention",
        "sad",
        "neutral",
    )
    assert np.array(record["maps"]["sad"]) == pytest.approx(maps["sad"].raw, abs=1e-4)
    assert sum(record["part_share"].values()) == pytest.approx(1)
    assert downloads[f"{stem}.png"][:4] == b"\x89PNG"
    assert b"Why sad rather than neutral?" in downloads[f"{stem}.svg"]
    assert "smile-prior_attention-sad-gradcam-layer-4.png" in downloads


def test_a_layer_and_a_method_can_be_chosen(explain: AppTest) -> None:
    app = explain
    layers = list_layers(Analyzer().classifier())
    slider = app.select_slider(key="explain_layer")
    assert slider.value == len(layers)
    slider.set_value(2).run()
    assert not app.exception
    app.selectbox(key="method").select("layercam").run()
    assert "**happy**, by LayerCAM, 24 × 24 cells" in captions(app)
    app.selectbox(key="method").select("occlusion").run()
    assert not app.select_slider, "occlusion offers a layer"
    app.selectbox(key="method").select("gradcam").run()
    app.selectbox(key="model").select("lgbm_pixels").run()
    assert not app.exception and not app.select_slider
    assert "**happy**, by Occlusion, 6 × 6 cells" in captions(app)
    assert "explained by occlusion" in page_text(app)


def test_methods_are_shown_side_by_side(explain: AppTest) -> None:
    app = open_view(explain, "Methods")
    assert not app.exception
    text = page_text(app)
    fast = [method for method in METHODS if method.fast]
    assert all(f"**{method.title}**" in text for method in fast)
    assert len(app.latex) == len(METHODS), "a method has no formula"
    assert text.count("the same for every class") == 1


@pytest.mark.parametrize(
    ("model", "attention"),
    [
        ("prior_attention", "It is the same"),
        ("acnn_alstm", "It is the same"),
        ("emonet_multihead", "The attention of *emonet_multihead* is nearly even"),
        ("plain", "no attention"),
    ],
)
def test_shares_of_the_regions_are_shown(explain: AppTest, model: str, attention: str) -> None:
    explain.selectbox(key="model").select(model).run()
    app = open_view(explain, "Regions")
    assert not app.exception and attention in page_text(app)
    assert "Of the evidence for *happy*" in page_text(app)


def test_no_region_is_named_where_hardly_anything_is_for_the_class(explain: AppTest) -> None:
    explain.pills(key="explain_class").set_value("sad").run()
    app = open_view(explain, "Regions")
    assert "Hardly anything speaks for *sad*: " in page_text(app)
    assert "Of the evidence for" not in page_text(app)


def test_the_effect_of_a_cover_is_compared_with_the_map(explain: AppTest) -> None:
    app = open_view(explain, "Cover it yourself")
    assert "You covered" not in page_text(app)
    app.pills(key="explain_covers").set_value(["mouth"]).run()
    assert not app.exception
    assert "You covered 24 %" in page_text(app) and "logits" in page_text(app)
    medium = page_text(app)
    app.select_slider(key="explain_cover_size").set_value(0.5).run()
    assert "You covered 36 %" in page_text(app)
    app.pills(key="explain_covers").set_value(["mouth", "left half"]).run()
    assert "You covered 36 %" not in page_text(app) and page_text(app) != medium
    app.button(key="explain_uncover").click().run()
    assert "You covered " not in page_text(app)


def test_faithfulness_and_randomization_are_shown(explain: AppTest) -> None:
    app = open_view(explain, "Is it true?")
    assert not app.exception
    verdicts = [m.value for m in app.markdown if m.value.startswith((TICK, CROSS))]
    assert verdicts[0].startswith(f"{TICK} **The hot places count: without them *happy* falls")
    assert verdicts[1].startswith(f"{TICK} **The map needs what was learned")
    assert verdicts[2].startswith(f"{TICK} **Grad-CAM beats chance")
    table = app.dataframe[0].value
    assert table["map"].tolist() == ["Grad-CAM", "random map", "center blob"]
    assert ((table["deletion"] >= 0) & (table["deletion"] <= 1)).all()
    strip = [caption for caption in captions(app) if caption.startswith(("head", "layer"))]
    assert [caption.split(":")[0] for caption in strip] == [
        *("head", "layer 4", "layer 3", "layer 2", "layer 1")
    ]


def test_a_method_that_shows_the_face_gets_a_cross(explain: AppTest) -> None:
    explain.selectbox(key="method").select("guided_backprop").run()
    app = open_view(explain, "Is it true?")
    verdicts = [m.value for m in app.markdown if m.value.startswith((TICK, CROSS))]
    assert verdicts[1].startswith(f"{CROSS} **The map shows the face more than the network")
    words = "Guided backpropagation does not beat chance in hiding and showing places, and it shows"
    assert verdicts[2].startswith(f"{CROSS} **{words}")


def test_average_maps_and_claims_are_shown(explain: AppTest) -> None:
    app = open_view(explain, "Average faces")
    assert not app.exception
    averages = read_averages()
    counts = [caption for caption in captions(app) if caption.endswith(" faces")]
    assert counts == [
        f"**{name}**, {each.n:,} faces" for name, each in averages.maps["prior_attention"].items()
    ]
    assert "An old claim, tested" in page_text(app)


def test_uploaded_pictures_are_explained_and_bad_ones_refused(explain: AppTest) -> None:
    app = explain
    app.segmented_control(key="explain_source").set_value("Your own picture").run()
    assert not app.exception and not app.image, "a face is explained before the upload"
    app.file_uploader(key="explain_file").upload("broken.png", b"no picture").run()
    assert not app.exception
    errors = [error.value for error in app.error]
    assert errors == ["The file is not an image; give a JPEG, PNG or WebP file"]
    app.file_uploader(key="explain_file").upload(
        "empty.png", encode(np.full((300, 300, 3), 90, np.uint8))
    ).run()
    assert "No face was found" in app.warning[0].value
    app.file_uploader(key="explain_file").upload("face.png", encode(portrait())).run()
    assert "**happy**, by Grad-CAM, 6 × 6 cells" in captions(app)


def test_damaged_averages_give_an_error_and_the_rest_works(
    explain: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged() -> None:
        raise WeightsError("averages.json does not hold averages; restore it")

    monkeypatch.setattr("fer_core.evaluation.averages.read_averages", damaged)
    app = open_view(explain, "Average faces")
    assert not app.exception and "restore it" in app.error[0].value
    assert [header.value for header in app.subheader] == ["Take it with you"]


def test_damaged_results_give_an_error_and_the_rest_works(
    explain: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged() -> None:
        raise WeightsError("faithfulness.json holds no measurements; restore it")

    monkeypatch.setattr("fer_core.evaluation.results.read_method_results", damaged)
    for name in ("Methods", "Is it true?"):
        app = open_view(explain, name)
        assert not app.exception and "restore it" in app.error[0].value
        assert "truest here" not in page_text(app) and "On many faces" not in page_text(app)

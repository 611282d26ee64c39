"""The Photo page: sources of pictures, the readings of their faces, and downloads."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from fer_core import EXPRESSIONS, Analyzer
from fer_core.draw import percent
from fer_core.images import SUFFIXES, read_image
from fer_core.models.base import NetworkOutput, PooledNetwork
from fer_core.types import Image
from tests.pages.conftest import encode

OpenPage = Callable[[str], AppTest]
Downloads = dict[str, bytes]


@pytest.fixture
def photo(open_page: OpenPage) -> AppTest:
    return open_page("photo")


def upload(app: AppTest, **files: bytes) -> AppTest:
    """``upload(app, face_png=content)`` gives the page a file ``face.png``."""
    for name, content in files.items():
        stem, _, suffix = name.rpartition("_")
        app.file_uploader(key="photo_files").upload(f"{stem}.{suffix}", content)
    return app.run()


def captions(app: AppTest) -> list[str]:
    return [caption for image in app.image for caption in image.captions]


def headings(app: AppTest) -> list[str]:
    return [element.value for element in app.subheader]


def test_a_photo_is_shown_with_probabilities_maps_and_charts_of_its_face(
    photo: AppTest, astronaut: Image, downloads: Downloads
) -> None:
    app = upload(photo, astronaut_png=encode(astronaut))
    assert not app.exception and not app.error
    reading = Analyzer()(astronaut)[0]
    name, probability = reading.top
    headline = "unsure" if reading.unsure else f"{name} {percent(probability)}"
    assert app.metric[0].value == headline
    texts = captions(app)
    assert "astronaut.png, 512 × 512 pixels" in texts
    for each, p in zip(EXPRESSIONS, reading.probabilities, strict=True):
        assert f"{each} **{percent(float(p))}**" in texts
    assert reading.region_attention is not None
    assert f"mouth **{percent(reading.region_attention['lower'])}**" in texts
    assert len(app.get("plotly_chart")) == 3, "classes, valence and arousal, facial actions"
    assert any("Placed by its class probabilities" in caption.value for caption in app.caption)


def test_pictures_stay_when_the_page_is_left_until_they_are_cleared(
    photo: AppTest, astronaut: Image
) -> None:
    app = upload(photo, a_png=encode(astronaut), b_png=encode(astronaut[:, ::-1]))
    app.slider(key="photo_opacity").set_value(0.3).run()
    for _ in range(2):
        app.switch_page("pages/limits.py").run()
        app.switch_page("pages/photo.py").run()
        assert any("a.png, b.png" in text.value for text in app.markdown)
        assert len(app.dataframe[0].value) == 2
        assert app.slider(key="photo_opacity").value == 0.3
    upload(app, c_png=encode(astronaut[::2, ::2].copy()))
    assert list(app.dataframe[0].value["path"]) == ["a.png", "b.png", "c.png"]
    app.button(key="photo_files_clear").click().run()
    assert list(app.dataframe[0].value["path"]) == ["c.png"]


def test_the_downloads_as_json_csv_and_png_agree(
    photo: AppTest, astronaut: Image, downloads: Downloads
) -> None:
    upload(photo, astronaut_png=encode(astronaut))
    (record,) = json.loads(downloads["expression-lens.json"])
    assert (record["path"], record["width"], record["height"]) == ("astronaut.png", 512, 512)
    (face,) = record["faces"]
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert 0.4 < face["valence"] < 0.82 and 0.3 < face["arousal"] < 0.68
    assert face["top"] == max(face["probabilities"], key=face["probabilities"].get)
    assert sum(face["region_attention"].values()) == pytest.approx(1, abs=1e-5)

    (row,) = csv.DictReader(io.StringIO(downloads["expression-lens.csv"].decode()))
    assert row["path"] == "astronaut.png" and row["top"] == face["top"]
    assert float(row["happy"]) == pytest.approx(face["probabilities"]["happy"])
    assert float(row["x0"]) == face["box"][0]

    picture = read_image(downloads["astronaut-annotated.png"])
    assert picture.shape == (512, 512, 3)
    unchanged = (picture == astronaut).all(axis=2)
    x0, y0, x1, y1 = (round(edge) for edge in face["box"])
    assert unchanged[400:, :].all(), "something is drawn far from the face"
    assert not unchanged[y0:y1, x0:x1].all()


def test_layers_class_and_opacity_of_the_heatmap_can_be_chosen(
    photo: AppTest, astronaut: Image, downloads: Downloads
) -> None:
    def annotated() -> Image:
        return read_image(downloads["astronaut-annotated.png"])

    app = upload(photo, astronaut_png=encode(astronaut))
    app.pills(key="photo_layers").set_value(["heatmap"])
    app.slider(key="photo_opacity").set_value(1.0).run()
    strong = annotated()
    app.slider(key="photo_opacity").set_value(0.1).run()
    weak = annotated()
    original = astronaut.astype(int)
    assert np.abs(strong - original).sum() > 3 * np.abs(weak - original).sum() > 0
    app.slider(key="photo_opacity").set_value(1.0)
    app.selectbox(key="photo_target").select("surprise").run()
    assert (annotated() != strong).any()
    assert any("Of the evidence for *surprise*" in caption.value for caption in app.caption)
    app.pills(key="photo_layers").set_value([]).run()
    assert (annotated() == original).all()


def test_a_model_without_region_attention_shows_only_the_whole_face(
    photo: AppTest, astronaut: Image
) -> None:
    app = upload(photo, astronaut_png=encode(astronaut))
    app.selectbox(key="model").select("plain").run()
    assert any("it has no blocks to weigh" in caption.value for caption in app.caption)
    assert not any(caption.startswith("mouth") for caption in captions(app))


def test_file_names_are_text_and_no_markdown(photo: AppTest, astronaut: Image) -> None:
    name = "![x](http://example.org/a.png) *b*"
    app = photo
    app.file_uploader(key="photo_files").upload(f"{name}.png", encode(astronaut), "image/png")
    app.file_uploader(key="photo_files").upload("**bad**.png", b"hello", "image/png").run()
    assert not app.exception
    assert "\\*\\*bad\\*\\*.png" in app.error[0].value
    shown = " ".join(each.value for each in [*app.markdown, *app.caption, *app.error])
    assert "![x](" not in shown
    assert not any("![x](" in image.proto.imgs[0].caption for image in app.get("imgs"))


@pytest.fixture
def attention_heads_for_plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give ``plain`` two attention heads: the first attends to one cell, the second to all cells equally."""
    head_without_attention = PooledNetwork.head

    def head(self: PooledNetwork, *args: Any, **options: Any) -> NetworkOutput:
        output = head_without_attention(self, *args, **options)
        heads = torch.full((len(output.logits), 2, 3, 3), 1 / 9)
        heads[:, 0] = 0
        heads[:, 0, 2, 1] = 1
        return replace(output, attention=heads)

    monkeypatch.setattr(PooledNetwork, "head", head)
    monkeypatch.setattr("fer_core.runtime.base.load_graphs", lambda *_: {})  # torch runs it
    st.cache_resource.clear()  # models loaded before have no attention
    yield
    st.cache_resource.clear()


def test_attention_is_shown_only_for_models_that_have_it(
    photo: AppTest, astronaut: Image, downloads: Downloads, attention_heads_for_plain: None
) -> None:
    mirrored = astronaut[:, ::-1]  # mirrored, since the reading of the astronaut may be cached
    app = upload(photo, mirrored_png=encode(mirrored))
    assert "Where the network looks by itself" not in headings(app)
    assert not any("Attention" in option for option in app.pills(key="photo_layers").options)
    assert json.loads(downloads["expression-lens.json"])[0]["faces"][0]["attention"] is None
    app.selectbox(key="model").select("plain").run()
    assert "Where the network looks by itself" in headings(app)
    assert {"head 1", "head 2"} <= set(captions(app))
    assert any("no evidence for a class" in caption.value for caption in app.caption)
    app.pills(key="photo_layers").set_value(["attention"]).run()
    assert not app.exception
    annotated = read_image(downloads["mirrored-annotated.png"])
    assert (annotated != mirrored).any()
    (face,) = json.loads(downloads["expression-lens.json"])[0]["faces"]
    assert np.shape(face["attention"]) == (2, 3, 3) and face["attention"][0][2][1] == 1
    app.selectbox(key="model").select("prior_attention").run()
    assert not app.exception and "Where the network looks by itself" not in headings(app)


def test_a_model_without_feature_maps_is_explained_by_occlusion(
    photo: AppTest, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = upload(photo, astronaut_png=encode(astronaut))
    assert any(caption.value.startswith("By Grad-CAM. ") for caption in app.caption)
    monkeypatch.setattr(PooledNetwork, "has_maps", False)
    app.selectbox(key="model").select("plain").run()
    assert not app.exception
    reason = "By Occlusion, since *plain* has no feature maps for gradcam. "
    (sentence,) = [caption.value for caption in app.caption if caption.value.startswith(reason)]
    assert "Of the evidence for *happy*" in sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"hello", "not an image"), (None, "damaged"), (b"", "not an image")],
    ids=["text", "truncated", "empty"],
)
def test_a_file_that_cannot_be_read_gives_one_error_sentence(
    photo: AppTest, astronaut: Image, content: bytes | None, reason: str
) -> None:
    content = encode(astronaut, ".jpg")[:9000] if content is None else content
    app = upload(photo, bad_jpg=content)
    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith("**bad.jpg**: ")
    assert reason in app.error[0].value
    assert not app.metric


def test_every_named_format_is_taken_and_other_ones_are_not(photo: AppTest) -> None:
    uploader = photo.file_uploader(key="photo_files")
    for suffix in SUFFIXES:
        assert suffix in uploader.allowed_type
    assert ".heic" not in uploader.allowed_type, "or iPhones would no longer send JPEG"
    assert "HEIC files have to be exported as JPEG" in uploader.help


def test_a_picture_that_was_read_with_a_note_shows_it(
    photo: AppTest, astronaut: Image, downloads: Downloads
) -> None:
    app = upload(photo, cut_jpg=encode(astronaut, ".jpg")[:-2])
    note = "The file ends too early, but all of its pixels are there."
    assert not app.exception and not app.error
    assert [caption.value for caption in app.caption].count(note) == 1
    assert json.loads(downloads["expression-lens.json"])[0]["notes"] == [note]


def test_a_picture_beyond_the_limit_of_the_pages_is_refused_and_the_others_are_shown(
    photo: AppTest, astronaut: Image, shared: Callable[[str], Path]
) -> None:
    bomb = shared("cases/image_50mp_46bytes.webp").read_bytes()
    turned = shared("cases/exif-make-as-float.jpg").read_bytes()
    app = upload(photo, bomb_webp=bomb, turned_jpg=turned)
    assert not app.exception
    (error,) = app.error
    assert "larger than 25 megapixels: 50 (7071 × 7071)" in error.value
    assert app.metric[0].value.startswith("happy")


@pytest.mark.parametrize("side", [1, 300])
def test_a_picture_without_a_face_is_shown_with_advice(
    photo: AppTest, side: int, downloads: Downloads
) -> None:
    app = upload(photo, wall_png=encode(np.full((side, side, 3), 120, np.uint8)))
    assert not app.exception and not app.error
    assert "No face was found" in headings(app)
    assert "wall.png" in captions(app)
    (record,) = json.loads(downloads["expression-lens.json"])
    assert record == {"path": "wall.png", "width": side, "height": side, "faces": []}
    assert len(downloads["expression-lens.csv"].splitlines()) == 1, "the header without rows"


def test_each_of_twenty_faces_can_be_chosen(
    photo: AppTest, astronaut: Image, downloads: Downloads
) -> None:
    crowd = np.tile(astronaut[20:230, 120:330], (4, 5, 1))
    app = upload(photo, crowd_png=encode(crowd))
    (record,) = json.loads(downloads["expression-lens.json"])
    boxes = np.array([face["box"] for face in record["faces"]])
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    rows, columns = (centers // 210).astype(int).T[::-1]
    assert (rows * 5 + columns).tolist() == list(range(20)), "not in reading order"
    rows_of_table = list(csv.DictReader(io.StringIO(downloads["expression-lens.csv"].decode())))
    assert [row["face"] for row in rows_of_table] == [f"{number}" for number in range(1, 21)]
    assert [float(row["x0"]) for row in rows_of_table] == boxes[:, 0].tolist()
    largest = int(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).argmax())
    assert app.metric[0].label == f"Face {largest + 1} of 20"
    app.button(key="face_13").click().run()
    assert app.metric[0].label == "Face 14 of 20"
    assert not app.exception


def test_one_bad_file_does_not_stop_the_others(
    photo: AppTest, astronaut: Image, downloads: Downloads
) -> None:
    wall = np.full((300, 300, 3), 120, np.uint8)
    app = upload(photo, face_png=encode(astronaut), bad_png=b"hello", wall_png=encode(wall))
    assert [error.value.split(":")[0] for error in app.error] == ["**bad.png**"]
    assert app.metric, "no picture is shown"
    records = json.loads(downloads["expression-lens.json"])
    assert [record["path"] for record in records] == ["face.png", "bad.png", "wall.png"]
    assert "not an image" in records[1]["error"]
    with zipfile.ZipFile(io.BytesIO(downloads["expression-lens.zip"])) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "expression-lens.json",
            "expression-lens.csv",
            "001-face.png",
            "002-wall.png",
        ]
    app.button(key="photo_picture_1").click().run()
    assert "No face was found" in headings(app)


def test_a_picture_can_come_from_the_samples_or_the_camera(
    photo: AppTest, astronaut: Image
) -> None:
    app = photo
    app.button(key="sample_Mouth covered").click().run()
    assert any(caption.startswith("mouth-covered.png") for caption in captions(app))
    app.segmented_control(key="photo_source").set_value("camera").run()
    assert not app.metric
    app.camera_input(key="photo_camera").upload("shot.jpg", encode(astronaut, ".jpg")).run()
    assert "camera.jpg, 512 × 512 pixels" in captions(app)


def test_the_snapshot_of_the_live_view_is_shown_until_it_is_discarded(
    open_page: OpenPage, astronaut: Image
) -> None:
    app = open_page("start")
    app.session_state["snapshot"] = astronaut
    app.switch_page("pages/photo.py").run()
    assert "live-view.png, 512 × 512 pixels" in captions(app)
    assert any("From the live view" in element.value for element in app.markdown)
    app.button(key="forget_snapshot").click().run()
    assert "snapshot" not in app.session_state
    assert not app.metric
    assert app.file_uploader(key="photo_files")


def test_a_face_is_compared_with_a_neutral_one_of_the_uploads(
    photo: AppTest, astronaut: Image, downloads: Downloads
) -> None:
    calm = astronaut.copy()
    calm[128:160, 205:245] //= 3
    app = upload(photo, smile_png=encode(astronaut), calm_png=encode(calm))
    choice = app.selectbox(key="photo_neutral")
    assert len(choice.options) == 2 and choice.options[0] == "none"
    assert choice.options[1].startswith("calm.png: neutral ")
    before = json.loads(downloads["expression-lens.json"])
    choice.select_index(1).run()
    assert not app.exception
    after = json.loads(downloads["expression-lens.json"])
    assert "probabilities_alone" not in before[0]["faces"][0] and after[1] == before[1]
    (face,) = after[0]["faces"]
    assert face["probabilities_alone"] == before[0]["faces"][0]["probabilities"]
    assert face["probabilities"]["neutral"] > face["probabilities_alone"]["neutral"]
    assert any("They show what moved from the neutral face." in c.value for c in app.caption)
    header = downloads["expression-lens.csv"].decode().splitlines()[0]
    assert header.endswith("neutral_alone")

    app.button(key="photo_neutral_all").click().run()
    assert not app.exception and json.loads(downloads["expression-lens.json"]) == after
    app.selectbox(key="photo_neutral").select_index(0).run()
    assert json.loads(downloads["expression-lens.json"]) == before

"""The Data page: a dataset, its classes and faces, augmentation, and where labels disagree."""

import resource
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

from app import datasets
from app.data.sets import describe_balance
from app.datasets import VARIABLE

OpenPage = Callable[[str], AppTest]

HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
AGREED = ("10,0,0,0,0,0,0,0,0,0", "0,10,0,0,0,0,0,0,0,0")  # neutral, happy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write four faces of FER2013 with votes, a folder of images, and files that are not sets."""
    rng = np.random.default_rng(0)
    rows = []
    for label, split in ((6, "Training"), (3, "Training"), (4, "Training"), (4, "PrivateTest")):
        pixels = " ".join(map(str, rng.integers(0, 256, 48 * 48)))
        rows.append(f"{label},{pixels},{split}")
    sets = tmp_path / "sets"
    (sets / "faces" / "train" / "happy").mkdir(parents=True)
    Pillow.new("L", (48, 48), 90).save(sets / "faces" / "train" / "happy" / "a.png")
    (sets / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]) + "\n")
    votes = [*AGREED, "6,0,0,4,0,0,0,0,0,0", "0,0,0,10,0,0,0,0,0,0"]
    lines = [f"Training,{n}.png,{row}" for n, row in enumerate(votes)]
    (sets / "fer2013new.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    (sets / "short.csv").write_text("\n".join([HEADER, lines[0]]) + "\n")
    (sets / "wrong.csv").write_text("a,b,c\nsecret,secret,secret\n")
    (tmp_path / "outside.csv").write_text("emotion,pixels,Usage\n")
    monkeypatch.setenv(VARIABLE, str(sets))
    return sets


def page_text(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.subheader])


def captions(app: AppTest) -> list[str]:
    return [caption for image in app.image for caption in image.captions if caption]


def read_dataset(app: AppTest, name: str, plus: str | None = None) -> AppTest:
    app.selectbox(key="data_set").set_value(name)
    app.selectbox(key="data_plus").set_value(plus)
    return app.button(key="data_read").click().run()


def test_read_without_a_choice_is_answered_and_a_choice_is_kept(
    open_page: OpenPage, folder: Path
) -> None:
    app = open_page("data")
    assert not app.warning
    app.button(key="data_read").click().run()
    assert app.warning[0].value == "Choose a dataset first, or type its path."
    read_dataset(app, "fer2013.csv")
    assert not app.warning
    app.switch_page("pages/limits.py").run()
    app.switch_page("pages/data.py").run()
    assert app.selectbox(key="data_set").value == "fer2013.csv"
    assert "How many faces each class has" in page_text(app)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([40] * 7, "Each class has 40 faces: none is rare."),
        ([40, 60, 40, 50, 50, 50, 50], "Each class has between 40 and 60 faces: none is rare."),
        (
            [4000, 440, 4000, 7200, 4800, 3200, 5000],
            "*Happy* has 7,200 faces, *disgust* 440. A rare",
        ),
        ([0, 9, 9, 9, 9, 9, 9], "*Disgust* has 9 faces, *angry* 0. A rare"),
    ],
)
def test_a_class_is_rare_only_where_another_has_far_more_faces(
    counts: list[int], sentence: str
) -> None:
    assert describe_balance(np.array(counts)).startswith(sentence)


def test_augmentation_is_shown_on_the_sample_without_a_dataset(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    app = open_page("data")
    assert not app.exception and not app.error
    assert app.code[0].value == "make app FER_DATA=/the/folder/with/your/sets"
    assert "`fer2013.csv` or `icml_face_data.csv`" in page_text(app)
    texts = captions(app)
    assert texts[:2] == ["**unchanged**", "turned by 9°"]
    assert "mirrored, 50 % of faces" in texts and len(app.image) == len(texts) + 10
    app.slider(key="data_factor").set_value(2.0).run()
    assert "turned by 18°" in captions(app) and "mirrored, 50 % of faces" in captions(app)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("svm_hog", "learned from the faces as they are, and from their mirror images."),
        ("lgbm_pixels", "learned from the faces as they are."),
    ],
)
def test_a_model_without_augmentation_says_so(open_page: OpenPage, model: str, words: str) -> None:
    app = open_page("data")
    app.selectbox(key="model").set_value(model).run()
    assert words in page_text(app) and not app.exception
    assert not app.image and "No face is shown twice" not in page_text(app)


def test_what_is_left_out_of_a_set_is_named(open_page: OpenPage, folder: Path) -> None:
    left_out = folder / "faces" / "train" / "hapy"
    left_out.mkdir()
    Pillow.new("L", (48, 48), 90).save(left_out / "b.png")
    app = read_dataset(open_page("data"), "faces")
    assert not app.exception
    assert any("hapy" in caption.value for caption in app.caption)


def test_random_draws_change_only_when_the_button_is_pressed(open_page: OpenPage) -> None:
    app = open_page("data")

    def random_draws() -> list[str]:
        return [image.proto.imgs[0].url for image in app.image if not image.captions[0]]

    first = random_draws()
    app.slider(key="data_factor").set_value(1.0).run()
    assert random_draws() == first, "drawn again without the button"
    app.button(key="data_again").click().run()
    assert not set(random_draws()) & set(first)


def test_a_dataset_is_shown_with_its_classes_faces_and_votes(
    open_page: OpenPage, folder: Path
) -> None:
    app = open_page("data")
    assert app.selectbox(key="data_set").options == [
        *("faces", "fer2013.csv", "fer2013new.csv", "short.csv", "wrong.csv")
    ]
    assert app.selectbox(key="data_plus").value == "fer2013new.csv", (
        "the votes are not chosen by their name"
    )
    read_dataset(app, "fer2013.csv", "fer2013new.csv")
    assert not app.exception and not app.error
    text = page_text(app)
    assert "**Training**, to learn from: 3 faces" in text
    assert "**PrivateTest**, to measure on: 1 faces" in text
    assert "*Sad* has 2 faces" in text
    assert "Both name the same class for **75.0 %** of the faces." in text
    assert app.selectbox(key="data_labeled").value == "sad"
    assert app.selectbox(key="data_voted").value == "neutral"
    assert app.metric[0].value == "1"
    assert "FER2013: **sad**, FER+: **neutral**" in text
    assert len(app.get("plotly_chart")) == 2 + 1 + 1, "splits, agreement, votes of the one face"
    app.selectbox(key="data_voted").select("contempt").run()
    assert app.metric[0].value == "0" and len(app.get("plotly_chart")) == 3
    app.segmented_control(key="data_face").set_value("one of the set").run()
    assert not app.exception


def test_a_dataset_without_votes_is_shown_without_label_agreement(
    open_page: OpenPage, folder: Path
) -> None:
    app = read_dataset(open_page("data"), "faces", "fer2013new.csv")
    assert not app.exception and not app.error
    assert "**Training**, to learn from: 1 faces" in page_text(app)
    assert "Choose FER2013's table and `fer2013new.csv` above" in page_text(app)


@pytest.mark.parametrize(
    ("name", "plus", "message"),
    [
        ("wrong.csv", None, "wrong.csv is not a dataset of a known layout"),
        ("fer2013.csv", "wrong.csv", "wrong.csv, line 1: expected the columns neutral"),
        ("fer2013.csv", "short.csv", "1 rows of FER+ votes for 4 faces"),
        ("nothing", None, "nothing is not in the folder of datasets"),
        ("../outside.csv", None, "../outside.csv is not in the folder of datasets"),
        ("/etc/passwd", None, "/etc/passwd is not in the folder of datasets"),
    ],
)
def test_a_dataset_that_cannot_be_read_gives_one_error_sentence(
    open_page: OpenPage,
    folder: Path,
    name: str,
    plus: str | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # People may type other paths as well; AppTest takes only what is in the list.
    listed = sorted({*datasets.names_in(folder), name})
    monkeypatch.setattr(datasets, "names_in", lambda _: listed)
    app = read_dataset(open_page("data"), name, plus)
    assert not app.exception
    (error,) = app.error
    assert error.value.startswith(message)
    assert str(folder.parent) not in error.value and "secret" not in error.value
    assert app.image, "augmentation is not shown"


def test_a_missing_folder_of_datasets_gives_one_error_sentence(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "/no/such/folder")
    app = open_page("data")
    assert [error.value for error in app.error] == [
        "FER_DATA does not name a readable folder; give one that holds datasets"
    ]
    assert not app.exception and app.image


def lead_out(folder: Path) -> None:
    """Put sets into the folder that name, or link to, a picture and a table outside of it."""
    Pillow.new("L", (48, 48), 90).save(folder.parent / "secret.png")
    (folder / "linked" / "happy").mkdir(parents=True)
    (folder / "linked" / "happy" / "a.png").symlink_to(folder.parent / "secret.png")
    (folder / "folder" / "happy").mkdir(parents=True)
    (folder / "folder" / "happy" / "a.png").hardlink_to(
        folder / "faces" / "train" / "happy" / "a.png"
    )
    (folder / "folder" / "sad").symlink_to(folder.parent)
    for name, path in (("up", "../../secret.png"), ("absolute", folder.parent / "secret.png")):
        (folder / name).mkdir()
        (folder / name / "labels.csv").write_text(f"image,label\n{path},happy\n")


@pytest.mark.parametrize("name", ["linked", "folder", "up", "absolute"])
def test_a_dataset_does_not_lead_out_of_the_folder(
    open_page: OpenPage, folder: Path, name: str
) -> None:
    lead_out(folder)
    app = read_dataset(open_page("data"), name)
    assert not app.exception
    (error,) = app.error
    assert "leads out of the folder of datasets" in error.value
    assert str(folder) not in error.value, "it says where the folder lies"
    assert "How many faces each class has" not in page_text(app)


def test_a_file_without_line_ends_is_not_read_whole(open_page: OpenPage, folder: Path) -> None:
    with (folder / "endless.csv").open("wb") as file:
        file.write(b"emotion,pixels,Usage\n0,")
        file.truncate(4 << 30)  # takes no room on the disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    app = read_dataset(open_page("data"), "endless.csv")
    assert not app.exception
    assert len(app.error) == 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 1 << 30

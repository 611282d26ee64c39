"""The Video page: a clip, its timeline, its best moments, and downloads."""

import csv
import io
import json
from collections.abc import Callable
from fractions import Fraction
from itertools import islice

import pytest
from streamlit.testing.v1 import AppTest

from app.samples import resting_portrait
from app.video.reading import ClipWork
from fer_core import EXPRESSIONS, __version__
from fer_core.images import read_image
from fer_core.types import Image
from fer_core.video import CSV_COLUMNS, Clip, TimelineReader
from fer_core.video.film import Film

Downloads = dict[str, bytes]


@pytest.fixture
def video(open_page: Callable[[str], AppTest]) -> AppTest:
    return open_page("video")


@pytest.fixture
def sample(video: AppTest) -> AppTest:
    """Return the page after reading every 5th frame of the sample."""
    video.button(key="video_use_sample").click().run()
    video.selectbox(key="video_every").select(5)
    return video.button(key="video_start").click().run()


def test_without_a_clip_the_page_offers_a_sample(video: AppTest) -> None:
    assert not video.exception
    assert any("No clip at hand?" in caption.value for caption in video.caption)
    assert not video.get("plotly_chart")


def test_a_clip_is_shown_as_timeline_and_moments_and_can_be_downloaded(
    sample: AppTest, downloads: Downloads
) -> None:
    sample.run()
    assert not sample.exception and not sample.error and not sample.info
    assert len(sample.get("plotly_chart")) == 1
    captions = [caption for image in sample.image for caption in image.captions]
    assert captions[0].startswith("Frame 0, 0.00 s: ")
    moments = [caption.split()[0] for caption in captions[1:]]
    assert moments == list(EXPRESSIONS), "the film goes through all of them"

    rows = list(csv.DictReader(io.StringIO(downloads["sample.csv"].decode())))
    assert tuple(rows[0]) == CSV_COLUMNS and [int(row["frame"]) for row in rows] == list(
        range(0, 105, 5)
    )
    record = json.loads(downloads["sample.json"])
    assert (record["clip"], record["frames"], record["stopped"]) == ("sample.mp4", 21, False)
    picture = read_image(downloads["sample-timeline.png"])
    assert picture.shape == (900, 1600, 3)

    sample.slider(key="video_moment").set_value(3.1).run()
    captions = [caption for image in sample.image for caption in image.captions]
    assert captions[0].startswith("Frame 30, 3.00 s: ")

    sample.button(key="video_make").click().run()
    assert not sample.exception
    with Clip(downloads["sample-annotated.mp4"]) as clip:
        assert len(list(clip.frames())) == 105


def test_the_smoothing_is_chosen_and_named(sample: AppTest, downloads: Downloads) -> None:
    sample.run()
    assert any("The lines are read frame by frame." in each.value for each in sample.caption)
    single = json.loads(downloads["sample.json"])
    sample.button(key="video_make").click().run()
    assert "sample-annotated.mp4" in downloads
    sample.segmented_control(key="video_smoothing").set_value(0.5).run()
    assert not sample.exception
    words = "smoothed over past and future (0.5 s)"
    assert any(f"The lines are {words}." in caption.value for caption in sample.caption)
    smooth = json.loads(downloads["sample.json"])
    assert (single["smoothing"], smooth["smoothing"]) == (0.0, 0.5)
    assert single["rows"] != smooth["rows"]
    rows = list(csv.DictReader(io.StringIO(downloads["sample.csv"].decode())))
    assert {row["smoothing"] for row in rows} == {"0.5"}
    assert "video_film" not in sample.session_state, "the film showed other predictions"


def test_faces_are_compared_with_their_median_or_a_moment(
    sample: AppTest, downloads: Downloads
) -> None:
    sample.run()
    assert json.loads(downloads["sample.json"])["baseline"] is None
    sample.segmented_control(key="video_baseline").set_value("median").run()
    assert not sample.exception
    words = "read frame by frame, compared with the neutral face (median)"
    assert any(f"The lines are {words}." in caption.value for caption in sample.caption)
    assert json.loads(downloads["sample.json"])["baseline"] == "median"
    sample.slider(key="video_moment").set_value(1.0).run()
    sample.segmented_control(key="video_baseline").set_value("moment").run()
    record = json.loads(downloads["sample.json"])
    assert record["baseline"] == "1 s" and {row["baseline"] for row in record["rows"]} == {"1 s"}
    rows = list(csv.DictReader(io.StringIO(downloads["sample.csv"].decode())))
    assert rows[0]["baseline"] == "1 s"


def test_results_name_the_model_that_made_them(sample: AppTest, downloads: Downloads) -> None:
    sample.run()
    assert any("Read by *prior_attention*." in each.value for each in sample.caption)
    sample.selectbox(key="model").select("plain").run()
    assert not sample.exception
    (note,) = sample.info
    assert note.value.startswith("Read by *prior_attention*")
    assert "The sidebar has *plain* now" in note.value
    record = json.loads(downloads["sample.json"])
    assert (record["model"], record["version"]) == ("prior_attention", __version__)
    rows = list(csv.DictReader(io.StringIO(downloads["sample.csv"].decode())))
    assert list(rows[0])[-2:] == ["model", "version"] and rows[0]["model"] == "prior_attention"
    sample.button(key="video_start").click().run()
    assert not sample.info and json.loads(downloads["sample.json"])["model"] == "plain"


def test_another_reading_of_the_clip_is_not_compared(sample: AppTest) -> None:
    sample.run()
    sample.segmented_control(key="video_baseline").set_value("median").run()
    sample.button(key="video_start").click().run()
    assert not sample.exception
    assert sample.segmented_control(key="video_baseline").value == "none"


def test_only_sequence_models_can_predict_several_frames_together(video: AppTest) -> None:
    video.button(key="video_use_sample").click().run()
    assert not [toggle for toggle in video.toggle if toggle.key == "video_sequence"]
    video.selectbox(key="model").select("acnn_alstm").run()
    video.toggle(key="video_sequence").set_value(True)
    video.selectbox(key="video_every").select(5)
    video.button(key="video_start").click().run()
    assert not video.exception
    assert len(video.get("plotly_chart")) == 2
    assert any("How much the model counted each" in each.value for each in video.caption)


def test_a_stopped_analysis_is_kept_and_can_be_continued(
    video: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_all = TimelineReader.__iter__
    video.button(key="video_use_sample").click().run()
    video.selectbox(key="video_every").select(5)
    with monkeypatch.context() as patch:
        patch.setattr(TimelineReader, "__iter__", lambda self: islice(read_all(self), 2))
        video.button(key="video_start").click().run()
    assert not video.exception
    assert video.info[0].value.startswith("Stopped at ")
    video.button(key="video_go_on").click().run()
    assert not video.exception
    video.run()
    assert not video.exception and not video.info


def test_a_file_that_is_not_a_video_gives_one_error_sentence(video: AppTest) -> None:
    video.file_uploader(key="video_file").upload("text.mp4", b"hello", "video/mp4").run()
    video.button(key="video_start").click().run()
    assert not video.exception
    assert "text.mp4 is not a video" in video.error[0].value


def film_of(*pictures: Image) -> bytes:
    """Return a clip of a second per picture."""
    file = io.BytesIO()
    with Film(file, Fraction(1)) as film:
        for number, picture in enumerate(pictures):
            film.write(picture, float(number))
    return file.getvalue()


def test_several_clips_are_read_and_a_bad_one_is_reported(
    video: AppTest, downloads: Downloads, astronaut: Image
) -> None:
    smile, rest = film_of(astronaut, astronaut), film_of(*[resting_portrait()] * 3)
    files = (("a.mp4", smile), ("text.mp4", b"hello"), ("b.mp4", rest), ("again.mp4", smile))
    video.file_uploader(key="video_file").set_value(
        [(name, content, "video/mp4") for name, content in files]
    ).run()
    video.button(key="video_start").click().run()
    assert not video.exception and not video.info
    (error,) = video.error
    assert error.value.startswith("text.mp4 is not a video")
    assert json.loads(downloads["a.json"])["frames"] == 2
    (others,) = (c.value for c in video.caption if c.value.startswith("Never the likeliest"))
    assert others.count("%") == 6 and "happy" not in others
    chooser = video.selectbox(key="video_clip")
    assert list(chooser.options) == ["a.mp4", "b.mp4"], "a clip that was given twice is read once"
    chooser.select_index(1).run()
    assert not video.exception
    assert json.loads(downloads["b.json"])["frames"] == 3


def test_a_stopped_reading_of_several_clips_goes_on(
    video: AppTest, monkeypatch: pytest.MonkeyPatch, astronaut: Image
) -> None:
    read_all = ClipWork.steps
    clips = [film_of(*[astronaut] * count) for count in (2, 3)]
    video.file_uploader(key="video_file").set_value(
        [(f"{number}.mp4", clip, "video/mp4") for number, clip in enumerate(clips)]
    ).run()
    with monkeypatch.context() as patch:
        patch.setattr(ClipWork, "steps", lambda self: islice(read_all(self), 1))
        video.button(key="video_start").click().run()
    assert video.info[0].value == "Stopped. Of 2 clips, 2 were not read to the end."
    video.button(key="video_go_on").click().run()
    assert not video.exception
    video.run()
    assert not video.exception and not video.info
    assert len(video.selectbox(key="video_clip").options) == 2


def test_facial_actions_can_be_shown_instead_of_probabilities(sample: AppTest) -> None:
    sample.run()
    sample.segmented_control(key="video_lines").set_value("actions").run()
    assert not sample.exception
    assert any("The 8 actions that changed most" in caption.value for caption in sample.caption)

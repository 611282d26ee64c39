"""The Lesson page: seven steps, each with one thing to do, one question and its replies."""

import re
import string
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.lesson import texts
from app.lesson.computed import DRAWN
from app.samples import SAMPLES, portrait
from app.verdicts import TICK
from fer_core import EXPRESSIONS, Analyzer, load_card
from fer_core.draw import percent
from fer_core.explain.covers import MARGIN
from fer_core.types import RawMap, Reading

OpenPage = Callable[[str], AppTest]

NUM_STEPS = len(texts.STEPS)


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


@pytest.fixture
def lesson(open_page: OpenPage) -> AppTest:
    return open_page("lesson")


def go_to_step(app: AppTest, step: int) -> AppTest:
    return app.segmented_control(key="step").set_value(step).run()


def answer(app: AppTest, choice: str) -> AppTest:
    """Answer the question of the current step."""
    (question,) = app.radio
    return question.set_value(choice).run()


def lesson_texts() -> Iterator[str]:
    """Yield all texts of the lesson."""
    for name, value in vars(texts).items():
        if name.isupper():
            yield from strings_in(value)


def strings_in(value: object) -> Iterator[str]:
    """Yield all strings in a value: a text, a step, or a container of these."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, texts.Step):
        yield from strings_in(
            [value.title, value.words, value.question, value.choices, value.replies]
        )
    elif isinstance(value, dict):
        yield from strings_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings_in(each)


def captions(app: AppTest) -> list[str]:
    return [caption for image in app.image for caption in image.captions]


def test_all_seven_steps_have_texts() -> None:
    assert NUM_STEPS == 7
    for step in texts.STEPS:
        assert step.title and step.words and step.question.endswith("?")
        assert "**" in step.words, "the task is not bold"
        assert not step.replies or step.replies.keys() == step.choices.keys()
    for text in lesson_texts():
        assert text.strip() == text != ""
        assert all(name != "" for _, name, _, _ in string.Formatter().parse(text))


@pytest.mark.parametrize("model", ["prior_attention", "lgbm_pixels"])
def test_every_step_shows_its_question_and_its_picture(lesson: AppTest, model: str) -> None:
    lesson.selectbox(key="model").select(model).run()
    for number, step in enumerate(texts.STEPS, start=1):
        app = go_to_step(lesson, number)
        assert not app.exception and not app.error and not app.warning, step.title
        assert app.title[0].value == f"{number} · {step.title}"
        assert len(app.radio) == 1 and app.radio[0].value is None
        assert len(app.radio[0].options) == 3
        assert app.image, step.title
        page_texts = [each.value for each in app.markdown] + captions(app) + app.radio[0].options
        assert not any("{" in each for each in page_texts), "a name is not filled in"


def test_the_first_step_asks_with_whom_a_face_is_compared(lesson: AppTest) -> None:
    app = go_to_step(lesson, 1)
    assert texts.WHOM_ALL in [each.value for each in app.caption]
    app.pills(key="lesson_whom").set_value("smile").run()
    assert not app.exception
    assert texts.WHOM_SMILE in [each.value for each in app.caption]
    (bars,) = app.get("plotly_chart")
    assert '"name":"compared"' in bars.proto.spec.replace(" ", "")


@pytest.mark.parametrize(
    ("step", "right"), [(1, "often"), (2, "color"), (3, "evidence"), (4, "rather")]
)
def test_each_choice_has_its_reply(lesson: AppTest, step: int, right: str) -> None:
    app = go_to_step(lesson, step)
    replies = texts.STEPS[step - 1].replies
    for choice, reply in replies.items():
        answer(app, choice)
        is_right = choice == right
        shown, others = (app.success, app.warning) if is_right else (app.warning, app.success)
        assert len(shown) == 1 and not others
        assert shown[0].value.startswith(reply.split("{")[0])
    assert replies[right].startswith("Right")


def test_the_question_names_class_and_probability_of_the_chosen_face(
    lesson: AppTest, analyzer: Analyzer
) -> None:
    for sample in ("Smile", "Mouth covered"):
        app = lesson.pills(key="lesson_face").set_value(sample).run()
        name, p = analyzer(SAMPLES[sample]())[0].top
        assert app.radio[0].label == f"**Here *{name}* gets {percent(p)}. What does that mean?**"
    answer(app, "often")
    error = 100 * load_card("default").figures["PrivateTest"]["ece"]
    assert f"{error:.1f} points apart" in app.success[0].value


def test_the_photo_can_be_shown_as_the_gray_dots_of_the_network(
    lesson: AppTest, analyzer: Analyzer
) -> None:
    app = go_to_step(lesson, 2)
    (photo,) = (image.proto.imgs[0].url for image in app.image)
    app.toggle(key="lesson_dots").set_value(True).run()
    (dots,) = app.image
    assert dots.proto.imgs[0].url != photo
    size = analyzer.classifier().input_size
    assert dots.proto.imgs[0].alt == f"The face as {size} by {size} gray dots"


def test_the_slider_changes_the_opacity_of_the_map(lesson: AppTest) -> None:
    app = go_to_step(lesson, 3)
    painted = app.image[0].proto.imgs[0].url
    app.slider(key="lesson_opacity").set_value(0).run()
    assert app.image[0].proto.imgs[0].url != painted
    assert any("*Grad-CAM*" in each.value for each in app.markdown)


def test_texts_fit_models_without_feature_maps(lesson: AppTest) -> None:
    lesson.selectbox(key="model").select("lgbm_pixels").run()
    app = go_to_step(lesson, 3)
    assert any("no maps inside" in each.value for each in app.markdown)
    assert not any("Grad-CAM" in each.value for each in app.markdown)
    for step in (6, 7):
        app = go_to_step(lesson, step)
        borrowed = texts.BORROWED.format(model="lgbm_pixels", other="prior_attention")
        assert borrowed in [each.value for each in app.caption]


def test_the_difference_of_two_classes_is_shown(lesson: AppTest) -> None:
    app = go_to_step(lesson, 4)
    other = app.pills(key="lesson_other_happy").value
    assert other != "happy" and f"*happy* rather than *{other}*" in captions(app)
    happy, _, difference = (image.proto.imgs[0].url for image in app.image[3:])
    app.pills(key="lesson_other_happy").set_value("fear").run()
    assert "*happy* rather than *fear*" in captions(app)
    assert app.image[3].proto.imgs[0].url == happy, "the scale has changed"
    assert app.image[5].proto.imgs[0].url != difference


def test_three_expressions_have_their_own_maps(lesson: AppTest) -> None:
    app = go_to_step(lesson, 4)
    labels = [app.button(key=f"lesson_drawn_{sample}").label for sample in DRAWN]
    assert [label.split()[0] for label in labels] == ["happy", "angry", "surprise"]
    app.button(key="lesson_drawn_Ines, surprise").click().run()
    assert not app.exception
    other = app.pills(key="lesson_other_surprise").value
    assert f"*surprise* rather than *{other}*" in captions(app)


def test_the_smile_is_shown_where_no_drawn_face_is_found(
    lesson: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = np.full((256, 256, 3), 200, np.uint8)
    app = go_to_step(lesson, 4)
    app.button(key="lesson_drawn_Ines, surprise").click().run()
    for name in DRAWN:
        monkeypatch.setitem(SAMPLES, name, lambda: blank)
    st.cache_data.clear()
    app.run()
    assert not app.exception and app.button(key="lesson_drawn_Smile").label.startswith("happy")
    st.cache_data.clear()


def test_the_covered_face_is_shown_after_the_answer(lesson: AppTest, analyzer: Analyzer) -> None:
    app = go_to_step(lesson, 5)
    assert len(app.image) == 1 and not app.get("plotly_chart")
    answer(app, "eyes")
    assert app.warning[0].value.startswith(texts.WRONG)
    answer(app, "mouth")
    assert app.success[0].value.startswith(texts.RIGHT)
    assert texts.PREDICTED in app.success[0].value
    assert len(app.get("plotly_chart")) == 1
    mouth = app.image[0].proto.imgs[0].url
    name, p = analyzer(portrait())[0].top
    beginning = f"Probabilities before and after: {name} {percent(p)}, then "
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt.startswith(beginning) and not chart.proto.alt.endswith(percent(p))
    app.pills(key="lesson_cover").set_value("nothing").run()
    assert app.image[0].proto.imgs[0].url != mouth
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt == beginning + percent(p)


def test_a_covered_mouth_leaves_the_same_share_in_the_lesson_and_on_explain(
    lesson: AppTest, analyzer: Analyzer
) -> None:
    app = answer(go_to_step(lesson, 5), "mouth")
    shares = []
    for size in (MARGIN, 0.5):
        app.select_slider(key="lesson_cover_size").set_value(size).run()
        (chart,) = app.get("plotly_chart")
        shares.append(chart.proto.alt.removeprefix("Probabilities before and after: "))
    assert shares[0].split("then ")[1] in app.success[0].value
    sample = analyzer(SAMPLES["Mouth covered"]())[0].probabilities[EXPRESSIONS.index("happy")]
    share = float(shares[0].split("then ")[1].removesuffix(" %"))
    assert 100 * sample == pytest.approx(share, abs=3), "the sample has another cover"
    app = app.switch_page("pages/explain.py").run()
    app.session_state.explain_view = "Cover it yourself"
    app.session_state.explain_covers = ["mouth"]
    for size, share in zip((MARGIN, 0.5), shares, strict=True):
        app.session_state.explain_cover_size = size
        app.run()
        name, before, after = re.fullmatch(r"(\w+) (.+), then (.+)", share).groups()  # type: ignore[union-attr]
        assert any(f"*{name}* went from {before} to {after}." in m.value for m in app.markdown)


def test_the_method_that_ignores_the_class_is_the_right_answer(lesson: AppTest) -> None:
    app = go_to_step(lesson, 6)
    before = [image.proto.imgs[0].url for image in app.image]
    app.pills(key="lesson_target").set_value("sad").run()
    after = [image.proto.imgs[0].url for image in app.image]
    changed = dict(zip(captions(app), np.not_equal(before, after).tolist(), strict=True))
    assert changed == {"Grad-CAM": True, "LayerCAM": True, "EigenCAM": False}
    answer(app, "layercam")
    assert app.warning[0].value == texts.DIFFERS.format(title="LayerCAM")
    answer(app, "eigencam")
    assert app.success[0].value == texts.SAME_FOR_ALL.format(title="EigenCAM")


def test_the_map_that_survives_shuffling_is_the_right_answer(lesson: AppTest) -> None:
    app = go_to_step(lesson, 7)
    before = [image.proto.imgs[0].url for image in app.image]
    assert before[0] == before[1] and before[2] == before[3], "weights are shuffled at the start"
    assert app.radio[0].label.startswith("**Slide to *layer 4*.") and app.radio[0].disabled
    assert any(c.value.startswith("First move the slider to *layer 4*") for c in app.caption)
    app.select_slider(key="lesson_forgot_prior_attention").set_value(2).run()
    after = [image.proto.imgs[0].url for image in app.image]
    assert np.equal(before, after).tolist() == [True, False, True, False]
    similarities = [
        float(each.split("likeness ")[1]) for each in captions(app) if "likeness" in each
    ]
    assert similarities[0] < 0.5 < 0.8 < similarities[1]
    assert not app.radio[0].disabled
    changed = f"{TICK} **Grad-CAM changed more**"
    for choice in ("gradcam", "both"):
        answer(app, choice)
        assert app.warning[0].value.startswith("No.") and changed in app.warning[0].value
    answer(app, "guided_backprop")
    assert app.success[0].value.startswith("Right.") and changed in app.success[0].value


def test_the_last_step_ends_with_the_summary(lesson: AppTest) -> None:
    app = go_to_step(lesson, 7)
    assert texts.REMEMBER in [each.value for each in app.subheader]
    assert all(any(sentence in each.value for each in app.markdown) for sentence in texts.SENTENCES)
    links = {link.proto.page for link in app.get("page_link")}
    assert {"photo", "limits", "explain"} <= links


def test_back_and_next_change_the_step(lesson: AppTest) -> None:
    app = lesson
    assert app.button(key="lesson_back").disabled
    for number in range(2, NUM_STEPS + 1):
        app.button(key="lesson_next").click().run()
        assert app.title[0].value.startswith(f"{number} ·")
        assert app.query_params["step"] == str(number)
    assert app.button(key="lesson_next").disabled
    app.button(key="lesson_back").click().run()
    assert app.title[0].value.startswith(f"{NUM_STEPS - 1} ·")


def test_answers_are_kept_while_other_steps_are_shown(lesson: AppTest) -> None:
    answer(lesson, "part")
    go_to_step(lesson, 2)
    assert go_to_step(lesson, 1).radio[0].value == "part"


def test_step_and_answer_are_kept_when_the_viewer_comes_back(lesson: AppTest) -> None:
    app = answer(go_to_step(lesson, 3), "proof")
    app.switch_page("pages/limits.py").run()
    app.switch_page("pages/lesson.py").run()
    assert app.title[0].value.startswith("3 ·")
    assert app.radio[0].value == "proof"


@pytest.mark.parametrize(("parameter", "number"), [("3", 3), ("9", 1), ("fun", 1)])
def test_a_link_opens_its_step_and_an_invalid_one_the_first(
    open_page: OpenPage, parameter: str, number: int
) -> None:
    app = open_page("start")
    app.query_params["step"] = parameter
    app.switch_page("pages/lesson.py").run()
    assert not app.exception
    assert app.title[0].value.startswith(f"{number} ·")


def test_a_photo_without_a_detected_face_gives_a_sentence(lesson: AppTest) -> None:
    lesson.selectbox(key="detector").select("haar").run()
    app = lesson.pills(key="lesson_face").set_value("Tilted").run()
    assert not app.exception
    assert [each.value for each in app.warning] == [texts.NO_FACE]
    assert not app.radio


@pytest.fixture
def flat_maps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replace all maps by zeros."""

    def raw_maps(
        self: Analyzer, reading: Reading, targets: Sequence[str], *_: object, **__: object
    ) -> dict[str, RawMap]:
        return {
            name: RawMap(name, "gradcam", np.zeros((6, 6), np.float32), 0.0) for name in targets
        }

    monkeypatch.setattr(Analyzer, "raw_maps", raw_maps)
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def test_a_map_of_zeros_gives_a_sentence(lesson: AppTest, flat_maps: None) -> None:
    app = go_to_step(lesson, 3)
    assert not app.exception
    assert texts.FLAT.format(name="happy") in [each.value for each in app.caption]
    assert not go_to_step(app, 5).exception

"""Move a face: sliders, presets, points to pull, and what can be found out."""

from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.move.handles import HANDLES, pulled_actions
from app.move.subject import PHOTOGRAPH, SUBJECTS, Subject
from fer_core import EXPRESSIONS
from fer_core.cartoon import FaceActions, Pose, expression_actions
from fer_core.cartoon.effects import ACTION_NAMES
from fer_core.cartoon.portrait import HIDDEN

OpenPage = Callable[[str], AppTest]


def answer(app: AppTest) -> str:
    """Return the likeliest class that the page names."""
    (heading,) = (each.value for each in app.markdown if each.value.startswith("### "))
    return str(heading).split()[1]


def slider(app: AppTest, name: str) -> float:
    value = app.slider(key=f"move_{name}").value
    assert isinstance(value, int | float)
    return float(value)


def test_every_preset_moves_the_sliders_and_most_are_read(open_page: OpenPage) -> None:
    app = open_page("move")
    answers = []
    for name in EXPRESSIONS:
        app.pills(key="move_preset").set_value(name).run()
        assert not app.exception
        actions = expression_actions(name)
        assert slider(app, "smile_left") == pytest.approx(actions.smile_left, abs=0.03)
        assert slider(app, "jaw_open") == pytest.approx(actions.jaw_open, abs=0.03)
        answers.append(answer(app))
    assert sum(map(str.__eq__, answers, EXPRESSIONS)) >= 6, answers


def test_strength_scales_a_preset_and_a_slider_ends_it(open_page: OpenPage) -> None:
    app = open_page("move")
    app.pills(key="move_preset").set_value("happy").run()
    full = slider(app, "smile_left")
    app.slider(key="move_strength").set_value(0.5).run()
    assert slider(app, "smile_left") == pytest.approx(full / 2, abs=0.03)
    app.slider(key="move_frown").set_value(0.4).run()
    assert app.pills(key="move_preset").value is None and slider(app, "frown") == 0.4


def test_a_face_by_chance_differs_each_time_and_reset_brings_it_to_rest(
    open_page: OpenPage,
) -> None:
    app = open_page("move")
    assert "move_strength" not in {each.key for each in app.slider}, "there is nothing to scale"
    seen = set()
    for _ in range(3):
        app.button(key="move_chance").click().run()
        seen.add(tuple(app.session_state[f"move_{name}"] for name in ACTION_NAMES))
    assert len(seen) == 3
    app.pills(key="move_part_True").set_value("Head").run()
    app.slider(key="move_turn").set_value(15).run()
    app.button(key="move_reset").click().run()
    assert app.slider(key="move_turn").value == 0
    assert all(app.session_state[f"move_{name}"] == 0 for name in ACTION_NAMES)


def test_what_is_said_to_be_enough_is_enough(open_page: OpenPage) -> None:
    app = open_page("move")
    app.session_state.move_view = "Challenges"
    app.run()
    app.button(key="move_begin").click().run()
    for goal in ("angry", "happy", "sad"):
        app.selectbox(key="move_goal").set_value(goal).run()
        app.button(key="move_smallest").click().run()
        if any("is enough" in each.value for each in app.caption):
            app.button(key="move_show").click().run()
            assert f"It is *{goal}* now" in app.success[0].value
            app.button(key="move_reset").click().run()
    app.selectbox(key="move_goal").set_value(answer(app)).run()
    assert "Choose another goal" in app.info[0].value


def test_a_model_that_is_never_unsure_says_so(open_page: OpenPage) -> None:
    app = open_page("move")
    app.session_state.move_view = "Challenges"
    app.selectbox(key="model").set_value("drawn_blocks").run()
    assert any("never calls itself unsure" in each.value for each in app.caption)


def test_sliders_of_other_parts_and_other_pages_keep_their_values(open_page: OpenPage) -> None:
    app = open_page("move")
    app.slider(key="move_smile_left").set_value(0.8).run()
    app.pills(key="move_part_True").set_value("Brows").run()
    app.slider(key="move_brow_down").set_value(0.6).run()
    app.switch_page("pages/limits.py").run()
    app.switch_page("pages/move.py").run()
    app.pills(key="move_part_True").set_value("Mouth").run()
    assert slider(app, "smile_left") == 0.8
    app.pills(key="move_part_True").set_value("Brows").run()
    assert slider(app, "brow_down") == 0.6


def test_the_photograph_offers_only_what_it_can_show(open_page: OpenPage) -> None:
    app = open_page("move")
    app.selectbox(key="move_who").set_value(PHOTOGRAPH).run()
    assert not app.exception and answer(app) == "neutral"
    keys = {each.key for each in app.slider}
    assert "move_smile_left" in keys and not keys & {f"move_{name}" for name in HIDDEN}
    app.slider(key="move_smile_left").set_value(1.0).run()
    app.slider(key="move_smile_right").set_value(1.0).run()
    assert answer(app) == "happy"


def test_the_way_from_one_expression_to_another(open_page: OpenPage) -> None:
    app = open_page("move")
    app.session_state.move_view = "From one to another"
    app.run()
    app.selectbox(key="move_from").set_value("sad").run()
    app.slider(key="move_at").set_value(1.0).run()
    assert not app.exception and answer(app) == "happy"
    assert any("likeliest class along the way: *sad*" in each.value for each in app.caption)


def test_the_strongest_sliders_are_named(open_page: OpenPage) -> None:
    app = open_page("move")
    app.session_state.move_view = "What moves the answer?"
    app.run()
    app.selectbox(key="move_target").set_value("happy").run()
    assert not app.exception
    assert any("Percentage points that *happy* gains" in each.value for each in app.caption)


def test_a_challenge_counts_the_way_and_ends_when_the_answer_turns(open_page: OpenPage) -> None:
    app = open_page("move")
    app.session_state.move_view = "Challenges"
    app.run()
    app.selectbox(key="move_goal").set_value("happy").run()
    app.button(key="move_begin").click().run()
    assert "moved the sliders by **0.00**" in app.info[0].value
    app.button(key="move_smallest").click().run()
    assert not app.exception
    app.pills(key="move_preset").set_value("happy").run()
    assert "It is *happy* now" in app.success[0].value
    app.selectbox(key="move_who").set_value("Ada").run()
    assert not app.success, "a challenge ends with the face it began on"


@pytest.mark.parametrize("name", [SUBJECTS[0], PHOTOGRAPH])
def test_a_pulled_corner_follows_and_others_stay(name: str) -> None:
    subject, pose = Subject(name), Pose()
    before = subject.landmarks(FaceActions(), pose)
    corner = next(handle for handle in HANDLES if handle.landmark == 48)
    goal = before[48] + np.array((-0.01, -0.03))
    actions = pulled_actions(subject, FaceActions(brow_down=0.5), pose, corner, goal)
    assert actions.smile_left > 0.3 and actions.frown == 0 and actions.brow_down == 0.5
    after = subject.landmarks(actions, pose)
    assert np.linalg.norm(after[48] - goal) < np.linalg.norm(before[48] - goal) / 2
    lowered = pulled_actions(subject, FaceActions(), pose, corner, before[48] + (0, 0.02))
    assert lowered.frown > 0.3 and lowered.smile_left <= 0.1

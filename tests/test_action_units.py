"""Facial actions under the names of FACS."""

import pytest

from fer_core.labels import ACTION_UNITS, ACTIONS, action_units


def test_every_unit_is_shown_by_known_actions_and_no_action_twice() -> None:
    used = [name for names in ACTION_UNITS.values() for name in names]
    assert set(used) <= set(ACTIONS) and len(used) == len(set(used))
    for names in ACTION_UNITS.values():
        sides = {name.replace("Left", "").replace("Right", "") for name in names}
        assert len(names) == 1 or len(sides) == 1 or names == ("mouthRollLower", "mouthRollUpper")


def test_a_unit_is_the_mean_of_its_actions() -> None:
    actions = dict.fromkeys(ACTIONS, 0.0) | {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.4}
    units = action_units(actions | {"browInnerUp": 0.3})
    assert units["AU12"] == pytest.approx(0.6) and units["AU1"] == 0.3
    assert sum(units.values()) == pytest.approx(0.9)

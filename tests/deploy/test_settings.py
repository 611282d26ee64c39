"""The settings of a host, from the environment."""

import pytest

from deploy.settings import GRACE, METRICS_TOKEN, HostSettings, read_settings
from fer_core.errors import UserError


def test_settings_have_defaults() -> None:
    assert read_settings({}) == HostSettings(grace=20.0, metrics_token="")
    assert read_settings({GRACE: " ", METRICS_TOKEN: ""}) == HostSettings()


def test_settings_come_from_the_environment() -> None:
    assert read_settings({GRACE: "0.5", METRICS_TOKEN: "secret\n"}) == HostSettings(0.5, "secret")


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "3601"])
def test_a_grace_time_that_is_none_is_named(text: str) -> None:
    with pytest.raises(UserError, match=f"{GRACE} is '{text}'; give seconds"):
        read_settings({GRACE: text})

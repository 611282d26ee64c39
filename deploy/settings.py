"""Settings of a host, from the environment; docs/hosting.md describes each."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fer_core.errors import UserError

GRACE: Final = "EXPRESSION_LENS_GRACE_SECONDS"
METRICS_TOKEN: Final = "EXPRESSION_LENS_METRICS_TOKEN"

MAX_GRACE: Final = 3600.0
"""Longest time that running streams may be given, in seconds."""


@dataclass(frozen=True)
class HostSettings:
    """What a host may set; address, port and host names are Streamlit's own settings (``server.*``)."""

    grace: float = 20.0
    """Time that running streams have after SIGTERM before they are ended, in seconds."""
    metrics_token: str = ""
    """Bearer token for ``/metrics``; without one there are no metrics."""


def read_settings(environment: Mapping[str, str] = os.environ) -> HostSettings:
    """Return the settings in the environment; an empty variable counts as none.

    Raises:
        UserError: naming the variable and what it may be.
    """
    grace = HostSettings.grace
    if text := environment.get(GRACE, "").strip():
        try:
            grace = float(text)
        except ValueError:
            grace = math.nan
        if not 0 <= grace <= MAX_GRACE:
            raise UserError(f"{GRACE} is {text!r}; give seconds from 0 to {MAX_GRACE:.0f}")
    return HostSettings(grace, environment.get(METRICS_TOKEN, "").strip())

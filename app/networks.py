"""The networks that all viewers share, loaded and warmed up once a process.

``streamlit run`` executes the entry file and the pages anew for each viewer; this module is imported once. So
whoever warms the networks up, a page or the readiness check of ``deploy``, warms those that viewers use.
"""

import streamlit as st

from fer_core import Analyzer
from fer_core.runtime import engine_from_environment


@st.cache_resource(show_spinner="Loading the networks …")
def load_analyzer() -> Analyzer:
    """Return the analyzer that all viewers share; an engine computes for it where the host names one.

    Raises:
        UserError: if the engine's address cannot be one.
    """
    return Analyzer(threads=1, engine=engine_from_environment())


@st.cache_resource(show_spinner="Warming up …")
def warm_up(model: str, detector: str) -> None:
    """Run the networks once a process: a first frame that waited for them would pass for a dead stream."""
    load_analyzer().warm_up(model=model, detector=detector)

"""What every page starts from: the analyzer that all viewers share, and the settings of this viewer.

A folder called ``pages`` makes Streamlit run a page without the router until the entry file has run once in
the process. A page that is opened by its address on a fresh server therefore goes through the router first:
``open_page`` leads there, ``continue_to_page`` leads back.
"""

import gc
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NoReturn

import streamlit as st

from fer_core import Analyzer
from fer_core.explain import method_for
from fer_core.models import Classifier

OPENED_PAGE: Final = "page"
"""Query parameter that names the page to continue to."""

CARD_PRIOR: Final = "model"
"""Choice of class shares that leaves them to the card of the model."""


@dataclass(frozen=True)
class PageSettings:
    """What a viewer has chosen in the sidebar, and the analyzer that computes it."""

    analyzer: Analyzer
    model: str
    detector: str
    method: str
    """The map method that was chosen; Grad-CAM on pages that offer no choice."""
    prior: str | None = None
    """Shares of the classes that probabilities assume, a key of ``PRIORS``; None for those that the card of
    each model names."""

    @property
    def classifier(self) -> Classifier:
        """The chosen model, loaded."""
        return self.analyzer.classifier(self.model)

    def supported_method(self, method: str | None = None) -> str:
        """Return the method that explains the chosen model where ``method`` is asked for: itself or
        occlusion."""
        return method_for(self.classifier, method or self.method)


def open_page(name: str) -> PageSettings:
    """Return the settings of this viewer; without the router, which loads them, go through it first.

    Args:
        name: of the file in ``pages/``, without its ending.
    """
    if "analyzer" not in st.session_state:
        st.switch_page("streamlit_app.py", query_params={**st.query_params, OPENED_PAGE: name})
    state = st.session_state
    prior = state.get("prior", CARD_PRIOR)
    return PageSettings(
        state.analyzer,
        state.model,
        state.detector,
        state.get("method", "gradcam"),
        None if prior == CARD_PRIOR else prior,
    )


def continue_to_page(names: Collection[str]) -> None:
    """Go on to the page that was opened by its address, with the rest of its query; called by the router.

    What a widget has already taken from the query stays with the widget: see ``switch_to_page``.
    """
    query = {key: text for key, text in st.query_params.items() if key not in st.session_state}
    if (name := query.pop(OPENED_PAGE, None)) in names:
        st.switch_page(f"pages/{name}.py", query_params=query)


def switch_to_page(name: str) -> NoReturn:
    """Go to another page; the settings of the sidebar go along.

    Streamlit 1.67 refuses to leave a page while its address holds a setting (``?model=plain``), unless the
    query of the next page is given.

    Args:
        name: of the file in ``pages/``, without its ending.
    """
    st.switch_page(f"pages/{name}.py", query_params={})


@st.cache_resource(show_spinner=False)
def freeze_garbage(page: str) -> None:
    """Exclude all that is loaded from garbage collection, once a process for each page.

    Streamlit collects garbage after every run. A full collection walks over everything that the libraries
    have loaded and stalls live frames for 250 ms.
    """
    gc.collect()
    gc.freeze()

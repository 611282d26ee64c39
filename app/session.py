"""The way in: every page is run by the router, which loads what it needs."""

import gc

import streamlit as st

PAGE = "page"
"""Query parameter in which a page that was opened without the router tells it where to go on."""


def come_in(page: str) -> None:
    """Go through the router, which comes back with the same query. On a fresh server Streamlit runs a page
    that is opened by its address by itself, since it does not know yet that there is a router."""
    if "analyzer" not in st.session_state:
        st.switch_page("streamlit_app.py", query_params={**st.query_params, PAGE: page})


def go_on(names: set[str]) -> None:
    """In the router: back to the page that somebody came from."""
    query = st.query_params.to_dict()
    if (page := query.pop(PAGE, None)) in names:
        st.switch_page(f"pages/{page}.py", query_params=query)


@st.cache_resource(show_spinner=False)
def freeze_garbage(page: str) -> None:
    """Once a process for each page, when it has run. Streamlit collects garbage after every run: walking over
    all that the libraries have loaded takes a quarter of a second, in which neither the page nor a live frame
    gets on. So that is set aside."""
    gc.collect()
    gc.freeze()

"""Choices that stand in the address of a page, so that a link can name them."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import streamlit as st

T = TypeVar("T", str, int)


def choose_by_address(
    label: str,
    options: Sequence[T],
    default: T,
    key: str,
    label_visibility: Literal["visible", "collapsed"] = "visible",
) -> T:
    """Ask for one of several values, which the address of the page can name as ``?key=value``.

    An address without a value (``?key=``) clears even a control that requires one (Streamlit 1.67), and the
    page would go on with None. Such a control gets its default, in a second run: a value that comes from the
    address cannot be changed in the run that reads it.
    """
    state = st.session_state
    if key in state and state[key] is None:
        state[key] = default
    chosen = st.segmented_control(
        label,
        options,
        # Streamlit warns in the log about a default beside a value in the state.
        default=None if key in state else default,
        required=True,
        label_visibility=label_visibility,
        key=key,
        bind="query-params",
    )
    if chosen is None:
        st.rerun()
    return chosen

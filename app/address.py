"""Choices that stand in the address of a page, so that a link can name them."""

from collections.abc import Sequence
from typing import Final, Literal, TypeVar

import streamlit as st

T = TypeVar("T", str, int)

HISTORY_SCRIPT: Final = """
<script>
if (!window.oneEntryEach) {
    window.oneEntryEach = true
    const push = history.pushState, replace = history.replaceState
    let acted = false
    for (const act of ["click", "keydown"]) {
        window.addEventListener(act, () => { acted = true }, true)
    }
    window.addEventListener("popstate", () => { acted = false }, true)
    history.pushState = function (...entry) {
        (acted ? push : replace).apply(history, entry)
        acted = false
    }
}
</script>
"""
"""Makes at most one entry in the browser's history for each act of the viewer.

Streamlit 1.67 makes two when a page is left whose address names choices: one without them, then that of the
next page. "Back" then led to the page without its choices, and took another press to get anywhere else. It
makes one for each choice when such a page is opened again.
"""


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

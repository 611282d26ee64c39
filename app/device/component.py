"""The live page inside the browser, as a component of Streamlit."""

from typing import Final

import streamlit as st

from app.device.files import MODULES, ROUTE
from app.device.numbers import device_numbers

SCRIPT: Final = """
const mounted = new WeakMap()

export default function ({ data, parentElement }) {
    const root = parentElement.querySelector(".device")
    if (mounted.has(root)) return mounted.get(root).end
    const base = new URL(data.route + "/", document.baseURI)
    const state = { closed: false, unmount: () => {} }
    state.end = () => { state.closed = true; state.unmount(); mounted.delete(root) }
    mounted.set(root, state)
    import(new URL("view.js", base)).then(
        ({ mount }) => { if (!state.closed) state.unmount = mount(root, { base, numbers: data.numbers }) },
        () => { root.textContent = "The modules of this page cannot be loaded. Load it anew." },
    )
    return state.end
}
"""

ON_THIS_DEVICE: Final = st.components.v2.component(
    "on_this_device",
    html='<div class="device"></div>',
    css=(MODULES / "device.css").read_text(encoding="utf-8"),
    js=SCRIPT,
)


def render_device(model: str) -> None:
    """Show the live page inside the browser.

    Args:
        model: name of a model with a graph.
    """
    ON_THIS_DEVICE(
        key=f"on_this_device_{model}", data={"route": ROUTE, "numbers": device_numbers(model)}
    )

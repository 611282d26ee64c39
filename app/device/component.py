"""The live page inside the browser, as a component of Streamlit."""

from typing import Final

import streamlit as st

from app.device.numbers import device_models, device_numbers
from app.device.routes import ROUTE
from app.device.runtime import MODULES
from app.session import PageSettings
from fer_core.weights import DEFAULT_MODEL

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


def render_device(settings: PageSettings) -> None:
    """Show the live page inside the browser."""
    model = settings.model
    if model not in device_models():
        st.caption(f"*{model}* does not run in a browser, so this is *{DEFAULT_MODEL}*.")
        model = DEFAULT_MODEL
    ON_THIS_DEVICE(
        key=f"on_this_device_{model}_{settings.prior}",
        data={"route": ROUTE, "numbers": device_numbers(model, settings.prior)},
    )

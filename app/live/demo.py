"""The demo: a built-in film of a drawn face in place of the camera, for rooms in which no camera works."""

from time import monotonic
from typing import Final

import streamlit as st

from app.film import RATE, film_frame
from app.live.session import LiveSession
from app.pictures import jpeg_address
from fer_core.draw.overlay import headline

DEMO_EVERY: Final = 0.25
"""Time between two frames of the demo, in seconds: each one is a message of 60 KB to the browser."""

MOVING_PICTURE: Final = st.components.v2.component(
    "moving_picture",
    html='<img alt="">',
    css="img { width: 100%; border-radius: var(--st-base-radius, 8px) }",
    js="""
export default function ({ data, parentElement }) {
    const image = parentElement.querySelector("img")
    image.src = data.picture
    image.alt = data.alt
}
""",
)
"""A picture that another one replaces without a gap: one that is fetched by its address would flicker."""


def render_demo(session: LiveSession, *, leaving: bool) -> None:
    """Show the film with what is read in it.

    Args:
        leaving: the page is about to open another one, so that nothing may run again.
    """
    st.fragment(render_demo_frame, run_every=None if leaving else DEMO_EVERY)(session)


def render_demo_frame(session: LiveSession) -> None:
    """Show the frame of this moment."""
    now = monotonic()
    frame = film_frame(int(now * RATE))
    picture = session.connection.viewers.workers.submit(session.show, frame, now).result()
    result = session.monitor.activity(time=now).result
    answer = ", ".join(headline(reading) for reading in result.readings) if result else ""
    MOVING_PICTURE(
        key="live_demo_picture",
        data={
            "picture": jpeg_address(picture),
            "alt": f"A drawn face that changes its expression. The answer: {answer or 'none'}",
        },
    )

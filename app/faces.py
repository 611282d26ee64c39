"""The faces of a picture, and which of them is meant: numbered in reading order, chosen by a click."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import cv2
import numpy as np
import streamlit as st

from app.messages import show_unreadable
from app.session import PageSettings
from app.uploads import decode_upload
from fer_core import Analyzer
from fer_core.draw.overlay import draw_numbers
from fer_core.draw.units import Box
from fer_core.faces import find_faces
from fer_core.geometry import reading_order
from fer_core.images import DecodedImage, ImageError
from fer_core.types import Face, Image

SHOWN_SIDE: Final = 1600
"""Longer side of a picture on the page, in pixels; downloads keep the full size."""

# Transparent buttons over the picture that follows: an element without height, from which they hang down.
OVERLAY_STYLE: Final = """
#faces { position: absolute; inset: 0 0 auto 0; pointer-events: none; z-index: 1 }
#faces button { position: absolute; pointer-events: auto; cursor: pointer; border: 0; padding: 0;
    background: transparent; border-radius: 8% }
#faces button:hover, #faces button:focus-visible { box-shadow: 0 0 0 3px var(--st-primary-color) }
"""
OVERLAY_SCRIPT: Final = """
export default function ({ data, parentElement, setTriggerValue }) {
    const root = parentElement.querySelector("#faces")
    root.style.aspectRatio = data.proportion
    root.replaceChildren(...data.faces.map(({ name, left, top, width, height }, number) => {
        const button = document.createElement("button")
        button.ariaLabel = button.title = name
        Object.assign(button.style, { left, top, width, height })
        button.onclick = () => setTriggerValue("face", number)
        return button
    }))
}
"""


@dataclass(frozen=True)
class ChosenFace:
    """One face of a picture that a viewer has chosen."""

    digest: str
    """Hash of the picture's file."""
    image: Image
    face: Face
    number: int
    """Position among the faces of the picture, in reading order, from 0."""


def choose_face(page: str, content: bytes, settings: PageSettings) -> ChosenFace:
    """Find the faces of a picture and ask for one where there are several; end the page where there is
    none."""
    digest = sha256(content).hexdigest()
    try:
        with st.spinner("Looking for faces …"):
            decoded, faces = detect_cached(digest, settings.detector, content, settings.analyzer)
    except ImageError as error:
        show_unreadable(error)
        st.stop()
    for note in decoded.notes:
        st.caption(note)
    image = decoded.pixels
    if not faces:
        st.warning("No face was found. Try a larger or brighter one, or another face finder.")
        st.stop()
    choice = FaceChoice(f"{page}_face", digest, [face.box for face in faces])
    if len(faces) > 1:
        with st.container(width=480):
            picture = draw_numbers(image, choice.boxes, choice.number)
            choice.render_picture(picture, f"The picture with {len(faces)} faces")
            choice.render_thumbnails([face_thumbnail(image, face) for face in faces])
    return ChosenFace(digest, image, faces[choice.number], choice.number)


@dataclass(frozen=True)
class FaceChoice:
    """The faces of one picture, one of which is chosen: at first the largest."""

    prefix: str
    """Begins the keys of widgets and state."""
    digest: str
    """Hash of the picture's file: each picture keeps its chosen face."""
    boxes: Sequence[Box]
    """Bounding boxes in pixels of the picture, in reading order; at least one."""
    names: Sequence[str] = ()
    """What each face shows."""

    @property
    def number(self) -> int:
        """Position of the chosen face, from 0."""
        areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in self.boxes]
        chosen = int(st.session_state.get(self._state, np.argmax(areas)))
        return min(chosen, len(self.boxes) - 1)

    def render_thumbnails(self, thumbnails: Sequence[Image]) -> None:
        """Offer the faces by small pictures, where there are several."""
        if len(self.boxes) < 2:
            return
        with st.grid("auto", min_column_width=52, gap="xsmall"):
            for number, thumbnail in enumerate(thumbnails):
                name = self._name(number)
                with st.container(gap="xxsmall"):
                    st.image(thumbnail, width="stretch", alt=name)
                    st.button(
                        f"{number + 1}",
                        type="primary" if number == self.number else "secondary",
                        width="stretch",
                        key=f"{self.prefix}_{number}",
                        help=name,
                        on_click=self._choose,
                        args=(number,),
                    )

    def render_picture(self, drawn: Image, alt: str, caption: str = "") -> None:
        """Show the picture; a click on one of several faces chooses it.

        Args:
            drawn: the picture in full size, with what is drawn into it or added at its right.
        """
        with st.container(gap=None):
            if len(self.boxes) > 1:
                self._render_buttons(*drawn.shape[:2])
            st.image(fit_page(drawn), caption=caption or None, width="stretch", alt=alt)

    def _render_buttons(self, height: int, width: int) -> None:
        """Put a button over each face of the picture that follows, whose size is given in pixels."""
        faces = [
            {
                "name": self._name(number),
                "left": f"{100 * x0 / width:.2f}%",
                "top": f"{100 * y0 / height:.2f}%",
                "width": f"{100 * (x1 - x0) / width:.2f}%",
                "height": f"{100 * (y1 - y0) / height:.2f}%",
            }
            for number, (x0, y0, x1, y1) in enumerate(self.boxes)
        ]
        overlay = st.components.v2.component(
            "face_overlay", html='<div id="faces"></div>', css=OVERLAY_STYLE, js=OVERLAY_SCRIPT
        )
        key = f"{self.prefix}_overlay"

        def take_click() -> None:
            self._choose(int(st.session_state[key].face))

        overlay(
            key=key,
            data={"proportion": f"{width} / {height}", "faces": faces},
            on_face_change=take_click,
        )

    @property
    def _state(self) -> str:
        return f"{self.prefix}_of_{self.digest}"

    def _choose(self, number: int) -> None:
        st.session_state[self._state] = number

    def _name(self, number: int) -> str:
        return f"Face {number + 1}" + (f": {self.names[number]}" if self.names else "")


def fit_page(image: Image) -> Image:
    """Return an image that is not larger than a page can show."""
    scale = min(1.0, SHOWN_SIDE / max(image.shape[:2]))
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def face_thumbnail(image: Image, face: Face, side: int = 96) -> Image:
    """Return the bounding box of a face, scaled to (side, side)."""
    x0, y0, x1, y1 = (round(edge) for edge in face.box)
    crop = image[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)]
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


@st.cache_data(scope="session", max_size="256MiB", show_spinner=False)
def detect_cached(
    digest: str, detector: str, _content: bytes, _analyzer: Analyzer
) -> tuple[DecodedImage, list[Face]]:
    """Return a picture and its faces in reading order; cached for this viewer alone."""
    decoded = decode_upload(_content)
    faces = find_faces(decoded.pixels, _analyzer.detector(detector))
    return decoded, [faces[number] for number in reading_order([face.box for face in faces])]

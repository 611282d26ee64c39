"""What augmentation does to a face, on the page Data: each change alone, and all at random."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.data.sets import next_seed
from app.samples import portrait
from app.session import PageSettings
from app.widgets import enlarged
from fer_core import Analyzer, load_card
from fer_core.data import FaceSet
from fer_core.data.augmentation import Augmentation
from fer_core.data.preview import (
    NO_AUGMENTATION,
    augmentation_of_recipe,
    random_draws,
    scale_augmentation,
    strongest_of_each,
)
from fer_core.draw import percent
from fer_core.faces import find_faces
from fer_core.faces.alignment import bare_points
from fer_core.geometry import alignment
from fer_core.images import to_gray
from fer_core.types import Floats, Image


@dataclass(frozen=True)
class AugmentedFace:
    """A face and the changes that training makes to it."""

    image: Image
    """(H, W) gray."""
    transform: Floats
    """(2, 3) similarity, image -> aligned square."""
    size: int
    """Side of the aligned square, in pixels."""
    options: Augmentation


def choose_augmentation(faces: FaceSet | None, settings: PageSettings) -> AugmentedFace:
    """Ask for a face and how strongly it is changed."""
    card = load_card(settings.model)
    from_set = faces is not None and (
        st.segmented_control(
            "Face",
            ("the sample", "one of the set"),
            default="the sample",
            required=True,
            label_visibility="collapsed",
            key="data_face",
        )
        == "one of the set"
    )
    factor = st.slider(
        f"Times as strong as in the training of {settings.model}",
        min_value=1.0,
        max_value=4.0,
        step=0.5,
        format="%.1f",
        width=420,
        key="data_factor",
    )
    options = scale_augmentation(augmentation_of_recipe(card.recipe), factor)
    if faces is not None and from_set:
        image, transform = draw_face(faces, card.input_size, st.session_state.data_draws)
    else:
        image, transform = align_sample(card.input_size, settings.analyzer)
    return AugmentedFace(image, transform, card.input_size, options)


def draw_face(faces: FaceSet, size: int, seed: int) -> tuple[Image, Floats]:
    """Return a random face of a set, and its similarity to the aligned square of ``size``."""
    image = faces.images[int(np.random.default_rng(seed).integers(len(faces)))]
    return image, alignment(bare_points([image])[0], size)


@st.cache_data(show_spinner=False)
def align_sample(size: int, _analyzer: Analyzer) -> tuple[Image, Floats]:
    """Return the sample in gray, and the similarity from its face to the aligned square of ``size``."""
    image = portrait()
    face = find_faces(image, _analyzer.detector("mtcnn"))[0]
    return to_gray(image), alignment(face.points, size)


def render_strongest(face: AugmentedFace) -> None:
    """Show each change alone, as large as training ever makes it."""
    st.markdown("**Each change alone, as strong as it gets**")
    image, transform, size = face.image, face.transform, face.size
    unchanged = random_draws(image, transform, size, NO_AUGMENTATION, number=1, seed=0)[0]
    pictures = {"": unchanged, **strongest_of_each(image, transform, size, face.options)}
    words = {"": "**unchanged**", **describe_changes(face.options)}
    with st.grid(5, min_column_width=104, gap="small", width=760):
        for name, picture in pictures.items():
            st.image(enlarged(picture, 3), caption=words[name], width="stretch", alt=words[name])


def describe_changes(options: Augmentation) -> dict[str, str]:
    """Return name of each change -> what it does at its strongest, and to how many faces."""
    return {
        "rotation": f"turned by {options.rotation:.0f}°",
        "scale": f"{100 * np.expm1(options.scale):.0f} % larger",
        "shift": f"moved by {100 * options.shift:.0f} %",
        "far": f"all these further, {percent(options.far)} of faces",
        "flip": f"mirrored, {percent(options.flip)} of faces",
        "brightness": f"{100 * options.brightness:.0f} % brighter",
        "contrast": f"contrast × {np.exp(options.contrast):.2f}",
        "blur": f"softened, {percent(options.blur)} of faces",
        "noise": f"grain, {percent(options.noise)} of faces",
        "erase": f"a part covered, {percent(options.erase)} of faces",
        "stretch": f"{100 * np.expm1(options.stretch):.0f} % wider",
        "shear": f"sheared by {100 * options.shear:.0f} %",
        "gamma": f"another tone curve, {percent(options.gamma)} of faces",
        "side_light": f"light from a side, {percent(options.side_light)} of faces",
        "shrink": f"small and enlarged, {percent(options.shrink)} of faces",
        "jpeg": f"compressed, {percent(options.jpeg)} of faces",
        "covered": f"a block covered, {percent(options.covered)} of faces",
    }


def render_random(face: AugmentedFace) -> None:
    """Show the face ten times as training may see it, and a button for other draws."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**All of them at random, as training draws them**", width="content")
        st.button(
            "Draw again",
            icon=":material/casino:",
            on_click=next_seed,
            args=("data_draws",),
            key="data_again",
        )
    seed = st.session_state.data_draws
    with st.grid(5, min_column_width=104, gap="small", width=760):
        for picture in random_draws(
            face.image, face.transform, face.size, face.options, number=10, seed=seed
        ):
            st.image(enlarged(picture, 3), width="stretch", alt="A face as training may see it")

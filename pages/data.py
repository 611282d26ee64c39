"""Data: what networks learn from, what is done to it, and where people do not agree on it."""

from dataclasses import replace

import streamlit as st

from app.data.augmentation import choose_augmentation, render_random, render_strongest
from app.data.label_agreement import render_agreement
from app.data.sets import choose_set, render_classes, render_faces
from app.session import PageSettings, open_page
from fer_core import load_card
from fer_core.data import FaceSet
from fer_core.data.preview import NO_AUGMENTATION, augmentation_of_recipe


def main() -> None:
    """Show a set with its classes and faces, augmentation, and FER2013's labels beside FER+'s votes."""
    settings = open_page("data")
    for key in ("data_wall", "data_draws"):
        st.session_state.setdefault(key, 0)
    st.title("Data")
    st.markdown(
        "A network learns only from the pictures that it was shown and the names that people gave to them. "
        "Look at both before you trust it."
    )
    faces = choose_set()
    if faces is not None:
        render_classes(faces)
        render_faces(faces)
    show_augmentation(faces, settings)
    if faces is not None:
        render_agreement(faces)


def show_augmentation(faces: FaceSet | None, settings: PageSettings) -> None:
    """Show what training does to the sample or to a face of the set."""
    st.subheader("What training does to a face")
    options = augmentation_of_recipe(load_card(settings.model).recipe)
    if replace(options, flip=0.0) == NO_AUGMENTATION:
        mirrored = ", and from their mirror images" if options.flip else ""
        st.markdown(
            f"The model in the sidebar, {settings.model}, learned from the faces as they are{mirrored}. "
            "Choose one that was trained in epochs, such as the default, to see what is done to its faces."
        )
        return
    st.markdown(
        "No face is shown twice in the same way: each time it is changed a little at random, as cameras and "
        "face finders would change it. A network trained like this is disturbed less by such changes."
    )
    face = choose_augmentation(faces, settings)
    render_strongest(face)
    render_random(face)


if __name__ == "__main__":
    main()

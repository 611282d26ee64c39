"""Which set is shown on the page Data, its classes and some of its faces.

Sets are read from the one folder that the host names. A set stays in memory for an hour; nothing of it is
stored or sent.
"""

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import datasets
from app.charts.statistics import class_counts
from app.messages import as_text, show_error
from app.widgets import chart, enlarged
from fer_core import EXPRESSIONS
from fer_core.data import DataError, FaceSet, read_faces
from fer_core.types import Image

VOTES_FILE: Final = "fer2013new.csv"

SETS: Final = """
| set | give | where it comes from |
|---|---|---|
| FER2013 | `fer2013.csv` or `icml_face_data.csv` | [Kaggle](https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge) |
| FER+, ten people's votes for it | `fer2013new.csv` | [Microsoft](https://github.com/microsoft/FERPlus) |
| AffectNet | its folder, `training.csv` or `validation.csv` | [its authors](http://mohammadmahoor.com/affectnet/) |
| RAF-DB | its folder `basic` | [its authors](http://www.whdeld.cn/RAF/model1.html) |
| FERG-DB | its folder of characters | [University of Washington](http://grail.cs.washington.edu/projects/deepexpr/ferg-2d-db.html) |
| CK+48 | its folder | Kaggle |
| JAFFE | its folder of images | [Zenodo](https://zenodo.org/records/3451524) |
| any other, your own too | a folder with one folder of images for each class: `happy`, `sad` … | |
"""  # noqa: E501

SPLIT_USES: Final = {
    "Training": "to learn from",
    "PublicTest": "to choose by",
    "PrivateTest": "to measure on",
}

SIDE: Final = 192
"""Side of a face among others, in pixels: more than the page shows."""

BALANCED: Final = 1.5
"""Largest class over smallest, up to which no class counts as rare."""

FACES_OF_CLASS: Final = 8
"""Faces that are shown of each class."""


def choose_set() -> FaceSet | None:
    """Ask for a set and read it; say how to name a folder of sets where the host has named none.

    Returns:
        The faces; None where no set is chosen or it cannot be read.
    """
    faces, folder = None, None
    try:
        folder = datasets.dataset_folder()
    except DataError as error:
        show_error(error)
    if folder is None:
        render_help()
    else:
        faces = choose_in_folder(folder)
    if faces is None:
        with st.expander("Which sets can be read", icon=":material/folder_open:"):
            st.markdown(SETS)
    return faces


def render_help() -> None:
    """Say how the host names the folder of datasets."""
    with st.container(border=True):
        st.subheader("Look into a dataset", anchor=False)
        st.markdown(
            "Sets are read from one folder on the machine where the app runs. Start the app with its path, "
            "then choose a set from it here:"
        )
        st.code("make app FER_DATA=/the/folder/with/your/sets", language=None)
        st.caption(
            f"Or set the environment variable {datasets.VARIABLE}. Without it the app opens no folder, so "
            "that visitors cannot look around on the machine. Faces are neither stored nor sent."
        )


def choose_in_folder(folder: Path) -> FaceSet | None:
    """Ask for a set in the folder of datasets and read it."""
    names = datasets.names_in(folder)
    with st.form("data_form"):
        left, right = st.columns(2)
        name = left.selectbox(
            "Dataset",
            names,
            index=None,
            accept_new_options=True,
            placeholder="Choose one, or type a path within the folder",
            key="data_set",
            persist_state="session",
        )
        plus = right.selectbox(
            "FER+ votes, for FER2013's table",
            names,
            index=names.index(VOTES_FILE) if VOTES_FILE in names else None,
            accept_new_options=True,
            placeholder="None",
            key="data_plus",
            persist_state="session",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            pressed = st.form_submit_button("Read", icon=":material/database:", key="data_read")
            st.caption("Faces are neither stored nor sent.", width="content")
    if pressed and not name:
        st.warning("Choose a dataset first, or type its path.", icon=":material/folder_open:")
    return load_set(folder, name, plus) if name else None


def load_set(folder: Path, name: str, plus: str | None) -> FaceSet | None:
    """Return the set of this name; show a sentence and return None where it cannot be read.

    Args:
        plus: name of the file with FER+ votes.
    """
    try:
        votes = str(datasets.path_in(folder, plus)) if plus else None
        with st.spinner(f"Reading {as_text(name)}: a large set takes a minute …", show_time=True):
            return read_set(str(datasets.path_in(folder, name)), votes, str(folder))
    except DataError as error:
        # Visitors see names within the folder; where it lies on the machine is not shown.
        show_error(DataError(str(error).replace(f"{folder}{os.sep}", "")))
    except OSError as error:
        show_error(DataError(f"{name} cannot be read ({error.strerror})"))
    return None


@st.cache_resource(max_entries=2, ttl="1h", show_spinner=False)
def read_set(path: str, plus: str | None, folder: str) -> FaceSet:
    """Return the faces of a dataset within ``folder``; shared by all viewers for an hour."""
    return read_faces([Path(path)], Path(plus) if plus else None, within=Path(folder))


def render_classes(faces: FaceSet) -> None:
    """Show how many faces each class has in each split."""
    st.subheader("How many faces each class has")
    for note in faces.notes:
        st.caption(as_text(note))
    counts = faces.counts()
    most = max(float((numbers / numbers.sum()).max()) for numbers in counts.values())
    with st.grid(len(counts), min_column_width=270):
        for split, numbers in counts.items():
            with st.container(gap="small"):
                st.markdown(f"**{split}**, {SPLIT_USES[split]}: {numbers.sum():,} faces")
                figure = class_counts(numbers, most=most)
                chart(figure, f"data_counts_{split}", f"Faces of each class in {split}")
    st.caption(describe_balance(np.sum(list(counts.values()), axis=0)))


def describe_balance(counts: NDArray[np.integer[Any]]) -> str:
    """Return which classes are common and rare, in a sentence.

    Args:
        counts: (7,) faces of each class.
    """
    rare, common = EXPRESSIONS[int(counts.argmin())], EXPRESSIONS[int(counts.argmax())]
    least, most = int(counts.min()), int(counts.max())
    if most <= BALANCED * least:
        faces = f"{most:,}" if most == least else f"between {least:,} and {most:,}"
        return f"Each class has {faces} faces: none is rare."
    return (
        f"*{common.capitalize()}* has {most:,} faces, *{rare}* {least:,}. A rare class is learned badly: a "
        "network that never assigns it loses little."
    )


def render_faces(faces: FaceSet) -> None:
    """Show some faces of each class, and a button for others."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Some of the faces", width="content")
        st.button(
            "Other faces",
            icon=":material/shuffle:",
            on_click=next_seed,
            args=("data_wall",),
            key="data_other",
        )
    st.caption("Would you have given them the same name?")
    chosen = faces.sample_each_class(FACES_OF_CLASS, st.session_state.data_wall)
    for name, numbers in zip(EXPRESSIONS, chosen, strict=True):
        if len(numbers):
            st.markdown(f"**{name}**")
            with st.grid(FACES_OF_CLASS, min_column_width=72, gap="xsmall", width=860):
                for number in numbers.tolist():
                    picture = with_square_pixels(faces.images[number])
                    st.image(picture, width="stretch", alt=f"A face labeled {name}")


def with_square_pixels(image: Image) -> Image:
    """Return a small face enlarged so that every pixel shows as a square."""
    return enlarged(image, max(1, SIDE // max(image.shape)))


def next_seed(key: str) -> None:
    """Let the faces or changes under this key be drawn with another seed."""
    st.session_state[key] += 1

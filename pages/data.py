"""Data: what networks learn from, what is done to it, and where people do not agree on it.

Reads top to bottom: which set, its classes, some of its faces, augmentation, FER2013's labels beside FER+'s
votes. Sets are read from the one folder that the host names; a set stays in memory for an hour, nothing of
it is stored or sent.
"""

import os
from pathlib import Path

import numpy as np
import streamlit as st

from app.charts.statistics import class_counts, share_table, vote_bars
from app.datasets import VARIABLE, dataset_folder, names_in, path_in
from app.samples import portrait
from app.session import open_page
from app.widgets import enlarged
from fer_core import EXPRESSIONS, Analyzer, load_card
from fer_core.data import DataError, FaceSet, read_faces
from fer_core.data.augmentation import Augmentation
from fer_core.data.label_agreement import VOTED, compare
from fer_core.data.preview import NOTHING, draws, settings_of, strongest, times
from fer_core.draw import percent
from fer_core.faces import find_faces
from fer_core.faces.alignment import bare_points
from fer_core.geometry import alignment
from fer_core.images import to_gray
from fer_core.types import Floats, Image

VOTES_FILE = "fer2013new.csv"

SETS = """
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

SPLITS_IN_WORDS = {
    "Training": "to learn from",
    "PublicTest": "to choose by",
    "PrivateTest": "to measure on",
}

SIDE = 192  # pixels of a face in a wall, more than are shown

EACH = 8  # faces of a class in the wall

DISAGREEING = 8


@st.cache_resource(max_entries=2, ttl="1h", show_spinner=False)
def read(path: str, plus: str | None) -> FaceSet:
    return read_faces([Path(path)], Path(plus) if plus else None)


@st.cache_data(show_spinner=False)
def built_in(size: int, _analyzer: Analyzer) -> tuple[Image, Floats]:
    """The sample's grey picture, and what takes its face to the aligned square."""
    image = portrait()
    face = find_faces(image, _analyzer.detector("mtcnn"))[0]
    return to_gray(image), alignment(face.points, size)


def whole_pixels(image: Image) -> Image:
    """A small face so large that every pixel shows as a square."""
    return enlarged(image, max(1, SIDE // max(image.shape)))


def choose(folder: Path) -> FaceSet | None:
    """Ask for a set and read it; None where none is chosen or it cannot be read."""
    names = names_in(folder)
    with st.form("data_form"):
        left, right = st.columns(2)
        chosen = left.selectbox(
            "Dataset",
            names,
            index=None,
            accept_new_options=True,
            placeholder="Choose one, or type a path within the folder",
            key="data_set",
        )
        plus = right.selectbox(
            "FER+ votes, for FER2013's table",
            names,
            index=names.index(VOTES_FILE) if VOTES_FILE in names else None,
            accept_new_options=True,
            placeholder="None",
            key="data_plus",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.form_submit_button("Read", icon=":material/database:", key="data_read")
            st.caption("Faces are neither stored nor sent.", width="content")
    if not chosen:
        return None
    try:
        votes = path_in(folder, plus) if plus else None
        with st.spinner(f"Reading {chosen}: a large set takes a minute …", show_time=True):
            return read(str(path_in(folder, chosen)), votes and str(votes))
    except DataError as error:
        st.error(str(error).replace(f"{folder}{os.sep}", ""), icon=":material/error:")
    except OSError as error:
        st.error(f"{chosen} cannot be read ({error.strerror})", icon=":material/error:")
    return None


def in_words(options: Augmentation) -> dict[str, str]:
    """Name of each change -> what was done at its strongest, and to how many faces."""
    return {
        "rotation": f"turned by {options.rotation:.0f}°",
        "scale": f"{100 * np.expm1(options.scale):.0f} % larger",
        "shift": f"moved by {100 * options.shift:.0f} %",
        "far": f"these three further, {percent(options.far)} of faces",
        "flip": f"mirrored, {percent(options.flip)} of faces",
        "brightness": f"{100 * options.brightness:.0f} % brighter",
        "contrast": f"contrast × {np.exp(options.contrast):.2f}",
        "blur": f"softened, {percent(options.blur)} of faces",
        "noise": f"grain, {percent(options.noise)} of faces",
        "erase": f"a part covered, {percent(options.erase)} of faces",
    }


def next_seed(key: str) -> None:
    st.session_state[key] += 1


open_page("data")
analyzer, model = st.session_state.analyzer, st.session_state.model
for key in ("data_wall", "data_draws"):
    st.session_state.setdefault(key, 0)

st.title("Data")
st.markdown(
    "A network knows what it was shown, and the names that people gave to it. Look at both before you trust "
    "it."
)

# Which set ------------------------------------------------------------------------------------------

faces = None
try:
    folder = dataset_folder()
except DataError as error:
    st.error(str(error), icon=":material/error:")
    folder = None
if folder is not None:
    faces = choose(folder)
if folder is None:
    with st.container(border=True):
        st.subheader("Look into a dataset", anchor=False)
        st.markdown(
            "Sets are read from one folder on the machine where the app runs. Start the app with its "
            "path, then choose a set from it here:"
        )
        st.code("make app FER_DATA=/the/folder/with/your/sets", language="bash")
        st.caption(
            f"Or set the environment variable {VARIABLE}. Without it the app opens no folder, so that "
            "nobody who visits it can look around on the machine. Faces are neither stored nor sent."
        )
if faces is None:
    with st.expander("Which sets can be read", icon=":material/folder_open:"):
        st.markdown(SETS)

# Its classes ----------------------------------------------------------------------------------------

if faces is not None:
    st.subheader("How many faces each class has")
    counts = faces.counts()
    most = max(float((n / n.sum()).max()) for n in counts.values())
    with st.grid(len(counts), min_column_width=270):
        for split, n in counts.items():
            with st.container(gap="small"):
                st.markdown(f"**{split}**, {SPLITS_IN_WORDS[split]}: {n.sum():,} faces")
                st.plotly_chart(
                    class_counts(n, most=most),
                    key=f"data_counts_{split}",
                    config={"displayModeBar": False},
                    alt=f"Faces of each class in {split}",
                )
    total = sum(counts.values())
    rare, common = (EXPRESSIONS[int(pick)] for pick in (total.argmin(), total.argmax()))
    st.caption(
        f"*{common.capitalize()}* has {total.max():,} faces, *{rare}* {total.min():,}. What is rare is "
        "learnt badly: a network that never says so loses little."
    )

    # Some of its faces ------------------------------------------------------------------------------

    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Some of them", width="content")
        st.button(
            "Other faces",
            icon=":material/shuffle:",
            on_click=next_seed,
            args=("data_wall",),
            key="data_other",
        )
    st.caption("Would you have given them the same name?")
    for name, numbers in zip(
        EXPRESSIONS, faces.some_of_each(EACH, st.session_state.data_wall), strict=True
    ):
        if len(numbers):
            st.markdown(f"**{name}**")
            with st.grid(EACH, min_column_width=72, gap="xsmall", width=860):
                for i in numbers.tolist():
                    st.image(
                        whole_pixels(faces.images[i]),
                        width="stretch",
                        alt=f"A face labelled {name}",
                    )

# What augmentation does -----------------------------------------------------------------------------

st.subheader("What training does to a face")
st.markdown(
    "No face is shown twice in the same way: each time it is changed a little at random, as cameras and face "
    "finders would change it. A network that has seen this does not mind it later."
)
card = load_card(model)
own = faces is not None and (
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
    f"Times as strong as in the training of {model}",
    min_value=1.0,
    max_value=4.0,
    step=0.5,
    format="%.1f",
    width=420,
    key="data_factor",
)
options = times(settings_of(card.recipe), factor)
if own:
    random = np.random.default_rng(st.session_state.data_draws)
    image = faces.images[int(random.integers(len(faces)))]
    transform = alignment(bare_points([image])[0], card.input_size)
else:
    image, transform = built_in(card.input_size, analyzer)

st.markdown("**Each change alone, as strong as it gets**")
unchanged = draws(image, transform, card.input_size, NOTHING, number=1, seed=0)[0]
shown = {"": unchanged, **strongest(image, transform, card.input_size, options)}
words = {"": "**unchanged**", **in_words(options)}
with st.grid(5, min_column_width=104, gap="small", width=760):
    for name, changed in shown.items():
        st.image(enlarged(changed, 3), caption=words[name], width="stretch", alt=words[name])

with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown("**All of them at random, as training draws them**", width="content")
    st.button(
        "Draw again",
        icon=":material/casino:",
        on_click=next_seed,
        args=("data_draws",),
        key="data_again",
    )
with st.grid(5, min_column_width=104, gap="small", width=760):
    for changed in draws(
        image,
        transform,
        card.input_size,
        options,
        number=10,
        seed=st.session_state.data_draws,
    ):
        st.image(enlarged(changed, 3), width="stretch", alt="A face as training may see it")

# Where labels disagree ------------------------------------------------------------------------------

both = compare(faces) if faces is not None else None
if both is None:
    if faces is not None:
        st.subheader("Where people disagree")
        st.caption(
            f"Choose FER2013's table and `{VOTES_FILE}` above to see where its labels and ten people's votes "
            "name different classes."
        )
    st.stop()

st.subheader("Where FER2013's labels and FER+'s votes disagree")
st.markdown(
    f"FER2013 gave each face one label. Later ten people voted on each (FER+). Both name the same class for "
    f"**{100 * both.share:.1f} %** of the faces. For {both.unknown:,} of {len(faces):,} the votes name none."
)
row, column = both.widest()
table, cell = st.columns((3, 2), gap="large")
with table:
    st.plotly_chart(
        share_table(both.counts, VOTED, rows_are="FER2013", columns_are="FER+"),
        key="data_agreement",
        config={"displayModeBar": False},
        alt="FER2013's classes against those of FER+",
    )
    st.caption(
        "A row is FER2013's label; its numbers say which class most of the ten named, in percent."
    )
with cell:
    labelled = st.selectbox("FER2013 says", EXPRESSIONS, index=row, key="data_labelled")
    voted = st.selectbox("Most of ten people say", VOTED, index=column, key="data_voted")
    numbers = both.faces(EXPRESSIONS.index(labelled), VOTED.index(voted))
    st.metric("Faces", f"{len(numbers):,}")
numbers = np.random.default_rng(st.session_state.data_wall).permutation(numbers)[:DISAGREEING]
with st.grid(4, min_column_width=160):
    for i in numbers.tolist():
        with st.container(border=True, gap="small", height="stretch"):
            st.image(whole_pixels(faces.images[i]), width=96, alt=f"A face labelled {labelled}")
            st.caption(f"FER2013: **{labelled}**, FER+: **{voted}**")
            st.plotly_chart(
                vote_bars(faces.votes[i]),
                key=f"data_votes_{i}",
                config={"displayModeBar": False},
                alt=f"Ten votes, most for {voted}",
            )

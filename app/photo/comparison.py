"""Compare faces with the neutral face of the same person, chosen among the faces of all pictures."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app.comparison import WHY
from app.photo.pictures import FaceKey, Picture
from app.session import PageSettings
from fer_core import EXPRESSIONS, Analyzer, Baseline
from fer_core.draw import percent
from fer_core.export import face_record
from fer_core.types import Face, Image, Reading

NEUTRAL = EXPRESSIONS.index("neutral")


def compare_faces(pictures: Sequence[Picture], settings: PageSettings) -> list[Picture]:
    """Return the pictures, with each face compared with the neutral one that was chosen for it."""
    alone = {
        FaceKey(picture.digest, number): reading
        for picture in pictures
        for number, reading in enumerate(picture.readings)
    }
    chosen = {
        face: neutral
        for face, neutral in chosen_neutrals().items()
        if face in alone and neutral in alone
    }
    return [compare_picture(picture, chosen, alone, settings) for picture in pictures]


def compare_picture(
    picture: Picture,
    chosen: dict[FaceKey, FaceKey],
    alone: dict[FaceKey, Reading],
    settings: PageSettings,
) -> Picture:
    """Return a picture with its chosen faces compared."""
    if picture.result is None or not any(face.digest == picture.digest for face in chosen):
        return picture
    readings, records = list(picture.readings), list(picture.record["faces"])
    neutrals: list[FaceKey | None] = [None] * len(readings)
    for number, reading in enumerate(picture.readings):
        neutral = chosen.get(FaceKey(picture.digest, number))
        if neutral is not None:
            how = settings.model, settings.prior, settings.detector
            baseline = Baseline.from_readings([alone[neutral]])
            readings[number] = compare_face(
                (picture.digest, number, *neutral, *how),
                picture.image,
                reading.face,
                baseline,
                settings.analyzer,
            )
            records[number], neutrals[number] = face_record(readings[number]), neutral
    return replace(
        picture,
        record={**picture.record, "faces": records},
        result=replace(picture.result, readings=tuple(readings)),
        neutrals=tuple(neutrals),
    )


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def compare_face(
    key: tuple[str, int, str, int, str, str | None, str],
    _image: Image,
    _face: Face,
    _baseline: Baseline,
    _analyzer: Analyzer,
) -> Reading:
    """Return the reading of one face compared with a neutral one.

    Args:
        key: picture and number of the face, those of the neutral one, model, prior, face finder.
    """
    *_, model, prior, _ = key
    result = _analyzer.predict(
        _image, [_face], model=model, prior=prior, landmarks=True, baseline=_baseline
    )
    return result.readings[0]


def chosen_neutrals() -> dict[FaceKey, FaceKey]:
    """Return face -> the neutral face of the same person, as the viewer chose them."""
    neutrals: dict[FaceKey, FaceKey] = st.session_state.setdefault("photo_neutrals", {})
    return neutrals


def render_comparison(pictures: Sequence[Picture], shown: Picture, number: int) -> None:
    """Ask for the neutral face of the person who is shown.

    Args:
        pictures: all of them, with or without comparison.
        number: of the face in the picture that is shown.
    """
    face = FaceKey(shown.digest, number)
    names = {
        FaceKey(picture.digest, k): face_name(picture, k)
        for picture in pictures
        for k in range(len(picture.readings))
    }
    del names[face]
    chosen = chosen_neutrals().get(face)
    title = "Compared with a neutral face" if chosen in names else "Compare with a neutral face"
    with st.popover(title, icon=":material/compare_arrows:"):
        st.markdown(f"{WHY} Use a picture of the same person, in the same light.")
        if not names:
            st.caption("Add a picture of this person's neutral face to the pictures above.")
            return
        options = [None, *names]
        st.session_state["photo_neutral"] = chosen if chosen in names else None
        st.selectbox(
            "Neutral face of this person",
            options,
            format_func=lambda key: "none" if key is None else names[key],
            on_change=choose_neutral,
            args=([face],),
            key="photo_neutral",
        )
        st.button(
            "Use it for all faces",
            disabled=chosen not in names,
            on_click=choose_neutral,
            args=([*names, face],),
            key="photo_neutral_all",
        )
        st.caption("Kept are seven numbers and a coarse map of the face, in memory, with this tab.")


def choose_neutral(faces: Sequence[FaceKey]) -> None:
    """Compare these faces with the one that is chosen; with none if it is not."""
    neutral, neutrals = st.session_state.photo_neutral, chosen_neutrals()
    for face in faces:
        neutrals.pop(face, None)
        if neutral is not None and face != neutral:
            neutrals[face] = neutral


def face_name(picture: Picture, number: int) -> str:
    """Return the name of a face in the list: its picture, and how neutral it is read."""
    reading = picture.readings[number]
    alone = reading.probabilities if reading.baseline is None else reading.probabilities_alone
    assert alone is not None
    several = f", face {number + 1}" if len(picture.readings) > 1 else ""
    return f"{picture.name}{several}: neutral {percent(float(alone[NEUTRAL]))}"

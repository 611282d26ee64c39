"""Views of the page Photo: one face in detail, and all numbers."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final, Literal

import cv2
import numpy as np
import streamlit as st

from app.charts.readings import action_bars, affect_plane, comparison_bars, probability_bars
from app.comparison import BARS
from app.faces import FaceChoice, fit_page
from app.messages import as_text
from app.photo.pictures import PhotoContext, PhotoExport, Picture
from app.widgets import (
    ACTIONS_NOTE,
    BLOCKS,
    TIMES,
    affect_note,
    attention_note,
    chart,
    choose_overlay,
    download,
    enlarged,
)
from fer_core import EXPRESSIONS, load_card
from fer_core.draw import percent
from fer_core.draw.overlay import headline
from fer_core.draw.tiles import attention_tiles, heat_tiles
from fer_core.explain import get_method, positive_share
from fer_core.explain.attribution_shares import LITTLE
from fer_core.export import png_bytes
from fer_core.labels import PARTS
from fer_core.types import Explanation, Image, Reading

MANY_PICTURES: Final = 24
"""Pictures from which on their list scrolls."""
TALLEST_LIST: Final = 360
"""Height of a list that scrolls, in pixels."""
LONGEST_NAME: Final = 12
"""Letters of a file name that fit below a small picture."""


# A picture and its faces ------------------------------------------------------------------------------


def pick_picture(pictures: Sequence[Picture]) -> Picture:
    """Return the chosen picture; ask for it by small pictures with their names where there are several."""
    chosen = min(int(st.session_state.get("photo_number", 0)), len(pictures) - 1)
    if len(pictures) == 1:
        return pictures[0]
    height: int | Literal["content"] = TALLEST_LIST if len(pictures) > MANY_PICTURES else "content"
    with st.container(height=height, border=False), st.grid("auto", min_column_width=104):
        for number, picture in enumerate(pictures):
            with st.container(gap="xxsmall"):
                st.image(thumbnail(picture.digest, picture), width="stretch", alt=picture.name)
                st.button(
                    as_text(shortened(picture.name)),
                    type="primary" if number == chosen else "secondary",
                    width="stretch",
                    key=f"photo_picture_{number}",
                    help=as_text(picture.name),
                    on_click=choose_picture,
                    args=(number,),
                )
    return pictures[chosen]


def choose_picture(number: int) -> None:
    """Show another of the pictures."""
    st.session_state.photo_number = number


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def thumbnail(digest: str, _picture: Picture) -> Image:
    """Return the middle of a picture, (96, 96, 3)."""
    height, width = _picture.image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = _picture.image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(middle, (96, 96), interpolation=cv2.INTER_AREA), np.uint8)


def shortened(name: str) -> str:
    """Return the beginning and the ending of a long file name."""
    return name if len(name) <= LONGEST_NAME else f"{name[:5]}…{name[-6:]}"


def render_no_face(picture: Picture) -> None:
    """Show a picture without a face, and what may help."""
    picture_column, words = st.columns((3, 2), gap="large")
    picture_column.image(
        fit_page(picture.image),
        caption=as_text(picture.name),
        width="stretch",
        alt=picture.name,
    )
    render_notes(picture)
    with words:
        st.subheader("No face was found")
        st.markdown(
            "- Does a face look toward the camera, with more light on it than behind it?\n"
            "- Is it large enough: 50 pixels wide, and in a large picture a 25th of its longer side?\n"
            "- Turn the picture upright, or try another face finder in the sidebar."
        )


def render_notes(picture: Picture) -> None:
    """Say what is not as in the file."""
    for note in picture.notes:
        st.caption(note)


def choice_of(picture: Picture) -> FaceChoice:
    """Return the faces of a picture, to choose one of them."""
    boxes = [reading.face.box for reading in picture.readings]
    names = [headline(reading) for reading in picture.readings]
    return FaceChoice("face", picture.digest, boxes, names)


def pick_reading(picture: Picture) -> int:
    """Return the number of the chosen face; ask for it where there are several."""
    choice = choice_of(picture)
    choice.render_thumbnails([enlarged(reading.regions.face, 2) for reading in picture.readings])
    return choice.number


def render_picture(context: PhotoContext) -> tuple[Image, Explanation]:
    """Show the picture with the overlay that the viewer chooses.

    Returns:
        The drawn picture in full size, and the explanation of the class whose heatmap was chosen.
    """
    picture, reading = context.picture, context.reading
    style, choice, _ = choose_overlay(
        "photo", context.settings.classifier, layers=("box", "heatmap", "blocks")
    )
    target = reading.top[0] if choice == "top" else choice
    with st.spinner(f"Computing the map for {target} …"):
        explanation = context.explain(target)
    image = picture.image
    drawn = picture.draw(style, context.number, explanation)
    choice_of(picture).render_picture(
        drawn,
        f"{picture.name} with {headline(reading)}",
        f"{as_text(picture.name)}, {image.shape[1]} × {image.shape[0]} pixels",
    )
    render_notes(picture)
    return drawn, explanation


def render_class(context: PhotoContext) -> None:
    """Show the assigned class."""
    reading, count = context.reading, len(context.picture.readings)
    name, probability = reading.top
    label = f"Face {context.number + 1} of {count}" if count > 1 else "Assigned class"
    st.metric(label, "unsure" if reading.unsure else f"{name} {percent(probability)}")
    if reading.unsure:
        threshold = load_card(reading.model).unsure_below
        st.caption(
            f"The likeliest class, *{name}*, has {percent(probability)}. Below {percent(threshold)} this "
            "model is wrong more often than right, so no class is assigned."
        )


def render_charts(context: PhotoContext) -> None:
    """Show the probabilities, valence and arousal, and the facial actions of the face."""
    reading = context.reading
    classes, plane, actions = st.tabs(
        [
            ":material/bar_chart: Probabilities",
            ":material/my_location: Valence and arousal",
            ":material/face_retouching_natural: Facial actions",
        ]
    )
    with classes:
        alt = f"Probabilities of the seven classes, highest for {reading.top[0]}"
        if reading.baseline is None:
            chart(probability_bars(reading), "photo_bars", alt)
        else:
            chart(comparison_bars(reading), "photo_bars", alt)
            st.caption(BARS)
    with plane:
        if reading.valence is not None and reading.arousal is not None:
            position = np.array([[reading.valence, reading.arousal]], np.float32)
            alt = f"Valence {reading.valence:.2f} and arousal {reading.arousal:.2f} on their plane"
            chart(affect_plane({context.number + 1: position}), "photo_plane", alt)
        st.caption(affect_note(load_card(reading.model)))
    with actions:
        alt = "The strongest facial actions of this face"
        chart(action_bars(reading.face.actions or {}), "photo_actions", alt)
        st.caption(ACTIONS_NOTE)


# What the network does with the face ------------------------------------------------------------------


def render_regions(reading: Reading) -> None:
    """Show the aligned face as the network sees it, or its blocks with their weights."""
    st.subheader("What the network sees")
    regions, weights = reading.regions, reading.region_attention
    if weights is None:
        st.caption(f"*{reading.model}* looks at the whole face at once; it has no blocks to weigh.")
        st.image(enlarged(regions.face), width=288, alt="The aligned face")
        return
    st.caption(
        f"*{reading.model}* looks {TIMES[len(weights)]} and weighs each look. The weights add up to 100 %."
    )
    crops = {"face": regions.face, "upper": regions.upper, "lower": regions.lower}
    grid = st.grid(3, min_column_width=96, width=680, vertical_alignment="bottom")
    for region, weight in weights.items():
        grid.image(
            enlarged(crops[region]),
            caption=f"{BLOCKS[region]} **{percent(weight)}**",
            width="stretch",
            alt=f"The network's view of the {BLOCKS[region]}",
        )


def render_attention(reading: Reading) -> None:
    """Show the attention of a network that weighs places of the face by itself."""
    if reading.attention is None:
        return
    st.subheader("Where the network looks by itself")
    tiles = attention_tiles(reading.regions.face, reading.attention)
    heads = f"Each of its {len(tiles)} heads does so on its own. " if len(tiles) > 1 else ""
    st.caption(
        f"*{reading.model}* has learned to weigh the places of a face. Green places count more than the "
        "average place, and the more the greener they are; a face without green is weighed evenly. "
        f"{heads}These are weights of places, and no evidence for a class: all seven classes are predicted "
        "with the same weights."
    )
    if note := attention_note(load_card(reading.model)):
        st.caption(note)
    grid = st.grid(max(4, len(tiles)), min_column_width=96, width=680)
    for head, tile in enumerate(tiles, start=1):
        grid.image(
            tile,
            caption=f"head {head}" if len(tiles) > 1 else "attention",
            width="stretch",
            alt=f"Where head {head} looks on the face",
        )


def render_evidence(context: PhotoContext, explanation: Explanation) -> None:
    """Show the map of each class, and say where the evidence for the chosen one lies."""
    st.subheader("The evidence for each class")
    reading = context.reading
    maps = {}
    for name in EXPRESSIONS:
        with st.spinner(f"Computing the map for {name} …"):
            maps[name] = context.raw_maps(name)[name].raw
    tiles = heat_tiles(reading.regions.face, maps)
    with st.grid(7, min_column_width=80, gap="xsmall"):
        for name, probability in zip(EXPRESSIONS, reading.probabilities, strict=True):
            st.image(
                tiles[name],
                caption=f"{name} **{percent(float(probability))}**",
                width="stretch",
                alt=f"Map of the evidence for {name}",
            )
    method, settings = context.method, context.settings
    why = ""
    if method != settings.method:
        why = f", since *{settings.model}* has no feature maps for {settings.method}"
    compared = ""
    if reading.baseline is not None:
        compared = (
            "They show what moved from the neutral face. "
            if explanation.compared
            else "They are of this face alone: what moved is shown by Grad-CAM of models with exact maps. "
        )
    st.caption(
        f"By {get_method(method).title}{why}. All seven on one scale. Warm places speak for a class, cool "
        f"places against it. {compared}{describe_shares(explanation)}"
    )


def describe_shares(explanation: Explanation) -> str:
    """Return which parts of the face hold the evidence for a class, in a sentence."""
    target, share, parts = explanation.target, explanation.region_share, explanation.part_share
    if explanation.is_flat:
        return f"For *{target}* the map is flat: no place speaks for it more than another."
    if (positive := positive_share(explanation.raw)) < LITTLE:
        return (
            f"Hardly anything speaks for *{target}*: {percent(positive)} of the heat is for it, the rest "
            "against it."
        )
    words = (
        f"Of the evidence for *{target}*, {percent(share['upper'])} lies around eyes and brows, "
        f"{percent(share['lower'])} around the mouth, {percent(share['elsewhere'])} elsewhere"
    )
    if parts is not None:
        by_part = ", ".join(f"{part} {percent(parts[part])}" for part in PARTS)
        words += f"; by the landmarks, {by_part} and the rest {percent(parts['rest'])}"
    return f"{words}."


# Downloads --------------------------------------------------------------------------------------------


def render_downloads(export: PhotoExport, picture: Picture, drawn: Image) -> None:
    """Show all numbers as a table, and offer them and the pictures for download.

    Args:
        picture: the one that is shown.
        drawn: its image with the overlay.
    """
    st.subheader("All numbers")
    if export.rows:
        share, decimal = (st.column_config.NumberColumn(format=f) for f in ("percent", "%.2f"))
        formats = dict.fromkeys(EXPRESSIONS, share)
        formats |= {"valence": decimal, "arousal": decimal}
        st.dataframe(export.rows, hide_index=True, column_config=formats)
    with st.container(horizontal=True):
        download("Numbers as JSON", export.json, "expression-lens.json")
        download("Table as CSV", export.csv, "expression-lens.csv")
        stem = PurePath(picture.name).stem
        download("This picture as PNG", lambda: png_bytes(drawn), f"{stem}-annotated.png")
        if sum(each.result is not None for each in export.pictures) > 1:
            download("Everything as ZIP", export.zip, "expression-lens.zip")

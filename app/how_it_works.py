"""The four steps of the page How it works: find the face, align it, predict, explain."""

from collections.abc import Mapping

import cv2
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.charts.readings import probability_bars
from app.samples import tilted
from app.widgets import BLOCKS, TIMES, chart, enlarged
from fer_core import EXPRESSIONS, Analyzer
from fer_core.draw import percent
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.draw.tiles import heat_tiles
from fer_core.types import Explanation, FrameResult, Image, Reading


def step(title: str, words: str) -> DeltaGenerator:
    """Show a heading with its explanation; return the place for the pictures beside it."""
    st.space("small")
    text, pictures = st.columns((2, 3), gap="large", vertical_alignment="center")
    text.header(title)
    text.markdown(words)
    return pictures


def render_detection(image: Image, result: FrameResult) -> None:
    """Step 1: the face finder."""
    with step(
        "1 · Find the face",
        "The **face finder** goes over the picture and asks of every square, small and large: is this a "
        "face? Where it says yes, it marks five points: eyes, nose and the corners of the mouth.\n\n"
        "A face that it misses is never classified. It misses more of them in poor light, and when people "
        "look away.",
    ):
        picture = draw_points(image, result)
        st.image(picture, width="stretch", alt="A tilted face, a box, five points")


def render_alignment(reading: Reading) -> None:
    """Step 2: the aligned face and its blocks."""
    regions = reading.regions
    size = len(regions.face)
    pictures = step(
        "2 · Turn it upright, make it small",
        "With the five points the face is turned upright and scaled, so that eyes and mouth always lie at "
        f"the same place. Color goes. What is left is **{size} × {size} gray dots**: all that the network "
        "gets.",
    )
    with pictures, st.grid(3, min_column_width=96, vertical_alignment="bottom"):
        st.image(enlarged(regions.face), caption="face", width="stretch", alt="The upright face")
        st.image(enlarged(regions.upper), caption="eyes, brows", width="stretch", alt="Upper block")
        st.image(enlarged(regions.lower), caption="mouth", width="stretch", alt="Lower block")


def render_prediction(reading: Reading) -> None:
    """Step 3: the probabilities."""
    with step(
        "3 · Ask the network",
        "The network is a long chain of sums. Its numbers were set by showing it many faces, each with "
        "the class that people had chosen, until its answers fitted. It gives every class a "
        "**probability**; together they make 100 %.\n\n" + describe_looks(reading.region_attention),
    ):
        name = reading.top[0]
        alt = f"Probabilities of the seven classes, highest for {name}"
        chart(probability_bars(reading), "how_bars", alt)


def describe_looks(weights: Mapping[str, float] | None) -> str:
    """Return how often the network looks at the face, and how much each look counts."""
    if not weights:
        return "This network looks at the whole face at once."
    shares = ", the ".join(f"{BLOCKS[name]} {percent(weight)}" for name, weight in weights.items())
    return (
        f"This network looks {TIMES[len(weights)]}, and decides for every face how much each look counts: "
        f"here the {shares}."
    )


def render_explanation(reading: Reading, maps: tuple[Explanation, ...]) -> None:
    """Step 4: the map of each class."""
    if maps[0].method == "occlusion":
        words = (
            "This model's sums cannot be taken apart by places. So a gray square covers one place after "
            "another: **how much does a class lose when a place is hidden?** (*Occlusion*.)"
        )
    else:
        words = (
            "The sum for a class can be taken apart again: **how much did each place of the face add to "
            "it?** (*Grad-CAM*.)"
        )
    with step(
        "4 · Ask it why",
        f"{words} Warm places speak for the class, cool ones against it, all seven on one scale.\n\n"
        "A map shows where the evidence lay, and not that it was good evidence. A sensible map can belong "
        "to a wrong answer.",
    ):
        tiles = heat_tiles(reading.regions.face, {each.target: each.raw for each in maps})
        with st.grid(4, min_column_width=80, gap="xsmall"):
            for name, p in zip(EXPRESSIONS, reading.probabilities, strict=True):
                st.image(
                    tiles[name],
                    caption=f"{name} **{percent(float(p))}**",
                    width="stretch",
                    alt=f"Map of the evidence for {name}",
                )


def render_doubts() -> None:
    """Say what to try next."""
    st.header("Now doubt it")
    st.markdown(
        "- **Cover your mouth**, then your eyes. Which changes the answer? Were the weights right about "
        "that?\n"
        "- **Tilt your head, move the lamp, take your glasses off.** None of it is an expression. Does the "
        "answer stay?\n"
        "- **Make the face of a class that it gets wrong.** It had 436 pictures of *disgust* to learn from, "
        "and 7,215 of *happy*.\n"
        "- **Ask three people** to name the class of one picture. Do they agree with each other?"
    )
    with st.container(horizontal=True):
        st.page_link("pages/live.py", label="Try it live", icon=":material/videocam:")
        st.page_link("pages/photo.py", label="Try it on pictures", icon=":material/photo_library:")


def draw_points(image: Image, result: FrameResult) -> Image:
    """Draw the box and the five points of a face into its picture."""
    style = OverlayStyle(labels=False, bars=False, blocks=False, heatmap=0)
    drawn = draw_overlay(image, result, style)
    for x, y in result.readings[0].face.points:
        center = (round(float(x)), round(float(y)))
        cv2.circle(drawn, center, 11, (15, 21, 25), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(drawn, center, 8, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
    return drawn


@st.cache_data(max_entries=8, show_spinner=False)
def analyze_sample(
    model: str, prior: str | None, detector: str, _analyzer: Analyzer
) -> tuple[Image, FrameResult]:
    """Return the tilted sample and what is read in it; shared by all viewers."""
    image = tilted(20)
    return image, _analyzer.analyze(
        image, model=model, prior=prior, detector=detector, maps=EXPRESSIONS
    )

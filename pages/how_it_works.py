"""How it works: one face on its way from picture to answer, with what the computer sees at each step."""

import cv2
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.charts.readings import probability_bars
from app.samples import tilted
from app.session import come_in
from app.widgets import BLOCKS, TIMES, enlarged
from fer_core import EXPRESSIONS, Analyzer
from fer_core.draw import percent
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.draw.tiles import heat_tiles
from fer_core.types import FrameResult, Image


@st.cache_data(max_entries=8, show_spinner=False)
def analysed(model: str, detector: str, _analyzer: Analyzer) -> tuple[Image, FrameResult]:
    image = tilted(20)
    return image, _analyzer.analyze(image, model=model, detector=detector, maps=EXPRESSIONS)


def with_points(image: Image, result: FrameResult) -> Image:
    """The picture with the box and the five points of its face."""
    style = OverlayStyle(labels=False, bars=False, blocks=False, heatmap=0)
    drawn = draw_overlay(image, result, style)
    for x, y in result.readings[0].face.points:
        center = (round(float(x)), round(float(y)))
        cv2.circle(drawn, center, 11, (15, 21, 25), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(drawn, center, 8, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
    return drawn


come_in("how_it_works")

st.title("How it works")
st.markdown(
    "Follow one face from the picture to the answer. Change the model at the side to see what stays."
)
with st.spinner("Analysing the sample …"):
    image, result = analysed(
        st.session_state.model, st.session_state.detector, st.session_state.analyzer
    )
if not result.readings:
    st.warning("This face finder does not find the tilted sample. Choose another one at the side.")
    st.stop()
reading, maps = result.readings[0], result.explanations[0]
name = reading.top[0]


def step(title: str, words: str) -> DeltaGenerator:
    """A heading with its explanation; returns the place for the pictures beside it."""
    st.space("small")
    text, pictures = st.columns((2, 3), gap="large", vertical_alignment="center")
    text.header(title)
    text.markdown(words)
    return pictures


with step(
    "1 · Find the face",
    "The **face finder** goes over the picture and asks of every square, small and large: is this a face? "
    "Where it says yes, it marks five points: eyes, nose and the corners of the mouth.\n\n"
    "A face that it misses is never classified. It misses more of them in poor light, and when people look "
    "away.",
):
    st.image(with_points(image, result), width="stretch", alt="A tilted face, a box, five points")

regions = reading.regions
size = len(regions.face)
place = step(
    "2 · Turn it upright, make it small",
    "With the five points the face is turned upright and scaled, so that eyes and mouth always lie at the "
    f"same place. Colour goes. What is left are **{size} × {size} grey dots**: all that the network gets.",
)
with place, st.grid(3, min_column_width=96, vertical_alignment="bottom"):
    st.image(enlarged(regions.face), caption="face", width="stretch", alt="The upright face")
    st.image(enlarged(regions.upper), caption="eyes, brows", width="stretch", alt="Upper block")
    st.image(enlarged(regions.lower), caption="mouth", width="stretch", alt="Lower block")

weights = reading.region_attention
with step(
    "3 · Ask the network",
    "The network is a long chain of sums. Its numbers were set by showing it 28,709 pictures, each with the "
    "class that people had chosen, until its answers fitted. It gives every class a **probability**; "
    "together they make 100 %."
    + (
        f"\n\nThis network looks {TIMES[len(weights)]}, and decides for every face anew how much each look "
        "counts: here the "
        + ", the ".join(f"{BLOCKS[region]} {percent(weight)}" for region, weight in weights.items())
        + "."
        if weights
        else "\n\nThis network looks at the whole face at once."
    ),
):
    st.plotly_chart(
        probability_bars(reading),
        config={"displayModeBar": False},
        alt=f"Probabilities of the seven classes, highest for {name}",
    )

with step(
    "4 · Ask it why",
    (
        "This model's sums cannot be taken apart by places. So a grey square is laid on one place after "
        "another: **how much does a class lose when a place is hidden?** (*Occlusion*.)"
        if maps[0].method == "occlusion"
        else "The sum for a class can be taken apart again: **how much did each place of the face add to "
        "it?** (*Grad-CAM*.)"
    )
    + " Warm places speak for the class, cool ones against it, all seven on one scale.\n\n"
    "A map shows where the evidence lay, and not that it was good evidence. A sensible map can belong to a "
    "wrong answer.",
):
    tiles = heat_tiles(regions.face, {each.target: each.raw for each in maps})
    with st.grid(4, min_column_width=80, gap="xsmall"):
        for each, p in zip(EXPRESSIONS, reading.probabilities, strict=True):
            st.image(
                tiles[each],
                caption=f"{each} **{percent(float(p))}**",
                width="stretch",
                alt=f"Map of the evidence for {each}",
            )

st.header("Now doubt it")
st.markdown(
    "- **Cover your mouth**, then your eyes. Which changes the answer? Were the weights right about that?\n"
    "- **Tilt your head, move the lamp, take your glasses off.** None of it is an expression. Does the "
    "answer stay?\n"
    "- **Make the face of a class that it gets wrong.** It had 436 pictures of *disgust* to learn from, and "
    "7,215 of *happy*.\n"
    "- **Ask three people** to name the class of one picture. Do they agree with each other?"
)
with st.container(horizontal=True):
    st.page_link("pages/live.py", label="Try it live", icon=":material/videocam:")
    st.page_link("pages/photo.py", label="Try it on pictures", icon=":material/photo_library:")

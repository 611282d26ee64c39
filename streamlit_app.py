"""The app's frame: navigation, the settings that every page shares, and what stands below each page.

Pages find ``analyzer``, ``model``, ``detector`` and ``method`` in ``st.session_state``; nothing else
puts them there.
"""

from pathlib import Path

import streamlit as st

from app.session import freeze_garbage, go_on
from fer_core import Analyzer, list_detectors, list_models, load_card
from fer_core.errors import UserError
from fer_core.explain import get_method, list_methods

IMAGES = Path(__file__).parent / "docs" / "images"

DETECTORS_HELP = """
Finds the faces before a network looks at them.

- **mtcnn** finds tilted and small faces, and five points in each
- **haar** is fast, for upright faces seen from the front
- **yunet** is fast and good, for those who add its file
- **hog** is how faces were found before neural networks: slower, with more mistakes
"""

METHODS_HELP = """
How the heatmap is computed. **Grad-CAM** says what the network's own sum says; the others
answer the same question in other ways. **Score-CAM** and **integrated gradients** take seconds.
**Occlusion** covers one place after another and sees what is lost; models without feature maps are always
explained by it. The *Explain* page tells more of each.
"""


@st.cache_resource(show_spinner="Loading the networks …")
def load_analyzer() -> Analyzer:
    """One for all viewers."""
    return Analyzer(threads=1)


def describe(name: str) -> str:
    """How good a model is, in a line."""
    card = load_card(name)
    size = f"{card.parameters / 1e6:.1f} million parameters"
    figures = card.figures.get("PrivateTest")
    if figures is None:
        return f"Not measured yet, {size}."
    right = f"{100 * figures['accuracy']:.1f} % of {figures['n']:,}"
    return f"Right for {right} test faces (FER2013, single pass; people: 65 ± 5 %), {size}."


def choose_settings(page: str) -> None:
    """Model, detector and, where it applies, map method; loaded before the page runs.

    Raises:
        UserError, OSError: with one sentence for the reader.
    """
    models = list_models()
    if not models:
        raise UserError(
            "There are no trained models in weights/; restore the folder, or train one."
        )
    with st.sidebar:
        model = st.selectbox(
            "Model",
            models,
            key="model",
            bind="query-params",
            help="The network that assigns the classes. Compare two on the same face.",
        )
        st.caption(describe(model))
        detector = st.selectbox(
            "Face finder", list_detectors(), key="detector", help=DETECTORS_HELP
        )
        if page in {"photo", "explain"}:
            st.selectbox(
                "Heatmap method",
                list_methods(),
                format_func=lambda name: get_method(name).title,
                key="method",
                help=METHODS_HELP,
                bind="query-params",
            )
    analyzer = load_analyzer()
    analyzer.classifier(model)
    analyzer.detector(detector)
    st.session_state.analyzer = analyzer


st.set_page_config(page_title="Expression Lens", page_icon=str(IMAGES / "mark.svg"), layout="wide")
st.logo(str(IMAGES / "wordmark.svg"), size="large")
# The accent is dark enough to carry white labels, and so too dark for the text of what is selected: tint
# and border tell that.
st.html(
    "<style>[data-variant][data-selected], [data-testid=stTab][aria-selected=true]"
    " { color: inherit !important }</style>"
)
pages = [
    st.Page(
        "pages/start.py",
        title="Start",
        icon=":material/home:",
        default=True,
        help="What this is, and one picture already analysed.",
    ),
    st.Page(
        "pages/live.py",
        title="Live",
        icon=":material/videocam:",
        help="Your webcam, with probabilities, heatmap and face regions while you move.",
    ),
    st.Page(
        "pages/photo.py",
        title="Photo",
        icon=":material/photo_library:",
        help="Your pictures, every face in detail, with downloads.",
    ),
    st.Page(
        "pages/video.py",
        title="Video",
        icon=":material/movie:",
        help="A clip becomes a timeline, a table and an annotated video.",
    ),
    st.Page(
        "pages/explain.py",
        title="Explain",
        icon=":material/troubleshoot:",
        help="Which places speak for a class and which against it, and whether the map is true.",
    ),
    st.Page(
        "pages/models.py",
        title="Models",
        icon=":material/leaderboard:",
        help="How good each model is, and what several say of the same face.",
    ),
    st.Page(
        "pages/data.py",
        title="Data",
        icon=":material/database:",
        help="What networks learn from, what is done to it, and where people disagree.",
    ),
    st.Page(
        "pages/how_it_works.py",
        title="How it works",
        icon=":material/school:",
        help="From a picture to an answer in four steps.",
    ),
    st.Page(
        "pages/lesson.py",
        title="Lesson",
        icon=":material/menu_book:",
        help="Seven questions for a class, from probabilities to whether a map can be trusted.",
    ),
    st.Page(
        "pages/limits.py",
        title="Limits",
        icon=":material/balance:",
        help="What the numbers do not mean: limits, bias, consent and law.",
    ),
]
page = st.navigation(pages, position="top")
go_on({each.url_path for each in pages})
body = st.container()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.caption(
        "An expression class a classifier assigns, not what somebody feels.", width="content"
    )
    st.page_link("pages/limits.py", label="Limits, bias and law", icon=":material/balance:")

with body:
    try:
        choose_settings(page.url_path)
    except (UserError, OSError) as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    try:
        page.run()
    finally:
        freeze_garbage(page.url_path)

"""The entry file: navigation, the settings that every page shares, and what stands below each page.

Pages get the settings from ``app.session.open_page``; nothing else puts ``analyzer``, ``model``, ``prior``,
``detector`` and ``method`` into ``st.session_state``.
"""

from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app.address import HISTORY_SCRIPT
from app.background import run_background_tasks
from app.device.routes import device_routes
from app.messages import as_text, show_error
from app.networks import load_analyzer
from app.server import prepare_server
from app.session import CARD_PRIOR, continue_to_page, freeze_garbage
from app.uploads import drop_unused_uploads
from fer_core import list_detectors, list_models, load_card
from fer_core.errors import UserError
from fer_core.evaluation.leaderboard import describe, measured_on
from fer_core.explain import get_method, list_methods

IMAGES: Final = Path(__file__).parent / "docs" / "images"

# Name of the file in pages/, title, icon, and what the menu says of it; the first is the home page.
PAGES: Final = (
    ("start", "Start", "home", "What this is, and one picture already analyzed."),
    (
        "live",
        "Live",
        "videocam",
        "Your webcam, read while you move: on the server, or in your own browser only.",
    ),
    (
        "photo",
        "Photo",
        "photo_library",
        "Your pictures, every face in detail, with downloads.",
    ),
    ("video", "Video", "movie", "A clip becomes a timeline, a table and an annotated video."),
    (
        "move",
        "Move a face",
        "sentiment_satisfied",
        "Pull a drawn face by its brows and mouth, and see the answer change.",
    ),
    (
        "explain",
        "Explain",
        "troubleshoot",
        "Which places speak for a class and which against it, and whether the map is true.",
    ),
    (
        "models",
        "Models",
        "leaderboard",
        "How good each model is, and what several say of the same face.",
    ),
    (
        "data",
        "Data",
        "database",
        "What networks learn from, what is done to it, and where people disagree.",
    ),
    ("how_it_works", "How it works", "school", "From a picture to an answer in four steps."),
    (
        "lesson",
        "Lesson",
        "menu_book",
        "Seven questions for a class, from probabilities to whether a map can be trusted.",
    ),
    (
        "limits",
        "Limits",
        "balance",
        "What the numbers do not mean: limits, bias, consent and law.",
    ),
)

PAGES_WITH_METHOD: Final = ("photo", "explain")
"""Pages on which the map method can be chosen."""

WITHOUT_SIDEBAR: Final = ("", "data", "lesson", "limits")
"""Addresses of pages that need no settings, or are shown on a projector: the sidebar starts closed."""

DETECTORS_HELP: Final = """
Finds the faces before a network looks at them.

- **mtcnn** finds tilted and small faces, and five points in each
- **haar** is fast, for upright faces seen from the front
- **yunet** is fast and good, for those who add its file
- **hog** is how faces were found before neural networks: slower, with more mistakes
"""

CLASS_SHARES: Final = {
    CARD_PRIOR: "the model's own choice",
    "own": "as in training",
    "half": "half way",
    "equal": "all seven equal",
}
"""Key of ``PRIORS``, or the card's -> how the choice is shown."""

CLASS_SHARES_HELP: Final = """
How often each expression is expected before the network sees the face. In a class all seven are acted equally
often; in FER2013, where the networks learned, *happy* is 16 times as frequent as *disgust*.
"""

METHODS_HELP: Final = """
How the heatmap is computed. **Grad-CAM** says what the network's own sum says; the others
answer the same question in other ways. **Score-CAM** and **integrated gradients** take seconds.
**Occlusion** covers one place after another and shows what is lost; models without feature maps are always
explained by it. The *Explain* page tells more of each.
"""

PRESENTATION: Final = """<style>
[data-testid=stHeader], [data-testid=stSidebar], [data-testid=stExpandSidebarButton] { display: none }
[data-testid=stMainBlockContainer] { padding-top: 1rem }
</style>"""
"""Style of a page that is shown on a projector: nothing but the page."""

STYLE: Final = Path(__file__).parent / "app" / "style.css"


def main() -> None:
    """Run the page that the address names, with its settings in the sidebar."""
    st.logo(str(IMAGES / "wordmark.svg"), size="large")
    st.html(STYLE)
    st.html(HISTORY_SCRIPT, unsafe_allow_javascript=True)
    pages = [
        st.Page(
            f"pages/{name}.py", title=title, icon=f":material/{icon}:", help=text, default=not i
        )
        for i, (name, title, icon, text) in enumerate(PAGES)
    ]
    page = st.navigation(pages, position="top")
    title = "Expression Lens" if page is pages[0] else f"{page.title} · Expression Lens"
    st.set_page_config(
        page_title=title,
        page_icon=str(IMAGES / "mark.svg"),
        layout="wide",
        initial_sidebar_state="collapsed" if page.url_path in WITHOUT_SIDEBAR else "auto",
    )
    continue_to_page([name for name, *_ in PAGES])
    body = st.container()
    render_footer()
    with body:
        run_page(page)


def render_footer() -> None:
    """Show below every page what a class is not, the link to the limits, and the switch of the projector."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.caption(
            "An expression class a classifier assigns, not what somebody feels.", width="content"
        )
        st.page_link("pages/limits.py", label="Limits, bias and law", icon=":material/balance:")
        presents = st.toggle(
            "Present",
            key="present",
            bind="query-params",
            persist_state="session",
            help="Hides navigation and settings, for a projector.",
        )
    if presents:
        st.html(PRESENTATION)


def run_page(page: StreamlitPage) -> None:
    """Load what the page needs and run it; a setting that cannot be loaded is told in a sentence instead."""
    try:
        choose_settings(page.url_path)
    except (UserError, OSError) as error:
        show_error(error)
        st.stop()
    drop_unused_uploads()
    try:
        page.run()
    finally:
        freeze_garbage(page.url_path)


def choose_settings(page: str) -> None:
    """Ask for model, class shares, detector and map method where they apply; load them for the page.

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
        st.caption(describe_model(model))
        if load_card(model).class_shares:
            st.selectbox(
                "Class shares",
                list(CLASS_SHARES),
                format_func=CLASS_SHARES.__getitem__,
                key="prior",
                bind="query-params",
                help=CLASS_SHARES_HELP,
            )
        detector = st.selectbox(
            "Face finder", list_detectors(), key="detector", help=DETECTORS_HELP
        )
        if page in PAGES_WITH_METHOD:
            st.selectbox(
                "Heatmap method",
                list_methods(),
                format_func=lambda name: get_method(name).title,
                key="method",
                help=METHODS_HELP,
                bind="query-params",
            )
    analyzer = load_analyzer()
    if analyzer.engine is not None and analyzer.engine.problem:
        problem = analyzer.engine.problem
        st.sidebar.caption(f":material/cloud_off: {as_text(problem[0].upper() + problem[1:])}.")
    analyzer.classifier(model)
    analyzer.detector(detector)
    st.session_state.analyzer = analyzer


def describe_model(name: str) -> str:
    """Return what a model is and how good, in a line."""
    card = load_card(name)
    words = describe(card)
    title = f"**{words[0].upper()}{words[1:]}.** "
    size = f"{card.parameters / 1e6:.1f} million parameters"
    figures = card.figures.get("PrivateTest")
    if figures is None:
        return f"{title}Not measured yet, {size}."
    right = f"Right for {100 * figures['accuracy']:.1f} % of {figures['n']:,} test faces"
    data = measured_on(card)
    people = "; people: 65 ± 5 %" * (data == "FER2013")
    return f"{title}{right} ({data}, single pass{people}), {size}."


if __name__ == "__main__":
    main()
else:  # `streamlit run` imports this file once to serve it, then runs it for each viewer
    app = st.App(
        __file__,
        routes=device_routes(),
        lifespan=run_background_tasks,
        middleware=prepare_server(),
    )

"""One model of the page Models in detail: its figures, its confusions, its training and its card."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import streamlit as st

from app.charts.statistics import reliability_diagram, share_table, training_curve
from app.messages import as_text
from app.session import PageSettings
from app.widgets import chart, download
from fer_core import EXPRESSIONS, load_card
from fer_core.draw import percent
from fer_core.evaluation.calibration import calibration_error
from fer_core.evaluation.leaderboard import LeaderboardRow
from fer_core.evaluation.robustness import ROBUSTNESS_FACES
from fer_core.export import json_text
from fer_core.weights import Card

RECIPE_WORDS: Final = {
    "epochs": "{:,} times through all faces",
    "batch_size": "{:,} faces at a step",
    "learning_rate": "learning rate {:g}",
    "label_smoothing": "label smoothing {:g}",
}
"""Key of a card's recipe -> how its value is said."""

TRAINING_WORDS: Final = {
    "minutes": "{} minutes",
    "machine": "on {}",
    "seed": "seed {}",
    "selected_epoch": "epoch {} was kept",
}
"""Key of a card's training -> how its value is said."""


DETAIL_ANCHOR: Final = "model-in-detail"
"""Identifier of the heading above the detail."""

# The number makes each one another script: the browser runs none twice.
SCROLL_SCRIPT: Final = """
<script>
// {number}
document.getElementById("{anchor}").scrollIntoView({{ behavior: "smooth" }})
</script>
"""


@dataclass(frozen=True)
class ModelDetail:
    """A model with its measured figures and its card."""

    row: LeaderboardRow
    card: Card


def show_detail() -> None:
    """Bring the detail into view, in the run that follows."""
    state = st.session_state
    state.models_show_detail, state.models_shown = True, state.get("models_shown", 0) + 1


def choose_model(rows: Sequence[LeaderboardRow], settings: PageSettings) -> ModelDetail:
    """Ask for one of the measured models; at first that of the sidebar."""
    names = [row.name for row in rows]
    if st.session_state.get("models_chosen") not in names:
        st.session_state.models_chosen = settings.model if settings.model in names else names[0]
    name = st.selectbox(
        "Model in detail",
        names,
        key="models_chosen",
        label_visibility="collapsed",
        width=360,
        persist_state="session",
    )
    return ModelDetail(rows[names.index(name)], load_card(name))


def render_detail(detail: ModelDetail) -> None:
    """Show everything that is known of one model; bring it into view when its row was clicked."""
    row, card = detail.row, detail.card
    if st.session_state.pop("models_show_detail", False):
        script = SCROLL_SCRIPT.format(number=st.session_state.models_shown, anchor=DETAIL_ANCHOR)
        st.html(script, unsafe_allow_javascript=True)
    st.caption(as_text(f"{row.about[0].upper()}{row.about[1:]}."))
    render_figures(row)
    left, right = st.columns(2, gap="large")
    with left:
        render_confusion(row)
        render_training(card)
        render_reliability(card)
    with right:
        render_classes(row)
        render_robustness(card)
        render_card(detail)


def render_figures(row: LeaderboardRow) -> None:
    """Show the main figures of a model."""
    with st.grid(5, min_column_width=130):
        if row.consensus_accuracy is not None:
            st.metric(
                "Consensus",
                f"{100 * row.consensus_accuracy:.1f} %",
                help="Accuracy on the faces whose label and votes agree.",
            )
        st.metric("Accuracy", f"{100 * row.accuracy:.1f} %")
        st.metric("Macro F1", f"{row.macro_f1:.3f}")
        if row.ferplus_accuracy is not None:
            st.metric("FER+ accuracy", f"{100 * row.ferplus_accuracy:.1f} %")
        st.metric(
            "Calibration error",
            f"{100 * row.ece:.1f} %",
            help="How far its probabilities lie from how often it is right, on average.",
        )


def render_confusion(row: LeaderboardRow) -> None:
    """Show the confusion matrix."""
    st.markdown("**Which classes it confuses**")
    figure = share_table(row.confusion, EXPRESSIONS, rows_are="labeled", columns_are="assigned")
    chart(figure, "models_confusion", f"Confusion matrix of {row.name}")
    st.caption(
        "A row is a class as people labeled it; its numbers say to which classes the model assigned "
        "these faces, in percent. On the diagonal it is right."
    )


def render_training(card: Card) -> None:
    """Show how accuracy and loss changed in training."""
    st.markdown("**How it learned**")
    curve = card.training.get("curve")
    if curve:
        figure = training_curve(curve, selected=card.training.get("selected_epoch"))
        chart(figure, "models_curve", "Accuracy and loss by epoch")
        st.caption("The upright line is the epoch that was kept.")
    else:
        st.caption(
            "There is no curve: this model learns in one step, or its training was not recorded epoch "
            "by epoch."
        )


def render_reliability(card: Card) -> None:
    """Show the reliability diagram of PrivateTest; nothing for cards without one."""
    rows = card.figures.get("PrivateTest", {}).get("reliability")
    if not rows:
        return
    st.markdown("**Whether its probabilities are true**")
    error = f"{100 * calibration_error(rows):.1f} %"
    chart(reliability_diagram(rows), "models_reliability", f"Reliability diagram of {card.name}")
    st.caption(
        "On the gray line it is right as often as its probability says; below it, it is too sure. The larger "
        f"the dot, the more faces. Calibration error (ECE): {error}, with the class shares of its card."
    )


def render_robustness(card: Card) -> None:
    """Show the accuracy under each corruption of PrivateTest's faces; nothing for cards without it."""
    accuracies = card.figures.get("PrivateTest", {}).get("robustness")
    if not accuracies:
        return
    st.markdown("**How it copes with worse pictures**")
    names = {"clean": "unchanged", "mean": "mean of all changes"}
    st.dataframe(
        [
            {"change": names.get(name, name), "accuracy": 100 * share}
            for name, share in accuracies.items()
        ],
        hide_index=True,
        column_config={
            "accuracy": st.column_config.ProgressColumn(
                format="%.1f %%", min_value=0, max_value=100
            )
        },
        height="content",
        key="models_robustness",
    )
    st.caption(
        f"Accuracy on the first {ROBUSTNESS_FACES:,} faces of PrivateTest after each change, made before "
        "alignment."
    )


def render_classes(row: LeaderboardRow) -> None:
    """Show precision, recall and F1 of each class."""
    st.markdown("**How good it is at each class**")
    progress, number = st.column_config.ProgressColumn, st.column_config.NumberColumn
    st.dataframe(
        [class_row(name, row.per_class[name]) for name in EXPRESSIONS],
        hide_index=True,
        column_config={
            "precision": progress(
                format="%.0f %%",
                min_value=0,
                max_value=100,
                help="Share of the faces assigned to the class that carry its label.",
            ),
            "recall": progress(
                format="%.0f %%",
                min_value=0,
                max_value=100,
                help="Share of the faces labeled with the class that are assigned to it.",
            ),
            "F1": number(format="%.2f", help="Both in one figure."),
            "faces": number(help="Faces that carry this label."),
        },
    )
    st.caption(
        "Where precision is lower than recall, it assigns too many faces to the class; where it is higher, "
        "too few. *Disgust* has few faces to learn from and to measure on."
    )


def class_row(name: str, figures: Mapping[str, float]) -> dict[str, Any]:
    """Return the figures of one class as a row of the table."""
    return {
        "class": name,
        "precision": 100 * figures["precision"],
        "recall": 100 * figures["recall"],
        "F1": figures["f1"],
        "faces": figures["n"],
    }


def render_card(detail: ModelDetail) -> None:
    """Show the model card as sentences, and offer it for download."""
    st.markdown("**What its card says**")
    st.markdown(describe_card(detail))
    card = detail.card
    download("Card as JSON", json_text(asdict(card)), f"{card.name}.json")


def describe_card(detail: ModelDetail) -> str:
    """Return a model card as a Markdown list."""
    card = detail.card
    size = f"{card.input_size} × {card.input_size}"
    alignment = "turned upright by five points" if card.aligned else "as the face finder frames it"
    facts = {
        "Sees": f"a gray face of {size} dots, {alignment}",
        "Weighs it with": f"{card.parameters:,} numbers",
        "Learned from": card.data,
        "Recipe": describe_values(RECIPE_WORDS, card.recipe),
        "Training": describe_values(TRAINING_WORDS, card.training),
        "Its project published": detail.row.published,
        "Is unsure": f"below a probability of {percent(card.unsure_below)}",
        "License": card.licence,
        "Limits": card.limits,
    }
    return "\n".join(f"- **{title}:** {as_text(words)}" for title, words in facts.items() if words)


def describe_values(words: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """Return the values that a card holds, each in the words for its key."""
    return ", ".join(text.format(values[key]) for key, text in words.items() if key in values)

"""Models: how good each of them is, what is known of one, and what several say of the same face.

Reads top to bottom: the leaderboard, one model of it, one face through several. What a model says of a face
is cached for this viewer alone; nothing is written anywhere.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np
import streamlit as st

from app.charts.readings import probability_bars
from app.charts.statistics import accuracy_dots, share_table, training_curve
from app.session import open_page
from app.widgets import choose_face, choose_picture
from fer_core import EXPRESSIONS, Analyzer, list_models, load_card
from fer_core.draw import percent
from fer_core.draw.overlay import headline
from fer_core.draw.tiles import heat_tiles
from fer_core.errors import UserError
from fer_core.evaluation.leaderboard import (
    PEOPLE,
    LeaderboardRow,
    milliseconds,
    read_leaderboard,
    telling_mix,
)
from fer_core.explain import get_method
from fer_core.types import Explanation, Face, Image, Reading
from fer_core.weights import Card

METHOD = "gradcam"

MOST = 6  # models side by side


@st.cache_resource
def timings() -> dict[str, float]:
    """Model -> milliseconds a face on this machine, as far as somebody asked; shared by all viewers."""
    return {}


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def ask(
    model: str,
    target: str,
    digest: str,
    detector: str,
    number: int,
    _image: Image,
    _face: Face,
    _analyzer: Analyzer,
) -> tuple[Reading, Explanation]:
    """What a model says of the face of this number, and where its evidence lies."""
    result = _analyzer.predict(_image, [_face], model=model, maps=(target,), method=METHOD)
    heat = result.explanations[0][0]
    # The raw map is shown; a heatmap of the whole picture would only fill the cache.
    return result.readings[0], replace(heat, heatmap=np.empty((0, 0), np.float32))


def measure_speed() -> None:
    """Run every model that nobody has measured on this machine yet."""
    bar = st.progress(0.0)
    for number, name in enumerate(names):
        bar.progress(number / len(names), f"Measuring {name} …")
        try:
            if name not in timings():
                timings()[name] = milliseconds(name)
        except (UserError, OSError) as error:
            st.error(str(error), icon=":material/error:")
    bar.empty()


def choose_clicked() -> None:
    """Show the model whose row was clicked."""
    rows = st.session_state.models_table.selection.rows
    if rows:
        st.session_state.models_chosen = names[rows[0]]


def in_percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def table_row(standing: LeaderboardRow) -> dict:
    return {
        "name": standing.name,
        "accuracy": in_percent(standing.accuracy),
        "unseen": in_percent(standing.unseen_accuracy),
        "published": in_percent(standing.published_share),
        "about": standing.about,
        "macro_f1": standing.macro_f1,
        "ferplus": in_percent(standing.ferplus_accuracy),
        "parameters": standing.parameters,
        "mb": standing.file_mb,
        "ms": timings().get(standing.name),
    }


def class_row(name: str, figures: Mapping[str, float]) -> dict:
    return {
        "class": name,
        "precision": 100 * figures["precision"],
        "recall": 100 * figures["recall"],
        "F1": figures["f1"],
        "faces": figures["n"],
    }


def as_csv() -> str:
    text = io.StringIO()
    rows = [
        {
            "name": standing.name,
            "family": standing.family,
            "n": standing.n,
            "accuracy": standing.accuracy,
            "unseen_accuracy": standing.unseen_accuracy,
            "macro_precision": round(standing.macro("precision"), 4),
            "macro_recall": round(standing.macro("recall"), 4),
            "macro_f1": standing.macro_f1,
            "ece": standing.ece,
            "ferplus_accuracy": standing.ferplus_accuracy,
            "parameters": standing.parameters,
            "file_mb": round(standing.file_mb, 2),
            "published": standing.published,
            "ms_per_face_here": timings().get(standing.name),
        }
        for standing in standings
    ]
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def facts(card: Card) -> str:
    """A model card as a list of sentences."""
    recipe, training = card.recipe, card.training
    size = f"{card.input_size} × {card.input_size}"
    by = "turned upright by five points" if card.aligned else "as the face finder frames it"
    steps = [
        words.format(recipe[key])
        for key, words in (
            ("epochs", "{:,} times through all faces"),
            ("batch_size", "{:,} faces at a step"),
            ("learning_rate", "learning rate {:g}"),
            ("label_smoothing", "label smoothing {:g}"),
        )
        if key in recipe
    ]
    run = [
        words.format(training[key])
        for key, words in (
            ("minutes", "{} minutes"),
            ("machine", "on {}"),
            ("seed", "seed {}"),
            ("selected_epoch", "epoch {} was kept"),
        )
        if key in training
    ]
    told = {
        "Sees": f"a grey face of {size} dots, {by}",
        "Weighs it with": f"{card.parameters:,} numbers",
        "Learnt from": card.data,
        "Recipe": ", ".join(steps),
        "Training": ", ".join(run),
        "Its project published": standing.published,
        "Is unsure": f"below a probability of {percent(card.unsure_below)}",
        "Licence": card.licence,
        "Limits": card.limits,
    }
    return "\n".join(f"- **{title}:** {words}" for title, words in told.items() if words)


settings = open_page("models")
analyzer, detector = st.session_state.analyzer, st.session_state.detector

st.title("Models")

# The leaderboard ------------------------------------------------------------------------------------

try:
    standings = read_leaderboard()
except (UserError, OSError) as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
names = [standing.name for standing in standings]

if not standings:
    st.markdown("None of the models in `weights/` has been measured yet.")
else:
    best = standings[0]
    st.markdown(
        f"All of them saw the same {best.n:,} test faces. "
        "**Click a row** to see more of a model, a heading to sort."
    )
    table, buttons, progress = (
        st.container(),
        st.container(horizontal=True, vertical_alignment="center"),
        st.container(),
    )
    with buttons:
        if any(name not in timings() for name in names) and st.button(
            "Measure the speed on this machine", icon=":material/speed:", key="models_speed"
        ):
            with progress:
                measure_speed()
        st.download_button(
            "Leaderboard as CSV",
            as_csv(),
            "leaderboard.csv",
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
    column = st.column_config
    with table:
        st.dataframe(
            [table_row(standing) for standing in standings],
            hide_index=True,
            height="content" if len(standings) <= 12 else 460,
            placeholder="–",
            key="models_table",
            on_select=choose_clicked,
            selection_mode="single-row",
            column_order=[
                *(
                    "name",
                    "accuracy",
                    "unseen",
                    "published",
                    "macro_f1",
                    "ferplus",
                    "parameters",
                    "mb",
                ),
                *(["ms"] if timings() else []),
                "about",
            ],
            column_config={
                "name": column.TextColumn("model", pinned=True, width=150),
                "about": column.TextColumn("what it is", width=380),
                "accuracy": column.NumberColumn(
                    format="%.1f %%", help="How many of FER2013's test faces it is right about."
                ),
                "unseen": column.NumberColumn(
                    "no copies",
                    format="%.1f %%",
                    help="The same without the test faces that FER2013 holds among the training faces, too: "
                    "who learns faces by heart falls here.",
                ),
                "published": column.NumberColumn(
                    format="%.1f %%",
                    help="What the project published that the model comes from; its own training, often "
                    "other data and another way to measure.",
                ),
                "macro_f1": column.NumberColumn(
                    "macro F1",
                    format="%.3f",
                    help="The mean over the classes: rare ones count alike.",
                ),
                "ferplus": column.NumberColumn(
                    "FER+",
                    format="%.1f %%",
                    help="How often it agrees with the majority of ten people.",
                ),
                "parameters": column.NumberColumn(
                    format="compact", help="Numbers that were learnt."
                ),
                "mb": column.NumberColumn("MB", format="%.1f", help="Size of its file."),
                "ms": column.NumberColumn(
                    "ms a face",
                    format="%.1f",
                    help="On this machine, one face at a time, without finding it.",
                ),
            },
        )
    chart, words = st.columns((3, 2), gap="large", vertical_alignment="center")
    with chart:
        st.plotly_chart(
            accuracy_dots(
                {standing.name: standing.accuracy for standing in standings},
                {s.name: s.published_share for s in standings if s.published_share is not None},
                people=PEOPLE,
            ),
            key="models_dots",
            config={"displayModeBar": False},
            alt=f"Accuracy of {len(standings)} models; the best is {best.name}, {best.accuracy:.1%}",
        )
    words.markdown(
        "- The grey band is **people**: they agree with these labels in 65 ± 5 % of cases, since many of the "
        "faces could be called this or that.\n"
        f"- A figure is sure to **± {100 * best.margin:.1f} points** with {best.n:,} faces. Models closer "
        "than that are level.\n"
        "- Each face was read **once**, without averaging over its mirror image.\n"
        "- What to keep of a training was chosen on *PublicTest*. Only then was *PrivateTest* read, which "
        "gives the figures here. Who chooses on the test faces gets higher ones that mean less."
    )
    unmeasured = [name for name in list_models() if name not in names]
    if unmeasured:
        words.caption(f"Not measured yet: {', '.join(unmeasured)}.")

    # One of them ------------------------------------------------------------------------------------

    st.subheader("One model in detail")
    if st.session_state.get("models_chosen") not in names:
        st.session_state.models_chosen = (
            st.session_state.model if st.session_state.model in names else best.name
        )
    chosen = st.selectbox(
        "Model in detail", names, key="models_chosen", label_visibility="collapsed", width=360
    )
    standing, card = standings[names.index(chosen)], load_card(chosen)
    st.caption(f"{standing.about[0].upper()}{standing.about[1:]}.")
    with st.grid(4, min_column_width=130):
        st.metric("Accuracy", f"{100 * standing.accuracy:.1f} %")
        st.metric("Macro F1", f"{standing.macro_f1:.3f}")
        if standing.ferplus_accuracy is not None:
            st.metric("FER+ accuracy", f"{100 * standing.ferplus_accuracy:.1f} %")
        st.metric(
            "Calibration error",
            f"{100 * standing.ece:.1f} %",
            help="How far its probabilities lie from how often it is right, on average.",
        )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What it takes for what**")
        st.plotly_chart(
            share_table(
                standing.confusion, EXPRESSIONS, rows_are="labelled", columns_are="assigned"
            ),
            key="models_confusion",
            config={"displayModeBar": False},
            alt=f"Confusion matrix of {chosen}",
        )
        st.caption(
            "A row is a class as people labelled it; its numbers say to which classes the model assigned "
            "these faces, in percent. On the diagonal it is right."
        )
        st.markdown("**How it learnt**")
        if card.training.get("curve"):
            st.plotly_chart(
                training_curve(
                    card.training["curve"], selected=card.training.get("selected_epoch")
                ),
                key="models_curve",
                config={"displayModeBar": False},
                alt="Accuracy and loss by epoch",
            )
            st.caption("The upright line is the epoch that was kept.")
        else:
            st.caption(
                "There is no curve: this model learns in one step, or its training was not recorded epoch "
                "by epoch."
            )
    with right:
        st.markdown("**How well it knows each class**")
        share = {"format": "%.0f %%", "min_value": 0, "max_value": 100}
        st.dataframe(
            [class_row(name, standing.per_class[name]) for name in EXPRESSIONS],
            hide_index=True,
            column_config={
                "precision": column.ProgressColumn(
                    **share, help="Of the faces it calls so, how many are labelled so."
                ),
                "recall": column.ProgressColumn(
                    **share, help="Of the faces that are labelled so, how many it finds."
                ),
                "F1": column.NumberColumn(format="%.2f", help="Both in one figure."),
                "faces": column.NumberColumn(help="So many are labelled so."),
            },
        )
        st.caption(
            "Where precision is lower than recall, it calls too many faces so; where it is higher, too few. "
            "*Disgust* has few faces to learn from and to measure on."
        )
        st.markdown("**What its card says**")
        st.markdown(facts(card))
        st.download_button(
            "Card as JSON",
            json.dumps(asdict(card), indent=2, ensure_ascii=False),
            f"{chosen}.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )

# The same face through several ----------------------------------------------------------------------

st.subheader("The same face through several models")
st.markdown("Do they agree? And where they do, did they look at the same places?")
content = choose_picture("models")
left, right = st.columns((3, 1))
chosen = left.multiselect(
    f"Up to {MOST} models",
    list_models(),
    default=telling_mix(standings) or list_models()[:2],
    max_selections=MOST,
    key="models_several",
)
target = right.selectbox(
    "Map of",
    ("top", *EXPRESSIONS),
    format_func=lambda name: "each model's likeliest class" if name == "top" else name,
    key="models_target",
)
if content is None or not chosen:
    st.stop()

chosen_face = choose_face("models", content, settings)
digest, image, face, number = (
    chosen_face.digest,
    chosen_face.image,
    chosen_face.face,
    chosen_face.number,
)

cells = st.grid(min(len(chosen), MOST), min_column_width=165)
for name in chosen:
    with cells.container(border=True, height="stretch"):
        st.markdown(f"**{name}**")
        try:
            with st.spinner("Reading the face …"):
                reading, heat = ask(name, target, digest, detector, number, image, face, analyzer)
        except (UserError, OSError) as error:
            st.error(str(error), icon=":material/error:")
            continue
        tiles = heat_tiles(reading.regions.face, {heat.target: heat.raw})
        method = get_method(heat.method)
        st.image(
            tiles[heat.target],
            caption=f"{heat.target}, by {method.title}" + (", flat" if heat.is_flat else ""),
            width="stretch",
            alt=f"Map of the evidence for {heat.target}, {name}",
        )
        st.markdown(f"#### {headline(reading)}")
        st.plotly_chart(
            probability_bars(reading, height=170, axis=False),
            key=f"models_bars_{name}",
            config={"displayModeBar": False},
            alt=f"Probabilities by {name}: {headline(reading)}",
        )
st.caption(
    "Warm places speak for the class, cool places against it; each map has a scale of its own. A model that "
    "has no maps is explained by occlusion: a grey square covers one place after another, and the map shows "
    "what the class loses. That takes longer."
)

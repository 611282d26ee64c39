"""The ways to go on from one map on the Explain page, each computed when it is opened."""

import numpy as np
import streamlit as st

from app.charts.evidence import before_and_after, curves, drawing_board, share_dots
from app.charts.readings import probability_bars
from app.explain.question import Question
from fer_core import EXPRESSIONS
from fer_core.draw import percent
from fer_core.draw.face import line_face
from fer_core.draw.overlay import headline
from fer_core.draw.tiles import heat_tiles
from fer_core.errors import UserError
from fer_core.evaluation.averages import Claim, claim, read_averages
from fer_core.evaluation.randomization import rank_correlation
from fer_core.evaluation.results import MethodResults, read_method_results
from fer_core.explain import (
    METHODS,
    OcclusionTest,
    get_method,
    is_flat,
    list_methods,
    method_for,
    part_boxes,
    part_share,
    region_share,
)
from fer_core.explain.box_occlusion import Box

PLAIN = {"displayModeBar": False}
"""Charts without buttons of their own."""

BLOCKS = {"upper": "block of eyes and brows", "lower": "block of the mouth"}

COVERS = ("mouth", "eyes", "brows", "nose", "left half", "right half")


def what_was_measured() -> MethodResults | None:
    """Of the methods, on many faces; what is wrong with its files is told."""
    try:
        return read_method_results()
    except (UserError, OSError) as error:
        st.error(str(error), icon=":material/error:")
        return None


# All classes ----------------------------------------------------------------------------------------


def show_classes(asked: Question) -> None:
    """All seven maps side by side; a press on one asks for it."""
    st.caption(
        "All seven on one scale: full colour is the strongest place of all maps, so a class without "
        "evidence looks empty. Choose one to see it alone above, on a scale of its own."
    )
    tiles = heat_tiles(asked.crop, asked.maps)
    with st.grid(7, min_column_width=104, gap="xsmall"):
        for name, p in zip(EXPRESSIONS, asked.reading.probabilities, strict=True):
            with st.container(gap="xxsmall"):
                st.image(tiles[name], width="stretch", alt=f"Map of the evidence for {name}")
                st.button(
                    f"{name} {percent(float(p))}",
                    type="primary" if name == asked.target else "secondary",
                    width="stretch",
                    key=f"explain_show_{name}",
                    on_click=choose_class,
                    args=(name,),
                )


def choose_class(name: str) -> None:
    st.session_state.explain_class = name


# Methods --------------------------------------------------------------------------------------------


def show_methods(asked: Question) -> None:
    """The map of the class by one method beside the other."""
    st.caption(
        f"The map of *{asked.target}* by every method, each on a scale of its own. Where they disagree, at "
        "least one of them does not tell you what counts."
    )
    measured = what_was_measured()
    if measured is not None and measured.model != asked.model:
        measured = None
    classifier = asked.analyzer.classifier(asked.model)
    usable = [method for method in METHODS if method_for(classifier, method.name) == method.name]
    slow = st.toggle("The slower ones, too", key="explain_slow", persist_state="session")
    always = {asked.method.name, measured and measured.recommended}
    shown = [method for method in usable if method.fast or slow or method.name in always]
    progress = st.empty()
    found = {}
    for done, method in enumerate(shown):
        if slow:
            progress.progress(done / len(shown), f"Computing the maps by {method.title} …")
        maps, took = asked.maps_by(method)
        found[method] = maps[asked.target], took
    progress.empty()
    with st.grid(5 if len(shown) > 6 else 6, min_column_width=150, gap="small"):
        for method, (raw, took) in found.items():
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.markdown(f"**{method.title}**")
                st.image(
                    heat_tiles(asked.crop, {asked.target: raw})[asked.target],
                    width="stretch",
                    alt=f"Map of the evidence for {asked.target} by {method.title}",
                )
                said = [f"{1000 * took:,.0f} ms"]
                if not method.class_dependent:
                    said.append("the same for every class")
                if is_flat(raw):
                    said.append("flat")
                if measured is not None and measured.recommended == method.name:
                    said.append("**the truest here**")
                if measured is not None and measured.fails(method.name):
                    said.append("fails the test of forgetting")
                st.caption(" · ".join(said))
    with st.expander("What each of them does", icon=":material/functions:"):
        for method in METHODS:
            st.markdown(f"**{method.title}** ({method.paper}). {method.sentence} {method.caution}")
            st.latex(method.formula)


# Regions --------------------------------------------------------------------------------------------


def show_regions(asked: Question) -> None:
    """Where the heat lies, beside the prior and what the network itself attends to."""
    even = np.ones_like(asked.raw)
    parts, part_area = part_share(asked.raw, asked.landmarks), part_share(even, asked.landmarks)
    blocks, block_area = region_share(asked.raw), region_share(even)
    heat = parts | {words: blocks[name] for name, words in BLOCKS.items()}
    area = part_area | {words: block_area[name] for name, words in BLOCKS.items()}
    weights = attention_shares(asked)
    chart, words = st.columns((3, 2), gap="large", vertical_alignment="center")
    chart.plotly_chart(
        share_dots(heat, area, weights),
        key="explain_regions",
        config=PLAIN,
        alt="Shares of the heat in parts of the face: "
        + ", ".join(f"{name} {percent(share)}" for name, share in heat.items()),
    )
    times = {name: share / max(part_area[name], 0.01) for name, share in parts.items()}
    most = max(times, key=times.__getitem__)
    words.markdown(
        (
            f"This map of *{asked.words}* is flat, so there is no heat to share out.\n"
            if asked.is_flat
            else f"Of the evidence for *{asked.words}*, **{percent(parts[most])}** lies on the {most}, "
            f"**{times[most]:.1f} times** what an even map would have there.\n"
        )
        + "- The **dot** is the heat of the map, the **stroke** what the place would have if heat were "
        "spread evenly.\n"
        "- The two **blocks** are what people assumed to count before the network learnt anything: the "
        "prior.\n"
        + (
            "- The **diamond** is the network's own attention: what it learnt to count. It is the same "
            "for all seven classes, and it weighs places or blocks, not evidence."
            if weights
            else f"- *{asked.model}* has no attention of its own."
        )
    )


def attention_shares(asked: Question) -> dict[str, float]:
    """How much the network attends to parts and blocks; {} where it has no attention."""
    attention, by_region = asked.reading.attention, asked.reading.region_attention
    if attention is not None:
        places = attention.mean(axis=0) if attention.ndim == 3 else attention
        blocks = region_share(places)
        return part_share(places, asked.landmarks) | {
            words: blocks[name] for name, words in BLOCKS.items()
        }
    if by_region is not None:
        named = BLOCKS | {"face": "whole face"}
        return {named[name]: weight for name, weight in by_region.items()}
    return {}


# Cover it yourself ----------------------------------------------------------------------------------


def show_covers(asked: Question) -> None:
    """Boxes on the face, and whether the map foresaw what they do."""
    boxes = st.session_state.get("explain_boxes", ())
    st.markdown(
        f"The map says where the evidence for *{asked.target}* lies. **Cover a place that you think "
        "counts**: draw a box on the face, or press a button. Did the map predict what happens?"
    )
    with st.container(horizontal=True):
        for name in COVERS:
            st.button(
                f"Cover the {name}",
                key=f"explain_cover_{name}",
                on_click=set_covers,
                args=(part_boxes(asked.landmarks)[name],),
            )
        st.button(
            "Uncover",
            icon=":material/undo:",
            type="tertiary",
            disabled=not boxes,
            key="explain_uncover",
            on_click=set_covers,
            args=((),),
        )
    board, answer = st.columns((2, 3), gap="large")
    found = None
    if boxes:
        with st.spinner("Asking the network …"):
            found = asked.covered(boxes)
    with board:
        st.plotly_chart(
            drawing_board(asked.crop if found is None else found.covered, boxes),
            key=board_key(),
            on_select=add_drawn,
            selection_mode="box",
            config=PLAIN,
            alt="The face, on which boxes can be drawn",
        )
        st.caption("Several boxes add up.")
    with answer:
        if found is None:
            st.plotly_chart(
                probability_bars(asked.reading, height=320),
                key="explain_uncovered",
                config=PLAIN,
                alt=f"Probabilities of the whole face: {headline(asked.reading)}",
            )
        else:
            st.plotly_chart(
                before_and_after(found.before, found.after, height=360),
                key="explain_covered",
                config=PLAIN,
                alt="Probabilities of the whole and of the covered face",
            )
            st.markdown(foretold(found, asked.target))


def foretold(found: OcclusionTest, target: str) -> str:
    """Whether the map predicted what covers did, in words."""
    index = EXPRESSIONS.index(target)
    was, now = float(found.before[index]), float(found.after[index])
    return (
        f"**Did the map predict this? {'Yes' if found.predicted else 'No'}.**\n"
        f"- You covered {percent(found.area)} of the face, with {percent(found.heat)} of the "
        f"heat: more heat than {percent(found.heat_rank)} of equal covers on other places.\n"
        f"- *{target}* went from {percent(was)} to {percent(now)}, "
        f"{abs(found.lost):.2f} logits {'less' if found.lost >= 0 else 'more'}: it lost more "
        f"than by {percent(found.lost_rank)} of the equal covers on other places.\n"
        f"- Over all these places, covered heat and lost logits go together with r = "
        f"{found.agreement:.2f}; 1 would be a perfect map, 0 chance."
    )


def board_key() -> str:
    """A chart of another name starts without the box that was drawn."""
    return f"explain_drawn_{st.session_state.get('explain_board', 0)}"


def set_covers(boxes: tuple[Box, ...]) -> None:
    st.session_state.explain_boxes = boxes
    st.session_state.explain_board = st.session_state.get("explain_board", 0) + 1


def add_drawn() -> None:
    """Take over the box that was drawn last."""
    drawn = st.session_state[board_key()].selection.get("box", [])
    inside = tuple(
        (max(0.0, min(xs)), max(0.0, min(ys)), min(1.0, max(xs)), min(1.0, max(ys)))
        for xs, ys in ((box["x"], box["y"]) for box in drawn)
    )
    inside = tuple(box for box in inside if box[2] - box[0] > 0.02 and box[3] - box[1] > 0.02)
    if inside:
        set_covers((*st.session_state.get("explain_boxes", ()), *inside))


# Is it true? ----------------------------------------------------------------------------------------


def show_proof(asked: Question) -> None:
    """Whether the hot places count, whether the map needs what was learned, and both on many faces."""
    show_hiding(asked)
    show_forgetting(asked)
    if measured := what_was_measured():
        show_measured(measured)


def show_hiding(asked: Question) -> None:
    st.markdown("**Do the hot places count?** Take the hottest away first, or show them first.")
    with st.spinner("Hiding and showing places …"):
        found = asked.judged()
    shares = found[asked.method.title].shares
    with st.grid(2, min_column_width=300, gap="medium"):
        for test, happens, x_title in (
            ("deletion", "goes", "of the face is grey, hottest first: lower is better"),
            ("insertion", "comes", "of the face is sharp, hottest first: higher is better"),
        ):
            lines = {name: getattr(each, test) for name, each in found.items()}
            st.plotly_chart(
                curves(shares, lines, x_title=x_title),
                key=f"explain_{test}",
                config=PLAIN,
                alt=f"Probability of {asked.target} while the face {happens}",
            )
    column = st.column_config.NumberColumn
    st.dataframe(
        [
            {
                "map": name,
                "deletion": each.deletion_area,
                "insertion": each.insertion_area,
                "ROAD": each.road,
                "drop": 100 * each.average_drop,
                "increase": "yes" if each.increase else "no",
            }
            for name, each in found.items()
        ],
        hide_index=True,
        column_config={
            "deletion": column("deletion ↓", format="%.2f", help="Area under the left curve."),
            "insertion": column("insertion ↑", format="%.2f", help="Area under the right one."),
            "ROAD": column(
                "ROAD ↓",
                format="%.2f",
                help="Mean probability when 20 to 80 % of the face, hottest first, are filled in from "
                "their surroundings (Rong et al. 2022).",
            ),
            "drop": column(
                "average drop ↓",
                format="%.0f %%",
                help="What the class loses when only the hot places are shown (Chattopadhay et al. "
                "2018).",
            ),
            "increase": st.column_config.TextColumn(
                "increase",
                help="Whether the class is likelier when only the hot places are shown.",
            ),
        },
    )
    st.caption(
        f"The class is *{asked.target}*. One face proves little. A random map and a blob in the middle "
        "know nothing of the network: a map that does not beat them says no more than they do."
    )


def show_forgetting(asked: Question) -> None:
    st.markdown(
        "**Does the map need what the network learnt?** From the answer back to the pixels, the numbers "
        "of one layer after the other are shuffled. A map that stays as it was shows the face, not the "
        "network."
    )
    learnt = asked.maps[asked.target]
    with st.spinner("Letting the network forget …"):
        strip = asked.forgetting()
    if not strip:
        st.caption(f"*{asked.model}* has no layers that could forget.")
    with st.grid(max(7, len(strip) + 1), min_column_width=96, gap="xsmall"):
        for name, raw in ({"as it learnt": learnt} | strip).items():
            alike = f": {rank_correlation(learnt, raw):.2f}" if name in strip else ""
            st.image(
                heat_tiles(asked.crop, {asked.target: raw})[asked.target],
                caption=name + alike,
                width="stretch",
                alt=f"Map when {name} has forgotten" if name in strip else "Map of the network",
            )
    st.caption(
        "Below each map how like it is to the first one: the rank correlation, 1 for the same order of "
        "places and 0 for none (Adebayo et al. 2018). Each map has a scale of its own."
    )


def show_measured(measured: MethodResults) -> None:
    st.markdown(
        f"**On many faces.** The same for {measured.faces} test faces and *{measured.model}*, each "
        "class as it was assigned, with the likeness to the map of the network as it learnt, on "
        "average over the steps of forgetting."
        + (
            f" Of the methods that ask for a class, **{get_method(measured.recommended).title}** "
            "parts insertion and deletion most: trust it first."
            if measured.recommended
            else ""
        )
    )
    rows = []
    for name, row in measured.faithfulness.items():
        cells = {"map": get_method(name).title if name in list_methods() else name}
        for figure, arrow in (("deletion", "↓"), ("insertion", "↑"), ("ROAD", "↓")):
            each = row[figure]
            cells[f"{figure} {arrow}"] = f"{each.mean:.3f}  ({each.low:.3f} to {each.high:.3f})"
        alike = measured.alike(name)
        fails = " fails" if measured.fails(name) else ""
        cells["after forgetting"] = "–" if alike is None else f"{alike:.2f}{fails}"
        rows.append(cells)
    st.dataframe(rows, hide_index=True)
    st.caption(
        "In brackets the range in which the mean lies with 95 % confidence. *Fails*: its maps stay "
        "alike by more than 0.5 though the network forgets. EigenCAM does not ask for a class. "
        "`python -m benchmarks.faithfulness`, `python -m benchmarks.randomization`"
    )


# Average faces --------------------------------------------------------------------------------------


def show_averages(asked: Question) -> None:
    """What the maps of one class have in common, on a drawn face, and the old claim."""
    try:
        averages = read_averages()
    except (UserError, OSError) as error:
        st.error(str(error), icon=":material/error:")
        return
    model = asked.model
    own = averages.maps.get(model, {})
    if not own or averages.landmarks is None:
        st.info(
            f"The average faces of *{model}* have not been computed: "
            f"`python -m fer_core averages --data fer2013.csv --model {model}` does it."
        )
        return
    first = next(iter(own.values()))
    st.markdown(
        "What the maps of one class have in common, over the test faces that people call so and the "
        f"model too: by {get_method(first.method).title}, on a drawn face."
    )
    peak = max(float(np.abs(each.raw).max()) for each in own.values())
    dark = st.context.theme.type == "dark"
    with st.grid(7, min_column_width=104, gap="xsmall"):
        for name, each in own.items():
            st.image(
                line_face(averages.landmarks, each.raw, peak=peak, dark=dark),
                caption=f"**{name}**, {each.n:,} faces",
                width="stretch",
                alt=f"Average map of {name}",
            )
    st.caption("All on one scale. Warm places speak for a class, cool places against it.")
    even = part_share(np.ones_like(first.raw), averages.landmarks)
    st.markdown(
        "**An old claim, tested.** Happiness, it is said, depends on eyes and mouth, sadness and "
        f"anger on the brows. Of *{model}* our data say:\n"
        + "\n".join(
            tested(each, sum(even[part] for part in each.parts)) for each in claim(averages, model)
        )
    )
    st.dataframe(
        [
            {"class": name, "faces": each.n}
            | {part: 100 * share for part, share in each.part_share.items()}
            for name, each in own.items()
        ],
        hide_index=True,
        column_config={
            part: st.column_config.NumberColumn(format="%.0f %%") for part in first.part_share
        },
    )
    st.caption(f"Mean shares of the heat. `{averages.command}`")


def tested(said: Claim, even: float) -> str:
    """What the data say of a claim, and how much of an even map would lie on its parts."""
    verdict = {
        "holds": "The data agree.",
        "partly": "Half true: more than for other classes, yet no more than an even map has there.",
        "fails": "The data do not agree.",
    }[said.verdict(even)]
    return (
        f"- *{said.target}*: {' and '.join(said.parts)} hold **{percent(said.share)}** of the heat, against "
        f"{percent(said.others)} for the other classes ({100 * said.low:+.1f} to {100 * said.high:+.1f} "
        f"points with 95 % confidence) and {percent(even)} of a map that is the same everywhere. "
        f"**{verdict}**"
    )

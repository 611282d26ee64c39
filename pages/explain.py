"""Explain: where the evidence for each class lies, and whether the map that says so is true.

Reads top to bottom: the face, one class of it, then six ways to go on, each computed when it is opened, and
what can be taken away. Results are cached for this viewer alone; nothing is written anywhere.
"""

import json
from collections.abc import Mapping
from time import perf_counter

import numpy as np
import streamlit as st

from fer_core import EXPRESSIONS, Analyzer
from fer_core.draw import percent
from fer_core.draw.charts import heat_tiles, probability_bars
from fer_core.draw.evidence import (
    before_and_after,
    curves,
    drawing_board,
    heat_scale,
    share_dots,
)
from fer_core.draw.face import line_face
from fer_core.draw.overlay import headline
from fer_core.draw.slide import draw_slide
from fer_core.errors import UserError
from fer_core.explain import (
    METHODS,
    Box,
    Claim,
    CoverTest,
    Faithfulness,
    Method,
    centre_map,
    claim,
    faithfulness,
    get_method,
    is_flat,
    list_layers,
    list_methods,
    method_for,
    part_boxes,
    part_share,
    random_map,
    randomised,
    rank_correlation,
    read_averages,
    read_measured,
    region_share,
    to_aligned,
    try_cover,
)
from fer_core.explain import raw_maps as maps_of
from fer_core.types import Face, Floats, Image, Reading
from pages.controls import choose_face, choose_picture, enlarged
from pages.entry import come_in

NOTHING = "nothing"

VIEWS = ("All classes", "Methods", "Regions", "Cover it yourself", "Is it true?", "Average faces")

COVERS = ("mouth", "eyes", "brows", "nose", "left half", "right half")


@st.cache_data(scope="session", max_entries=50, show_spinner=False)
def read(
    digest: str,
    detector: str,
    number: int,
    model: str,
    _image: Image,
    _face: Face,
    _analyzer: Analyzer,
) -> Reading:
    """The face of this number, with landmarks."""
    return _analyzer.read(_image, [_face], model=model, landmarks=True).readings[0]


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def evidence(
    digest: str,
    detector: str,
    number: int,
    model: str,
    method: str,
    layer: int | None,
    _reading: Reading,
    _analyzer: Analyzer,
) -> tuple[dict[str, Floats], float]:
    """Class -> raw map, for all seven, and the seconds that they took."""
    started = perf_counter()
    maps = _analyzer.raw_maps(_reading, EXPRESSIONS, method, layer=layer)
    return maps, perf_counter() - started


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def covered(
    digest: str,
    detector: str,
    number: int,
    model: str,
    boxes: tuple[Box, ...],
    target: str,
    method: str,
    layer: int | None,
    _reading: Reading,
    _raw: Floats,
    _analyzer: Analyzer,
) -> CoverTest:
    return try_cover(_analyzer.classifier(model), _reading.regions.face, boxes, target, _raw)


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def judged(
    digest: str,
    detector: str,
    number: int,
    model: str,
    target: str,
    method: str,
    layer: int | None,
    _crop: Image,
    _raw: Floats,
    _analyzer: Analyzer,
) -> dict[str, Faithfulness]:
    """The map of a method beside two that know nothing of the network."""
    side = len(_raw)
    rivals = {"random map": random_map(side, 0), "centre blob": centre_map(side)}
    return faithfulness(
        _analyzer.classifier(model), _crop, target, {get_method(method).title: _raw} | rivals
    )


@st.cache_data(scope="session", max_entries=100, show_spinner=False)
def forgetting(
    digest: str,
    detector: str,
    number: int,
    model: str,
    target: str,
    method: str,
    layer: int | None,
    _crop: Image,
    _analyzer: Analyzer,
) -> dict[str, Floats]:
    """What forgot last -> the map of a network in which that and all above it has forgotten."""
    copies = randomised(_analyzer.classifier(model))
    return {
        name: maps_of(copy, _crop, (target,), method, layer=layer)[target] for name, copy in copies
    }


def tested(said: Claim, even: float) -> str:
    """What the data say of a claim, and how much of an even map would lie on its parts."""
    if not said.holds:
        verdict = "The data do not agree."
    elif said.share > even:
        verdict = "The data agree."
    else:
        verdict = "Half true: more than for other classes, yet no more than an even map has there."
    return (
        f"- *{said.target}*: {' and '.join(said.parts)} hold **{percent(said.share)}** of the heat, against "
        f"{percent(said.others)} for the other classes ({100 * said.low:+.1f} to {100 * said.high:+.1f} "
        f"points with 95 % confidence) and {percent(even)} of a map that is the same everywhere. "
        f"**{verdict}**"
    )


def verdicts(name: str) -> str:
    """What was measured of a method on many faces, in a few words."""
    if measured is None or measured.model != model:
        return ""
    fails = " · fails the test of forgetting" if measured.fails(name) else ""
    return (" · **the truest here**" if measured.recommended == name else "") + fails


@st.cache_data(max_entries=8, show_spinner=False)
def layers_of(model: str, _analyzer: Analyzer) -> list[tuple[int, int, int]]:
    """(number, side, channels) of each layer of a model."""
    return [(e.number, e.side, e.channels) for e in list_layers(_analyzer.classifier(model))]


def visible(maps: Mapping[str, Floats], method: Method) -> dict[str, Floats]:
    """The maps without what means nothing in them."""
    return {name: raw if method.signed else np.maximum(raw, 0) for name, raw in maps.items()}


def choose_class(name: str) -> None:
    st.session_state.explain_class = name


def set_covers(boxes: tuple[Box, ...]) -> None:
    st.session_state.explain_boxes = boxes
    # A chart of another name starts without the box that was drawn.
    st.session_state.explain_board = st.session_state.get("explain_board", 0) + 1


def add_drawn() -> None:
    """Take over the box that was drawn last."""
    board = st.session_state[f"explain_drawn_{st.session_state.get('explain_board', 0)}"]
    drawn = tuple(
        (min(box["x"]), min(box["y"]), max(box["x"]), max(box["y"]))
        for box in board.selection.get("box", [])
    )
    inside = tuple(
        (max(0.0, x0), max(0.0, y0), min(1.0, x1), min(1.0, y1)) for x0, y0, x1, y1 in drawn
    )
    inside = tuple(box for box in inside if box[2] - box[0] > 0.02 and box[3] - box[1] > 0.02)
    if inside:
        set_covers((*st.session_state.get("explain_boxes", ()), *inside))


come_in("explain")
analyzer = st.session_state.analyzer
model, detector, asked = (st.session_state[key] for key in ("model", "detector", "method"))
classifier = analyzer.classifier(model)
method = get_method(method_for(classifier, asked))

try:
    measured = read_measured()
except (UserError, OSError) as error:
    st.error(str(error), icon=":material/error:")
    measured = None

st.title("Explain")
st.markdown(
    "Why this class? A map shows which places of the face speak for it. Then find out whether the map "
    "is true."
)

# The face -------------------------------------------------------------------------------------------

content = choose_picture("explain")
if content is None:
    st.stop()
digest, image, face, number = choose_face("explain", content, detector, analyzer)
reading = read(digest, detector, number, model, image, face, analyzer)
crop = reading.regions.face
landmarks = to_aligned(reading.face.landmarks, reading.regions)

# One class of it ------------------------------------------------------------------------------------

layers = layers_of(model, analyzer) if method.looks_at == "layer" else []
with st.container(horizontal=True, vertical_alignment="bottom"):
    wanted = st.selectbox(
        "Why",
        ("top", *EXPRESSIONS),
        format_func=lambda name: f"the likeliest: {reading.top[0]}" if name == "top" else name,
        key="explain_class",
        bind="query-params",
        width=210,
    )
    target = reading.top[0] if wanted == "top" else wanted
    other = st.selectbox(
        "rather than",
        (NOTHING, *EXPRESSIONS),
        key="explain_other",
        bind="query-params",
        width=170,
        help="What speaks for the first class and not for the second: the difference of both maps.",
    )
    layer = None
    if len(layers) > 1:
        numbers = [each[0] for each in layers]
        if st.session_state.get("explain_layer") not in numbers:
            st.session_state.pop("explain_layer", None)  # of a deeper network
        layer = st.select_slider(
            "Layer",
            numbers,
            value=numbers[-1],
            key="explain_layer",
            bind="query-params",
            width=220,
            help="Shallow layers see fine edges, deep ones parts of a face. The last one has the say: its "
            "maps are the ones to trust first.",
        )
with st.spinner(f"Computing the maps by {method.title} …"):
    maps, seconds = evidence(digest, detector, number, model, method.name, layer, reading, analyzer)
maps = visible(maps, method)
contrast = other not in (NOTHING, target)
raw = maps[target] - maps[other] if contrast else maps[target]
asked_for = f"{target} rather than {other}" if contrast else target

pictures, right = st.columns((3, 2), gap="medium")
with pictures:
    grid = st.grid(2, min_column_width=150)
grid.image(
    enlarged(crop, 8),
    caption=f"what *{model}* gets: {len(crop)} × {len(crop)} dots",
    width="stretch",
    alt="The aligned face",
)
with grid.container(gap="small"):
    st.image(
        heat_tiles(crop, {target: raw}, size=384)[target],
        caption=f"**{asked_for}**, by {method.title}, {len(raw)} × {len(raw)} cells",
        width="stretch",
        alt=f"Map of the evidence for {asked_for}",
    )
    st.image(heat_scale(), width="stretch", alt="Colours from against to for")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        against = f"for {other}" if contrast else "against" if method.signed else ""
        st.caption(against, width="content")
        st.caption(f"for {target}", width="content")
with right:
    st.markdown(f"#### {headline(reading)}")
    st.plotly_chart(
        probability_bars(reading, height=200, axis=False),
        key="explain_bars",
        config={"displayModeBar": False},
        alt=f"Probabilities by {model}: {headline(reading)}",
    )
    st.markdown(f"**{method.title}.** {method.sentence} {method.caution}")
    if method.name != asked:
        st.caption(
            f"*{model}* has nothing that {get_method(asked).title} could look at, so it is explained by "
            "occlusion."
        )
    flat = is_flat(raw)
    if flat:
        st.warning(
            f"This map is flat: by {method.title} no place speaks for {asked_for} more than another.",
            icon=":material/texture:",
        )
    st.caption(
        ("" if method.class_dependent else "**It is the same for every class.** ")
        + f"All seven maps took {1000 * seconds:,.0f} ms."
    )

# Ways to go on --------------------------------------------------------------------------------------

by_class, by_method, by_region, by_cover, by_proof, by_average = st.tabs(
    VIEWS, key="explain_view", on_change="rerun", bind="query-params"
)

with by_class:
    if by_class.open:
        st.caption(
            "All seven on one scale: full colour is the strongest place of all maps, so a class without "
            "evidence looks empty. Choose one to see it alone above, on a scale of its own."
        )
        tiles = heat_tiles(crop, maps)
        with st.grid(7, min_column_width=104, gap="xsmall"):
            for name, p in zip(EXPRESSIONS, reading.probabilities, strict=True):
                with st.container(gap="xxsmall"):
                    st.image(tiles[name], width="stretch", alt=f"Map of the evidence for {name}")
                    st.button(
                        f"{name} {percent(float(p))}",
                        type="primary" if name == target else "secondary",
                        width="stretch",
                        key=f"explain_show_{name}",
                        on_click=choose_class,
                        args=(name,),
                    )

with by_method:
    if by_method.open:
        st.caption(
            f"The map of *{target}* by every method, each on a scale of its own. Where they disagree, at "
            "least one of them does not tell you what counts."
        )
        usable = [m for m in METHODS if method_for(classifier, m.name) == m.name]
        slow = st.toggle(
            "Those that need more than one pass, too", key="explain_slow", persist_state="session"
        )
        shown = [m for m in usable if m.fast or slow or m.name == method.name]
        progress = st.empty()
        found = {}
        for done, each in enumerate(shown):
            if slow:
                progress.progress(done / len(shown), f"Computing the maps by {each.title} …")
            own = layer if each.looks_at == "layer" else None
            found[each.name], took = evidence(
                digest, detector, number, model, each.name, own, reading, analyzer
            )
            found[each.name] = visible(found[each.name], each), took
        progress.empty()
        with st.grid(5, min_column_width=150, gap="small"):
            for each in shown:
                own, took = found[each.name]
                with st.container(border=True, height="stretch", gap="xsmall"):
                    st.markdown(f"**{each.title}**")
                    st.image(
                        heat_tiles(crop, {target: own[target]})[target],
                        width="stretch",
                        alt=f"Map of the evidence for {target} by {each.title}",
                    )
                    st.caption(
                        f"{1000 * took:,.0f} ms"
                        + ("" if each.class_dependent else " · the same for every class")
                        + (" · flat" if is_flat(own[target]) else "")
                        + verdicts(each.name)
                    )
        with st.expander("What each of them does", icon=":material/functions:"):
            for each in METHODS:
                st.markdown(f"**{each.title}** ({each.paper}). {each.sentence} {each.caution}")
                st.latex(each.formula)

with by_region:
    if by_region.open:
        even = np.ones_like(raw)
        blocks = {"upper": "block of eyes and brows", "lower": "block of the mouth"}
        parts, blocked = part_share(raw, landmarks), region_share(raw)
        part_area, block_area = part_share(even, landmarks), region_share(even)
        heat = parts | {words: blocked[name] for name, words in blocks.items()}
        area = part_area | {words: block_area[name] for name, words in blocks.items()}
        weights = {}
        if reading.attention is not None:
            own = reading.attention
            own = own.mean(axis=0) if own.ndim == 3 else own
            weights = part_share(own, landmarks) | {
                words: region_share(own)[name] for name, words in blocks.items()
            }
        elif reading.region_attention is not None:
            named = blocks | {"face": "whole face"}
            weights = {named[name]: w for name, w in reading.region_attention.items()}
        chart, words = st.columns((3, 2), gap="large", vertical_alignment="center")
        chart.plotly_chart(
            share_dots(heat, area, weights),
            key="explain_regions",
            config={"displayModeBar": False},
            alt="Shares of the heat in parts of the face: "
            + ", ".join(f"{name} {percent(share)}" for name, share in heat.items()),
        )
        most = max(parts, key=lambda name: parts[name] / max(part_area[name], 0.01))
        words.markdown(
            (
                f"This map of *{asked_for}* is flat, so there is no heat to share out.\n"
                if flat
                else f"Of the evidence for *{asked_for}*, **{percent(parts[most])}** lies on the {most}, "
                f"**{parts[most] / max(part_area[most], 0.01):.1f} times** what an even map would "
                "have there.\n"
            )
            + "- The **dot** is the heat of the map, the **stroke** what the place would have if heat were "
            "spread evenly.\n"
            "- The two **blocks** are what people assumed to count before the network learnt anything: the "
            "prior.\n"
            + (
                "- The **diamond** is the network's own attention: what it learnt to count. It is the same "
                "for all seven classes, and it weighs places or blocks, not evidence."
                if weights
                else f"- *{model}* has no attention of its own."
            )
        )

with by_cover:
    if by_cover.open:
        boxes = st.session_state.get("explain_boxes", ())
        st.markdown(
            f"The map says where the evidence for *{target}* lies. **Cover a place that you think counts**: "
            "draw a box on the face, or press a button. Did the map predict what happens?"
        )
        with st.container(horizontal=True):
            for name in COVERS:
                st.button(
                    f"Cover the {name}",
                    key=f"explain_cover_{name}",
                    on_click=set_covers,
                    args=(part_boxes(landmarks)[name],),
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
                found = covered(
                    *(digest, detector, number, model, boxes, target, method.name, layer),
                    *(reading, maps[target], analyzer),
                )
        with board:
            st.plotly_chart(
                drawing_board(crop if found is None else found.covered, boxes),
                key=f"explain_drawn_{st.session_state.get('explain_board', 0)}",
                on_select=add_drawn,
                selection_mode="box",
                config={"displayModeBar": False},
                alt="The face, on which boxes can be drawn",
            )
            st.caption("Several boxes add up.")
        with answer:
            if found is None:
                st.plotly_chart(
                    probability_bars(reading, height=320),
                    key="explain_uncovered",
                    config={"displayModeBar": False},
                    alt=f"Probabilities of the whole face: {headline(reading)}",
                )
            else:
                st.plotly_chart(
                    before_and_after(found.before, found.after, height=360),
                    key="explain_covered",
                    config={"displayModeBar": False},
                    alt="Probabilities of the whole and of the covered face",
                )
                index = EXPRESSIONS.index(target)
                was, now = float(found.before[index]), float(found.after[index])
                st.markdown(
                    f"**Did the map predict this? {'Yes' if found.foreseen else 'No'}.**\n"
                    f"- You covered {percent(found.area)} of the face, with {percent(found.heat)} of the "
                    f"heat: more heat than {percent(found.heat_rank)} of equal covers on other places.\n"
                    f"- *{target}* went from {percent(was)} to {percent(now)}, "
                    f"{abs(found.lost):.2f} logits {'less' if found.lost >= 0 else 'more'}: it lost more "
                    f"than by {percent(found.lost_rank)} of the equal covers on other places.\n"
                    f"- Over all these places, covered heat and lost logits go together with r = "
                    f"{found.agreement:.2f}; 1 would be a perfect map, 0 chance."
                )

with by_proof:
    if by_proof.open:
        st.markdown("**Do the hot places count?** Take the hottest away first, or show them first.")
        with st.spinner("Hiding and showing places …"):
            found = judged(
                *(digest, detector, number, model, target, method.name, layer),
                *(crop, maps[target], analyzer),
            )
        shares = found[method.title].shares
        with st.grid(2, min_column_width=300, gap="medium"):
            for test, happens, x_title in (
                ("deletion", "goes", "of the face is grey, hottest first: lower is better"),
                ("insertion", "comes", "of the face is sharp, hottest first: higher is better"),
            ):
                lines = {name: getattr(each, test) for name, each in found.items()}
                st.plotly_chart(
                    curves(shares, lines, x_title=x_title),
                    key=f"explain_{test}",
                    config={"displayModeBar": False},
                    alt=f"Probability of {target} while the face {happens}",
                )
        column = st.column_config.NumberColumn
        st.dataframe(
            [
                {
                    "map": name,
                    "deletion": each.deletion_area,
                    "insertion": each.insertion_area,
                    "ROAD": each.road,
                    "drop": each.average_drop,
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
                    format="percent",
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
            f"The class is *{target}*. One face proves little. A random map and a blob in the middle know "
            "nothing of the network: a map that does not beat them says no more than they do."
        )
        st.markdown(
            "**Does the map need what the network learnt?** From the answer back to the pixels, the numbers "
            "of one layer after the other are shuffled. A map that stays as it was shows the face, not the "
            "network."
        )
        with st.spinner("Letting the network forget …"):
            strip = forgetting(
                digest, detector, number, model, target, method.name, layer, crop, analyzer
            )
        if not strip:
            st.caption(f"*{model}* has no layers that could forget.")
        with st.grid(max(7, len(strip) + 1), min_column_width=96, gap="xsmall"):
            for name, each in ({"as it learnt": maps[target]} | visible(strip, method)).items():
                alike = rank_correlation(maps[target], each)
                st.image(
                    heat_tiles(crop, {target: each})[target],
                    caption=name if name not in strip else f"{name}: {alike:.2f}",
                    width="stretch",
                    alt=f"Map when {name} has forgotten",
                )
        st.caption(
            "Below each map how like it is to the first one: the rank correlation, 1 for the same order of "
            "places and 0 for none (Adebayo et al. 2018). Each map has a scale of its own."
        )

        if measured is not None:
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
            st.dataframe(
                [
                    {
                        "map": get_method(name).title if name in list_methods() else name,
                        **{
                            f"{figure} {arrow}": f"{row[figure].mean:.3f}  ({row[figure].low:.3f} to "
                            f"{row[figure].high:.3f})"
                            for figure, arrow in (
                                ("deletion", "↓"),
                                ("insertion", "↑"),
                                ("ROAD", "↓"),
                            )
                        },
                        "after forgetting": f"{measured.alike(name):.2f}"
                        + (" fails" if measured.fails(name) else "")
                        if name in measured.likeness
                        else "–",
                    }
                    for name, row in measured.faithfulness.items()
                ],
                hide_index=True,
            )
            st.caption(
                "In brackets the range in which the mean lies with 95 % confidence. *Fails*: its maps stay "
                "alike by more than 0.5 though the network forgets. EigenCAM does not ask for a class. "
                "`python -m benchmarks.faithfulness`, `python -m benchmarks.randomisation`"
            )

with by_average:
    if by_average.open:
        try:
            averages = read_averages()
        except (UserError, OSError) as error:
            st.error(str(error), icon=":material/error:")
            st.stop()
        own = averages.maps.get(model, {})
        if not own or averages.landmarks is None:
            st.info(
                f"The average faces of *{model}* have not been computed: "
                f"`python -m fer_core averages --data fer2013.csv --model {model}` does it."
            )
        else:
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
                    tested(each, sum(even[part] for part in each.parts))
                    for each in claim(averages, model)
                )
            )
            st.dataframe(
                [
                    {"class": name, "faces": each.n}
                    | {part: each.part_share[part] for part in each.part_share}
                    for name, each in own.items()
                ],
                hide_index=True,
                column_config={
                    part: st.column_config.NumberColumn(format="percent")
                    for part in first.part_share
                },
            )
            st.caption("Mean shares of the heat. " + f"`{averages.command}`")

# Taking it away -------------------------------------------------------------------------------------

st.subheader("Take it with you")


def slide(form: str) -> bytes:
    return draw_slide(
        crop,
        raw,
        maps,
        reading.probabilities,
        target,
        title=f"Why {asked_for}?",
        footnote=f"{method.title} on {model}"
        + (f", layer {layer}" if layer else "")
        + " · Expression Lens · a class that a classifier assigns, not what somebody feels",
        form=form,
    )


record = {
    "model": model,
    "method": method.name,
    "layer": layer,
    "target": target,
    "other": other if contrast else None,
    "probabilities": dict(zip(EXPRESSIONS, map(float, reading.probabilities), strict=True)),
    "region_attention": reading.region_attention and dict(reading.region_attention),
    "is_flat": flat,
    "part_share": part_share(raw, landmarks),
    "region_share": region_share(raw),
    "seconds": round(seconds, 4),
    "maps": {name: np.round(each, 5).tolist() for name, each in maps.items()},
}
with st.container(horizontal=True):
    st.download_button(
        "Slide as PNG",
        lambda: slide("png"),
        f"why-{target}.png",
        "image/png",
        icon=":material/image:",
        on_click="ignore",
    )
    st.download_button(
        "Slide as SVG",
        lambda: slide("svg"),
        f"why-{target}.svg",
        "image/svg+xml",
        icon=":material/shapes:",
        on_click="ignore",
    )
    st.download_button(
        "Numbers as JSON",
        json.dumps(record, indent=2),
        f"why-{target}.json",
        "application/json",
        icon=":material/data_object:",
        on_click="ignore",
    )
st.caption(
    "The address of this page holds the model, the method, the class and the layer: who opens it sees the "
    "same sample the same way. Pictures of your own are not part of it."
)

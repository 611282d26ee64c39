"""Regions: how the heat is shared between the parts of the face, beside the prior and the attention."""

from typing import Final

import numpy as np
import streamlit as st

from app.charts.evidence import share_dots
from app.explain.question import Question
from app.widgets import attention_note, chart
from fer_core.draw import percent
from fer_core.explain import attention_shares, part_share, positive_share, region_share
from fer_core.explain.attribution_shares import LITTLE
from fer_core.labels import PARTS
from fer_core.weights import load_card

BLOCK_WORDS: Final = {"upper": "block of eyes and brows", "lower": "block of the mouth"}


def render_regions(question: Question) -> None:
    """Show where the heat lies, beside the prior and what the network itself attends to."""
    even = np.ones_like(question.raw)
    parts, part_area = (part_share(each, question.landmarks) for each in (question.raw, even))
    blocks, block_area = region_share(question.raw), region_share(even)
    heat = parts | {words: blocks[name] for name, words in BLOCK_WORDS.items()}
    area = part_area | {words: block_area[name] for name, words in BLOCK_WORDS.items()}
    attention = attention_by_place(question)
    chart_side, words_side = st.columns((3, 2), gap="large", vertical_alignment="center")
    with chart_side:
        chart(
            share_dots(heat, area, attention),
            "explain_regions",
            "Shares of the heat in parts of the face: "
            + ", ".join(f"{name} {percent(share)}" for name, share in heat.items()),
        )
    words_side.markdown(
        describe_parts(question, parts, part_area)
        + "- The **dot** is the heat of the map, the **stroke** what the place would have if it were spread "
        "evenly.\n"
        "- The two **blocks** are what people assumed to count before the network learned anything: the "
        "prior.\n"
        + (
            "- The **diamond** is the network's own attention: what it learned to count. It is the same for "
            "all seven classes, and it weighs places or blocks, not evidence."
            if attention
            else f"- *{question.model}* has no attention of its own."
        )
    )
    if note := attention_note(load_card(question.model)):
        words_side.caption(note)


def describe_parts(question: Question, parts: dict[str, float], area: dict[str, float]) -> str:
    """Return the part that holds most heat for its area, in a sentence; none where hardly any is for the
    class."""
    if question.is_flat:
        return f"This map of *{question.words}* is flat, so there is no heat to share out.\n"
    if (positive := positive_share(question.raw)) < LITTLE:
        return (
            f"Hardly anything speaks for *{question.words}*: {percent(positive)} of the heat is for it, the "
            "rest against it. So the dots say little here.\n"
        )
    ratios = {name: parts[name] / max(area[name], 0.01) for name in PARTS}
    most = max(ratios, key=ratios.__getitem__)
    return (
        f"Of the evidence for *{question.words}*, **{percent(parts[most])}** lies on the {most}, "
        f"**{ratios[most]:.1f} times** what an even map would have there.\n"
    )


def attention_by_place(question: Question) -> dict[str, float]:
    """Return how much the network attends to parts and blocks; {} where it has no attention."""
    attention, by_region = question.reading.attention, question.reading.region_attention
    if attention is not None:
        parts, blocks = attention_shares(attention, question.landmarks)
        return parts | {words: blocks[name] for name, words in BLOCK_WORDS.items()}
    if by_region is not None:
        words = BLOCK_WORDS | {"face": "whole face"}
        return {words[name]: weight for name, weight in by_region.items()}
    return {}

"""Texts that pages share."""

from dataclasses import replace

from app.widgets import affect_note, attention_note
from fer_core import load_card


def test_the_note_on_valence_and_arousal_depends_on_the_model() -> None:
    card = load_card("default")
    assert "class probabilities" in affect_note(card) and "Russell" in affect_note(card)
    note_for_ratings = affect_note(replace(card, network={**card.network, "affect": True}))
    assert "learned it from people's ratings" in note_for_ratings
    assert "probabilities" not in note_for_ratings
    assert affect_note(replace(card, network={**card.network, "affect": False})) == affect_note(
        card
    )


def test_the_note_on_attention_names_the_models_whose_attention_is_nearly_even() -> None:
    for name in ("emonet_self_attention", "emonet_multihead"):
        card = load_card(name)
        note = attention_note(card)
        figure = card.figures["PublicTest"]["attention_entropy"]
        assert note.startswith(f"The attention of *{name}* is nearly even, so it shows nothing")
        assert f"{figure:.4f}" in note
    assert {attention_note(load_card(name)) for name in ("acnn_alstm", "plain", "default")} == {""}

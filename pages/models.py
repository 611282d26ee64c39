"""Models: how good each of them is, what is known of one, and what several say of the same face."""

from collections.abc import Sequence

import streamlit as st

from app.faces import choose_face
from app.messages import as_text, show_error
from app.models.board import render_leaderboard
from app.models.comparison import choose_models, render_comparison
from app.models.detail import DETAIL_ANCHOR, choose_model, render_detail
from app.session import PageSettings, open_page
from app.widgets import choose_picture
from fer_core.errors import UserError
from fer_core.evaluation import leaderboard
from fer_core.evaluation.leaderboard import LeaderboardRow
from fer_core.weights import damaged_cards


def main() -> None:
    """Show the leaderboard, one of its models in detail, and one face through several models."""
    settings = open_page("models")
    st.title("Models")
    for sentence in damaged_cards():
        st.warning(as_text(sentence), icon=":material/broken_image:")
    rows = read_rows()
    if rows:
        render_leaderboard(rows)
        st.subheader("One model in detail", anchor=DETAIL_ANCHOR)
        render_detail(choose_model(rows, settings))
    else:
        st.markdown("None of the models in `weights/` has been measured yet.")
    st.subheader("The same face through several models")
    st.markdown("Do they agree? And where they do, did they look at the same places?")
    compare_models(rows, settings)


def read_rows() -> tuple[LeaderboardRow, ...]:
    """Return the rows of the leaderboard; end the page where it cannot be read."""
    try:
        return leaderboard.read_leaderboard()
    except (UserError, OSError) as error:
        show_error(error)
        st.stop()


def compare_models(rows: Sequence[LeaderboardRow], settings: PageSettings) -> None:
    """Ask for a face and models, and show each model's answer; end the page until both are chosen."""
    content = choose_picture("models")
    models, target = choose_models(rows)
    if content is None or not models:
        st.stop()
    render_comparison(choose_face("models", content, settings), models, target, settings)


if __name__ == "__main__":
    main()

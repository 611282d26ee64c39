"""The words of the Start page: where to go, and what to know before a camera is used."""

from typing import Final

ENTRIES: Final = (
    (
        "pages/live.py",
        ":material/videocam: Live",
        "Look into the webcam, pull a face, and watch the answer move with you.",
        "Open the camera",
    ),
    (
        "pages/photo.py",
        ":material/photo_library: Photo",
        "Take your own pictures apart: every face, every class, and where the evidence lies.",
        "Choose pictures",
    ),
    (
        "pages/video.py",
        ":material/movie: Video",
        "Read a clip frame by frame: who showed what, when, and the best moment of each class.",
        "Choose a clip",
    ),
    (
        "pages/move.py",
        ":material/sentiment_satisfied: Move a face",
        "Pull a drawn face by its brows and mouth, and see which move turns the answer.",
        "Pull a face",
    ),
    (
        "pages/explain.py",
        ":material/troubleshoot: Explain",
        "Why this class? See the places that count, cover them, and find out whether the map is true.",
        "Ask why",
    ),
    (
        "pages/how_it_works.py",
        ":material/school: How it works",
        "From a picture to an answer in four steps, each with what the computer sees.",
        "Follow a face",
    ),
    (
        "pages/lesson.py",
        ":material/menu_book: Lesson",
        "Seven steps for a class, from what a probability is to whether a map can be trusted.",
        "Start the lesson",
    ),
    (
        "pages/models.py",
        ":material/leaderboard: Models",
        "Thirty years of ideas side by side: how good each is, and what it says of the same face.",
        "Compare them",
    ),
    (
        "pages/data.py",
        ":material/database: Data",
        "What networks learn from, what is done to it, and where people disagree.",
        "Look at faces",
    ),
)
"""Address, heading, text and link of each card."""

CONSENT: Final = (
    "**Ask first.** Everybody in the picture has to agree, and may stop at any time. Nobody has to say why.",
    "**It knows no feelings.** It names the drawer that a picture resembles. People smile when they are "
    "embarrassed, and scowl when they think.",
    "**Nothing is kept.** Pictures stay in memory and are gone a minute after you close the page, unless you "
    "press *download*.",
)

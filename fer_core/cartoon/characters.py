"""Who is drawn: characters that nobody is, and how a drawing varies."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fer_core.errors import UserError, in_short

Color = tuple[int, int, int]
"""Red, green and blue, 0..255."""


@dataclass(frozen=True, slots=True)
class Character:
    """Proportions and colors of a head, in units of half the width of a face."""

    name: str
    skin: Color = (224, 178, 148)
    hair: Color = (70, 48, 34)
    hair_style: str = "short"
    """``short``, ``long``, ``curly``, ``bun``, ``bald`` or ``scarf``."""
    brow: float = 1.0
    """Thickness of the brows."""
    eyes: Color = (92, 64, 44)
    lips: Color = (178, 92, 88)
    jaw: float = 1.0
    """Width of the jaw."""
    length: float = 1.0
    """Length of the face."""
    nose: float = 1.0
    """Size of the nose."""
    eye: float = 1.0
    """Size of the eyes."""
    mouth: float = 1.0
    """Width of the mouth."""
    age: float = 0.3
    """0 a child, 1 old: wrinkles and shadows."""
    beard: float = 0.0
    """Opacity of the beard."""
    glasses: bool = False
    clothes: Color = (72, 96, 132)


CHARACTERS: Final = (
    Character(
        name="Ada",
        skin=(238, 196, 168),
        hair=(96, 62, 38),
        hair_style="long",
        brow=0.9,
        eyes=(70, 98, 120),
        lips=(190, 88, 92),
        jaw=0.94,
        length=1.02,
        nose=0.9,
        eye=1.06,
        mouth=1.0,
        age=0.25,
    ),
    Character(
        name="Bako",
        skin=(150, 104, 76),
        hair=(28, 22, 20),
        hair_style="short",
        brow=1.1,
        eyes=(50, 34, 24),
        lips=(138, 72, 66),
        jaw=1.06,
        length=1.0,
        nose=1.12,
        eye=1.0,
        mouth=1.08,
        age=0.35,
        beard=0.0,
        glasses=False,
        clothes=(168, 120, 60),
    ),
    Character(
        name="Chen",
        skin=(232, 190, 150),
        hair=(22, 20, 22),
        hair_style="short",
        brow=1.0,
        eyes=(46, 32, 24),
        lips=(182, 104, 96),
        jaw=1.0,
        length=0.98,
        nose=0.94,
        eye=0.94,
        mouth=0.96,
        age=0.3,
        beard=0.0,
        glasses=True,
        clothes=(60, 60, 72),
    ),
    Character(
        name="Dilara",
        skin=(206, 156, 120),
        hair=(58, 92, 110),
        hair_style="scarf",
        brow=1.0,
        eyes=(74, 52, 34),
        lips=(172, 82, 84),
        jaw=0.96,
        length=1.0,
        nose=1.0,
        eye=1.08,
        mouth=1.0,
        age=0.3,
        beard=0.0,
        glasses=False,
        clothes=(90, 120, 110),
    ),
    Character(
        name="Emil",
        skin=(206, 156, 126),
        hair=(126, 122, 118),
        hair_style="bald",
        brow=1.0,
        eyes=(88, 118, 138),
        lips=(172, 88, 82),
        jaw=1.06,
        length=0.98,
        nose=1.02,
        eye=1.1,
        mouth=1.02,
        age=0.95,
        beard=0.3,
        glasses=False,
        clothes=(100, 84, 78),
    ),
    Character(
        name="Fatou",
        skin=(134, 90, 66),
        hair=(20, 16, 16),
        hair_style="curly",
        brow=0.9,
        eyes=(44, 28, 20),
        lips=(140, 62, 64),
        jaw=0.94,
        length=0.98,
        nose=1.04,
        eye=1.1,
        mouth=1.06,
        age=0.2,
        beard=0.0,
        glasses=False,
        clothes=(178, 72, 84),
    ),
    Character(
        name="Gita",
        skin=(176, 124, 90),
        hair=(40, 30, 28),
        hair_style="bun",
        brow=1.0,
        eyes=(52, 36, 26),
        lips=(160, 78, 78),
        jaw=0.92,
        length=1.0,
        nose=0.98,
        eye=1.06,
        mouth=0.98,
        age=0.6,
        beard=0.0,
        glasses=True,
        clothes=(130, 60, 110),
    ),
    Character(
        name="Hugo",
        skin=(236, 192, 162),
        hair=(96, 54, 30),
        hair_style="short",
        brow=1.1,
        eyes=(72, 112, 92),
        lips=(170, 80, 80),
        jaw=1.08,
        length=1.02,
        nose=1.0,
        eye=1.05,
        mouth=1.04,
        age=0.4,
        beard=0.3,
        glasses=False,
        clothes=(70, 110, 80),
    ),
    Character(
        name="Ines",
        skin=(226, 176, 140),
        hair=(44, 28, 22),
        hair_style="bun",
        brow=0.8,
        eyes=(84, 58, 40),
        lips=(198, 96, 96),
        jaw=0.9,
        length=0.92,
        nose=0.84,
        eye=1.2,
        mouth=0.92,
        age=0.0,
        beard=0.0,
        glasses=False,
        clothes=(220, 170, 70),
    ),
)
"""The characters, by name; they belong to nobody."""


def get_character(name: str) -> Character:
    """Return the character of a name, in upper or lower case.

    Raises:
        UserError: for an unknown name.
    """
    for character in CHARACTERS:
        if character.name.casefold() == name.casefold():
            return character
    known = ", ".join(character.name for character in CHARACTERS)
    raise UserError(f"no character is called {in_short(repr(name))}; choose one of {known}")


def varied(character: Character, random: np.random.Generator) -> Character:
    """Return a character with proportions and colors that differ a little, as in another drawing."""

    def near(value: float, width: float) -> float:
        return float(value * np.exp(random.normal(0, width)))

    def tinted(color: Color) -> Color:
        red, green, blue = np.clip(np.array(color) * near(1, 0.07), 0, 255).astype(int).tolist()
        return red, green, blue

    return replace(
        character,
        skin=tinted(character.skin),
        hair=tinted(character.hair),
        lips=tinted(character.lips),
        brow=near(character.brow, 0.12),
        jaw=near(character.jaw, 0.03),
        length=near(character.length, 0.025),
        nose=near(character.nose, 0.06),
        eye=near(character.eye, 0.05),
        mouth=near(character.mouth, 0.05),
        age=float(np.clip(character.age + random.normal(0, 0.08), 0, 1)),
    )

"""``cartoon``: drawn faces of all classes, which belong to nobody."""

from pathlib import Path
from typing import Annotated

import typer

from fer_core.cli.progress import track
from fer_core.errors import UserError
from fer_core.files import make_folder, replaced


def cartoon(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for the drawings.")],
    per_class: Annotated[
        int, typer.Option(help="Drawings of each class for each character.", min=1)
    ] = 20,
    character: Annotated[
        list[str] | None,
        typer.Option(help="Name of a character; give it several times. All of them without it."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same faces.", min=0)] = 0,
    intensity: Annotated[
        float | None,
        typer.Option(help="Strength of all expressions, 0..1; by chance from 0.3 on without it."),
    ] = None,
    size: Annotated[int, typer.Option(help="Side of a drawing in pixels.", min=48, max=1024)] = 256,
) -> None:
    """Draw faces of all classes, in the folders of FERG-DB; drawings.json has actions and landmarks."""
    from dataclasses import asdict
    from itertools import product

    import numpy as np

    from fer_core.cartoon import CHARACTERS, draw_at_random, get_character
    from fer_core.export import json_text, png_bytes
    from fer_core.labels import EXPRESSIONS

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder; give a new one")
    characters = [get_character(name) for name in character or []] or list(CHARACTERS)
    jobs = product(characters, enumerate(EXPRESSIONS), range(per_class))
    make_folder(out)
    records = []
    for who, (label, expression), count in track(list(jobs), "Drawing"):
        random = np.random.default_rng((seed, CHARACTERS.index(who), label, count))
        drawn = draw_at_random(who, expression, random, intensity=intensity, size=size)
        name = who.name.lower()
        file = Path(name, f"{name}_{expression}", f"{count:04d}.png")
        make_folder((out / file).parent)
        (out / file).write_bytes(png_bytes(drawn.drawing.image))
        records.append(
            {
                "file": str(file),
                "character": who.name,
                "expression": expression,
                "intensity": drawn.intensity,
                "actions": asdict(drawn.actions),
                "pose": asdict(drawn.pose),
                "landmarks": drawn.drawing.landmarks.round(2).tolist(),
            }
        )
    with replaced(out / "drawings.json") as beside:
        beside.write_text(json_text(records), encoding="utf-8")
    typer.echo(f"{len(records):,} drawings of {len(characters)} characters in {out}")

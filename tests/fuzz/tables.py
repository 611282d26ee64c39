"""Mutated tables of datasets: they are read or refused by a sentence, in bounded time and memory.

    python -m tests.fuzz.tables COUNT [SEED]

tries COUNT tables of all layouts, prints a table by layout and exits with 1 where one raised something else,
caused a warning, or took too long or too much memory; such sets are kept in the folder for temporary files.
"""

import io
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from fer_core.data import read_faces, read_training_faces
from fer_core.data.readers.eyes import read_eyes
from fer_core.data.readers.unlabeled import read_unlabeled
from tests.fuzz.runs import Files, in_folder, mutated, outcome, run, write_files

PIXELS: Final = " ".join(str(number % 256) for number in range(48 * 48))
VOTES: Final = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
SPLITS: Final = ("Training", "PublicTest", "PrivateTest")

ODD: Final = (
    *("", " ", "-1", "7", "1e400", "nan", "inf", "9" * 30, "9" * 5000, "3.0", "0x3", "x", "Happy"),
    *(
        "HAPPY ",
        "contempt",
        '"',
        '""',
        "'",
        "\0",
        "a\u2028b",
        "\ud83d\ude00",
        "../a.png",
        "/etc/passwd",
    ),
    *("a" * 5000, "a" * 600_000, "=1+1", "None", "Usage", "1,2", "1;2", "\t", "Test", "TRAIN"),
)
"""Fields that a table should not have."""


# Cases --------------------------------------------------------------------------------------------


def picture() -> bytes:
    """Return a small gray PNG."""
    file = io.BytesIO()
    Image.new("L", (48, 48), 90).save(file, "PNG")
    return file.getvalue()


def mosaic() -> bytes:
    """Return a WebP of 4 x 4 tiles of 48 pixels."""
    file = io.BytesIO()
    Image.fromarray(np.arange(192 * 192).reshape(192, 192).astype(np.uint8)).save(file, "WEBP")
    return file.getvalue()


def seed_tables() -> dict[str, tuple[str, dict[str, bytes]]]:
    """Return layout -> the name of its table, and the files of a small set with it."""
    rows = [f'{n % 7},"{PIXELS}",{SPLITS[n % 3]}' for n in range(6)]
    icml = [f"{n % 7}, {SPLITS[n % 3]}, {PIXELS}" for n in range(6)]
    votes = [
        f"Training,fer{n}.png,{','.join(['0'] * n + ['9'] + ['0'] * (9 - n))}" for n in range(6)
    ]
    names = ("happy", "Sad", "ANGER", "neutral", "contempt", "fear")
    pictures = {f"{n}.png": picture() for n in range(6)}
    deep = {f"Image/aligned/{part}_{n}_aligned.jpg": picture() for part, n in RAFDB}
    tables = {
        "fer2013": ("fer2013.csv", ["emotion,pixels,Usage", *rows], {}),
        "icml": ("icml_face_data.csv", ["emotion, Usage, pixels", *icml], {}),
        "train": ("train.csv", ["emotion,pixels", *(row.rpartition(",")[0] for row in rows)], {}),
        "votes": ("fer2013new.csv", [f"Usage,Image name,{VOTES}", *votes], {}),
        "labels": (
            "labels.csv",
            ["number,file,emotion,split", *(f"{n},{n}.png,{names[n]},train" for n in range(6))],
            pictures,
        ),
        "AffectNet": (
            "training.csv",
            [
                "subDirectory_filePath,face_x,face_y,face_width,face_height,expression,valence,arousal",
                *(f"{n}.png,1,2,30,40,{n},0.5,-2" for n in range(6)),
            ],
            pictures,
        ),
        "FER+": (
            "FER2013Train/label.csv",
            [f'{n}.png,"(0, 0, 48, 48)",{"9,1,0,0,0,0,0,0,0,0"}' for n in range(6)],
            {f"FER2013Train/{name}": content for name, content in pictures.items()},
        ),
        "RAF-DB": (
            "EmoLabel/list_patition_label.txt",
            [f"{part}_{n}.jpg {n}" for part, n in RAFDB],
            deep,
        ),
        "eyes": ("index.csv", ["tile,open,subject", *(f"{n},{n % 2},{n}" for n in range(6))], {}),
        "unlabeled": (
            "index.csv",
            ["mosaic,tile,split", *(f"part,{n},train" for n in range(6))],
            {},
        ),
    }
    seeds = {}
    for kind, (name, lines, others) in tables.items():
        seeds[kind] = (name, {**others, name: "\n".join(lines).encode() + b"\n"})
    seeds["votes"][1]["fer2013.csv"] = seeds["fer2013"][1]["fer2013.csv"]
    seeds["eyes"][1]["eyes.webp"] = seeds["unlabeled"][1]["part.webp"] = mosaic()
    return seeds


RAFDB: Final = [(part, n) for part in ("train", "test") for n in range(1, 5)]
"""Part and number of each image of RAF-DB."""


def odd_text(random: random.Random, content: bytes) -> bytes:
    """Write a table as another program would, or as none should."""
    text = content.decode(errors="replace")
    change = random.randrange(9)
    if change == 0:
        text = text.replace("\n", random.choice(("\r\n", "\r", "", "\n\n", " \n", ",\n")))
    elif change == 1:
        text = text.replace(",", random.choice((";", "\t", "|", ", ", ",,", " ")))
    elif change == 2:
        encoding = random.choice(("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1"))
        return text.encode(encoding, "replace")
    elif change == 3:
        text = random.choice(
            (text.upper(), text.title(), f"sep=,\n{text}", f"\n\n{text}", f"{text}\0")
        )
    elif change == 4:
        lines = text.split("\n")
        random.shuffle(lines)
        text = "\n".join(lines)
    elif change == 5:
        return random.choice(
            (b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\0", b'"', b"," * 10**6)
        )
    elif change == 6:
        text = text.split("\n")[0] + "\n" + random.choice(('"', "x", ",", "\0")) * 3_000_000
    else:
        text = odd_fields(random, text)
    return text.encode(errors="replace")


def odd_fields(random: random.Random, text: str) -> str:
    """Change, leave out or add fields of some lines."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        number = random.choice((0, random.randrange(len(lines))))
        fields = lines[number].split(",")
        place = random.randrange(len(fields))
        if random.random() < 0.2:
            del fields[place]
        elif random.random() < 0.2:
            fields.insert(place, random.choice(ODD))
        else:
            fields[place] = random.choice((*ODD, fields[place][: len(fields[place]) // 2]))
        lines[number] = ",".join(fields)
    return "\n".join(lines)


def cases(count: int, seed: int) -> Iterator[tuple[str, Files]]:
    """Yield layout and files of sets with a changed table, the same ones for a seed."""
    source = random.Random(seed)
    seeds = seed_tables()
    for number in range(count):
        kind = tuple(seeds)[number % len(seeds)]
        name, files = seeds[kind]
        change = odd_text if source.random() < 0.8 else mutated
        yield kind, {**files, name: change(source, files[name])}


# Runs ---------------------------------------------------------------------------------------------


def check(folder: Path) -> str:
    """Read the set of a folder as whichever layout it has."""
    return outcome(lambda: read(folder))


def read(folder: Path) -> None:
    """Read the table of a folder, and check what comes of it."""
    names = {path.name for path in folder.iterdir()}
    if "eyes.webp" in names:
        eyes = read_eyes(folder)
        assert len(eyes.images) == len(eyes.open) == len(eyes.splits)
        return
    if "part.webp" in names:
        assert len(read_unlabeled(folder))
        return
    if "fer2013new.csv" in names:
        faces = read_faces([folder / "fer2013.csv"], folder / "fer2013new.csv", within=folder)
        assert faces.votes is not None and np.isfinite(faces.votes).all()
        return
    tables = [path for path in folder.glob("*.csv") if path.name != "labels.csv"]
    faces = read_faces(tables or [folder], within=folder)
    assert len(faces) and all(0 <= label < 7 for label in faces.labels)
    assert set(faces.splits.tolist()) <= set(SPLITS)
    read_training_faces(tables or [folder])


def main(count: int, seed: int = 0) -> int:
    """Try tables and print a table; return how many had a fault."""
    for kind, (_, files) in seed_tables().items():
        assert in_folder(check)(files) == "read", kind
    return run(cases(count, seed), in_folder(check), write_files)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)

"""Mutated mosaics, ``.npz`` and ``.npy`` files of datasets: read or refused by a sentence.

    python -m tests.fuzz.sets COUNT [SEED]

tries COUNT mosaics, COUNT ``.npz`` and COUNT ``.npy`` files, prints a table by kind and exits with 1 where
one raised something else, caused a warning, or took too long or too much memory; such sets are kept in the
folder for temporary files.
"""

import io
import pickle
import random
import re
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from fer_core.data import read_faces
from fer_core.data.readers.landmarks import read_landmarks
from fer_core.labels import ACTIONS
from tests.fuzz.runs import Files, in_folder, mutated, outcome, run, write_files
from tests.fuzz.tables import picture

TILES: Final = 16
SIDE: Final = 48
INDEX: Final = "faces/index.csv"
MOSAIC: Final = "faces/part.webp"
TEACHER: Final = "teacher/faces.npz"
NUMBER: Final = "AffectNet/val_set/annotations/1_val.npy"

LOADED: Final[list[str]] = []
"""What was unpickled; it stays empty."""


class Bomb:
    """An object whose pickle runs code."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return LOADED.append, ("unpickled",)


# Cases --------------------------------------------------------------------------------------------


def encoded(array: np.ndarray, kind: str = "WEBP") -> bytes:
    """Return a picture file."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, lossless=True)
    return file.getvalue()


def stored(array: Any) -> bytes:
    """Return an ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def arrays() -> dict[str, np.ndarray]:
    """Return what a teacher predicted."""
    random = np.random.default_rng(0)
    return {
        "points": random.random((TILES, 78, 2)).astype(np.float16),
        "blendshapes": random.integers(0, 256, (TILES, 52), np.uint8),
        "names": np.array(ACTIONS),
    }


def zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an ``.npz`` file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content, kind)
    return file.getvalue()


def seed_set() -> dict[str, bytes]:
    """Return the files of a set with a mosaic and a teacher's predictions."""
    rows = [f"part,{n},{('train', 'test')[n % 2]},{n}" for n in range(TILES)]
    pixels = np.random.default_rng(0).integers(0, 256, (4 * SIDE, 4 * SIDE), np.uint8)
    return {
        INDEX: "\n".join(["mosaic,tile,split,person", *rows]).encode(),
        MOSAIC: encoded(pixels),
        TEACHER: zipped({name: stored(array) for name, array in arrays().items()}),
    }


def seed_affectnet() -> dict[str, bytes]:
    """Return the files of AffectNet with one face."""
    folder = "AffectNet/val_set"
    numbers = {
        f"{folder}/annotations/1_{name}.npy": stored(np.array(1)) for name in ("exp", "val", "aro")
    }
    return {**numbers, f"{folder}/images/1.png": picture()}


def odd_mosaic(random: random.Random, content: bytes) -> bytes:
    """Change a mosaic: its bytes, its size or its format."""
    if random.random() < 0.6:
        return mutated(random, content)
    sides = [random.choice((1, 7, 47, 48, 191, 193, 500, 4096)) for _ in range(2)]
    kind = random.choice(("WEBP", "WEBP", "PNG", "GIF", "BMP"))
    changed = encoded(np.zeros(sides, np.uint8), kind)
    if random.random() < 0.3:  # a header that claims far more
        changed = changed[:21] + struct.pack("<I", random.randrange(2**32)) + changed[25:]
    return changed


def odd_header(random: random.Random, content: bytes) -> bytes:
    """Change the type or the shape in the header of an ``.npy`` file."""
    changes = (
        (rb"'descr': '[^']*'", rb"'descr': '%s'"),
        (rb"'shape': \([^)]*\)", rb"'shape': (%s)"),
        (rb"'fortran_order': \w+", rb"'fortran_order': %s"),
    )
    pattern, form = random.choice(changes)
    value = random.choice(
        (
            *(b"|O", b"<f8", b"<f2", b"<U5", b"|S5", b"<U999999999", b"<M8[s]", b"|V9", b"x", b""),
            *(b"-1,", b"10**11, 10**11", b"99999999999,", b"16, 78, 2", b"0, 78, 2", b"True", b"("),
            *(b"16, 52", b"2, 78, 16", b"()" * 900, b"[" * 3000, b"None", b"__import__('os')"),
        )
    )
    changed = re.sub(pattern, lambda _: form % value, content[10:], count=1)
    length = changed.find(b"\n") + 1
    return content[:8] + struct.pack("<H", length & 0xFFFF) + changed


def odd_array(random: random.Random, array: np.ndarray) -> bytes:
    """Store another array than the one that is expected, or the same in another way."""
    rows = np.atleast_1d(array)
    others: tuple[Any, ...] = (
        *(rows[:-1], rows[None], rows[:0], rows.T, np.asfortranarray(rows), rows.astype(object)),
        *(np.zeros(()), np.array("x"), np.array([None, {}], object), np.array(Bomb(), object)),
        *(
            np.array(["1"]),
            np.array([b"1"]),
            np.array(True),
            np.array(1j),
            np.array("NaT", "M8[s]"),
        ),
        *(np.full(array.shape, np.nan), np.full(array.shape, np.inf), np.zeros(array.shape, "V3")),
    )
    return stored(random.choice(others))


def odd_npy(random: random.Random, content: bytes) -> bytes:
    """Change an ``.npy`` file."""
    change = random.randrange(6)
    if change == 0:
        return odd_array(random, np.load(io.BytesIO(content)))
    if change == 1:
        version = random.choice((b"\2\0", b"\3\0", b"\0\0", b"\xff\xff"))
        return (
            content[:6]
            + version
            + struct.pack("<I", random.choice((118, 2**31, 2**32 - 1)))
            + content[10:]
        )
    if change == 2:
        return random.choice((b"", b"\x93NUMPY", b"PK\3\4", pickle.dumps(Bomb()), b"1.0\n"))
    return odd_header(random, content) if change < 5 else mutated(random, content)


def odd_npz(random: random.Random, content: bytes) -> bytes:
    """Change an ``.npz`` file: its bytes, an array of it, or what it claims to hold."""
    change = random.randrange(5)
    if change == 0:
        return mutated(random, content)
    members = {name: stored(array) for name, array in arrays().items()}
    name = random.choice(list(members))
    if change == 1:
        del members[name]
    elif change == 2:  # far more than the shape says, or what the shape says in few bytes
        shape = random.choice((f"({TILES}, 78, 2)", "(100000000000,)", "(250, 1000, 1000)"))
        head = stored(np.zeros((TILES, 78, 2), np.float16)).split(b"\n")[0] + b"\n"
        head = head.replace(f"({TILES}, 78, 2)".encode(), shape.encode())
        length = struct.pack("<H", len(head) - 10)
        members[name] = head[:8] + length + head[10:] + bytes(random.choice((10**5, 5 * 10**7)))
    else:
        members[name] = odd_npy(random, members[name])
    kinds = (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_LZMA,
        zipfile.ZIP_BZIP2,
    )
    changed = zipped(members, random.choice(kinds))
    if random.random() < 0.3:  # the sizes in its directory
        place = changed.rfind(b"PK\1\2") + random.choice((16, 20, 24, 42))
        changed = (
            changed[:place]
            + struct.pack("<I", random.choice((0, 1, 2**31, 2**32 - 1)))
            + changed[place + 4 :]
        )
    return changed


def cases(count: int, seed: int) -> Iterator[tuple[str, Files]]:
    """Yield kind and files of changed sets, the same ones for a seed."""
    source = random.Random(seed)
    tiles, affectnet = seed_set(), seed_affectnet()
    for number in range(3 * count):
        if number % 3 == 0:
            yield "mosaic", {**tiles, MOSAIC: odd_mosaic(source, tiles[MOSAIC])}
        elif number % 3 == 1:
            yield ".npz", {**tiles, TEACHER: odd_npz(source, tiles[TEACHER])}
        else:
            yield ".npy", {**affectnet, NUMBER: odd_npy(source, affectnet[NUMBER])}


# Runs ---------------------------------------------------------------------------------------------


def check(folder: Path) -> str:
    """Read the set of a folder; nothing is unpickled."""
    result = outcome(lambda: read(folder))
    assert not LOADED, "a pickle was loaded"
    return result


def read(folder: Path) -> None:
    """Read the set of a folder, and check what comes of it."""
    if (folder / "AffectNet").is_dir():
        faces = read_faces([folder / "AffectNet"])
        assert faces.affect is not None and len(faces) == 1
        return
    points = read_landmarks(folder / TEACHER, public=True)
    assert len(points.images) == len(points.points) == len(points.actions)
    assert np.isfinite(points.points).all()
    sides = {image.shape for image in points.images}
    assert all(height == width for height, width in sides)


def main(count: int, seed: int = 0) -> int:
    """Try sets and print a table; return how many had a fault."""
    for files in (seed_set(), seed_affectnet()):
        assert in_folder(check)(files) == "read"
    return run(cases(count, seed), in_folder(check), write_files)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)

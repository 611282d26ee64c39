"""Mutated cards, weight files and graphs: the model is loaded rightly or refused by a sentence.

    python -m tests.fuzz.models COUNT [SEED]

tries COUNT cards, COUNT weight files and COUNT graphs, the last two with the hash of the changed file in the
card, prints a table by kind and exits with 1 where a model raised something else, caused a warning, or took
too long or too much memory; such models are kept in the folder for temporary files.
"""

import hashlib
import json
import lzma
import random
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors.numpy import load, save

from fer_core.evaluation.leaderboard import read_leaderboard
from fer_core.faces.eyes import load_eye_reader
from fer_core.faces.hog import Hog
from fer_core.faces.landmarks import load_landmarker
from fer_core.faces.mtcnn import MTCNN
from fer_core.models import load_model
from fer_core.weights import EYES, HOG, LANDMARKS, WEIGHTS, list_models
from fer_core.weights import MTCNN as MTCNN_CARD
from tests.fuzz.runs import Files, in_folder, mutated, outcome, run, write_files

SEEDS: Final = (
    *("plain", "prior_attention", "simple_cnn", "cnn_alstm", "svm_hog", "lgbm_pixels"),
    *(LANDMARKS, EYES, HOG, MTCNN_CARD),
)
"""Models of each way to be read: by graph, by torch, by OpenCV and by LightGBM."""
WITHOUT_GRAPH: Final = ("svm_hog", "lgbm_pixels", HOG)

FACE: Final = np.full((48, 48), 127, np.uint8)
PICTURE: Final = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)

ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 7, 1000, 10**9, 10**400, 0.5, -0.5, 1e308),
    *(
        float("nan"),
        float("inf"),
        -float("inf"),
        "",
        "x",
        "plain",
        "../plain",
        "/etc/passwd",
        "a\nb",
    ),
    *("x" * 100_000, "\0", [], [1], ["happy"] * 7, [0.1] * 7, [0.0] * 7, [[]], {}, {"x": 1}),
    *({"name": "resnet18"}, [10**6] * 4, [4000] * 4, [1, 1, 1, 1], list(range(1000))),
)
"""Values that a field of a card should not have."""


# Cases --------------------------------------------------------------------------------------------


def seed_models() -> dict[str, dict[str, bytes]]:
    """Return name -> files of whole models."""
    models = {}
    for name in SEEDS:
        table = json.loads((WEIGHTS / f"{name}.json").read_text())
        table.pop("recipe", None)
        table.get("training", {}).pop("curve", None)
        files = [f"{name}.safetensors", *table.get("graphs", ())]
        models[name] = {file: (WEIGHTS / file).read_bytes() for file in files}
        models[name][f"{name}.json"] = json.dumps(table).encode()
    return models


def odd_card(random: random.Random, content: bytes) -> bytes:
    """Change, leave out or add some values of a card, at any depth; or its bytes."""
    if random.random() < 0.2:
        return mutated(random, content)
    if random.random() < 0.05:
        return random.choice((b"[" * 10**5, b"{}", b"[]", b"null", b"", b'{"a": 1}', b"\xff\xfe{"))
    table = json.loads(content)
    for _ in range(random.randint(1, 3)):
        place = table
        key = random.choice(list(place))
        if random.random() < 0.5:  # the others describe the model, and change nothing
            key = random.choice(
                [name for name in ("network", "graphs", "figures") if name in place]
            )
        while isinstance(place[key], dict | list) and place[key] and random.random() < 0.7:
            place = place[key]
            key = (
                random.choice(list(place))
                if isinstance(place, dict)
                else random.randrange(len(place))
            )
        change = random.random()
        if change < 0.15 and isinstance(place, dict) and len(place) > 1:
            del place[key]
        elif change < 0.3 and isinstance(place, dict):
            place[random.choice(("x", "kind", "side", "graphs", "prior"))] = random.choice(ODD)
        elif change < 0.5 and type(place[key]) in (int, float):
            place[key] *= random.choice((-1, 0, 2, 100, 10**6, 1e-9))
        else:
            place[key] = random.choice(ODD)
    return json.dumps(table).encode()


def odd_arrays(random: random.Random, content: bytes) -> bytes:
    """Change a weight file: its values, names, shapes and types, its trees, or its bytes."""
    change = random.random()
    if change < 0.3:
        return mutated(random, content)
    if change < 0.45:
        return odd_header(random, content)
    arrays = dict(sorted(load(content).items()))
    name = random.choice(list(arrays))
    array = arrays[name].copy()
    if name == "booster" and random.random() < 0.9:
        arrays[name] = odd_trees(random, array)
    elif change < 0.65 and array.size and array.dtype.kind == "f":
        array.flat[random.randrange(array.size)] = random.choice((np.nan, np.inf, -np.inf, 6e4))
        arrays[name] = array
    elif change < 0.75:
        kinds = (np.float64, np.int8, np.uint8, np.int64, np.bool_, np.uint16)
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(random.choice(kinds))
    elif change < 0.85:
        arrays[name] = random.choice(
            (array.T.copy(), array[:-1], array.ravel(), array[:0], array[None])
        )
    elif change < 0.92:
        del arrays[name]
    else:
        arrays[random.choice(("x", "", "a" * 10_000, "../x"))] = array
    return save(arrays)


def odd_header(random: random.Random, content: bytes) -> bytes:
    """Change the header of a safetensors file."""
    size = struct.unpack("<Q", content[:8])[0]
    header, rest = content[8 : 8 + size], content[8 + size :]
    if random.random() < 0.3:
        return struct.pack("<Q", random.choice((0, 1, size + 1, 10**8, 2**62))) + header + rest
    numbers = list(re.finditer(rb"\d+", header))
    number = random.choice(numbers)
    value = random.choice((b"0", b"1", b"-1", b"99999999", b"18446744073709551615"))
    changed = header[: number.start()] + value + header[number.end() :]
    if random.random() < 0.3:
        kinds = (b"BF16", b"F8_E4M3", b"I64", b"F64", b"BOOL", b"X", b"F4", b"U16")
        changed = header.replace(b"F16", random.choice(kinds), random.choice((1, -1)))
    return struct.pack("<Q", len(changed)) + changed + rest


def odd_trees(random: random.Random, packed: np.ndarray) -> np.ndarray:
    """Change stored decision trees: their text, or its compressed bytes."""
    if random.random() < 0.2:
        return np.frombuffer(mutated(random, packed.tobytes()), np.uint8)
    if random.random() < 0.05:
        return np.frombuffer(
            lzma.compress(bytes(random.choice((10**9, 10**5))), preset=0), np.uint8
        )
    text = _text_of_trees(packed)
    for _ in range(random.randint(1, 3)):
        keys = (
            *(r"left_child=", r"right_child=", r"split_feature=", r"threshold=", r"leaf_value="),
            *(r"num_leaves=", r"num_cat=", r"decision_type=", r"max_feature_idx=", r"num_class="),
            *(r"num_tree_per_iteration=", r"objective=", r"Tree=", r"is_linear="),
            *(r"feature_names=", r"feature_infos=", r"version=", r"shrinkage=", r"leaf_count="),
        )
        places = [each.end() for each in re.finditer(random.choice(keys), text)] or [0]
        place = random.choice(places)
        end = min(text.find("\n", place) % (len(text) + 1), place + 4000)
        values = text[place:end].split(" ")
        odd = (
            "-1",
            "0",
            "1",
            "5",
            "62",
            "1000",
            "2147483647",
            "-2147483648",
            "nan",
            "inf",
            "",
            "x",
        )
        values[random.randrange(len(values))] = random.choice(odd)
        if random.random() < 0.2:
            values = values[: random.randrange(len(values) + 1)]
        text = text[:place] + " ".join(values) + text[end:]
    return np.frombuffer(lzma.compress(text.encode(), preset=0), np.uint8)


_trees: dict[int, str] = {}


def _text_of_trees(packed: np.ndarray) -> str:
    """Return the first 70 trees as a model of their own: compressing all of them takes seconds."""
    if not _trees:
        whole = lzma.decompress(packed.tobytes()).decode()
        _trees[0] = whole[: whole.index("Tree=70\n")] + "end of trees\n"
    return _trees[0]


def cases(count: int, seed: int) -> Iterator[tuple[str, Files]]:
    """Yield kind and files of changed models, the same ones for a seed."""
    source = random.Random(seed)
    models = seed_models()
    for number in range(count):
        name = SEEDS[number % len(SEEDS)]
        card = odd_card(source, models[name][f"{name}.json"])
        yield "card", {**models[name], f"{name}.json": card}
    for number in range(count):
        name = SEEDS[number % len(SEEDS)]
        file = f"{name}.safetensors"
        yield (
            "weight file",
            with_hash(models[name], name, file, odd_arrays(source, models[name][file])),
        )
    graphs = [(n, file) for n in SEEDS for file in models[n] if file.endswith(".onnx")]
    for number in range(count):
        name, file = graphs[number % len(graphs)]
        yield "graph", with_hash(models[name], name, file, mutated(source, models[name][file]))


def with_hash(files: Files, name: str, file: str, content: bytes) -> Files:
    """Return a model with another content of a file, and its hash in the card."""
    table = json.loads(files[f"{name}.json"])
    digest = hashlib.sha256(content).hexdigest()
    if file.endswith(".onnx"):
        table["graphs"][file] = digest
    else:
        table["sha256"] = digest
        if len(content) % 3:  # then torch builds the network
            table["graphs"] = {}
    return {**files, file: content, f"{name}.json": json.dumps(table).encode()}


# Runs ---------------------------------------------------------------------------------------------


def check(folder: Path) -> str:
    """Load the model of a folder, whichever it is, and let it predict."""
    (card,) = folder.glob("*.json")
    return outcome(lambda: use(card.stem, folder))


def use(name: str, folder: Path) -> None:
    """Load a model as the app, the leaderboard and the detectors do, and check what it predicts."""
    list_models(folder)
    read_leaderboard(folder)
    if name == LANDMARKS:
        assert np.isfinite(
            load_landmarker(folder=folder)(np.full((1, 64, 64), 127, np.uint8))[0]
        ).all()
    elif name == EYES:
        assert np.isfinite(
            load_eye_reader(folder=folder)(np.full((1, 32, 32), 127, np.uint8))
        ).all()
    elif name == HOG:
        Hog(folder=folder).detect(PICTURE)
    elif name == MTCNN_CARD:
        MTCNN(folder=folder).detect(PICTURE)
    else:
        model = load_model(name, folder=folder)
        probabilities = model.probabilities(FACE)
        assert probabilities.shape == (1, 7) and np.isfinite(probabilities).all()


def main(count: int, seed: int = 0) -> int:
    """Try models and print a table; return how many had a fault."""
    for name, files in seed_models().items():  # loads what is loaded when it is needed first
        assert in_folder(check)(files) == "read", name
        assert in_folder(check)(
            with_hash(files, name, f"{name}.safetensors", files[f"{name}.safetensors"])
        )
    return run(cases(count, seed), in_folder(check), write_files)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)

"""``cartoon``: a set of drawn faces as FERG-DB is laid out."""

import json
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from fer_core import EXPRESSIONS
from fer_core.cartoon import CHARACTERS
from fer_core.data import read_faces
from tests.conftest import Run


def test_cartoon_writes_a_set_that_is_read_as_ferg(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    code, text, _ = run("cartoon", out, "--per-class", 1, "--size", 96)
    assert code == 0 and "63 drawings of 9 characters" in text
    faces = read_faces([out])
    assert len(faces) == len(CHARACTERS) * len(EXPRESSIONS)
    assert np.bincount(faces.labels).tolist() == [len(CHARACTERS)] * 7
    assert set(faces.splits) == {"Training", "PublicTest", "PrivateTest"}, "split by character"
    assert faces.sources == {"drawn": "drawn faces (expression-lens cartoon), Apache-2.0"}
    records = json.loads((out / "drawings.json").read_text())
    assert len(records) == 63 and 0.3 <= records[0]["intensity"] <= 1
    assert np.shape(records[0]["landmarks"]) == (78, 2)
    with Pillow.open(out / records[0]["file"]) as image:
        assert image.size == (96, 96)
    code, text, _ = run(
        "cartoon", tmp_path / "one", "--character", "ines", "--per-class", 1, "--size", 96
    )
    assert code == 0 and "7 drawings of 1 characters" in text
    file = Path("ines", "ines_sad", "0000.png")
    assert (tmp_path / "one" / file).read_bytes() == (out / file).read_bytes()
    code, _, err = run("cartoon", tmp_path / "two", "--character", "Zoe")
    assert code == 2 and "no character is called 'Zoe'; choose one of Ada, Bako" in err
    code, _, err = run("cartoon", out)
    assert code == 2 and "is not an empty folder; give a new one" in err

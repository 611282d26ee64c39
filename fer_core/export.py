"""Results as files: records for JSON, rows for CSV, pictures as PNG, and several files as ZIP."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import cv2

from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image, Reading

CSV_COLUMNS: Final = (
    *("path", "face", "x0", "y0", "x1", "y1", "score", "top", "unsure"),
    *EXPRESSIONS,
    *("valence", "arousal"),
)
"""Columns of ``csv_rows``."""


def image_record(path: str, image: Image, readings: Sequence[Reading]) -> dict[str, Any]:
    """Return what was read in one image: path, width, height and one record for each face."""
    height, width = image.shape[:2]
    return {
        "path": path,
        "width": width,
        "height": height,
        "faces": [face_record(reading) for reading in readings],
    }


def face_record(reading: Reading) -> dict[str, Any]:
    """Return one reading as numbers that JSON can hold."""
    return {
        "box": [round(edge, 1) for edge in reading.face.box],
        "score": round(reading.face.score, 4),
        "top": reading.top[0],
        "unsure": reading.unsure,
        "probabilities": by_class(reading.probabilities),
        "region_attention": None
        if reading.region_attention is None
        else dict(reading.region_attention),
        "attention": None if reading.attention is None else reading.attention.tolist(),
        "valence": reading.valence,
        "arousal": reading.arousal,
        "prior": reading.prior,
    }


def by_class(values: Floats) -> dict[str, float]:
    """Return (7,) values in the order of ``EXPRESSIONS`` as class -> value."""
    return dict(zip(EXPRESSIONS, map(float, values), strict=True))


def csv_rows(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one row for each face, in ``CSV_COLUMNS``; images without a face or with an error have none."""
    for record in records:
        for number, face in enumerate(record.get("faces", []), start=1):
            yield {
                "path": record["path"],
                "face": number,
                **dict(zip(("x0", "y0", "x1", "y1"), face["box"], strict=True)),
                "score": face["score"],
                "top": face["top"],
                "unsure": face["unsure"],
                **face["probabilities"],
                "valence": face["valence"],
                "arousal": face["arousal"],
            }


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as the text of a CSV file with a header."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def json_text(record: object) -> str:
    """Return a record as the text of a JSON file, indented by two spaces, in ASCII for any terminal."""
    return json.dumps(record, indent=2)


def png_bytes(image: Image) -> bytes:
    """Return an (H, W, 3) RGB image as the bytes of a PNG file."""
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def zip_bytes(files: Mapping[str, str | bytes]) -> bytes:
    """Return file name -> content as the bytes of a ZIP archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return archive.getvalue()

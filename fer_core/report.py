"""Readings as plain records, for JSON and CSV alike."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from fer_core.labels import EXPRESSIONS
from fer_core.types import Image, Reading

CSV_COLUMNS: Final = (
    *("path", "face", "x0", "y0", "x1", "y1", "score", "top", "unsure"),
    *EXPRESSIONS,
    *("valence", "arousal"),
)


def image_record(path: str, image: Image, readings: Sequence[Reading]) -> dict[str, Any]:
    """What was read in one image: path, width, height and one record a face."""
    height, width = image.shape[:2]
    return {
        "path": path,
        "width": width,
        "height": height,
        "faces": [face_record(reading) for reading in readings],
    }


def face_record(reading: Reading) -> dict[str, Any]:
    """One reading with numbers that JSON can hold."""
    return {
        "box": [round(edge, 1) for edge in reading.face.box],
        "score": round(reading.face.score, 4),
        "top": reading.top[0],
        "unsure": reading.unsure,
        "probabilities": dict(zip(EXPRESSIONS, reading.probabilities.tolist(), strict=True)),
        "region_attention": None
        if reading.region_attention is None
        else dict(reading.region_attention),
        "attention": None if reading.attention is None else reading.attention.tolist(),
        "valence": reading.valence,
        "arousal": reading.arousal,
    }


def csv_rows(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row a face, in ``CSV_COLUMNS``; images without a face or with an error have none."""
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

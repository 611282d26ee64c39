"""Results as files: records for JSON, rows for CSV, pictures as PNG, and several files as ZIP."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TextIO

import cv2

from fer_core.errors import UserError
from fer_core.labels import ACTION_UNITS, ACTIONS, EXPRESSIONS, action_units
from fer_core.pose import LANDMARKS, gaze, head_pose
from fer_core.types import Face, Floats, Image, Reading

if TYPE_CHECKING:
    import pandas as pd

CSV_COLUMNS: Final = (
    *("path", "face", "x0", "y0", "x1", "y1", "score", "top", "unsure"),
    *EXPRESSIONS,
    *("valence", "arousal"),
)
"""Columns of ``csv_rows``."""

FORMULA_STARTS: Final = ("=", "+", "-", "@")
"""Characters by which a spreadsheet knows a formula."""

DETAIL_COLUMNS: Final = (
    *("pitch", "yaw", "roll", "gaze_horizontal", "gaze_vertical"),
    *ACTION_UNITS,
    *ACTIONS,
    *(f"{axis}_{number}" for axis in "xy" for number in range(LANDMARKS)),
)
"""Further columns of ``csv_rows`` with details: pose in degrees, gaze, action units, facial actions, and the
landmarks in pixels, named as OpenFace names them (Baltrušaitis et al. 2018)."""


ALONE_COLUMNS: Final = tuple(f"{name}_alone" for name in EXPRESSIONS)
"""Columns of faces that were compared with a neutral one: their probabilities without it."""


def image_record(
    path: str, image: Image, readings: Sequence[Reading], notes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what was read in one image: path, width, height, one record for each face, and notes if any.

    Args:
        notes: of ``DecodedImage``.
    """
    height, width = image.shape[:2]
    return {
        "path": path,
        "width": width,
        "height": height,
        "faces": [face_record(reading) for reading in readings],
        **({"notes": list(notes)} if notes else {}),
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
        **_alone(reading),
        **_details(reading.face),
    }


def _alone(reading: Reading) -> dict[str, Any]:
    """Return the probabilities without the baseline, for a reading that has one; {} for others."""
    alone = reading.probabilities_alone
    return {} if alone is None else {"probabilities_alone": by_class(alone)}


def _details(face: Face) -> dict[str, Any]:
    """Return pose, gaze, action units, actions and landmarks as numbers; {} for a face without landmarks."""
    if face.landmarks is None or face.actions is None:
        return {}
    return {
        "pose": {
            name: round(angle, 2) for name, angle in asdict(head_pose(face.landmarks)).items()
        },
        "gaze": {name: round(part, 3) for name, part in asdict(gaze(face.landmarks)).items()},
        "action_units": {name: round(part, 4) for name, part in action_units(face.actions).items()},
        "actions": {name: round(part, 4) for name, part in face.actions.items()},
        "landmarks": face.landmarks.round(2).tolist(),
    }


def by_class(values: Floats) -> dict[str, float]:
    """Return (7,) values in the order of ``EXPRESSIONS`` as class -> value."""
    return dict(zip(EXPRESSIONS, map(float, values), strict=True))


def csv_columns(*, details: bool, compared: bool) -> tuple[str, ...]:
    """Return the columns of a table: ``CSV_COLUMNS``, then those of details and of the comparison."""
    more = (*(DETAIL_COLUMNS if details else ()), *(ALONE_COLUMNS if compared else ()))
    return (*CSV_COLUMNS, *more)


def csv_rows(
    records: Iterable[dict[str, Any]], *, details: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield one row for each face, in ``CSV_COLUMNS``; images without a face or with an error have none.

    Faces that were compared with a baseline have ``ALONE_COLUMNS`` too.

    Args:
        records: of ``image_record``.
        details: add ``DETAIL_COLUMNS``, for records with landmarks.
    """
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
                **(_cells_of(face) if details else {}),
                **{
                    column: face["probabilities_alone"][name]
                    for name, column in zip(EXPRESSIONS, ALONE_COLUMNS, strict=True)
                    if "probabilities_alone" in face
                },
            }


def detail_cells(face: Face) -> dict[str, Any]:
    """Return the ``DETAIL_COLUMNS`` of a face; None in each for a face without landmarks."""
    record = _details(face)
    return _cells_of(record) if record else dict.fromkeys(DETAIL_COLUMNS)


def _cells_of(face: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``DETAIL_COLUMNS`` of a face's record."""
    return {
        **face["pose"],
        **{f"gaze_{name}": part for name, part in face["gaze"].items()},
        **face["action_units"],
        **face["actions"],
        **{f"x_{number}": x for number, (x, _) in enumerate(face["landmarks"])},
        **{f"y_{number}": y for number, (_, y) in enumerate(face["landmarks"])},
    }


def data_frame(rows: Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    """Return rows, such as those of ``csv_rows``, as a pandas table.

        record = image_record("group.jpg", image, analyzer.analyze(image).readings)
        data_frame(csv_rows([record], details=True))

    Raises:
        UserError: if pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise UserError(
            "tables need pandas, which is not installed; run: pip install 'expression-lens[train]'"
        ) from None
    return pd.DataFrame(list(rows))


class CsvTable:
    """A CSV file that is written row by row.

    A text that a spreadsheet would compute, such as the file name ``=1+1.jpg``, gets an apostrophe before it;
    what is not text in UTF-8, as in some file names, is written as ``\\udce9``.
    """

    def __init__(self, file: TextIO, columns: Sequence[str]) -> None:
        """Write the header.

        Args:
            file: opened with ``newline=""``.
        """
        self.file = file
        self.table = csv.DictWriter(file, columns)
        self.table.writeheader()
        self.file.flush()

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows, column -> value, through to the file."""
        self.table.writerows({name: _plain(cell) for name, cell in row.items()} for row in rows)
        self.file.flush()


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as the text of a CSV file with a header, as ``CsvTable`` writes it."""
    text = io.StringIO(newline="")
    CsvTable(text, columns).write(rows)
    return text.getvalue()


def _plain(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are."""
    if not isinstance(cell, str):
        return cell
    text = cell.encode("utf-8", "backslashreplace").decode("utf-8")
    return f"'{text}" if text.lstrip().startswith(FORMULA_STARTS) else text


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

"""Pictures of the page Photo and their readings: cached by content, for this viewer alone, never written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import streamlit as st

from app.messages import as_text
from app.session import PageSettings
from app.uploads import decode_upload
from fer_core import EXPRESSIONS, Analyzer
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.export import (
    csv_columns,
    csv_rows,
    csv_text,
    image_record,
    json_text,
    png_bytes,
    zip_bytes,
)
from fer_core.geometry import reading_order
from fer_core.images import DecodedImage, ImageError
from fer_core.types import Explanation, FrameResult, Image, RawMap, Reading

MAX_FACES_UNDER_PANEL: Final = 4
"""Faces of a picture up to which bars and weights are drawn over it, rather than beside it."""


class FaceKey(NamedTuple):
    """A face among all pictures."""

    digest: str
    """SHA-256 of the file."""
    number: int
    """Position in the picture, in reading order, from 0."""


class PictureFile(NamedTuple):
    """A file that the viewer has chosen."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Picture:
    """A picture and the readings of its faces."""

    name: str
    content: bytes
    """Content of the file."""
    digest: str
    """SHA-256 of the file."""
    record: dict[str, Any]
    """The record that ``python -m fer_core predict --json`` prints for it; the faces in reading order."""
    result: FrameResult | None = None
    """None where the file could not be read; the record says why."""
    neutrals: tuple[FaceKey | None, ...] = ()
    """The neutral face with which each one was compared; () where none was."""

    @property
    def image(self) -> Image:
        """The decoded picture, (H, W, 3)."""
        return decode(self.digest, self.content).pixels

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is not as in the file."""
        return tuple(self.record.get("notes", ()))

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Readings of the faces in reading order; empty where the file could not be read."""
        return self.result.readings if self.result else ()

    @property
    def largest(self) -> int:
        """Position of the largest face; 0 without any."""
        areas = [reading.face.area for reading in self.readings]
        return areas.index(max(areas)) if areas else 0

    def draw(
        self, style: OverlayStyle, number: int, explanation: Explanation | None = None
    ) -> Image:
        """Draw the faces, numbered, into the picture, in full size.

        Args:
            number: of the face whose bars and weights are shown.
            explanation: of this face.
        """
        readings = list(enumerate(self.readings, start=1))
        ordered = readings[number : number + 1] + readings[:number] + readings[number + 1 :]
        style = replace(style, beside=len(readings) > MAX_FACES_UNDER_PANEL)
        maps = ((explanation,),) if explanation else ()
        result = FrameResult(tuple(reading for _, reading in ordered), maps)
        return draw_overlay(self.image, result, style, [each for each, _ in ordered])


@dataclass(frozen=True)
class PhotoContext:
    """The face that is shown in detail, and the settings by which it is explained."""

    settings: PageSettings
    picture: Picture
    number: int
    """Position among the faces of the picture, in reading order, from 0."""

    @property
    def reading(self) -> Reading:
        """Reading of the chosen face."""
        return self.picture.readings[self.number]

    @cached_property
    def method(self) -> str:
        """The map method that is used, which may be another than the one that was chosen."""
        return self.settings.supported_method()

    def raw_maps(self, *targets: str) -> dict[str, RawMap]:
        """Return class -> raw map of the chosen face; by occlusion all classes cost as much as one."""
        settings = self.settings
        neutral = self.picture.neutrals[self.number] if self.picture.neutrals else None
        key = (
            self.picture.digest,
            self.number,
            *(settings.model, settings.prior, settings.detector),
            neutral,
        )
        classes = EXPRESSIONS if self.method == "occlusion" else targets
        return compute_maps(key, classes, self.method, self.reading, settings.analyzer)

    def explain(self, target: str) -> Explanation:
        """Return where the evidence for one class lies in the picture."""
        return self.settings.analyzer.explain(
            self.picture.image,
            self.reading,
            target,
            self.method,
            raw_map=self.raw_maps(target)[target],
        )


@st.cache_data(scope="session", max_size="256MiB", show_spinner=False)
def decode(digest: str, _content: bytes) -> DecodedImage:
    """Return the image in a file."""
    return decode_upload(_content)


@st.cache_data(scope="session", max_entries=500, show_spinner=False)
def read_faces(
    digest: str,
    model: str,
    prior: str | None,
    detector: str,
    _content: bytes,
    _analyzer: Analyzer,
) -> tuple[dict[str, Any], FrameResult]:
    """Return the record of a picture, still without a name, and the readings of its faces."""
    decoded = decode(digest, _content)
    result = _analyzer.analyze(decoded.pixels, model=model, prior=prior, detector=detector, maps=())
    order = reading_order([reading.face.box for reading in result.readings])
    result = replace(result, readings=tuple(result.readings[number] for number in order))
    return image_record("", decoded.pixels, result.readings, decoded.notes), result


@st.cache_data(scope="session", max_entries=2000, show_spinner=False)
def compute_maps(
    key: tuple[str, int, str, str | None, str, FaceKey | None],
    targets: tuple[str, ...],
    method: str,
    _reading: Reading,
    _analyzer: Analyzer,
) -> dict[str, RawMap]:
    """Return class -> raw map of one face.

    Args:
        key: hash of the picture, number of the face, model, prior, face finder, neutral face.
    """
    return _analyzer.raw_maps(_reading, targets, method)


def analyze_file(file: PictureFile, settings: PageSettings) -> Picture:
    """Return a picture with its faces; one that cannot be read does not stop the others."""
    name, content = file
    digest = sha256(content).hexdigest()
    try:
        record, result = read_faces(
            digest,
            settings.model,
            settings.prior,
            settings.detector,
            content,
            settings.analyzer,
        )
    except ImageError as error:
        return Picture(name, content, digest, {"path": name, "error": str(error)})
    return Picture(name, content, digest, {**record, "path": name}, result)


def analyze_files(files: Sequence[PictureFile], settings: PageSettings) -> list[Picture]:
    """Return all pictures with their faces; show the progress meanwhile."""
    pictures: list[Picture] = []
    with st.empty():
        if len(files) == 1:
            with st.spinner("Looking for faces …"):
                return [analyze_file(files[0], settings)]
        for number, file in enumerate(files):
            st.progress(number / len(files), f"{number + 1} of {len(files)}: {as_text(file.name)}")
            pictures.append(analyze_file(file, settings))
        st.space(1)
    return pictures


@dataclass(frozen=True)
class PhotoExport:
    """Everything that can be downloaded."""

    pictures: Sequence[Picture]
    """All pictures, those that could not be read too."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table; those of faces alone too where some were compared."""
        compared = any(picture.neutrals for picture in self.pictures)
        return csv_columns(details=False, compared=compared)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One row for each face, in ``columns``."""
        return list(csv_rows(picture.record for picture in self.pictures))

    def csv(self) -> str:
        """Return a table of all faces."""
        return csv_text(self.rows, self.columns)

    def json(self) -> str:
        """Return the records of all pictures."""
        return json_text([picture.record for picture in self.pictures])

    def zip(self) -> bytes:
        """Return both files of numbers, and every readable picture with its faces marked."""
        files: dict[str, str | bytes] = {
            "expression-lens.json": self.json(),
            "expression-lens.csv": self.csv(),
        }
        readable = [each for each in self.pictures if each.result is not None]
        for number, picture in enumerate(readable, start=1):
            drawn = picture.draw(OverlayStyle(), picture.largest)
            files[f"{number:03d}-{PurePath(picture.name).stem}.png"] = png_bytes(drawn)
        return zip_bytes(files)

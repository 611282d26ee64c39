"""Tracking: numbers that stay with faces while they move, cross and are hidden for a moment.

A tracked face is expected where its motion takes it. The faces of a frame are matched with the expected
ones by position and appearance, all pairs at once, so that two faces that cross keep their numbers and a
hidden one gets its number back. All times are in seconds, so results do not depend on the frame rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Final

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from fer_core.geometry import box_iou
from fer_core.types import Face, Floats, Image

MEMORY: Final = 1.0
"""Time for which a hidden face is expected to come back, in seconds."""

MAX_TRACKS: Final = 64
"""Largest number of remembered faces; the most recent ones stay."""

BOX_BUFFER: Final = 0.5
"""Fraction of their sides by which boxes are grown before they are compared, so that unexpected motion still
leaves an overlap (buffered IoU; Yang et al. 2023, "Hard to Track Objects with Irregular Motions and
Similar Appearances? Make It Easier by Buffering the Matching Space")."""

SAME_FACE_IOU: Final = 0.3
"""Overlap (intersection over union) from which a box of the frame before is taken for the same face,
whatever its appearance: light and expressions change."""

SAME_APPEARANCE: Final = 0.7
"""Smallest correlation of two appearances that may belong to one face that was elsewhere, or hidden. In clips
it is 0.73 to 0.99 for one person a second apart, and up to 0.75 for two people."""

APPEARANCE_SIDE: Final = 16
"""Side of the small color picture that describes a face's appearance, in pixels."""

APPEARANCE_TIME: Final = 0.5
MOTION_TIME: Final = 0.2
"""Time constants in seconds over which appearances and velocities are averaged."""

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class _Track:
    """A face that was seen within the last second."""

    number: int
    face: Face
    """The face when it was last seen, in pixels of the last frame."""
    appearance: Floats
    last_seen: float
    """Time of the last frame with the face, in seconds."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """Velocity to the right and down, in pixels per second."""

    def expected(self, time: float) -> Face:
        """Return the face where it is expected at ``time``, if its motion continues."""
        dx, dy = (speed * (time - self.last_seen) for speed in self.velocity)
        return transformed(self.face, (1.0, 1.0), (dx, dy))


class Tracker:
    """Numbers faces from 1 in the order in which they appear. Not thread-safe."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next_number = 1
        self._time = -np.inf
        self._size: tuple[int, int] | None = None

    @property
    def known(self) -> frozenset[int]:
        """Numbers of the remembered faces."""
        return frozenset(track.number for track in self._tracks)

    def expected(self, image: Image, time: float) -> tuple[list[Face], list[Face]]:
        """Return the remembered faces where they are expected in the next frame.

        Args:
            image: the frame, (H, W, 3) or (H, W).
            time: time of the frame, in seconds.

        Returns:
            Faces that were in the last frame, and those hidden in it.
        """
        self._fit(image)
        faces: tuple[list[Face], list[Face]] = ([], [])
        for track in self._tracks:
            if time - track.last_seen <= MEMORY:
                faces[track.last_seen < self._time].append(track.expected(time))
        return faces

    def update(self, image: Image, faces: Sequence[Face], time: float) -> list[Face]:
        """Assign numbers to the faces of a frame.

        Args:
            image: the frame, (H, W, 3) or (H, W) uint8; its size may change from frame to frame.
            faces: all faces that were detected in it.
            time: time of the frame in seconds, not before that of the last one.

        Returns:
            The same faces in the same order, each with its ``track_id``.
        """
        self._fit(image)
        known = [track for track in self._tracks if time - track.last_seen <= MEMORY]
        appearances = [appearance(image, face.box) for face in faces]
        owners = dict(self._match(known, faces, appearances, time))
        boxes = [face.box for face in faces]
        shared = box_iou(boxes, boxes)
        np.fill_diagonal(shared, 0)
        hidden = np.any(shared > 0, axis=1)
        tracks = []
        for number, (face, current) in enumerate(zip(faces, appearances, strict=True)):
            if number in owners:
                track = known[owners[number]]
                _move(track, face, track.appearance if hidden[number] else current, time)
            else:
                track = _Track(self._next_number, face, current, time)
                self._next_number += 1
                known.append(track)
            tracks.append(track)
        self._tracks = sorted(known, key=lambda track: -track.last_seen)[:MAX_TRACKS]
        self._time = time
        return [replace(f, track_id=t.number) for f, t in zip(faces, tracks, strict=True)]

    def _match(
        self,
        tracks: Sequence[_Track],
        faces: Sequence[Face],
        appearances: Sequence[Floats],
        time: float,
    ) -> list[tuple[int, int]]:
        """Return face and track of each matched pair, with the largest sum of affinities (Kuhn 1955)."""
        affinity = np.zeros((len(faces), len(tracks)))
        boxes, expected = [f.box for f in faces], [track.expected(time).box for track in tracks]
        same_place = box_iou(boxes, expected) >= SAME_FACE_IOU
        near = box_iou([_grown(box) for box in boxes], [_grown(box) for box in expected])
        for row, column in np.argwhere(near > 0):
            track = tracks[column]
            alike = float(track.appearance @ appearances[row])
            stayed = track.last_seen == self._time and same_place[row, column]
            if stayed or alike >= SAME_APPEARANCE:
                affinity[row, column] = near[row, column] + max(alike, 0.0)
        rows, columns = linear_sum_assignment(affinity, maximize=True)
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if affinity[r, c] > 0]

    def _fit(self, image: Image) -> None:
        """Scale all boxes and velocities to another frame size."""
        height, width = image.shape[:2]
        if self._size is not None and self._size != (width, height):
            across, down = width / self._size[0], height / self._size[1]
            for track in self._tracks:
                track.face = transformed(track.face, (across, down), (0.0, 0.0))
                dx, dy = track.velocity
                track.velocity = (dx * across, dy * down)
        self._size = (width, height)


def transformed(face: Face, scale: tuple[float, float], shift: tuple[float, float]) -> Face:
    """Return a face scaled and shifted along both axes, with its points."""
    (across, down), (dx, dy) = scale, shift
    x0, y0, x1, y1 = face.box
    by, to = np.array(scale, np.float32), np.array(shift, np.float32)
    return replace(
        face,
        box=(x0 * across + dx, y0 * down + dy, x1 * across + dx, y1 * down + dy),
        points=face.points * by + to,
        landmarks=None if face.landmarks is None else face.landmarks * by + to,
    )


def appearance(image: Image, box: Box) -> Floats:
    """Return the appearance of a face as a small picture, normalized in brightness and contrast.

    Args:
        image: (H, W, 3) or (H, W) uint8.
        box: x0, y0, x1, y1 in its pixels.

    Returns:
        A unit vector whose dot products with others are correlations; zeros for a uniform surface.
    """
    x0, y0, x1, y1 = (round(edge) for edge in box)
    step = max(1, min(x1 - x0, y1 - y0) // (2 * APPEARANCE_SIDE))
    crop = image[max(y0, 0) : max(y1, 1) : step, max(x0, 0) : max(x1, 1) : step]
    if crop.size == 0:
        return np.zeros(APPEARANCE_SIDE * APPEARANCE_SIDE * image[0, 0].size, np.float32)
    side = (APPEARANCE_SIDE, APPEARANCE_SIDE)
    small = cv2.resize(np.ascontiguousarray(crop), side, interpolation=cv2.INTER_AREA)
    values = small.astype(np.float32).ravel()
    return _unit(values - values.mean())


def _grown(box: Box) -> Box:
    x0, y0, x1, y1 = box
    dx, dy = BOX_BUFFER * (x1 - x0), BOX_BUFFER * (y1 - y0)
    return x0 - dx, y0 - dy, x1 + dx, y1 + dy


def _unit(values: Floats) -> Floats:
    """Return the vector scaled to length 1; zeros stay zeros."""
    return values / np.float32(max(float(values @ values) ** 0.5, 1e-6))


def _move(track: _Track, face: Face, appearance: Floats, time: float) -> None:
    """Update a track with its face and the appearance of it in a new frame."""
    elapsed, box = time - track.last_seen, face.box
    if elapsed > 0:
        (x0, y0, x1, y1), (dx, dy) = track.face.box, track.velocity
        shifts = (box[0] + box[2] - x0 - x1) / 2, (box[1] + box[3] - y0 - y1) / 2
        keep = exp(-elapsed / MOTION_TIME)
        dx, dy = (
            keep * speed + (1 - keep) * shift / elapsed
            for speed, shift in zip((dx, dy), shifts, strict=True)
        )
        track.velocity = (dx, dy)
        weight = np.float32(exp(-elapsed / APPEARANCE_TIME))
        track.appearance = _unit(weight * track.appearance + (1 - weight) * appearance)
    track.face, track.last_seen = face, time

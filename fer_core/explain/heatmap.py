"""From a raw map to what is shown on the frame. Scaling for display happens here and nowhere before."""

import cv2
import numpy as np

from fer_core.explain.shares import is_flat, part_share, positive_part, region_share
from fer_core.types import Explanation, Floats, Regions


def explanation(
    raw: Floats,
    regions: Regions,
    *,
    target: str,
    method: str,
    frame_shape: tuple[int, ...],
    seconds: float,
    landmarks: Floats | None = None,
    peak: float | None = None,
    other: str | None = None,
) -> Explanation:
    """A raw map with its heatmap on the frame and its region shares.

    Args:
        raw: (h, w) of the face that ``regions`` was cut from.
        target, method: what the map explains, and how.
        frame_shape: (H, W, ...) of the frame.
        seconds: what the raw map took.
        landmarks: (78, 2) in frame pixels, for the shares of brows, eyes, nose and mouth.
        peak: value of ``raw`` that the heatmap shows as 1, larger ones too; the map's own maximum
            unless given. One peak for several maps keeps them comparable.
        other: the class whose map was taken away from ``raw``.
    """
    flat = is_flat(raw)
    heat = positive_part(raw)
    if flat:
        heatmap = np.zeros(frame_shape[:2], np.float32)
    else:
        scaled = np.minimum(heat / (heat.max() if peak is None else peak), 1)
        heatmap = to_frame(scaled, regions, frame_shape)
    return Explanation(
        target=target,
        method=method,
        raw=raw,
        heatmap=heatmap,
        region_share=region_share(raw),
        is_flat=flat,
        seconds=seconds,
        part_share=None if landmarks is None else part_share(raw, to_aligned(landmarks, regions)),
        other=other,
    )


def to_aligned(landmarks: Floats, regions: Regions) -> Floats:
    """(N, 2) points in frame pixels -> fractions of the face's aligned square."""
    transform = regions.transform
    moved = landmarks @ transform[:, :2].T + transform[:, 2]
    return np.asarray(moved / len(regions.face), np.float32)


def to_frame(heat: Floats, regions: Regions, frame_shape: tuple[int, ...]) -> Floats:
    """(h, w) in aligned coordinates -> (H, W) in frame pixels, zero outside the face's square.

    Only the box around the face's quadrilateral is computed.
    """
    height, width = frame_shape[:2]
    frame = np.zeros((height, width), np.float32)
    corners = regions.quads["face"]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if x0 == x1 or y0 == y1:
        return frame
    # In two steps, since the warp interpolates in steps of 1/32 pixel, which would show on 6 cells.
    square = cv2.resize(heat, regions.face.shape[::-1], interpolation=cv2.INTER_LINEAR)
    # OpenCV takes these edge coordinates for pixel centres: that moves the heat by a sixteenth of a cell,
    # and lets it end exactly where the face's quadrilateral does.
    to_aligned = regions.transform.astype(np.float64)
    to_aligned[:, 2] += to_aligned[:, :2] @ (x0, y0)
    cv2.warpAffine(
        square,
        to_aligned,
        (x1 - x0, y1 - y0),
        dst=frame[y0:y1, x0:x1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_TRANSPARENT,  # leaves what lies outside the square at zero
    )
    return frame

"""Heatmaps on the frame, from raw maps. Scaling for display happens here and not before."""

from math import ceil, floor

import cv2
import numpy as np

from fer_core.explain.attribution_shares import is_flat, part_share, positive_part, region_share
from fer_core.types import Explanation, Floats, RawMap, Regions


def explanation(
    raw_map: RawMap,
    regions: Regions,
    frame_shape: tuple[int, ...],
    *,
    landmarks: Floats | None = None,
    peak: float | None = None,
) -> Explanation:
    """Return a raw map with its heatmap on the frame and its attribution shares.

    Args:
        raw_map: of the face that ``regions`` was cut from.
        frame_shape: (H, W, ...) of the frame.
        landmarks: (78, 2) in frame pixels, for the shares of the parts of the face.
        peak: value of the map that the heatmap shows as 1, larger ones too; the map's own maximum by
            default. One peak for several maps keeps them comparable.
    """
    raw = raw_map.raw
    flat = is_flat(raw)
    if flat:
        heatmap, box = np.zeros(frame_shape[:2], np.float32), (0, 0, 0, 0)
    else:
        heat = positive_part(raw)
        scaled = np.minimum(heat / (heat.max() if peak is None else peak), 1)
        heatmap, box = to_frame(scaled, regions, frame_shape)
    return Explanation(
        target=raw_map.target,
        method=raw_map.method,
        raw=raw,
        heatmap=heatmap,
        region_share=region_share(raw),
        is_flat=flat,
        seconds=raw_map.seconds,
        part_share=None if landmarks is None else part_share(raw, to_aligned(landmarks, regions)),
        other=raw_map.other,
        heat_box=box,
        compared=raw_map.compared,
    )


def to_aligned(landmarks: Floats, regions: Regions) -> Floats:
    """Return (N, 2) points in frame pixels as fractions of the face's aligned square."""
    transform = regions.transform
    moved = landmarks @ transform[:, :2].T + transform[:, 2]
    return np.asarray(moved / len(regions.face), np.float32)


def to_frame(
    heat: Floats, regions: Regions, frame_shape: tuple[int, ...]
) -> tuple[Floats, tuple[int, int, int, int]]:
    """Return an (h, w) map in aligned coordinates as (H, W) in frame pixels, zero outside the face's square,
    and the bounding box x0, y0, x1, y1 of this square in the frame.

    Only the bounding box is computed.
    """
    height, width = frame_shape[:2]
    frame = np.zeros((height, width), np.float32)
    corners = regions.quads["face"]
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    x0, y0 = min(max(floor(left), 0), width), min(max(floor(top), 0), height)
    x1, y1 = min(max(ceil(right) + 1, 0), width), min(max(ceil(bottom) + 1, 0), height)
    box = x0, y0, x1, y1
    if x0 == x1 or y0 == y1:
        return frame, box
    # In two steps, since the warp interpolates in steps of 1/32 pixel, which would show on 6 cells.
    square = cv2.resize(heat, regions.face.shape[::-1], interpolation=cv2.INTER_LINEAR)
    # OpenCV takes these edge coordinates for pixel centers: that moves the heat by a sixteenth of a cell,
    # and makes it end exactly where the face's quadrilateral does.
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
    return frame, box

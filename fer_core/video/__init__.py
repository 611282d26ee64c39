"""Clips: a video becomes a timeline, a table, and a video with what was read painted into it."""

from fer_core.video.actions import liveliest_actions
from fer_core.video.decode import BreaksOffError, Clip, Frame, VideoError, read_frame
from fer_core.video.encode import annotate
from fer_core.video.record import Recorder
from fer_core.video.timeline import (
    CSV_COLUMNS,
    SEQUENCE,
    Moment,
    Progress,
    Timeline,
    TimelineReader,
)

__all__ = [
    "CSV_COLUMNS",
    "SEQUENCE",
    "BreaksOffError",
    "Clip",
    "Frame",
    "Moment",
    "Progress",
    "Recorder",
    "Timeline",
    "TimelineReader",
    "VideoError",
    "annotate",
    "liveliest_actions",
    "read_frame",
]

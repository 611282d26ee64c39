"""Video clips: decode them, predict over time, and write a table or an annotated video."""

from fer_core.video.actions import liveliest_actions
from fer_core.video.container import VideoError
from fer_core.video.decode import BreaksOffError, Clip, Frame, read_frame
from fer_core.video.encode import annotate
from fer_core.video.reader import TimelineReader
from fer_core.video.record import Recorder
from fer_core.video.rows import CSV_COLUMNS, SEQUENCE, table_columns
from fer_core.video.timeline import Moment, Progress, Timeline

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
    "table_columns",
]

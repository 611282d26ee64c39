"""Open the container of a clip, and read its packets with times that run on from 0."""

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from fer_core.errors import UserError

FORMATS: Final = "mov,mp4,avi,matroska,webm,mpeg,mpegts,mpegvideo,asf,flv,ogg"
"""Formats that may be opened. Playlists are left out: they would make FFmpeg read other files and
addresses."""

MAX_MEGAPIXELS: Final = 36
"""Megapixels of a frame, above which it is not decoded: 8K has 33, and takes 340 MB to decode."""

MAX_PIXELS: Final = MAX_MEGAPIXELS * 1_000_000

FFMPEG_ERRORS: Final = (av.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError)
"""Exceptions of PyAV on a file that it cannot handle: those of FFmpeg, ``OSError`` if the file points beyond
its own end, ``ValueError`` for sizes and formats that it does not convert, ``ArithmeticError`` for times
beyond 64 bits."""

MAX_STEP_BACK: Final = Fraction(1, 10)
"""Seconds by which the time of a stream may go back before it counts as starting again, as in FFmpeg."""

TIME_JUMPS: Final = 0x0200
"""FFmpeg's flag AVFMT_TS_DISCONT of formats whose time may jump."""

MAX_STEP_AHEAD: Final = 10
"""Seconds by which the time of a stream may jump ahead, as in FFmpeg, in formats whose time may jump: in
MPEG streams a clock that starts again is taken for one that overflows, and then jumps ahead by 26 hours."""

MAX_PACKET: Final = Fraction(1)
"""Longest time in seconds that the last packet before a new start is given; damaged files declare days."""

FILE_START: Final = re.compile(
    rb"\x1a\x45\xdf\xa3.{1,60}(webm|matroska)|ftyp(iso|mp4|avc|qt  |M4V|3gp)|RIFF.{4}AVI ",
    re.DOTALL,
)
"""First bytes of a Matroska, MP4 or AVI file."""

SEARCH_BLOCK: Final = 1 << 20
"""Bytes of a file that are searched at once."""

Source = Path | str | bytes
"""Path or content of a file."""


class VideoError(UserError):
    """Raised if a clip cannot be used; the message tells the user in one sentence what to do."""


def open_file(source: Source) -> BinaryIO:
    """Open the file here, not in FFmpeg, so that a path is never taken for a network address.

    Raises:
        VideoError: if the file does not exist or cannot be read.
    """
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return Path(source).open("rb")
    except FileNotFoundError:
        raise VideoError(f"there is no file {source}; check the path") from None
    except OSError as error:
        raise VideoError(f"{source} cannot be opened ({error.strerror})") from error


def open_container(file: BinaryIO, name: str) -> InputContainer:
    """Open a file for demuxing.

    Raises:
        VideoError: if the file is not a video; the message has the clip's name.
    """
    try:
        return av.open(
            file,
            "r",
            # FFmpeg decodes the first frames here already, to find out what they are.
            options={"format_whitelist": FORMATS, "max_pixels": str(MAX_PIXELS)},
            metadata_errors="replace",  # tags may be in any encoding, and are not used
        )
    except FFMPEG_ERRORS:
        raise VideoError(
            f"{name} is not a video, or lacks the part that says how to read it (a download that was "
            "cut off?); give an mp4, mov, avi, webm, mkv or mpg file"
        ) from None


def best_stream(container: InputContainer, kind: str) -> Stream | None:
    """Return the stream of pictures ("video") or of sound ("audio") that players choose; None without one."""
    stream = container.streams.best("video" if kind == "video" else "audio")
    if stream is None or stream.disposition & Disposition.attached_pic:  # the cover of a song
        return None
    return stream


class PacketReader:
    """Reads the packets of pictures and sound, with times that count from the start of the clip; once.

    Recordings that were joined, and MPEG streams, may start their time again within one file. Pictures and
    sound then go on together where the part before ended: the parts have offsets that all streams share. Each
    stream goes on to the next part at its own packet, since the streams of MPEG do not change at once.
    """

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self._offsets = [-Fraction(container.start_time or 0, av.time_base)]
        self._jumps_ahead = bool(container.format.flags & TIME_JUMPS)
        # FFmpeg derives them from the order of decoding, which is another where frames are reordered.
        self._shown_times = container.format.name != "avi"
        self._parts: dict[int, int] = {}
        self._last: dict[int, Fraction] = {}
        self._end = Fraction(0)
        self.bytes_read = 0
        """Position in the file where the last packet so far ends."""

    @property
    def starts_again(self) -> bool:
        """Whether the time of the file has started again."""
        return len(self._offsets) > 1

    def __iter__(self) -> "Iterator[Packet[Stream]]":
        """Yield the packets.

        Raises:
            FFMPEG_ERRORS: where the file is damaged.
        """
        streams = [
            stream
            for stream in self._container.streams
            if isinstance(stream, VideoStream | AudioStream)
            and not stream.disposition & Disposition.attached_pic
        ]
        for packet in self._container.demux(streams):
            if packet.pos is not None:
                self.bytes_read = max(self.bytes_read, packet.pos + packet.size)
            if packet.dts is not None:
                # A recording begins with a keyframe; other frames may have times out of order.
                if packet.is_keyframe:
                    self._go_on(packet.stream_index, packet.dts * packet.time_base)
                packet.dts += self._offset(packet)
                time = packet.dts * packet.time_base
                self._last[packet.stream_index] = time
                length = min((packet.duration or 0) * packet.time_base, MAX_PACKET)
                self._end = max(self._end, time + length)
            if packet.pts is not None:
                packet.pts = packet.pts + self._offset(packet) if self._shown_times else None
            yield packet

    def _offset(self, packet: "Packet[Stream]") -> int:
        """Return the offset of a packet's part, in ticks of the packet."""
        part = self._parts.setdefault(packet.stream_index, len(self._offsets) - 1)
        return round(self._offsets[part] / packet.time_base)

    def _go_on(self, stream: int, time: Fraction) -> None:
        """Go on to the next part of a stream if a time, as it is in the file, starts again."""
        if self._jumps(stream, time):
            self._parts[stream] = len(self._offsets) - 1
            if self._jumps(stream, time):
                self._offsets.append(self._end - time)
                self._parts[stream] += 1

    def _jumps(self, stream: int, time: Fraction) -> bool:
        if stream not in self._last:
            return False
        step = time + self._offsets[self._parts[stream]] - self._last[stream]
        return step < -MAX_STEP_BACK or (self._jumps_ahead and step > MAX_STEP_AHEAD)


def packet_time(packet: "Packet[Stream]") -> float | None:
    """Return the time of a packet in seconds: when it is shown, or else when it is decoded; None if it has
    neither."""
    stamp = packet.dts if packet.pts is None else packet.pts
    return None if stamp is None else float(stamp * packet.time_base)


def holds_another_file(file: BinaryIO, start: int) -> bool:
    """Return whether another mp4, mkv, webm or avi begins at or after a position of a file."""
    file.seek(start)
    kept = b""
    while block := file.read(SEARCH_BLOCK):
        if FILE_START.search(kept + block):
            return True
        kept = block[-100:]
    return False

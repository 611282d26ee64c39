"""Open the container of a clip, and read its packets with times that run on from 0."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf
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
    rb"\x1a\x45\xdf\xa3.{1,60}(webm|matroska)|RIFF.{4}AVI |FLV\x01[\x01\x04\x05]\0\0\0\x09"
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9|ftyp(iso|mp4|avc|qt  |M4V|3gp)",
    re.DOTALL,
)
"""First bytes of a Matroska, AVI, FLV, ASF or MP4 file."""

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
    except (OSError, ValueError) as error:  # ValueError for characters that no name has
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"{source} cannot be opened ({reason})") from error


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


@dataclass(slots=True)
class _StreamTime:
    """Time of one stream, in its own ticks: integers, since an hour has half a million packets."""

    base: Fraction
    """Seconds of a tick."""
    steps: tuple[int, float]
    """Smallest and largest step from packet to packet that is no new start."""
    offset: int = 0
    """Added to the times of the part, so that they count from the start of the clip."""
    last: int | None = None
    """Time of the last packet, offset included."""
    length: int = 0
    """Duration of the last packet."""

    def enter(self, offset: Fraction) -> None:
        """Go on to the part with this offset, in seconds."""
        self.offset = round(offset / self.base)

    def starts_again(self, stamp: int) -> bool:
        """Return whether a packet with this time in the file does not go on from the last one."""
        if self.last is None:
            return False
        step = stamp + self.offset - self.last
        return not self.steps[0] <= step <= self.steps[1]


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
        self._times: dict[int, _StreamTime] = {}
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
            time = self._time_of(packet)
            if (stamp := packet.dts) is not None:
                # A recording begins with a keyframe; other frames may have times out of order.
                if packet.is_keyframe and time.starts_again(stamp):
                    self._enter_next_part(time, stamp)
                packet.dts = time.last = stamp + time.offset
                time.length = packet.duration or 0
            if packet.pts is not None:
                packet.pts = packet.pts + time.offset if self._shown_times else None
            yield packet

    def _time_of(self, packet: "Packet[Stream]") -> _StreamTime:
        """Return the time of a packet's stream; a stream that is new is in the newest part."""
        time = self._times.get(packet.stream_index)
        if time is None:
            base = packet.time_base
            ahead = float(MAX_STEP_AHEAD / base) if self._jumps_ahead else inf
            time = _StreamTime(base, (-round(MAX_STEP_BACK / base), ahead))
            time.enter(self._offsets[-1])
            self._times[packet.stream_index] = time
        return time

    def _enter_next_part(self, time: _StreamTime, stamp: int) -> None:
        """Go on to the newest part of the file, or begin another if the packet does not belong to it."""
        time.enter(self._offsets[-1])
        if time.starts_again(stamp):
            end = max(
                each.last * each.base + min(each.length * each.base, MAX_PACKET)
                for each in self._times.values()
                if each.last is not None
            )
            self._offsets.append(end - stamp * time.base)
            time.enter(self._offsets[-1])


def packet_time(packet: "Packet[Stream]") -> float | None:
    """Return the time of a packet in seconds: when it is shown, or else when it is decoded; None if it has
    neither."""
    stamp = packet.dts if packet.pts is None else packet.pts
    return None if stamp is None else float(stamp * packet.time_base)


def holds_another_file(file: BinaryIO, start: int) -> bool:
    """Return whether another file was joined to this one, and FFmpeg has not read all of it.

    Args:
        file: an open clip; its position is moved.
        start: position where the last packet ends.
    """
    if _has_second_header(file):  # of joined MP4 files, packets of the second are read in part
        return True
    file.seek(start)
    kept = b""
    while block := file.read(SEARCH_BLOCK):
        if FILE_START.search(kept + block):
            return True
        kept = block[-100:]
    return False


def _has_second_header(file: BinaryIO) -> bool:
    """Return whether an MP4 has another box ``ftyp`` than that at its beginning."""
    position = 0
    file.seek(0)
    while len(head := file.read(16)) == 16:
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if name == b"ftyp" and position > 0:
            return True
        if position == 0 and name != b"ftyp":
            return False
        size = int.from_bytes(head[8:], "big") if size == 1 else size
        position += size
        if size < len(head) // 2 or position >= 1 << 62:  # 0: the last box; others: a damaged one
            return False
        file.seek(position)
    return False

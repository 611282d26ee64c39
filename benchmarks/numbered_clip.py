"""A looping clip of one moving face, encoded beforehand, whose frames carry their number.

A camera that plays it costs no encoding, and the number in a picture that comes back tells how old it is.
"""

import fractions
from functools import cache
from typing import Final

import av
import cv2
import numpy as np
import skimage.data
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from fer_core.types import Image

SIZE: Final = (640, 480)
"""Width and height in pixels."""
FRAMES: Final = 240
BITS: Final = 8
BLOCK: Final = 20
"""Side of the block of each bit, in pixels: large enough to survive the compression."""
CLOCK_RATE: Final = 90_000
"""Ticks a second of the video's clock, as WebRTC has it."""
OPTIONS: Final = {"cpu-used": "-4", "deadline": "realtime", "lag-in-frames": "0"}


@cache
def encoded_clip() -> tuple[bytes, ...]:
    """Return the frames of the clip, each as VP8 encodes it; the first is a key frame."""
    codec = VideoCodecContext.create("libvpx", "w")
    codec.width, codec.height = SIZE
    codec.pix_fmt, codec.bit_rate, codec.gop_size = "yuv420p", 1_000_000, 30
    codec.time_base, codec.framerate = fractions.Fraction(1, 30), fractions.Fraction(30, 1)
    codec.options = OPTIONS
    packets = []
    for number in range(FRAMES):
        frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
        frame.pts, frame.time_base = number, codec.time_base
        if number == 0:
            frame.pict_type = PictureType.I
        packets += [bytes(packet) for packet in codec.encode(frame)]
    packets += [bytes(packet) for packet in codec.encode(None)]
    return tuple(packets)


def numbered_frame(number: int) -> Image:
    """Return a frame of the clip, (480, 640, 3) RGB, with its number in the last rows.

    It stands there twice, from the left and from the right: the app may mirror it, or draw over one side.
    """
    portrait: Image = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    angle = 2 * np.pi * number / 80
    x, y = 30 + 30 * np.cos(angle), 15 + 15 * np.sin(angle)
    shift = np.array([[1.6, 0, -1.6 * x], [0, 1.6, -1.6 * y]], np.float32)
    frame = cv2.warpAffine(portrait, shift, SIZE, borderMode=cv2.BORDER_REFLECT)
    width, height = SIZE
    for bit in range(BITS):
        value = 235 if number >> bit & 1 else 20
        frame[height - BLOCK :, bit * BLOCK : (bit + 1) * BLOCK] = value
        frame[height - BLOCK :, width - (bit + 1) * BLOCK : width - bit * BLOCK] = value
    return np.asarray(frame, np.uint8)


def number_in(gray: Image) -> int:
    """Return the number that a frame carries at its right, from its gray image, (480, 640)."""
    height, width = gray.shape
    row = gray[height - BLOCK // 2]
    return sum(1 << bit for bit in range(BITS) if row[width - 1 - bit * BLOCK - BLOCK // 2] > 128)

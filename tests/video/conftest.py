"""Small clips for the tests."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

av = pytest.importorskip("av")

from fer_core import Analyzer  # noqa: E402
from fer_core.types import Image  # noqa: E402

if TYPE_CHECKING:
    from av import AudioFrame

RATE = 30
SOUND_RATE = 48_000

WriteClip = Callable[..., Path]


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    return Analyzer(device="cpu")


@pytest.fixture(scope="session")
def face(astronaut: Image) -> Image:
    """(240, 320, 3): one face, at the left."""
    small = cv2.resize(astronaut[0:256, 96:352], (240, 240), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.pad(small, ((0, 0), (0, 80), (0, 0))))


@pytest.fixture(scope="session")
def nobody(face: Image) -> Image:
    return np.full_like(face, 90)


@pytest.fixture
def write_clip(tmp_path: Path) -> WriteClip:
    """``write_clip(frames, name="clip.mp4")``: the path of a clip made of these (H, W, 3) frames."""

    def write(
        frames: Sequence[Image],
        *,
        name: str = "clip.mp4",
        codec: str = "libx264",
        times: Sequence[float] | None = None,
        rotation: float = 0,
        sound: str | None = None,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        tick = Fraction(1, RATE) if codec.startswith("mpeg") else Fraction(1, 1000)
        with av.open(path, "w", options=options or {}) as output:
            video = output.add_stream(codec, RATE)
            video.height, video.width = frames[0].shape[:2]
            video.pix_fmt = "yuv420p"
            video.codec_context.time_base, video.codec_context.gop_size = tick, 10
            if rotation:
                video.set_display_rotation(rotation)
            audio = output.add_stream(sound, SOUND_RATE, layout="mono") if sound else None
            for number, image in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                time = times[number] if times else number / RATE
                frame.pts, frame.time_base = round(time / tick), tick
                output.mux(video.encode(frame))
                if audio:
                    output.mux(audio.encode(tone(number)))
            output.mux(video.encode(None))
            if audio:
                output.mux(audio.encode(None))
        return path

    return write


def tone(number: int) -> "AudioFrame":
    """Return the sound of one frame, 440 Hz."""
    length = SOUND_RATE // RATE
    when = (number * length + np.arange(length)) / SOUND_RATE
    samples = (8000 * np.sin(2 * np.pi * 440 * when)).astype(np.int16)[None]
    frame: AudioFrame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts = SOUND_RATE, number * length
    frame.time_base = Fraction(1, SOUND_RATE)
    return frame

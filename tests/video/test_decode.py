"""Clips of many kinds, whole and broken."""

import gc
import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from fer_core.types import Image
from fer_core.video.container import VideoError
from fer_core.video.decode import BreaksOffError, Clip, Frame, read_frame
from tests.video.conftest import RATE, WriteClip, av, tone


def shade(value: int, width: int = 64, height: int = 48) -> Image:
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture(scope="module")
def noise() -> list[Image]:
    """90 frames that do not compress, so that a file can be cut where there are frames on both sides."""
    generator = np.random.default_rng(0)
    return [generator.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(90)]


def read(source: Path | bytes, **options: int) -> list[Frame]:
    with Clip(source) as clip:
        return list(clip.frames(**options))


def read_broken(path: Path) -> tuple[list[Frame], str]:
    """What could be decoded, and what was said about the rest."""
    frames = []
    with Clip(path) as clip, pytest.raises(BreaksOffError) as broken:
        for frame in clip.frames():
            frames.append(frame)
    return frames, str(broken.value)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "libx264"),
        ("a.mkv", "libx264"),
        ("a.avi", "mpeg4"),
        ("a.webm", "libvpx"),
        ("a.mpg", "mpeg2video"),
    ],
)
def test_frames_are_decoded_with_their_times(write_clip: WriteClip, name: str, codec: str) -> None:
    path = write_clip([shade(20 * n) for n in range(12)], name=name, codec=codec)
    frames = read(path)
    assert [frame.number for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(12) / RATE, abs=2e-3)
    levels = [frame.image.mean() for frame in frames]
    assert levels == pytest.approx(20 * np.arange(12), abs=12)
    assert frames[0].image.shape == (48, 64, 3) and frames[0].image.dtype == np.uint8
    assert [frame.image.mean() for frame in read(path.read_bytes())] == levels


def test_every_third_frame_keeps_its_number(write_clip: WriteClip) -> None:
    frames = read(write_clip([shade(0)] * 10), every=3)
    assert [frame.number for frame in frames] == [0, 3, 6, 9]
    assert frames[2].time == pytest.approx(6 / RATE, abs=1e-3)


def test_a_clip_has_a_duration_and_a_frame_rate(write_clip: WriteClip) -> None:
    with Clip(write_clip([shade(0)] * 15)) as clip:
        assert clip.duration == pytest.approx(0.5, abs=0.01)
        assert float(clip.rate) == pytest.approx(RATE, rel=0.05)
        assert clip.name == "clip.mp4"


def test_times_are_those_of_the_clip_where_the_rate_varies(write_clip: WriteClip) -> None:
    times = [0.0, 0.1, 0.15, 0.9, 1.0, 2.5]
    frames = read(write_clip([shade(0)] * 6, times=times))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)


def test_times_count_from_the_start_of_the_clip(write_clip: WriteClip) -> None:
    frames = read(write_clip([shade(0)] * 4, times=[7.0, 7.1, 7.2, 7.3], name="late.mkv"))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3], abs=2e-3)


@pytest.mark.parametrize(
    ("rotation", "shape", "corner"),
    [
        (-90, (64, 48), (0, -1)),
        (90, (64, 48), (-1, 0)),
        (180, (48, 64), (-1, -1)),
        (0, (48, 64), (0, 0)),
    ],
)
def test_phone_videos_are_decoded_upright(
    write_clip: WriteClip, rotation: int, shape: tuple[int, int], corner: tuple[int, int]
) -> None:
    image = shade(0)
    image[:24, :24] = 255  # the top left, as the phone stored it
    (frame,) = read(write_clip([image], rotation=rotation))
    assert frame.image.shape[:2] == shape
    row, column = (8 if at == 0 else -8 for at in corner)
    assert frame.image[row, column].min() > 230
    assert np.median(frame.image) < 20


def test_pixels_are_made_square(tmp_path: Path) -> None:
    path = tmp_path / "wide.mkv"
    with av.open(path, "w") as output:
        video = output.add_stream("libx264", RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(3, 2)
        output.mux(video.encode(av.VideoFrame.from_ndarray(shade(90), format="rgb24")))
        output.mux(video.encode(None))
    assert read(path)[0].image.shape == (48, 96, 3)


def test_a_clip_of_one_frame_is_read(write_clip: WriteClip) -> None:
    (frame,) = read(write_clip([shade(77)]))
    assert (frame.number, frame.time) == (0, 0.0)


def test_4k_frames_keep_their_size(write_clip: WriteClip) -> None:
    (frame,) = read(write_clip([shade(50, 3840, 2160)]))
    assert frame.image.shape == (2160, 3840, 3)


def test_a_second_stream_before_the_video_loses_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "sound-first.mov"
    with av.open(path, "w") as output:
        audio = output.add_stream("aac", 48_000, layout="mono")
        video = output.add_stream("libx264", RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            output.mux(audio.encode(tone(number)))
            output.mux(video.encode(av.VideoFrame.from_ndarray(shade(0), format="rgb24")))
        output.mux(audio.encode(None))
        output.mux(video.encode(None))
    assert len(read(path)) == 20


def test_frames_are_not_kept(write_clip: WriteClip) -> None:
    path = write_clip([shade(10)] * 60)
    with Clip(path) as clip:
        for frame in clip.frames():
            if frame.number == 50:
                alive = sum(isinstance(each, Frame) for each in gc.get_objects())
                assert alive <= 2


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"movflags": "faststart"}),
        ("a.mkv", "libx264", {}),
        ("a.webm", "libvpx", {}),
    ],
)
def test_a_truncated_clip_yields_its_frames_and_then_raises(
    write_clip: WriteClip, noise: list[Image], name: str, codec: str, options: dict[str, str]
) -> None:
    path = write_clip(noise, name=name, codec=codec, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    frames, message = read_broken(path)
    assert 20 < len(frames) < 80
    assert message == (f"{name} breaks off at {frames[-1].time:.1f} s; what came before is kept")


def test_only_damaged_frames_are_lost(write_clip: WriteClip, noise: list[Image]) -> None:
    path = write_clip(noise, name="a.avi", codec="mpeg4")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    path.write_bytes(content)
    assert 80 <= len(read(path)) <= 90


def test_a_file_without_an_index_or_without_video_is_refused(
    write_clip: WriteClip, noise: list[Image], tmp_path: Path
) -> None:
    cut = write_clip(noise[:30])
    cut.write_bytes(cut.read_bytes()[:9000])
    text = tmp_path / "text.mp4"
    text.write_text("no picture here\n" * 20)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{cut}\n#EXT-X-ENDLIST\n")
    for path in (cut, text, empty, playlist):
        with pytest.raises(
            VideoError, match=rf"^{path.name} is not a video, or lacks .* give an mp4"
        ):
            Clip(path)
    with pytest.raises(VideoError, match=r"^the clip is not a video"):
        Clip(b"hello")


def test_a_file_with_sound_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(path, "w") as output:
        audio = output.add_stream("aac", 48_000, layout="mono")
        for number in range(10):
            output.mux(audio.encode(tone(number)))
        output.mux(audio.encode(None))
    with pytest.raises(VideoError, match=r"^song\.mp4 has no picture, only sound; give a video$"):
        Clip(path)


def test_a_codec_without_a_decoder_is_refused(write_clip: WriteClip) -> None:
    path = write_clip([shade(0)] * 3)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"xyz1"))
    with pytest.raises(
        VideoError, match=r"nothing here decodes the pictures of clip\.mp4; convert"
    ):
        Clip(path)


def test_a_clip_without_decodable_frames_is_refused(
    write_clip: WriteClip, noise: list[Image]
) -> None:
    path = write_clip(noise[:5], options={"movflags": "faststart"})
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    path.write_bytes(content[:start] + bytes(len(content) - start))
    with Clip(path) as clip, pytest.raises(VideoError, match=r"no frame of clip\.mp4 can be"):
        list(clip.frames())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"there is no file .*nowhere\.mp4; check the path"):
        Clip(tmp_path / "nowhere.mp4")
    with pytest.raises(VideoError, match="cannot be opened"):
        Clip(tmp_path)
    with pytest.raises(VideoError, match=r"cannot be opened \(embedded null"):
        Clip("a\0.mp4")
    with pytest.raises(VideoError, match="there is no file"):
        Clip("http://127.0.0.1/clip.mp4")


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.mpg", "mpeg2video")]
)
def test_the_frame_at_a_given_time_is_read(write_clip: WriteClip, name: str, codec: str) -> None:
    path = write_clip([shade(8 * n) for n in range(30)], name=name, codec=codec)
    frames = read(path)
    for number in (0, 9, 10, 17, 29):
        image = read_frame(path, frames[number].time)
        assert image.mean() == pytest.approx(frames[number].image.mean(), abs=0.5), number
    between = read_frame(path.read_bytes(), (frames[4].time + frames[5].time) / 2)
    assert between.mean() == pytest.approx(frames[4].image.mean(), abs=0.5)
    assert read_frame(path, 99.0).mean() == pytest.approx(frames[-1].image.mean(), abs=0.5)


def test_real_clips_are_decoded(shared: Callable[[str], Path]) -> None:
    frames = read(shared("data/clips/face_noface.mov"), every=40)
    assert [frame.number for frame in frames] == [0, 40, 80, 120, 160]
    assert frames[0].image.shape == (540, 960, 3)
    with Clip(shared("data/clips/talking_swiz3n.mpg")) as clip:
        times = [frame.time for frame in itertools.islice(clip.frames(), 20)]
    assert np.diff(times) == pytest.approx(1 / 25, abs=1e-3)


def test_files_are_closed(write_clip: WriteClip, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[IO[Any]] = []
    open_path = Path.open

    def remember(path: Path, mode: str = "r") -> IO[Any]:
        opened.append(open_path(path, mode))
        return opened[-1]

    path = write_clip([shade(0)] * 3)
    text = path.with_name("text.mp4")
    text.write_text("hello")
    monkeypatch.setattr(Path, "open", remember)
    read(path)
    with pytest.raises(VideoError):
        Clip(text)
    assert [file.closed for file in opened] == [True, True]

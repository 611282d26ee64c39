"""Predict over a clip, frame by frame."""

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Final

import numpy as np

from fer_core.analyzer import Analyzer
from fer_core.errors import UserError
from fer_core.pose import LANDMARKS
from fer_core.streaming.stream import Stream, StreamSettings
from fer_core.video.decode import BreaksOffError, Clip, Frame
from fer_core.video.rows import ROW, SEQUENCE, landmarks_of, row_of
from fer_core.video.timeline import Progress, Timeline, check_smoothing

MAX_BATCH_FRAMES: Final = 8
MAX_BATCH_PIXELS: Final = 8e6
"""Maximum frames and pixels of a batch, which bound the memory."""


class TimelineReader:
    """Predict over a clip; each step of the iteration analyzes a frame and yields the progress.

    The iteration may stop at any time and continue later; ``timeline`` holds the predictions so far. Frames
    and readings are not kept.

        reader = TimelineReader(clip, analyzer)
        for progress in reader:
            print(f"{progress.share:.0%}")
        reader.timeline.by_face()

    Args:
        settings: settings of the stream; maps are not needed here. ``smoothing`` averages over past and
            future, since a clip is not live; default: 0, each frame by itself.
        every: 1 for every frame, 2 for every second one, and so on.
        details: keep the landmarks of each row too, in 624 bytes.

    Raises:
        UserError: if ``every`` is less than 1, the smoothing is negative, or the sequence is longer than
            ``SEQUENCE``.
        VideoError: during the iteration, if no frame can be decoded.
    """

    def __init__(
        self,
        clip: Clip,
        analyzer: Analyzer,
        settings: StreamSettings | None = None,
        *,
        every: int = 1,
        details: bool = False,
    ) -> None:
        if every < 1:
            raise UserError(f"every {every}-th frame cannot be read; give 1 or more")
        self._clip, self._every = clip, every
        settings = settings or StreamSettings(maps=(), smoothing=0)
        if (length := settings.sequence) > SEQUENCE:
            raise UserError(f"a sequence of {length} frames is too long; give at most {SEQUENCE}")
        check_smoothing(settings.smoothing)
        classifier = analyzer.classifier(settings.model)
        self._model, self._prior = classifier.name, classifier.assumed_prior(settings.prior)
        self._unsure_below, self._smoothing = classifier.card.unsure_below, settings.smoothing
        self._stream = Stream(analyzer, replace(settings, smoothing=0.0))
        self._rows, self._landmarks = bytearray(), bytearray()
        self._details = details
        self._frames, self._end = 0, 0.0
        self._flaw: str | None = None
        self._done = False
        self._steps = self._read()

    def __iter__(self) -> Iterator[Progress]:
        return self._steps

    @property
    def timeline(self) -> Timeline:
        """Predictions so far."""
        return Timeline(
            clip=self._clip.name,
            model=self._model,
            every=self._every,
            frames=self._frames,
            end=self._end,
            stopped=not self._done,
            flaw=self._flaw,
            rows=np.frombuffer(bytes(self._rows), ROW),
            prior=self._prior,
            landmarks=np.frombuffer(bytes(self._landmarks), np.float32).reshape(-1, LANDMARKS, 2)
            if self._details
            else None,
            unsure_below=self._unsure_below,
        ).smoothed(self._smoothing)

    def _read(self) -> Iterator[Progress]:
        elapsed, started = 0.0, monotonic()
        for frames in self._batches():
            results = self._stream.push_all([(frame.image, frame.time) for frame in frames])
            for frame, result in zip(frames, results, strict=True):
                for reading in result.readings:
                    self._rows += row_of(frame.number, frame.time, reading).tobytes()
                    if self._details:
                        self._landmarks += landmarks_of(reading.face).tobytes()
                self._frames, self._end = self._frames + 1, frame.time
                elapsed += monotonic() - started
                yield Progress(frame.time, self._clip.duration, elapsed)
                started = monotonic()
        self._done = True

    def _batches(self) -> Iterator[list[Frame]]:
        """Yield the frames of the clip in batches, up to the point where it breaks off."""
        batch: list[Frame] = []
        try:
            for frame in self._clip.frames(every=self._every):
                batch.append(frame)
                if len(batch) >= min(MAX_BATCH_FRAMES, MAX_BATCH_PIXELS * 3 // frame.image.size):
                    yield batch
                    batch = []
        except BreaksOffError as error:
            self._flaw = str(error)
        if batch:
            yield batch

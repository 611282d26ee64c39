"""A viewer's stream on the engine: detection, landmarks and networks all leave this process."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

import numpy as np

from fer_core.analyzer import Analyzer
from fer_core.errors import UserError
from fer_core.images import to_rgb
from fer_core.runtime.remote import Engine, EngineError, EngineTimeoutError
from fer_core.runtime.wire import dumps
from fer_core.serving.hosts import CLASSES, StreamState
from fer_core.streaming.stream import Stream, StreamSettings
from fer_core.types import Baseline, Explanation, FrameResult, Image

SECONDS: Final = 3.0
"""Longest wait for the result of a frame, in seconds."""
ASKED: Final = 4
"""Processes of the engine that are asked for their load; the stream goes to the one with the fewest."""


class RemoteStream:
    """Answers as ``Stream`` does; the frames are read by the engine, and by this process where it is lost.

    Whenever the frames go to another process, tracks and neutral faces begin anew.

    Args:
        engine: the client.
        analyzer: reads frames while the engine cannot be reached.
        settings: as for ``Stream``.
    """

    def __init__(
        self, engine: Engine, analyzer: Analyzer, settings: StreamSettings | None = None
    ) -> None:
        self.settings = settings or StreamSettings()
        self._engine, self._analyzer = engine, analyzer
        self._name = uuid4().hex
        self._busy = Lock()
        self._host: Engine | None = None
        self._local: Stream | None = None
        self._state = StreamState(FrameResult(), {}, frozenset())

    def push(self, frame: Image, *, time: float) -> FrameResult:
        """Read the next frame, as ``Stream.push`` does."""
        if not self._busy.acquire(blocking=False):
            return self._state.result
        try:
            frame = to_rgb(frame)
            self._state = self._push_to_engine(frame, time) or self._push_here(frame, time)
            return self._state.result
        finally:
            self._busy.release()

    def set_baseline(self, track: int | None = None) -> None:
        """Take the next second of a face for that person's neutral face, as ``Stream.set_baseline`` does."""
        self._change_baseline(track, clear=False)

    def clear_baseline(self, track: int | None = None) -> None:
        """Stop comparing a face, or all faces, with a neutral one."""
        self._change_baseline(track, clear=True)

    @property
    def baselines(self) -> Mapping[int, Baseline]:
        """Track -> the neutral face with which it is compared, as of the last frame."""
        return self._state.baselines

    @property
    def captures(self) -> frozenset[int]:
        """Tracks of which the neutral face is being taken, as of the last frame."""
        return self._state.captures

    def _push_to_engine(self, frame: Image, time: float) -> StreamState | None:
        """Return the state after a frame; None where the engine is lost."""
        settings, analyzer = self.settings, self._analyzer
        card = analyzer.classifier(settings.model).card
        if not self._engine.has(card):
            self._host = None
            return None
        settings = replace(
            settings,
            model=card.name,
            detector=settings.detector or analyzer.detector_name,
            min_face=settings.min_face or analyzer.min_face,
        )
        path = f"/push?{urlencode({'stream': self._name, 'time': time})}"
        body = dumps((settings, frame))
        for attempt in range(2):  # the second by another process, where the first one has died
            try:
                self._host = self._host or self._find_host()
                state: StreamState = self._host.call(
                    "POST", path, body, seconds=SECONDS, retry=False, classes=CLASSES
                )
            except EngineError as error:
                self._host = None
                if attempt or isinstance(error, EngineTimeoutError):
                    self._engine.report_failure(card, error)
                    return None
            else:
                self._local = None
                return _restored(state, frame)
        return None

    def _find_host(self) -> Engine:
        """Return the least busy of some processes of the engine.

        Raises:
            EngineError: if none answers.
        """
        answers = [self._engine.call("GET", "/streams", seconds=SECONDS) for _ in range(ASKED)]
        least = min(answers, key=lambda answer: int(answer["load"]))
        return Engine(least["address"], self._engine.token)

    def _push_here(self, frame: Image, time: float) -> StreamState:
        if self._local is None:
            self._local = Stream(self._analyzer, self.settings)
        self._local.settings = self.settings
        result = self._local.push(frame, time=time)
        return StreamState(result, dict(self._local.baselines), self._local.captures)

    def _change_baseline(self, track: int | None, *, clear: bool) -> None:
        local, host = self._local, self._host
        if local is not None:
            (local.clear_baseline if clear else local.set_baseline)(track)
        elif host is not None:
            query: dict[str, object] = {"stream": self._name}
            query |= {} if track is None else {"track": track}
            query |= {"clear": 1} if clear else {}
            try:
                host.call("POST", f"/baseline?{urlencode(query)}", seconds=SECONDS)
            except EngineError:
                self._host = None  # the next frame goes elsewhere, where no face is known yet
        elif track is not None:
            raise UserError(f"there is no face {track}; tracked are []")


def open_stream(
    analyzer: Analyzer, settings: StreamSettings | None = None
) -> Stream | RemoteStream:
    """Return a stream on the analyzer's engine, or in this process where it has none."""
    if analyzer.engine is None:
        return Stream(analyzer, settings)
    return RemoteStream(analyzer.engine, analyzer, settings)


def _restored(state: StreamState, frame: Image) -> StreamState:
    """Return the state with heatmaps of the size of the frame."""

    def restore(explanation: Explanation) -> Explanation:
        if explanation.heat_box is None:
            return explanation
        heatmap = np.zeros(frame.shape[:2], np.float32)
        x0, y0, x1, y1 = explanation.heat_box
        heatmap[y0:y1, x0:x1] = explanation.heatmap
        return replace(explanation, heatmap=heatmap)

    explanations = tuple(tuple(map(restore, each)) for each in state.result.explanations)
    return replace(state, result=replace(state.result, explanations=explanations))

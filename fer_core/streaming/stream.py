"""One viewer's stream over the shared analyzer: follow faces, and smooth their predictions over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final

import numpy as np

from fer_core.analyzer import Analyzer
from fer_core.errors import UserError
from fer_core.faces import find_faces
from fer_core.geometry import box_iou
from fer_core.images import to_gray, to_rgb
from fer_core.options import AnalysisOptions
from fer_core.readings import Observation, Smoothed
from fer_core.streaming.baselines import BaselineCapture
from fer_core.streaming.blinks import BlinkCounter
from fer_core.streaming.smoothing import SequenceBuffer, TemporalSmoother
from fer_core.streaming.tracker import Tracker
from fer_core.timing import stage
from fer_core.types import Baseline, Face, Floats, FrameResult, Image

DETECT_EVERY: Final = 0.2
"""Time between two searches of the whole frame, in seconds; in between the known faces are followed."""

SEARCH_FULLY_EVERY: Final = 1.0
"""Time between two searches for faces of every size while others are followed, in seconds; the searches in
between look for faces of ``LARGE`` times the smallest size, which costs a quarter."""
LARGE: Final = 2.0

FOLLOWED_BETWEEN: Final = 2
"""Frames at least between two such searches in which known faces are followed. Where frames come slowly,
since many viewers share the cores, a search in each frame would make them slower still."""

FOLLOW_GAP: Final = 0.6
"""Time between two frames from which on faces are searched instead of followed, in seconds."""

SAME_FACE_IOU: Final = 0.5
"""Intersection over union above which two detections are taken for one face."""

CLEARLY_LARGER: Final = 1.25
"""Ratio of areas from which another face comes first."""


@dataclass(frozen=True, slots=True)
class StreamSettings(AnalysisOptions):
    """What a viewer wants to see: the options of the analysis, and how they are smoothed over time."""

    sequence: int = 1
    """Frames of a face, at least a tenth of a second apart, that a network which can do so reads as one
    sequence; 1 reads each frame by itself."""
    smoothing: float = 0.25
    """Time constant in seconds of the moving average of the predictions, and of the hysteresis of the shown
    class; 0 shows each frame by itself."""
    use_baselines: bool = True
    """Whether faces are compared with the neutral ones that ``Stream.set_baseline`` took of them."""


@dataclass(slots=True)
class FaceState:
    """What a stream remembers of one face."""

    smoother: TemporalSmoother = field(default_factory=TemporalSmoother)
    sequence: SequenceBuffer = field(default_factory=SequenceBuffer)
    blinks: BlinkCounter = field(default_factory=BlinkCounter)
    baseline: Baseline | None = None
    """Neutral face with which this one is compared; None for that of the settings."""
    capture: BaselineCapture | None = None
    """The capture of a baseline, while it goes on."""


class Stream:
    """Follows faces from frame to frame and smooths their predictions over time.

    ``settings`` may be replaced at any time. Each stream belongs to one viewer. When frames come faster
    than they can be processed, a push that finds another one running returns the last result.
    """

    def __init__(self, analyzer: Analyzer, settings: StreamSettings | None = None) -> None:
        self.settings = settings or StreamSettings()
        self._analyzer = analyzer
        self._busy = Lock()
        self._tracker = Tracker()
        self._states: dict[int, FaceState] = {}
        self._first: int | None = None
        self._time = -np.inf
        self._searched = self._searched_fully = -np.inf
        self._followed = 0
        self._searched_with: tuple[str | None, int | None] = (None, None)
        self._model: str | None = None
        self._last = FrameResult()

    def push(self, frame: Image, *, time: float) -> FrameResult:
        """Read the next frame.

        Args:
            frame: (H, W, 3) RGB uint8; its size may change from frame to frame.
            time: seconds, on any clock that does not go back.
        """
        if not self._busy.acquire(blocking=False):
            return self._last
        try:
            (self._last,) = self._read([(to_rgb(frame), time)])
            return self._last
        finally:
            self._busy.release()

    def push_all(self, frames: Sequence[tuple[Image, float]]) -> list[FrameResult]:
        """Read several frames at once: faster than one by one, with the same results.

        Args:
            frames: as for ``push``, each with its time.

        Returns:
            As many results, with the timings of all.
        """
        with self._busy:
            return self._read([(to_rgb(frame), time) for frame, time in frames])

    def set_baseline(self, track: int | None = None) -> None:
        """Take the next second of a face for that person's neutral face: later frames are compared with it.

        It is lost with the track, and when another model is chosen.

        Args:
            track: number of a tracked face; all of the last frame by default.

        Raises:
            UserError: if there is no such face.
        """
        with self._busy:
            for state in self._chosen(track):
                state.capture = BaselineCapture()

    def clear_baseline(self, track: int | None = None) -> None:
        """Stop comparing a face, or all faces, with a neutral one.

        Raises:
            UserError: if there is no such face.
        """
        with self._busy:
            for state in self._chosen(track):
                state.baseline = state.capture = None

    @property
    def baselines(self) -> Mapping[int, Baseline]:
        """Track -> the neutral face with which it is compared, for those that have one of their own."""
        states = dict(self._states)
        return {n: state.baseline for n, state in states.items() if state.baseline is not None}

    @property
    def captures(self) -> frozenset[int]:
        """Tracks of which the neutral face is being taken."""
        states = dict(self._states)
        return frozenset(n for n, state in states.items() if state.capture is not None)

    def _chosen(self, track: int | None) -> list[FaceState]:
        """Return the state of a tracked face; of all for None."""
        if track is None:
            return list(self._states.values())
        if track not in self._states:
            raise UserError(f"there is no face {track}; tracked are {sorted(self._states)}")
        return [self._states[track]]

    def _read(self, frames: Sequence[tuple[Image, float]]) -> list[FrameResult]:
        settings = self.settings
        timings: dict[str, float] = {}
        detected, grays, states = [], [], []
        for frame, time in frames:
            with stage(timings, "align"):
                grays.append(to_gray(frame))
            faces = self._in_order(self._find(frame, grays[-1], time, timings))
            detected.append((frame, faces))
            states.append(self._states_of(faces, settings.model))
        observations = self._analyzer.observe(detected, settings, timings, grays)
        results = []
        for observation, known, (_, time) in zip(observations, states, frames, strict=True):
            smoothed = None
            if known:
                with stage(timings, "predict"):
                    _take_baselines(observation, known, time)
                    if settings.use_baselines:
                        observation = _with_baselines(observation, known)
                    smoothed = self._smooth(observation, known, time, settings)
            result = self._analyzer.frame_result(observation, settings, timings, smoothed)
            results.append(result)
        return results

    def _find(
        self, frame: Image, gray: Image, time: float, timings: dict[str, float]
    ) -> list[Face]:
        """Follow the known faces; search the frame too when it is time, or when they may have changed."""
        settings, describer = self.settings, self._analyzer.describer()
        with stage(timings, "landmarks"):
            faces, all_there = self._follow(frame, gray, time)
        search = (settings.detector, settings.min_face)
        rested = not faces or self._followed >= FOLLOWED_BETWEEN
        due = rested and time - self._searched >= DETECT_EVERY
        self._followed += 1
        if due or not all_there or search != self._searched_with:
            fully = not all_there or search != self._searched_with
            fully = fully or time - self._searched_fully >= SEARCH_FULLY_EVERY
            self._searched, self._searched_with, self._followed = time, search, 0
            self._searched_fully = time if fully else self._searched_fully
            with stage(timings, "detect"):
                detector = self._analyzer.detector(settings.detector, settings.min_face)
                known = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
                detected = find_faces(frame, detector, known, times=1.0 if fully else LARGE)
                faces = [_confirmed(face, faces) for face in detected]
            with stage(timings, "landmarks"):
                faces = describer.describe([gray] * len(faces), faces)
        with stage(timings, "detect"):
            faces = self._tracker.update(frame, faces, time)
        if settings.landmarks:
            return faces
        return [replace(face, landmarks=None, actions=None, eyes=None) for face in faces]

    def _follow(self, frame: Image, gray: Image, time: float) -> tuple[list[Face], bool]:
        """Return the faces of the last frame that are still there, and whether they are all that is expected.

        They are not where one was lost, where a hidden face seems to be back, which the detector has to
        confirm, and after a gap of ``FOLLOW_GAP``.
        """
        gap, self._time = time - self._time, time
        visible, hidden = self._tracker.expected(frame, time)
        if gap >= FOLLOW_GAP:
            return [], False
        found = self._analyzer.describer().follow(gray, [*visible, *hidden])
        followed = _distinct(found[: len(visible)])
        back = len(_distinct([*followed, *found[len(visible) :]])) > len(followed)
        return followed, len(followed) == len(visible) and not back

    def _in_order(self, faces: Sequence[Face]) -> list[Face]:
        """Return the faces largest first; two of nearly the same size do not take turns."""

        def rank(face: Face) -> float:
            return face.area * (CLEARLY_LARGER if face.track_id == self._first else 1.0)

        ordered = sorted(faces, key=rank, reverse=True)
        if ordered:
            self._first = ordered[0].track_id
        return ordered

    def _states_of(self, faces: Sequence[Face], model: str | None) -> list[FaceState]:
        """Return the state of each face; drop those of faces that are gone, and what another model
        predicted."""
        if model != self._model:
            self._states = {n: FaceState(blinks=state.blinks) for n, state in self._states.items()}
            self._model = model
        self._states = {n: state for n, state in self._states.items() if n in self._tracker.known}
        tracks = (face.track_id for face in faces)
        return [self._states.setdefault(n, FaceState()) for n in tracks if n is not None]

    def _smooth(
        self,
        observation: Observation,
        states: Sequence[FaceState],
        time: float,
        settings: StreamSettings,
    ) -> Smoothed:
        """Average the predictions for each face over time, and update the face's state."""
        classifier, constant = observation.classifier, settings.smoothing
        predictions, time_attention = self._sequence_predictions(
            observation, states, time, settings
        )
        averaged = np.stack(
            [
                state.smoother.average(row, time=time, constant=constant)
                for state, row in zip(states, predictions, strict=True)
            ]
        )
        probabilities = observation.calibrate(averaged)
        threshold = classifier.card.unsure_below
        shown = [
            state.smoother.stable_label(row, threshold, time=time, constant=constant)
            for state, row in zip(states, probabilities, strict=True)
        ]
        blinks = [
            None if face.landmarks is None else state.blinks.update(face.eyes, time=time)
            for state, face in zip(states, observation.faces, strict=True)
        ]
        return Smoothed(
            predictions=averaged,
            labels=[label for label, _ in shown],
            unsure=[unsure for _, unsure in shown],
            time_attention=time_attention,
            blinks=blinks,
        )

    def _sequence_predictions(
        self,
        observation: Observation,
        states: Sequence[FaceState],
        time: float,
        settings: StreamSettings,
    ) -> tuple[Floats, list[Floats | None]]:
        """Return the (N, K) predictions from the last frames of each face, with the weight of each frame.

        Those of the frame alone, without weights, where the network does not read sequences or the settings
        ask for none.
        """
        rows = observation.rows if settings.sequence > 1 else None
        if rows is None:
            return observation.predictions, [None] * len(states)
        predictions, weights = [], []
        for state, row in zip(states, rows, strict=True):
            sequence = state.sequence.push(row, settings.sequence, time=time)
            predicted, weight = self._analyzer.predict_sequence(sequence, model=settings.model)
            predictions.append(predicted)
            weights.append(weight)
        return np.stack(predictions), [*weights]


def _take_baselines(observation: Observation, states: Sequence[FaceState], time: float) -> None:
    """Add a frame to the neutral faces that are being taken."""
    for number, state in enumerate(states):
        if state.capture is not None:
            baseline = state.capture.push(observation, number, time=time)
            if baseline is not None:
                state.baseline, state.capture = baseline, None


def _with_baselines(observation: Observation, states: Sequence[FaceState]) -> Observation:
    """Return the observation with the neutral face of each person; the settings' where it has none."""
    if all(state.baseline is None for state in states):
        return observation
    common = observation.baselines or (None,) * len(states)
    own = (state.baseline for state in states)
    return replace(observation, baselines=tuple(a or b for a, b in zip(own, common, strict=True)))


def _confirmed(detected: Face, followed: Sequence[Face]) -> Face:
    """Return a detected face, or the followed one that it is: with the detector's box, and its own points.

    Points of the detector and of the landmark network differ a little, so a face keeps to one kind.
    """
    overlap = box_iou([detected.box], [face.box for face in followed])[0]
    if not len(followed) or overlap.max() <= SAME_FACE_IOU:
        return detected
    return replace(followed[int(overlap.argmax())], box=detected.box, score=detected.score)


def _distinct(found: Iterable[Face | None]) -> list[Face]:
    """Return the faces that were found; of several detections of one face only the first."""
    faces: list[Face] = []
    for face in found:
        if face and (box_iou([face.box], [f.box for f in faces]) <= SAME_FACE_IOU).all():
            faces.append(face)
    return faces

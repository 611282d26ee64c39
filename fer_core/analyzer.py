"""The one place where the steps come together: faces, regions, model, explanation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import torch

from fer_core.errors import UserError
from fer_core.explain import evidence_maps, explanation, method_for, raw_maps
from fer_core.faces import MIN_FACE, Detector, find_faces, load_detector
from fer_core.faces.eyes import EyeReader, load_eye_reader
from fer_core.faces.landmarks import Landmarker, load_landmarker
from fer_core.images import to_gray, to_rgb
from fer_core.labels import ACTIONS, CIRCUMPLEX, EXPRESSIONS, expression_index
from fer_core.models import Classifier, load_model
from fer_core.models.base import NetworkOutput
from fer_core.regions import cut, find_eyes, find_landmarks
from fer_core.types import Blinks, Explanation, Face, Floats, FrameResult, Image, Reading, Regions

if TYPE_CHECKING:
    from fer_core.stream import Stream, StreamSettings

CACHED = 4
"""Loaded models, and detectors, that are kept."""


class Memory(Protocol):
    """What a stream remembers of the faces of a frame, in their order."""

    def sequences(self, rows: Floats) -> list[Floats] | None:
        """(N, n, C) rows of the faces -> of each (T, n, C) with those of its last pictures before them; None
        where each frame is to be read by itself."""

    def average(self, said: Floats) -> Floats:
        """(N, K) what a network said of the frame -> (N, K) averaged over what it said before."""

    def settle(self, probabilities: Floats, threshold: float) -> list[tuple[str, bool]]:
        """(N, 7) probabilities -> of each face the class to show, and whether it is unsure."""

    def blinks(self, faces: Sequence[Face]) -> list[Blinks | None]:
        """Of each face what was seen of its eyelids so far; None where it has no landmarks."""


class Analyzer:
    """Finds, reads and explains faces. Thread-safe, without any memory of frames.

    Args:
        model: name of a trained model; each call may ask for another.
        detector: name of a face detector; likewise.
        device: "auto" (a GPU where there is one), "cpu" or "cuda".
        min_face: side of the smallest face to look for, in pixels of the searched frame.
        threads: CPU threads of torch and OpenCV, for the whole process; None leaves them as they are.
            One serves several viewers best: a second gains little on networks as small as these, and
            waits for the first whenever the cores are busy.

    Raises:
        UserError: for an unknown model or detector; the message lists the valid ones.
        WeightsError: for damaged or missing weights.
    """

    def __init__(
        self,
        model: str = "default",
        detector: str = "mtcnn",
        device: str = "auto",
        *,
        min_face: int = MIN_FACE,
        threads: int | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
            cv2.setNumThreads(threads)
        self.model = model
        self.detector_name = detector
        self.min_face = min_face
        self.device = _device(device)
        self._load_model = lru_cache(CACHED)(lambda name: load_model(name, self.device))
        self._load_detector = lru_cache(CACHED)(
            lambda name, smallest: load_detector(name, min_face=smallest, device=self.device)
        )
        self._load_landmarker = lru_cache(1)(
            lambda: (load_landmarker(self.device), load_eye_reader(self.device))
        )
        self.classifier()
        self.detector()

    def classifier(self, model: str | None = None) -> Classifier:
        """A loaded model, from the cache."""
        return self._load_model(model or self.model)

    def detector(self, name: str | None = None, min_face: int | None = None) -> Detector:
        """A loaded detector, from the cache."""
        return self._load_detector(name or self.detector_name, min_face or self.min_face)

    def landmarker(self) -> tuple[Landmarker, EyeReader]:
        """The landmark network and the eye network, loaded when they are first needed."""
        return self._load_landmarker()

    def __call__(self, image: Image) -> list[Reading]:
        """The readings of all faces, largest first; [] where there is no face."""
        return list(self.analyze(image, maps=(), landmarks=False).readings)

    def analyze(
        self,
        image: Image,
        *,
        model: str | None = None,
        detector: str | None = None,
        min_face: int | None = None,
        maps: Sequence[str] = ("top",),
        method: str = "gradcam",
        landmarks: bool = True,
    ) -> FrameResult:
        """Find, read and explain every face of an image.

        Args:
            image: (H, W, 3) RGB or (H, W) grey, uint8.
            maps: classes to explain for each face; "top" is the one that is shown, the likeliest.
            method: one of ``fer_core.explain.list_methods()``.
            landmarks: find dense landmarks, facial actions and eyes too, and with maps the shares of
                brows, eyes, nose and mouth.

        Raises:
            UserError: for an unknown name, or an array that is no image.
        """
        image = to_rgb(image)
        timings: dict[str, float] = {}
        with stage(timings, "detect"):
            faces = find_faces(image, self.detector(detector, min_face))
        return self.read(
            image,
            faces,
            model=model,
            maps=maps,
            method=method,
            landmarks=landmarks,
            timings=timings,
        )

    def read(
        self,
        image: Image,
        faces: Sequence[Face],
        *,
        model: str | None = None,
        maps: Sequence[str] = (),
        other: str | None = None,
        method: str = "gradcam",
        landmarks: bool = False,
        timings: dict[str, float] | None = None,
        memory: Memory | None = None,
    ) -> FrameResult:
        """Read and explain faces that are already known: one forward pass for all of them.

        Args:
            other: a class whose map is taken away from each of ``maps``, so that they show what speaks for
                these rather than for it.
            landmarks: find the dense landmarks, facial actions and eyes of faces that come without.
            timings: milliseconds of the stages so far; those of this call are added to it.
            memory: of the faces in the frames before; without it each reading stands by itself.
        """
        frames = [(image, faces, memory)]
        (result,) = self.read_frames(
            frames,
            model=model,
            maps=maps,
            other=other,
            method=method,
            landmarks=landmarks,
            timings=timings,
        )
        return result

    def read_frames(
        self,
        frames: Sequence[tuple[Image, Sequence[Face], Memory | None]],
        *,
        model: str | None = None,
        maps: Sequence[str] = (),
        other: str | None = None,
        method: str = "gradcam",
        landmarks: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[FrameResult]:
        """``read`` for several frames of one clip: a face among many takes half the time of one alone.

        Args:
            frames: each with its known faces, and what is remembered of them; rising in time.

        Returns:
            As many results, with the timings of all.
        """
        timings = {} if timings is None else timings
        classifier = self.classifier(model)
        if not any(faces for _, faces, _ in frames):
            return [FrameResult(timings=timings) for _ in frames]
        with stage(timings, "align"):
            greys = [to_gray(image) if faces else image for image, faces, _ in frames]
            grey_of = [
                grey for grey, (_, faces, _) in zip(greys, frames, strict=True) for _ in faces
            ]
        known = [face for _, faces, _ in frames for face in faces]
        if landmarks:
            with stage(timings, "landmarks"):
                known = self._with_landmarks(grey_of, known)
        with stage(timings, "align"):
            size, by_points = classifier.input_size, classifier.card.aligned
            regions = [
                cut(grey, face, size, by_points=by_points)
                for grey, face in zip(grey_of, known, strict=True)
            ]
        with stage(timings, "predict"):
            output = classifier.forward(np.stack([r.face for r in regions]))
        results, start = [], 0
        for image, faces, memory in frames:
            part = slice(start, start + len(faces))
            start = part.stop
            if not faces:
                results.append(FrameResult(timings=timings))
                continue
            said = output.part(part)
            with stage(timings, "predict"):
                readings = _readings(classifier, known[part], regions[part], said, memory)
            explanations: tuple[tuple[Explanation, ...], ...] = ()
            if maps:
                with stage(timings, "map"):
                    explanations = self._explain(
                        classifier, readings, said, maps, other, method, image
                    )
            results.append(FrameResult(readings, explanations, timings))
        return results

    def explain(
        self,
        image: Image,
        face: int | Reading = 0,
        target: str = "top",
        method: str = "gradcam",
        *,
        model: str | None = None,
    ) -> Explanation:
        """Explain one class of one face.

        Args:
            face: a reading of this image, or the number of a face, the largest being 0.
            target: a class, or "top" for the likeliest.

        Raises:
            UserError: for an unknown name, or if there is no such face.
        """
        if isinstance(face, Reading):
            reading = face
        else:
            readings = self.analyze(image, model=model, maps=()).readings
            if not 0 <= face < len(readings):
                raise UserError(f"there is no face {face}: {len(readings)} found, counted from 0")
            reading = readings[face]
        started = perf_counter()
        ((target, raw),) = self.raw_maps(reading, (target,), method, model=model).items()
        return explanation(
            raw,
            reading.regions,
            target=target,
            method=method_for(self.classifier(model or reading.model), method),
            frame_shape=image.shape[:2],
            seconds=perf_counter() - started,
            landmarks=reading.face.landmarks,
        )

    def raw_maps(
        self,
        reading: Reading,
        targets: Sequence[str],
        method: str = "gradcam",
        *,
        model: str | None = None,
        layer: int | None = None,
    ) -> dict[str, Floats]:
        """Class -> (h, w) raw map in aligned coordinates, for classes of one reading; "top" is its likeliest.

        Args:
            layer: number of one of ``fer_core.explain.list_layers``, the last unless given.

        Raises:
            UserError: for an unknown name.
        """
        classifier = self.classifier(model or reading.model)
        named = [_target(reading, target) for target in targets]
        return raw_maps(classifier, reading.regions.face, named, method, layer=layer)

    def warm_up(self, *, model: str | None = None, detector: str | None = None) -> None:
        """Load and run everything once, so that the first frame is as fast as the others."""
        blank = np.full((480, 640, 3), 127, np.uint8)
        find_faces(blank, self.detector(detector))
        points = np.array([(290, 200), (350, 200), (320, 235), (295, 270), (345, 270)], np.float32)
        face = Face(box=(260.0, 140.0, 380.0, 310.0), score=1.0, points=points)
        result = self.read(blank, [face], model=model, maps=("top",), landmarks=True)
        (reading,) = result.readings
        self.explain(blank, reading, method="layercam")

    def stream(self, settings: "StreamSettings | None" = None) -> "Stream":
        """One viewer's memory over this analyzer."""
        from fer_core.stream import Stream

        return Stream(self, settings)

    def _with_landmarks(self, greys: Sequence[Image], faces: Sequence[Face]) -> list[Face]:
        """The faces, each of its own grey image, with landmarks, actions and eyes."""
        missing = [number for number, face in enumerate(faces) if face.landmarks is None]
        if not missing:
            return list(faces)
        landmarker, eye_reader = self.landmarker()
        images = [greys[number] for number in missing]
        points = np.stack([faces[number].points for number in missing])
        landmarks, actions = find_landmarks(images, points, landmarker)
        eyes = find_eyes(images, landmarks, eye_reader)
        known = list(faces)
        for row, number in enumerate(missing):
            left, right = eyes[row].tolist()
            known[number] = replace(
                faces[number],
                landmarks=landmarks[row],
                actions=dict(zip(ACTIONS, actions[row].tolist(), strict=True)),
                eyes=None if np.isnan(eyes[row]).any() else (left, right),
            )
        return known

    def _explain(
        self,
        classifier: Classifier,
        readings: Sequence[Reading],
        output: NetworkOutput,
        maps: Sequence[str],
        other: str | None,
        method: str,
        image: Image,
    ) -> tuple[tuple[Explanation, ...], ...]:
        """For each reading one explanation for each of ``maps``, all on the reading's own scale."""
        method = method_for(classifier, method)
        evidence = evidence_maps(classifier, output) if method == "gradcam" else None

        def row(number: int, reading: Reading) -> tuple[Explanation, ...]:
            started = perf_counter()
            targets = [_target(reading, name) for name in maps]
            needed = targets if other is None else [*targets, other]
            if evidence is None:
                raws = raw_maps(classifier, reading.regions.face, needed, method)
            else:
                raws = {target: evidence[number, expression_index(target)] for target in needed}
            if other is not None:
                raws = {target: raws[target] - raws[other] for target in targets}
            seconds = (perf_counter() - started) / len(raws)
            # Several maps of one face share one scale, so that they can be compared by eye.
            peak = max(
                (float(raw.max()) for raw in raws.values() if np.isfinite(raw).all()), default=None
            )
            return tuple(
                explanation(
                    raw,
                    reading.regions,
                    target=target,
                    method=method,
                    frame_shape=image.shape[:2],
                    seconds=seconds,
                    landmarks=reading.face.landmarks,
                    peak=peak,
                    other=other,
                )
                for target, raw in raws.items()
            )

        return tuple(row(number, reading) for number, reading in enumerate(readings))


def _readings(
    classifier: Classifier,
    faces: Sequence[Face],
    regions: Sequence[Regions],
    output: NetworkOutput,
    memory: Memory | None,
) -> tuple[Reading, ...]:
    """What the classifier said of the faces of one frame, and all that follows from it and from memory."""
    logits = said = _numpy(output.logits)
    if output.affect is not None:
        said = np.hstack([logits, _numpy(output.affect)])
    over_time: list[Floats | None] = [None] * len(faces)
    if memory:
        if output.rows is not None and (seen := memory.sequences(_numpy(output.rows))):
            read = [classifier.read_on(rows) for rows in seen]
            said, over_time = np.stack([row for row, _ in read]), [weights for _, weights in read]
        said = memory.average(said)
    classes = len(EXPRESSIONS)
    probabilities = classifier.calibrate(said[:, :classes])
    places = (place(probabilities) if output.affect is None else said[:, classes:]).tolist()
    threshold = classifier.card.unsure_below
    labels: Sequence[tuple[str | None, bool]]
    blinks: Sequence[Blinks | None]
    if memory:
        labels, blinks = memory.settle(probabilities, threshold), memory.blinks(faces)
    else:
        labels = [(None, bool(row.max() < threshold)) for row in probabilities]
        blinks = [None] * len(faces)
    weights = _region_weights(classifier, output)
    attention = None if output.attention is None else _numpy(output.attention)
    return tuple(
        Reading(
            face=face,
            regions=regions[i],
            model=classifier.name,
            logits=logits[i],
            probabilities=probabilities[i],
            unsure=labels[i][1],
            label=labels[i][0],
            region_attention=weights[i] if weights else None,
            attention=None if attention is None else attention[i],
            time_attention=over_time[i],
            valence=places[i][0],
            arousal=places[i][1],
            blinks=blinks[i],
        )
        for i, face in enumerate(faces)
    )


def _numpy(tensor: torch.Tensor) -> Floats:
    return np.asarray(tensor.float().cpu().numpy())


def place(probabilities: Floats) -> Floats:
    """Where class probabilities lie on the plane of valence and arousal.

    The expectation of the classes' published places, so it stays within them: faces that no class is
    sure of come to lie near the middle, whatever their expression.

    Args:
        probabilities: (N, 7) in the order of ``EXPRESSIONS``.

    Returns:
        (N, 2) valence and arousal, -1..1.
    """
    coordinates = np.array([CIRCUMPLEX[name] for name in EXPRESSIONS], np.float32)
    return np.asarray(probabilities @ coordinates, np.float32)


@contextmanager
def stage(timings: dict[str, float], name: str) -> Iterator[None]:
    """Add the milliseconds of the block to ``timings[name]``."""
    started = perf_counter()
    yield
    timings[name] = timings.get(name, 0.0) + 1000 * (perf_counter() - started)


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no CUDA device here; choose auto or cpu")
    if name not in ("cpu", "cuda"):
        raise UserError(f"unknown device {name!r}; choose one of auto, cpu, cuda")
    return name


def _target(reading: Reading, name: str) -> str:
    return reading.shown[0] if name == "top" else EXPRESSIONS[expression_index(name)]


def _region_weights(classifier: Classifier, output: NetworkOutput) -> list[dict[str, float]] | None:
    """For each face region -> attention weight, or None for networks without."""
    if output.region_attention is None:
        return None
    regions = classifier.network.regions
    return [dict(zip(regions, row, strict=True)) for row in output.region_attention.tolist()]

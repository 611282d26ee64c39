"""The one place where the steps come together: detect, align, predict, explain."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from time import perf_counter
from typing import Final, Unpack

import numpy as np

from fer_core.devices import choose_device, limit_threads
from fer_core.errors import UserError
from fer_core.explain.heatmap import explanation
from fer_core.faces import MIN_FACE, Detector, find_faces, load_detector
from fer_core.faces.alignment import cut_regions
from fer_core.faces.description import FaceDescriber, load_describer
from fer_core.images import to_gray, to_rgb
from fer_core.labels import expression_index
from fer_core.models.classifier import Classifier, load_model
from fer_core.options import CLASSES_ONLY, FULL, AnalysisOptions, OptionChanges
from fer_core.readings import (
    Observation,
    Smoothed,
    assemble,
    explain_readings,
    moved_evidence,
    target_class,
)
from fer_core.runtime import Engine
from fer_core.timing import stage
from fer_core.types import Baseline, Explanation, Face, Floats, FrameResult, Image, RawMap, Reading
from fer_core.weights import load_card

CACHED: Final = 4
"""Loaded models, and detectors, that are kept."""


class Analyzer:
    """Finds faces, predicts their classes and explains them. Thread-safe; it keeps no frames.

    A frame goes straight through: ``observe`` (align, one forward pass for all faces), smoothing in a
    stream, ``frame_result`` (assemble the readings, explain them).

    Args:
        model: name of a trained model; each call may name another.
        detector: name of a face detector; each call may name another.
        device: "auto" (CUDA where there is a GPU for it), or a device as torch names it.
        min_face: side of the smallest face to look for, in pixels of the searched frame.
        threads: CPU threads of torch and OpenCV, for the whole process; None leaves them as they are. ONNX
            Runtime always takes one.
            One serves several viewers best: a second gains little on networks as small as these, and
            waits for the first whenever the cores are busy.
        engine: computes the forward passes and maps of expression models elsewhere; ``engine.problem`` says
            when this process does it instead.

    Raises:
        UserError: for an unknown model, detector or device; the message lists the valid ones.
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
        engine: Engine | None = None,
    ) -> None:
        if threads is not None:
            limit_threads(threads)
        self.model = model
        self._own_name = load_card(model).name
        self.detector_name = detector
        self.min_face = min_face
        self.device = choose_device(device)
        self.engine = engine
        self._load_model = lru_cache(CACHED)(
            lambda name: load_model(name, self.device, engine=engine)
        )
        self._load_detector = lru_cache(CACHED)(
            lambda name, smallest: load_detector(name, min_face=smallest, device=self.device)
        )
        self._load_describer = lru_cache(1)(lambda: load_describer(self.device))
        self.classifier()
        self.detector()

    def classifier(self, model: str | None = None) -> Classifier:
        """Return a loaded model, from the cache; the analyzer's own by the name in its card, too."""
        if model is None or model == self._own_name:
            model = self.model
        return self._load_model(model)

    def detector(self, name: str | None = None, min_face: int | None = None) -> Detector:
        """Return a loaded detector, from the cache."""
        return self._load_detector(name or self.detector_name, min_face or self.min_face)

    def describer(self) -> FaceDescriber:
        """Return the landmark and the eye network, loaded when they are first needed."""
        return self._load_describer()

    def __call__(self, image: Image, *, baseline: Baseline | None = None) -> list[Reading]:
        """Return the readings of all faces, largest first; [] where there is no face.

        Args:
            baseline: the neutral face of the person on the image, from ``Baseline.from_readings``.
        """
        return list(self.analyze(image, CLASSES_ONLY, baseline=baseline).readings)

    def analyze(
        self, image: Image, options: AnalysisOptions = FULL, **changes: Unpack[OptionChanges]
    ) -> FrameResult:
        """Find, read and explain every face of an image.

        Args:
            image: (H, W, 3) RGB or (H, W) gray, uint8.
            changes: fields of ``AnalysisOptions`` that replace those of ``options``.

        Raises:
            UserError: for an unknown name, or an array that is not an image.
        """
        options = replace(options, **changes)
        image = to_rgb(image)
        timings: dict[str, float] = {}
        with stage(timings, "detect"):
            faces = find_faces(image, self.detector(options.detector, options.min_face))
        (observation,) = self.observe([(image, faces)], options, timings)
        return self.frame_result(observation, options, timings)

    def predict(
        self,
        image: Image,
        faces: Sequence[Face],
        options: AnalysisOptions = CLASSES_ONLY,
        **changes: Unpack[OptionChanges],
    ) -> FrameResult:
        """Read and explain faces that are already known; by default their classes only.

        Args:
            image: (H, W, 3) RGB uint8.
            changes: fields of ``AnalysisOptions`` that replace those of ``options``.
        """
        options = replace(options, **changes)
        timings: dict[str, float] = {}
        (observation,) = self.observe([(image, faces)], options, timings)
        return self.frame_result(observation, options, timings)

    def observe(
        self,
        frames: Sequence[tuple[Image, Sequence[Face]]],
        options: AnalysisOptions,
        timings: dict[str, float],
        grays: Sequence[Image] | None = None,
    ) -> list[Observation]:
        """Align the faces of some frames and pass all of them through the network at once.

        A face among many takes half the time of one alone.

        Args:
            frames: (H, W, 3) RGB images with their known faces. Faces without landmarks get them if
                ``options.landmarks``.
            timings: milliseconds of each stage; those of this call are added.
            grays: the gray image of each frame, where it is known already.
        """
        classifier = self.classifier(options.model)
        known = [face for _, faces in frames for face in faces]
        if not known:
            return [
                Observation(image, (), (), classifier, None, options.prior) for image, _ in frames
            ]
        with stage(timings, "align"):
            images = [image for image, _ in frames] if grays is None else grays
            grays = [
                gray
                for image, (_, faces) in zip(images, frames, strict=True)
                for gray in _gray_of_each(image, faces)
            ]
        if options.landmarks:
            with stage(timings, "landmarks"):
                known = self.describer().describe(grays, known)
        with stage(timings, "align"):
            size, by_points = classifier.input_size, classifier.card.aligned
            regions = [
                cut_regions(gray, face, size, by_points=by_points)
                for gray, face in zip(grays, known, strict=True)
            ]
        with stage(timings, "predict"):
            output = classifier.forward(np.stack([each.face for each in regions]))
        observations, start = [], 0
        for image, faces in frames:
            part = slice(start, start + len(faces))
            start = part.stop
            observations.append(
                Observation(
                    image=image,
                    faces=tuple(known[part]),
                    regions=tuple(regions[part]),
                    classifier=classifier,
                    output=output.part(part) if faces else None,
                    prior=options.prior,
                    baselines=(options.baseline,) * len(faces) if options.baseline else (),
                )
            )
        return observations

    def predict_sequence(self, rows: Floats, *, model: str | None = None) -> tuple[Floats, Floats]:
        """Predict from several frames of one face, with a network that reads sequences.

        Args:
            rows: (T, n, C) features of T frames, the newest last: ``Observation.rows`` of each.

        Returns:
            (7,) logits, or (9,) with valence and arousal; (T,) weight of each frame, summing to 1.
        """
        return self.classifier(model).predict_sequence(rows)

    def frame_result(
        self,
        observation: Observation,
        options: AnalysisOptions,
        timings: dict[str, float],
        smoothed: Smoothed | None = None,
    ) -> FrameResult:
        """Assemble the readings of one frame and explain them.

        Args:
            timings: milliseconds of each stage so far; those of this call are added.
            smoothed: what a stream made of the observation; by default the frame stands alone.
        """
        if not observation.faces:
            return FrameResult(timings=timings)
        with stage(timings, "predict"):
            readings = assemble(observation, smoothed)
        explanations: tuple[tuple[Explanation, ...], ...] = ()
        if options.maps:
            with stage(timings, "map"):
                explanations = explain_readings(observation, readings, options)
        return FrameResult(readings, explanations, timings)

    def explain(
        self,
        image: Image,
        face: int | Reading = 0,
        target: str = "top",
        method: str = "gradcam",
        *,
        model: str | None = None,
        raw_map: RawMap | None = None,
    ) -> Explanation:
        """Explain one class of one face.

        Args:
            image: (H, W, 3) RGB uint8.
            face: a reading of this image, or the number of a face, the largest being 0.
            target: a class, or "top" for the likeliest.
            raw_map: the map, where ``raw_maps`` has computed it before; ``target`` and ``method`` are then
                those of the map.

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
        if raw_map is None:
            (raw_map,) = self.raw_maps(reading, (target,), method, model=model).values()
        landmarks = reading.face.landmarks
        return explanation(raw_map, reading.regions, image.shape[:2], landmarks=landmarks)

    def raw_maps(
        self,
        reading: Reading,
        targets: Sequence[str],
        method: str = "gradcam",
        *,
        model: str | None = None,
        layer: int | None = None,
    ) -> dict[str, RawMap]:
        """Return class -> raw map in aligned coordinates, for classes of one reading.

        Where the reading was compared with a baseline that has evidence, Grad-CAM shows what moved.

        Args:
            targets: names of classes; "top" is the likeliest of the reading.
            layer: number of one of ``fer_core.explain.list_layers``; the last by default.

        Raises:
            UserError: for an unknown name.
        """
        names = [target_class(reading, target) for target in targets]
        moved = moved_evidence(reading) if method == "gradcam" and layer is None else None
        if moved is not None and model in (None, reading.model):
            numbers = {name: expression_index(name) for name in names}
            return {
                name: RawMap(name, method, moved[number], 0.0, compared=True)
                for name, number in numbers.items()
            }
        from fer_core.explain.maps import method_for, raw_maps  # with torch, which is heavy to load

        classifier = self.classifier(model or reading.model)
        started = perf_counter()
        maps = raw_maps(classifier, reading.regions.face, names, method, layer=layer)
        seconds = (perf_counter() - started) / max(1, len(maps))
        used = method_for(classifier, method)
        return {name: RawMap(name, used, raw, seconds) for name, raw in maps.items()}

    def warm_up(self, *, model: str | None = None, detector: str | None = None) -> None:
        """Load and run everything once, so that the first frame is as fast as the others."""
        blank = np.full((480, 640, 3), 127, np.uint8)
        find_faces(blank, self.detector(detector))
        points = np.array([(290, 200), (350, 200), (320, 235), (295, 270), (345, 270)], np.float32)
        face = Face(box=(260.0, 140.0, 380.0, 310.0), score=1.0, points=points)
        (reading,) = self.predict(blank, [face], FULL, model=model).readings
        self.explain(blank, reading, method="layercam")


def _gray_of_each(image: Image, faces: Sequence[Face]) -> list[Image]:
    """Return the gray image once for each face; a frame without faces is not converted."""
    return [to_gray(image)] * len(faces) if faces else []

"""The steps of a frame after the forward pass and the smoothing: assemble its readings, explain them."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from fer_core.explain.heatmap import explanation
from fer_core.labels import CIRCUMPLEX, EXPRESSIONS, expression_index
from fer_core.models.classifier import Classifier
from fer_core.models.predictions import FacePredictions
from fer_core.options import AnalysisOptions
from fer_core.types import (
    Baseline,
    Blinks,
    Explanation,
    Face,
    Floats,
    Image,
    RawMap,
    Reading,
    Regions,
)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """Output of one forward pass for the N faces of one frame, before smoothing."""

    image: Image
    """(H, W, 3) RGB uint8."""
    faces: tuple[Face, ...]
    regions: tuple[Regions, ...]
    """Regions of each face, at the input size of the model."""
    classifier: Classifier
    output: FacePredictions | None
    """Predictions for these faces; None where there are none."""
    prior: str | None = None
    """Shares of the classes that probabilities assume: a key of ``PRIORS``; None for that of the card."""
    baselines: tuple[Baseline | None, ...] = ()
    """The neutral face of each person, where there is one; () without any."""

    def calibrate(self, predictions: Floats) -> Floats:
        """Return (N, 7) probabilities of (N, 7 or 9) predictions, at the prior of the observation.

        A face with a baseline is compared with it instead.
        """
        probabilities = self.calibrate_alone(predictions)
        for number, baseline in enumerate(self.baselines):
            if baseline is not None:
                logits = predictions[number, : len(EXPRESSIONS)]
                probabilities[number] = self.classifier.normalize(logits, baseline)
        return probabilities

    def calibrate_alone(self, predictions: Floats) -> Floats:
        """Return the probabilities of ``calibrate`` without baselines."""
        return self.classifier.calibrate(predictions[:, : len(EXPRESSIONS)], self.prior)

    @property
    def predictions(self) -> Floats:
        """(N, 7) logits, or (N, 9) with valence and arousal of networks that learned them."""
        assert self.output is not None
        logits, affect = self.output.logits, self.output.affect
        return logits if affect is None else np.hstack([logits, affect])

    @property
    def rows(self) -> Floats | None:
        """(N, n, C) features of a ``SequenceNetwork``, None for others."""
        return None if self.output is None else self.output.rows


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """Smoothed predictions for the N faces of an observation."""

    predictions: Floats
    """Predictions in the shape of ``Observation.predictions``, averaged over time."""
    labels: Sequence[str | None]
    """The class to show; None where the likeliest one is shown."""
    unsure: Sequence[bool]
    time_attention: Sequence[Floats | None]
    """(T,) weights of the last pictures of the face, summing to 1; None where each frame stands alone."""
    blinks: Sequence[Blinks | None]


def assemble(observation: Observation, smoothed: Smoothed | None = None) -> tuple[Reading, ...]:
    """Return a reading for each face of an observation.

    Args:
        smoothed: what a stream made of it; by default each reading stands for its frame alone.
    """
    output, classifier = observation.output, observation.classifier
    if output is None:
        return ()
    smoothed = smoothed or _unsmoothed(observation)
    predictions, classes = smoothed.predictions, len(EXPRESSIONS)
    probabilities = observation.calibrate(predictions)
    affect = (
        circumplex_position(probabilities) if output.affect is None else predictions[:, classes:]
    ).tolist()
    region_weights, attention = _region_weights(classifier, output), output.attention
    baselines = observation.baselines or (None,) * len(observation.faces)
    alone = observation.calibrate_alone(predictions) if observation.baselines else None
    prior = classifier.assumed_prior(observation.prior)
    return tuple(
        Reading(
            face=face,
            regions=observation.regions[i],
            model=classifier.name,
            logits=output.logits[i],
            probabilities=probabilities[i],
            unsure=smoothed.unsure[i],
            label=smoothed.labels[i],
            region_attention=region_weights[i] if region_weights else None,
            attention=None if attention is None else attention[i],
            time_attention=smoothed.time_attention[i],
            valence=affect[i][0],
            arousal=affect[i][1],
            blinks=smoothed.blinks[i],
            prior=prior if baselines[i] is None else classifier.assumed_prior("equal"),
            evidence=None if output.evidence is None else output.evidence[i],
            baseline=baselines[i],
            probabilities_alone=None if alone is None or baselines[i] is None else alone[i],
        )
        for i, face in enumerate(observation.faces)
    )


def explain_readings(
    observation: Observation, readings: Sequence[Reading], options: AnalysisOptions
) -> tuple[tuple[Explanation, ...], ...]:
    """Return an explanation for each of ``options.maps`` of each reading, on one scale a reading."""
    classifier, method = observation.classifier, options.method
    other = None if options.other is None else EXPRESSIONS[expression_index(options.other)]
    evidence = observation.output.evidence if observation.output is not None else None
    if method != "gradcam" or evidence is None:
        from fer_core.explain.maps import method_for, raw_maps  # they need torch

        evidence, method = None, method_for(classifier, method)

    def explain_face(number: int, reading: Reading) -> tuple[Explanation, ...]:
        started = perf_counter()
        targets = [target_class(reading, name) for name in options.maps]
        needed = targets if other is None else [*targets, other]
        moved = None
        if evidence is None:
            raws = raw_maps(classifier, reading.regions.face, needed, method)
        else:
            moved = moved_evidence(reading)
            maps = evidence[number] if moved is None else moved
            raws = {target: maps[expression_index(target)] for target in needed}
        if other is not None:
            raws = {target: raws[target] - raws[other] for target in targets}
        seconds = (perf_counter() - started) / len(raws)
        # Several maps of one face share one scale, so that they can be compared by eye.
        peaks = (float(raw.max()) for raw in raws.values() if np.isfinite(raw).all())
        peak = max(peaks, default=None)
        return tuple(
            explanation(
                RawMap(target, method, raws[target], seconds, other, moved is not None),
                reading.regions,
                observation.image.shape[:2],
                landmarks=reading.face.landmarks,
                peak=peak,
            )
            for target in targets
        )

    return tuple(explain_face(number, reading) for number, reading in enumerate(readings))


def moved_evidence(reading: Reading) -> Floats | None:
    """Return what moved from the person's neutral face: maps that sum to the differences of the logits.

    They are the evidence of this face less that of the neutral one. Of networks with region attention, the
    constants of the regions change with their weights; they belong to no place and are spread evenly.

    Returns:
        (7, h, w); None where the reading has no baseline, or its model no evidence.
    """
    baseline = reading.baseline
    if baseline is None or baseline.evidence is None or reading.evidence is None:
        return None
    moved = reading.evidence - baseline.evidence
    rest = reading.logits - baseline.logits - moved.sum(axis=(1, 2))
    return np.asarray(moved + (rest / moved[0].size)[:, None, None], np.float32)


def target_class(reading: Reading, name: str) -> str:
    """Return the class that a name means for a reading: "top" is the one that is shown."""
    is_top = name.strip().lower() == "top"
    return reading.shown[0] if is_top else EXPRESSIONS[expression_index(name)]


def circumplex_position(probabilities: Floats) -> Floats:
    """Return the position of class probabilities on the plane of valence and arousal.

    It is the expectation of the published positions of the classes (``CIRCUMPLEX``), so it stays within
    them: a face that no class is sure of lies near the middle, whatever its expression.

    Args:
        probabilities: (N, 7) in the order of ``EXPRESSIONS``.

    Returns:
        (N, 2) valence and arousal, -1..1.
    """
    coordinates = np.array([CIRCUMPLEX[name] for name in EXPRESSIONS], np.float32)
    return np.asarray(probabilities @ coordinates, np.float32)


def _unsmoothed(observation: Observation) -> Smoothed:
    """Return the observation as it is, each face by itself."""
    predictions, classifier = observation.predictions, observation.classifier
    probabilities = observation.calibrate(predictions)
    nothing = [None] * len(observation.faces)
    return Smoothed(
        predictions=predictions,
        labels=nothing,
        unsure=[bool(row.max() < classifier.card.unsure_below) for row in probabilities],
        time_attention=nothing,
        blinks=nothing,
    )


def _region_weights(
    classifier: Classifier, output: FacePredictions
) -> list[dict[str, float]] | None:
    """Return region -> attention weight for each face; None for networks without region attention."""
    if output.region_attention is None:
        return None
    regions = classifier.regions
    return [dict(zip(regions, row, strict=True)) for row in output.region_attention.tolist()]

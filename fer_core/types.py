"""Types passed from step to step, from the frame to the drawn picture: one frozen dataclass each.

Arrays are never written to after construction. Frame coordinates are pixels of the input
frame; aligned coordinates are pixels of the network's square input. Both count from pixel edges, x to
the right and y down: pixel 0 spans 0..1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import UserError
from fer_core.labels import EXPRESSIONS

Image = NDArray[np.uint8]
"""(H, W, 3) RGB or (H, W) gray, uint8."""
Floats = NDArray[np.float32]
"""float32 array of any shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face that a detector found."""

    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 in frame pixels, clipped to the frame."""
    score: float
    """Confidence of the detector, 0..1."""
    points: Floats
    """(5, 2) x, y in frame pixels: eye, eye, nose, mouth corner, mouth corner; the image's left first."""
    landmarks: Floats | None = None
    """(78, 2) x, y in frame pixels: the 68 standard points, then five of each iris."""
    actions: Mapping[str, float] | None = None
    """Facial action name -> activation, 0..1."""
    eyes: tuple[float, float] | None = None
    """How open each eye is, 0..1, the image's left first; None where they are too small to tell."""
    track_id: int | None = None
    """Number of the track in a stream, from 1; constant while the face is tracked."""

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def area(self) -> float:
        """Square pixels of the frame."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Blinks:
    """Blinks and eye closures of one tracked face in a stream."""

    count: int
    """Blinks since the face came: closures of both eyes that end within a second."""
    rate: float | None
    """Blinks a minute, over the last one; None in the first ten seconds."""
    closed: tuple[bool, bool]
    """Whether each eye is closed in this frame, the image's left eye first."""
    closures: tuple[int, int]
    """Number of closures of each eye, including winks and long closures."""
    ended: bool
    """Whether a blink ended with this frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The aligned face and its prior-attention blocks, in gray, as the network receives them."""

    face: Image
    """(S, S) uint8."""
    upper: Image
    """Eyes + brows, a view into ``face``."""
    lower: Image
    """Mouth, a view into ``face``."""
    transform: Floats
    """(2, 3) similarity, frame pixels -> aligned pixels."""
    quads: Mapping[str, Floats]
    """Region name -> (4, 2) corners in frame pixels, clockwise from the aligned top left."""


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A person's neutral face as one model sees it: numbers, no picture.

    With it, what a face differs in from that person's neutral face is read, instead of what it differs in
    from the average of all people (person-specific normalization; for action units: Baltrušaitis, Mahmoud
    and Robinson 2015, https://doi.org/10.1109/FG.2015.7284869).
    """

    model: str
    """Name of the model; a baseline serves no other."""
    logits: Floats
    """(7,) mean logits of the neutral pictures, before calibration."""
    count: int
    """Number of pictures."""
    evidence: Floats | None = None
    """(7, h, w) mean ``Reading.evidence`` of the pictures; None for models without it."""
    spread: float = 0.0
    """Standard deviation of the logits over the pictures, mean of the classes: how steady the face was."""

    @classmethod
    def from_readings(cls, readings: "Sequence[Reading]") -> "Baseline":
        """Return the baseline of a person from readings of neutral pictures by one model.

        Raises:
            UserError: without readings, or if they are of several models.
        """
        models = {reading.model for reading in readings}
        if len(models) != 1:
            raise UserError(
                f"a baseline needs readings of one model, not of {len(models)}; read pictures of one "
                "person's neutral face with one model"
            )
        maps = [reading.evidence for reading in readings if reading.evidence is not None]
        return cls.from_arrays(models.pop(), [reading.logits for reading in readings], maps)

    @classmethod
    def from_arrays(
        cls, model: str, logits: "Sequence[Floats]", evidence: "Sequence[Floats]" = ()
    ) -> "Baseline":
        """Return the baseline from the (7,) logits and the (7, h, w) evidence, if any, of each picture."""
        rows = np.stack(logits)
        return cls(
            model=model,
            logits=rows.mean(axis=0),
            count=len(rows),
            evidence=np.mean(evidence, axis=0) if len(evidence) == len(rows) else None,
            spread=float((rows - rows.mean(axis=1, keepdims=True)).std(axis=0).mean()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Prediction of one model for one face: an expression class of a classifier, not what somebody feels."""

    face: Face
    regions: Regions
    model: str
    logits: Floats
    """(7,) in the order of ``EXPRESSIONS``, of this frame alone, before calibration."""
    probabilities: Floats
    """(7,) calibrated, 0..1, sums to 1; in a stream those of logits averaged over time."""
    unsure: bool
    """The largest probability is below the threshold of the model's card; in a stream by far, or for
    some time."""
    region_attention: Mapping[str, float] | None = None
    """Region name -> weight, sums to 1."""
    attention: Floats | None = None
    """(h, w) or (heads, h, w): the network's own attention weight of each position of the
    aligned face, summing to 1 for each head; None for networks without spatial attention."""
    time_attention: Floats | None = None
    """(T,) attention weight of each of the last T crops of the face, the newest last, summing to 1; None
    for models that predict from a single frame."""
    valence: float | None = None
    """Valence, -1..1, unpleasant to pleasant; not what was felt. Predicted by networks trained on people's
    ratings; for other networks derived from the class probabilities. Averaged over time in a stream."""
    arousal: float | None = None
    """Arousal, -1..1, calm to excited; computed in the same way as ``valence``."""
    label: str | None = None
    """The class that a stream shows; hysteresis keeps it while another class leads only briefly. None outside
    of streams."""
    blinks: Blinks | None = None
    """Blinks of the face; None outside of streams and where landmarks are off."""
    prior: str = "own"
    """Shares of the classes that the probabilities assume: a key of ``PRIORS``. Always "own" for a model
    whose card does not know the shares of its training faces."""

    evidence: Floats | None = None
    """(7, h, w) evidence for each class over the aligned face; each map sums to the logit less its bias. None
    for models whose logits do not split into places."""
    baseline: Baseline | None = None
    """The person's neutral face with which this one was compared."""
    probabilities_alone: Floats | None = None
    """(7,) probabilities without the baseline, where there is one."""

    @property
    def top(self) -> tuple[str, float]:
        """Return the name and probability of the most probable class."""
        index = int(self.probabilities.argmax())
        return EXPRESSIONS[index], float(self.probabilities[index])

    @property
    def shown(self) -> tuple[str, float]:
        """Return the name and probability of the class to show: a stream's label, otherwise ``top``."""
        if self.label is None:
            return self.top
        return self.label, float(self.probabilities[EXPRESSIONS.index(self.label)])


@dataclass(frozen=True, slots=True, eq=False)
class RawMap:
    """The evidence for one class of one face, as a method computed it: nothing is scaled for display."""

    target: str
    """Name of the explained class."""
    method: str
    """The method that was used; it can differ from the requested one, see ``method_for``."""
    raw: Floats
    """(h, w) in aligned coordinates, on the grid of the layer, pixels or occluders that the method uses;
    signed where the method has signs, so that maps of different classes stay comparable."""
    seconds: float
    """Computation time in seconds; the mean where one forward pass gives several maps."""
    other: str | None = None
    """The class whose map was subtracted: the map shows evidence for ``target`` over ``other``."""
    compared: bool = False
    """The map of the person's neutral face was subtracted: the map shows what moved, and sums to the
    difference of the logits."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Map of the evidence for one class of one reading, in aligned and in frame coordinates."""

    target: str
    """Name of the explained class."""
    method: str
    raw: Floats
    """(h, w) in aligned coordinates, on the grid of the layer, pixels or occluders that the method uses;
    unscaled, and signed where the method has signs, so that maps of different classes stay comparable."""
    heatmap: Floats
    """(H, W) 0..1 in frame pixels, for display; all zero where the map is flat."""
    region_share: Mapping[str, float]
    """upper / lower / elsewhere -> share of the positive heat; sums to 1, zeros if there is no heat."""
    is_flat: bool
    """There is no positive heat, or it is the same everywhere, or the map is not finite."""
    seconds: float
    part_share: Mapping[str, float] | None = None
    """Each of ``PARTS`` and "rest" -> share of the positive heat, where landmarks are known."""
    other: str | None = None
    """The class whose map was subtracted: the map shows evidence for ``target`` over ``other``."""
    heat_box: tuple[int, int, int, int] | None = None
    """x0, y0, x1, y1 in frame pixels: the heatmap is zero outside. None where that is not known."""
    compared: bool = False
    """The map of the person's neutral face was subtracted: the map shows what moved."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """Readings, explanations and timings of one frame."""

    readings: tuple[Reading, ...] = ()
    """Largest face first; in a stream the first stays so until another is clearly larger."""
    explanations: tuple[tuple[Explanation, ...], ...] = ()
    """``explanations[i][j]`` explains ``readings[i]`` for the j-th requested map; empty without maps."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of each stage that ran: detect, landmarks, align, predict, map."""

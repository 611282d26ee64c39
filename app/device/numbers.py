"""The numbers of the live path, as data for the browser: layout, thresholds, calibration, colors.

They are those of ``fer_core`` itself: JavaScript holds no copy of any.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from app.device.runtime import runtime_files
from fer_core import EXPRESSIONS, list_models, load_card
from fer_core.draw import EXPRESSION_COLORS
from fer_core.draw.heat import VISIBLE, WARM
from fer_core.draw.overlay import IRISES, LINES, LOOPS, MESH, OPEN
from fer_core.draw.panels import BLOCK_NAMES
from fer_core.errors import UserError
from fer_core.faces.alignment import EYE_WIDTH, MIN_EYE_WIDTH
from fer_core.faces.base import MIN_FACE
from fer_core.faces.description import FAST
from fer_core.faces.landmarks import EYES, MOUTH_CORNERS, NOSE_TIP, STILL_THERE
from fer_core.faces.mtcnn import (
    DUPLICATE,
    MIRRORED,
    ONET_SIDE,
    PART_OF_FACE,
    PNET_SIDE,
    PNET_STRIDE,
    RIM,
    RNET_SIDE,
    SAME_FACE,
    SCALE_FACTOR,
    THRESHOLDS,
)
from fer_core.geometry import BLOCKS, MEAN_POINTS
from fer_core.labels import prior_strength
from fer_core.streaming import smoothing, stream, tracker
from fer_core.streaming.baselines import CAPTURE_SECONDS
from fer_core.weights import EYES as EYES_NAME
from fer_core.weights import LANDMARKS, MTCNN, WEIGHTS, Card, load_graphs

WEIGHTS_FOLDER: Final = "weights"
"""Folder of the networks below the address of the modules."""

FAMILIES: Final = ("prior_attention", "plain")
"""Families of networks that the browser runs: one forward pass of the aligned face has their maps."""


def device_models() -> list[str]:
    """Return the names of the models that the browser runs."""
    return [name for name in list_models() if load_card(name).family in FAMILIES]


def device_numbers(model: str = "default", prior: str | None = None) -> dict[str, Any]:
    """Return what the browser needs to know to read faces as ``Stream`` does.

    Args:
        model: one of ``device_models``, or ``default``.
        prior: shares of the classes that probabilities assume, a key of ``PRIORS``; the card's by default.

    Raises:
        UserError: for another model.
        WeightsError: if a file of a network is missing or altered.
    """
    if load_card(model).name not in device_models():
        raise UserError(
            f"{model} does not run in a browser; choose one of {', '.join(device_models())}"
        )
    card, landmarks, eyes = (load_card(name) for name in (model, LANDMARKS, EYES_NAME))
    layout = {"mean_points": MEAN_POINTS.ravel().tolist(), "blocks": BLOCKS}
    return {
        "expressions": EXPRESSIONS,
        "runtime": runtime_files(),
        "networks": {
            "classifier": network_files(card.name, card.name),
            "landmarks": network_files(LANDMARKS, LANDMARKS),
            "eyes": network_files(EYES_NAME, EYES_NAME),
            **{name: network_files(MTCNN, name) for name in ("pnet", "rnet", "onet")},
        },
        "card": card_numbers(card, prior or card.prior),
        "layout": layout,
        "mtcnn": mtcnn_numbers(),
        "landmarks": {
            **{"mean_points": layout["mean_points"], "landmarks_side": landmarks.input_size},
            **{
                "eyes_side": eyes.input_size,
                "eye_width": EYE_WIDTH,
                "min_eye_width": MIN_EYE_WIDTH,
            },
            **{"eyes": [eye.start for eye in EYES], "fast": FAST, "still_there": STILL_THERE},
            "five": [
                *(list(range(eye.start, eye.stop)) for eye in EYES),
                *([number] for number in (NOSE_TIP, *MOUTH_CORNERS)),
            ],
        },
        "tracker": {
            **{"memory": tracker.MEMORY, "box_buffer": tracker.BOX_BUFFER},
            **{"motion_time": tracker.MOTION_TIME, "max_tracks": tracker.MAX_TRACKS},
        },
        "smoother": {
            "label_margin": smoothing.LABEL_MARGIN,
            "unsure_margin": smoothing.UNSURE_MARGIN,
        },
        "stream": stream_numbers(),
        "draw": draw_numbers(),
    }


def network_files(name: str, graph: str) -> dict[str, Any]:
    """Return graph and weights of a network, each with its address, size and hash."""
    card, graphs = load_card(name), load_graphs(name)
    file, weights = f"{graph}.onnx", WEIGHTS / f"{name}.safetensors"
    return {
        "graph": entry(graphs[file], card.graphs[file]),
        "weights": entry(weights, card.sha256),
    }


def entry(path: Path, sha256: str) -> dict[str, Any]:
    """Return what the browser has to know of a file."""
    url = f"{WEIGHTS_FOLDER}/{path.name}"
    return {"url": url, "name": path.name, "size": path.stat().st_size, "sha256": sha256}


def card_numbers(card: Card, prior: str) -> dict[str, Any]:
    """Return the numbers of a model card that a reading needs, at a prior."""
    shares = card.class_shares or (1.0,) * len(card.classes)
    return {
        "name": card.name,
        "input_size": card.input_size,
        "regions": list(BLOCKS),
        "temperature": card.temperature,
        "unsure_below": card.unsure_below,
        "prior_strength": prior_strength(prior) if card.class_shares else 0.0,
        "log_shares": np.log(shares).tolist(),
        "baseline_weight": card.baseline_weight,
        "baseline_offset": card.baseline_offset,
        "baseline_temperature": card.baseline_temperature,
        "neutral_index": EXPRESSIONS.index("neutral"),
    }


def mtcnn_numbers() -> dict[str, Any]:
    """Return the settings of the face detector."""
    return {
        **{"min_face": MIN_FACE, "thresholds": THRESHOLDS, "scale_factor": SCALE_FACTOR},
        **{"pnet_side": PNET_SIDE, "pnet_stride": PNET_STRIDE, "rim": RIM},
        **{"rnet_side": RNET_SIDE, "onet_side": ONET_SIDE, "mirrored": MIRRORED},
        **{"duplicate": DUPLICATE, "same_face": SAME_FACE, "part_of_face": PART_OF_FACE},
    }


def stream_numbers() -> dict[str, Any]:
    """Return how often faces are searched and how they are smoothed."""
    return {
        **{"smoothing": stream.StreamSettings().smoothing, "large": stream.LARGE},
        **{"detect_every": stream.DETECT_EVERY, "search_fully_every": stream.SEARCH_FULLY_EVERY},
        **{"followed_between": stream.FOLLOWED_BETWEEN, "follow_gap": stream.FOLLOW_GAP},
        **{"same_face_iou": stream.SAME_FACE_IOU, "clearly_larger": stream.CLEARLY_LARGER},
        "baseline_seconds": CAPTURE_SECONDS,
    }


def draw_numbers() -> dict[str, Any]:
    """Return colors, names and lines of what is drawn into the picture."""
    curves = [(part, False) for part in LINES] + [(part, True) for part in LOOPS]
    return {
        "colors": EXPRESSION_COLORS,
        "warm": WARM.ravel().tolist(),
        "visible": VISIBLE,
        "block_names": BLOCK_NAMES,
        "curves": [[part.start, part.stop, closed] for part, closed in curves],
        "irises": [part.start for part in IRISES],
        "open": OPEN,
        "mesh": MESH,
    }

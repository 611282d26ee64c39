"""Expression Lens: what a facial-expression classifier sees, and why it decides as it does.

    from fer_core import Analyzer
    analyzer = Analyzer()
    for reading in analyzer(image):             # (H, W, 3) uint8 RGB
        print(reading.face.box, reading.top)

Importing this package loads nothing; each name below is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fer_core.labels import EXPRESSIONS

if TYPE_CHECKING:
    from fer_core.analyzer import Analyzer
    from fer_core.faces import list_detectors
    from fer_core.models import load_model
    from fer_core.streaming.stream import Stream, StreamSettings
    from fer_core.types import Baseline
    from fer_core.weights import list_models, load_card

__version__ = "0.2.0"
__all__ = [
    "EXPRESSIONS",
    "Analyzer",
    "Baseline",
    "Stream",
    "StreamSettings",
    "list_detectors",
    "list_models",
    "load_card",
    "load_model",
]

_HOMES = {
    "Analyzer": "analyzer",
    "Baseline": "types",
    "Stream": "streaming.stream",
    "StreamSettings": "streaming.stream",
    "list_detectors": "faces",
    "list_models": "weights",
    "load_card": "weights",
    "load_model": "models",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

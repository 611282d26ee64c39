"""Face detection. A detector's module is imported when the detector is loaded, so that importing this package
is cheap."""

from typing import Any

from fer_core.faces.base import (
    MAX_SIDE,
    MIN_FACE,
    Detector,
    find_faces,
    list_detectors,
    load_detector,
    register_detector,
)

__all__ = [
    "MAX_SIDE",
    "MIN_FACE",
    "Detector",
    "find_faces",
    "list_detectors",
    "load_detector",
    "register_detector",
]


@register_detector("mtcnn")
def _mtcnn(*, min_face: float, device: str, **settings: Any) -> Detector:
    from fer_core.faces.mtcnn import MTCNN

    return MTCNN(min_face=min_face, device=device, **settings)


@register_detector("haar")
def _haar(*, min_face: float, device: str, **settings: Any) -> Detector:
    from fer_core.faces.haar import Haar

    return Haar(min_face=min_face, **settings)


@register_detector("yunet")
def _yunet(*, min_face: float, device: str, **settings: Any) -> Detector:
    from fer_core.faces.yunet import YuNet

    return YuNet(min_face=min_face, **settings)


@register_detector("hog")
def _hog(*, min_face: float, device: str, **settings: Any) -> Detector:
    from fer_core.faces.hog import Hog

    return Hog(min_face=min_face, **settings)

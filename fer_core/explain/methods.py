"""Every map method by its name."""

from typing import Final

from fer_core.errors import UserError
from fer_core.explain import cams, occlusion, pixels
from fer_core.explain.method import Method

METHODS: Final[tuple[Method, ...]] = (
    cams.GRADCAM,
    cams.GRADCAM_PLUS_PLUS,
    cams.LAYERCAM,
    cams.HIRESCAM,
    cams.EIGENCAM,
    cams.SCORECAM,
    cams.ABLATIONCAM,
    pixels.GUIDED_BACKPROP,
    pixels.INTEGRATED_GRADIENTS,
    occlusion.OCCLUSION,
)
"""Every method, the default first. A new one is an entry beside its ``compute`` in a module of its own, and a
line here."""


def list_methods() -> tuple[str, ...]:
    """Return the names of the methods, the default first."""
    return tuple(method.name for method in METHODS)


def get_method(name: str) -> Method:
    """Return a method by its name.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
    """
    for method in METHODS:
        if method.name == name:
            return method
    raise UserError(f"unknown method {name!r}; choose one of {', '.join(list_methods())}")

"""The methods as data: what a page says about each, and what a caller may conclude from its maps."""

from dataclasses import dataclass
from typing import Final

from fer_core.errors import UserError


@dataclass(frozen=True, slots=True)
class Method:
    """One way of turning feature maps into a class activation map."""

    name: str
    """Its name in this library."""
    title: str
    """Its name in the literature."""
    sentence: str
    """How it works, for people who see its maps."""
    paper: str
    class_dependent: bool
    """Its map changes with the class that is explained."""
    signed: bool
    """Negative cells speak against the class. Without signs, cells below zero mean nothing."""
    needs_backward: bool
    """It uses the gradient of the class score."""
    fast: bool
    """One forward pass is enough; otherwise there is one for each mask that is laid on the face."""


METHODS: Final = (
    Method(
        name="gradcam",
        title="Grad-CAM",
        sentence="Adds up the feature maps, each weighted by how much the class score grows with it.",
        paper="Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
        class_dependent=True,
        signed=True,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="gradcam++",
        title="Grad-CAM++",
        sentence="Like Grad-CAM, but counts only feature maps that raise the score, and damps strong "
        "ones so that several small places of evidence show as well.",
        paper="Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
        class_dependent=True,
        signed=False,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="layercam",
        title="LayerCAM",
        sentence="Weights every cell of every feature map by its own gradient, where that is positive.",
        paper="Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943",
        class_dependent=True,
        signed=False,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="hirescam",
        title="HiResCAM",
        sentence="Multiplies every cell by its own gradient without averaging first; equal to Grad-CAM "
        "for networks that end in pooling and a linear layer.",
        paper="Draelos and Carin 2020, https://arxiv.org/abs/2011.08891",
        class_dependent=True,
        signed=True,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="eigencam",
        title="EigenCAM",
        sentence="Shows the strongest pattern in the feature maps, whatever the class: what the network "
        "looks at, not what speaks for its answer.",
        paper="Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299",
        class_dependent=False,
        signed=False,
        needs_backward=False,
        fast=True,
    ),
    Method(
        name="scorecam",
        title="Score-CAM",
        sentence="Hides the face except where one feature map is active, reads the class score, and "
        "weights the feature map by it.",
        paper="Wang et al. 2020, https://arxiv.org/abs/1910.01279",
        class_dependent=True,
        signed=False,
        needs_backward=False,
        fast=False,
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        sentence="Lays a grey square on one place after another, and shows what the class score loses. "
        "It needs no feature maps, so it works for every model.",
        paper="Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901",
        class_dependent=True,
        signed=True,
        needs_backward=False,
        fast=False,
    ),
)
"""Every method, the default first."""


def list_methods() -> tuple[str, ...]:
    """Names of the methods, the default first."""
    return tuple(method.name for method in METHODS)


def get_method(name: str) -> Method:
    """A method by its name.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
    """
    for method in METHODS:
        if method.name == name:
            return method
    raise UserError(f"unknown method {name!r}; choose one of {', '.join(list_methods())}")

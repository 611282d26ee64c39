"""The methods as data: what a page says about each, and what a caller may conclude from its maps."""

from dataclasses import dataclass
from typing import Final, Literal

from fer_core.errors import UserError


@dataclass(frozen=True, slots=True)
class Method:
    """One way of showing where the evidence for a class lies."""

    name: str
    """Its name in this library."""
    title: str
    """Its name in the literature."""
    sentence: str
    """How it works, for people who see its maps."""
    caution: str
    """What to know before believing it."""
    formula: str
    """In LaTeX: the map L of class c, from its score y, feature maps A and pixels x, cell by cell."""
    paper: str
    looks_at: Literal["layer", "pixels", "scores"]
    """What it takes of a network: the maps of a layer, which can be chosen; the gradient of every pixel; or
    nothing but its answers."""
    class_dependent: bool
    """Its map changes with the class that is explained."""
    signed: bool
    """Negative cells speak against the class. Without signs, cells below zero mean nothing."""
    needs_backward: bool
    """It uses the gradient of the class score."""
    fast: bool
    """One pass gives the maps of all classes; otherwise there are several to hundreds."""


METHODS: Final = (
    Method(
        name="gradcam",
        title="Grad-CAM",
        sentence="Adds up the feature maps, each weighted by how much the class score grows with it.",
        caution="For networks that end in an average and a linear layer it is the sum itself, taken "
        "apart by places; for others an approximation.",
        formula=r"L^c_{ij} = \sum_k \Big(\frac{1}{Z}\sum_{ab} \frac{\partial y^c}{\partial "
        r"A^k_{ab}}\Big) A^k_{ij}",
        paper="Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
        looks_at="layer",
        class_dependent=True,
        signed=True,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="gradcam++",
        title="Grad-CAM++",
        sentence="Like Grad-CAM, but counts only feature maps that raise the score, and damps "
        "strong ones so that several small places of evidence show as well.",
        caution="It leaves out all that speaks against the class, so its maps differ less from "
        "class to class.",
        formula=r"L^c_{ij} = \sum_k \Big(\sum_{ab} \alpha^{kc}_{ab}\, "
        r"\mathrm{ReLU}\Big(\frac{\partial y^c}{\partial A^k_{ab}}\Big)\Big) A^k_{ij}",
        paper="Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
        looks_at="layer",
        class_dependent=True,
        signed=False,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="layercam",
        title="LayerCAM",
        sentence="Weights every cell of every feature map by its own gradient, where that is positive.",
        caution="Made for shallow layers, whose maps are finer; it too leaves out what speaks "
        "against the class.",
        formula=r"L^c_{ij} = \sum_k \mathrm{ReLU}\Big(\frac{\partial y^c}{\partial A^k_{ij}}\Big) "
        r"A^k_{ij}",
        paper="Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943",
        looks_at="layer",
        class_dependent=True,
        signed=False,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="hirescam",
        title="HiResCAM",
        sentence="Multiplies every cell by its own gradient without averaging first.",
        caution="Equal to Grad-CAM for networks that end in an average and a linear layer; for all "
        "others the more faithful of the two.",
        formula=r"L^c_{ij} = \sum_k \frac{\partial y^c}{\partial A^k_{ij}} A^k_{ij}",
        paper="Draelos and Carin 2020, https://arxiv.org/abs/2011.08891",
        looks_at="layer",
        class_dependent=True,
        signed=True,
        needs_backward=True,
        fast=True,
    ),
    Method(
        name="eigencam",
        title="EigenCAM",
        sentence="Shows the strongest pattern in the feature maps, whatever the class.",
        caution="It says what the network looks at, and nothing about why it chose its answer.",
        formula=r"L_{ij} = \sum_k v_k A^k_{ij}, \quad v \text{ the first principal direction of } A",
        paper="Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299",
        looks_at="layer",
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
        caution="It asks for no gradient, but faces with holes are like nothing that the network "
        "has learned from.",
        formula=r"L^c_{ij} = \sum_k \mathrm{softmax}_k\big(y^c(x \odot \hat{A}^k)\big) A^k_{ij}",
        paper="Wang et al. 2020, https://arxiv.org/abs/1910.01279",
        looks_at="layer",
        class_dependent=True,
        signed=False,
        needs_backward=False,
        fast=False,
    ),
    Method(
        name="ablationcam",
        title="Ablation-CAM",
        sentence="Switches off one feature map after another, and weights it by what the class "
        "score loses.",
        caution="It asks for no gradient; where two feature maps say the same, neither is missed.",
        formula=r"L^c_{ij} = \sum_k \big(y^c - y^c_{A^k = 0}\big) A^k_{ij}",
        paper="Desai and Ramaswamy 2020, https://doi.org/10.1109/WACV45572.2020.9093360",
        looks_at="layer",
        class_dependent=True,
        signed=True,
        needs_backward=False,
        fast=False,
    ),
    Method(
        name="guided_backprop",
        title="Guided backpropagation",
        sentence="Follows the score back to the pixels, and lets only what is positive pass on its way.",
        caution="Its maps are fine and show edges; they hardly change with the class, or when the "
        "network forgets what it learned.",
        formula=r"L^c_{p} = \frac{\partial y^c}{\partial x_p}, \quad \text{negative values stopped "
        r"at every ReLU}",
        paper="Springenberg et al. 2015, https://arxiv.org/abs/1412.6806",
        looks_at="pixels",
        class_dependent=True,
        signed=True,
        needs_backward=True,
        fast=False,
    ),
    Method(
        name="integrated_gradients",
        title="Integrated gradients",
        sentence="Fades from a grey square to the face, and adds up what each pixel does to the "
        "score on the way.",
        caution="Its pixels add up to the difference of both scores exactly; it depends on what one "
        "fades from.",
        formula=r"L^c_{p} = (x_p - x'_p) \int_0^1 \frac{\partial y^c(x' + \alpha (x - x'))}{\partial "
        r"x_p}\, d\alpha",
        paper="Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365",
        looks_at="pixels",
        class_dependent=True,
        signed=True,
        needs_backward=True,
        fast=False,
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        sentence="Lays a grey square on one place after another, and shows what the class score loses.",
        caution="It needs nothing but answers, so it works for every model; a grey square is itself "
        "like nothing that it has learned from.",
        formula=r"L^c_{ij} = \operatorname{mean}_{M \ni ij} \big(y^c(x) - y^c(x \text{ with } M "
        r"\text{ grey})\big)",
        paper="Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901",
        looks_at="scores",
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

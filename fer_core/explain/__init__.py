"""Where a network finds its evidence: class activation maps, on the face and in numbers.

Two ways lead to a raw map. ``FacePredictions.evidence`` holds the maps of all seven classes from a forward
pass that has already happened, for live views; ``raw_maps`` runs any of ``list_methods()`` for some classes.
``explanation`` brings a raw map back to the frame.

Each name is imported when it is first used: the methods need torch, the rest does not.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fer_core.explain.attribution_shares import (
        attention_shares,
        is_flat,
        part_share,
        region_share,
        share_in_box,
    )
    from fer_core.explain.box_occlusion import (
        Box,
        OcclusionTest,
        occlude,
        occlusion_test,
        part_boxes,
    )
    from fer_core.explain.heatmap import explanation, to_aligned
    from fer_core.explain.layers import Layer, list_layers
    from fer_core.explain.maps import method_for, raw_map, raw_maps
    from fer_core.explain.method import Method
    from fer_core.explain.methods import METHODS, get_method, list_methods

__all__ = [
    "METHODS",
    "Box",
    "Layer",
    "Method",
    "OcclusionTest",
    "attention_shares",
    "explanation",
    "get_method",
    "is_flat",
    "list_layers",
    "list_methods",
    "method_for",
    "occlude",
    "occlusion_test",
    "part_boxes",
    "part_share",
    "raw_map",
    "raw_maps",
    "region_share",
    "share_in_box",
    "to_aligned",
]

_HOMES = {
    **dict.fromkeys(
        ("attention_shares", "is_flat", "part_share", "region_share", "share_in_box"),
        "attribution_shares",
    ),
    **dict.fromkeys(
        ("Box", "OcclusionTest", "occlude", "occlusion_test", "part_boxes"), "box_occlusion"
    ),
    **dict.fromkeys(("explanation", "to_aligned"), "heatmap"),
    **dict.fromkeys(("Layer", "list_layers"), "layers"),
    **dict.fromkeys(("method_for", "raw_map", "raw_maps"), "maps"),
    "Method": "method",
    **dict.fromkeys(("METHODS", "get_method", "list_methods"), "methods"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

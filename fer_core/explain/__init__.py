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
        positive_share,
        region_share,
    )
    from fer_core.explain.cover_test import OcclusionTest, cover_grid, occlusion_test
    from fer_core.explain.covers import COVERS, Cover, covered, part_cover
    from fer_core.explain.heatmap import explanation, to_aligned
    from fer_core.explain.layers import Layer, list_layers
    from fer_core.explain.maps import method_for, raw_map, raw_maps
    from fer_core.explain.method import Method
    from fer_core.explain.methods import METHODS, get_method, list_methods

__all__ = [
    "COVERS",
    "METHODS",
    "Cover",
    "Layer",
    "Method",
    "OcclusionTest",
    "attention_shares",
    "cover_grid",
    "covered",
    "explanation",
    "get_method",
    "is_flat",
    "list_layers",
    "list_methods",
    "method_for",
    "occlusion_test",
    "part_cover",
    "part_share",
    "positive_share",
    "raw_map",
    "raw_maps",
    "region_share",
    "to_aligned",
]

_HOMES = {
    **dict.fromkeys(
        ("attention_shares", "is_flat", "part_share", "positive_share", "region_share"),
        "attribution_shares",
    ),
    **dict.fromkeys(("COVERS", "Cover", "covered", "part_cover"), "covers"),
    **dict.fromkeys(("explanation", "to_aligned"), "heatmap"),
    **dict.fromkeys(("Layer", "list_layers"), "layers"),
    **dict.fromkeys(("method_for", "raw_map", "raw_maps"), "maps"),
    "Method": "method",
    **dict.fromkeys(("METHODS", "get_method", "list_methods"), "methods"),
    **dict.fromkeys(("OcclusionTest", "cover_grid", "occlusion_test"), "cover_test"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

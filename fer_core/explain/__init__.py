"""Where a network finds its evidence: class activation maps, on the face and in numbers.

Two ways lead to a raw map. ``evidence_maps`` reads the maps of all seven classes from a forward pass
that has already happened, for live views; ``raw_maps`` runs any of ``list_methods()`` for some classes.
``explanation`` brings a raw map back to the frame.
"""

from fer_core.explain.attribution_shares import (
    attention_shares,
    is_flat,
    part_share,
    region_share,
    share_in_box,
)
from fer_core.explain.box_occlusion import Box, OcclusionTest, occlude, occlusion_test, part_boxes
from fer_core.explain.heatmap import explanation, to_aligned
from fer_core.explain.layers import Layer, list_layers
from fer_core.explain.maps import evidence_maps, method_for, raw_map, raw_maps
from fer_core.explain.method import Method
from fer_core.explain.methods import METHODS, get_method, list_methods

__all__ = [
    "METHODS",
    "Box",
    "Layer",
    "Method",
    "OcclusionTest",
    "attention_shares",
    "evidence_maps",
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

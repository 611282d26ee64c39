"""Where a network finds its evidence: class activation maps, on the face and in numbers.

Two ways lead to a raw map. ``evidence_maps`` reads the maps of all seven classes from a forward pass
that has already happened, for live views; ``raw_maps`` runs any of ``list_methods()`` for some classes.
``explanation`` brings a raw map back to the frame.
"""

from fer_core.explain.average import (
    AverageMap,
    Averages,
    Claim,
    align_by_landmarks,
    average_maps,
    claim,
    in_square,
    read_averages,
    write_averages,
)
from fer_core.explain.covers import Box, CoverTest, cover, part_boxes, try_cover
from fer_core.explain.cut import Layer, list_layers
from fer_core.explain.faithfulness import (
    Faithfulness,
    bootstrap,
    centre_map,
    faithfulness,
    random_map,
)
from fer_core.explain.heatmap import explanation, to_aligned
from fer_core.explain.maps import evidence_maps, method_for, raw_map, raw_maps
from fer_core.explain.measured import Figure, Measured, read_measured
from fer_core.explain.methods import METHODS, Method, get_method, list_methods
from fer_core.explain.sanity import randomised, rank_correlation
from fer_core.explain.shares import is_flat, part_share, region_share

__all__ = [
    "METHODS",
    "AverageMap",
    "Averages",
    "Box",
    "Claim",
    "CoverTest",
    "Faithfulness",
    "Figure",
    "Layer",
    "Measured",
    "Method",
    "align_by_landmarks",
    "average_maps",
    "bootstrap",
    "centre_map",
    "claim",
    "cover",
    "evidence_maps",
    "explanation",
    "faithfulness",
    "get_method",
    "in_square",
    "is_flat",
    "list_layers",
    "list_methods",
    "method_for",
    "part_boxes",
    "part_share",
    "random_map",
    "randomised",
    "rank_correlation",
    "raw_map",
    "raw_maps",
    "read_averages",
    "read_measured",
    "region_share",
    "to_aligned",
    "try_cover",
    "write_averages",
]

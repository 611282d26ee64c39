"""Stored results of the explanation methods on many faces.

``benchmarks.faithfulness`` and ``benchmarks.randomization`` write them to ``weights/``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from fer_core.errors import in_short
from fer_core.explain.methods import METHODS
from fer_core.weights import FAITHFULNESS, RANDOMIZATION, WEIGHTS, WeightsError, results_path

MAX_SIMILARITY: Final = 0.5
"""Mean rank correlation over the depths of the randomization test above which a method fails: its maps depend
too little on what the network learned."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean over faces with its 95 % confidence interval."""

    mean: float
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""


@dataclass(frozen=True, slots=True)
class MethodResults:
    """Results of both benchmarks, for one model on the same faces."""

    model: str
    faces: int
    """Number of faces."""
    faithfulness: Mapping[str, Mapping[str, Estimate]]
    """Method or baseline -> deletion, insertion, ROAD, average drop and increase."""
    similarity: Mapping[str, Mapping[str, Estimate]]
    """Method -> part randomized last -> rank correlation with the map of the trained model."""

    @property
    def recommended(self) -> str | None:
        """Method with the largest difference of insertion and deletion; None if there is none.

        It must depend on the class and pass the randomization test.
        """
        candidates = [
            method.name
            for method in METHODS
            if method.class_dependent
            and method.name in self.faithfulness
            and not self.fails_randomization(method.name)
        ]
        return max(candidates, key=self._gain, default=None)

    def mean_similarity(self, method: str) -> float | None:
        """Return the mean rank correlation of a method's maps over the depths; None if not measured."""
        depths = self.similarity.get(method)
        return float(np.mean([each.mean for each in depths.values()])) if depths else None

    def fails_randomization(self, method: str) -> bool:
        """Return whether a method's maps stay too similar when the weights are randomized."""
        similarity = self.mean_similarity(method)
        return similarity is not None and similarity > MAX_SIMILARITY

    def beats_baselines(self, method: str) -> bool:
        """Return whether a method is better in deletion and insertion than each map that does not know the
        network, with intervals that do not touch."""
        known = {each.name for each in METHODS}
        own = self.faithfulness[method]
        baselines = [row for name, row in self.faithfulness.items() if name not in known]
        return all(
            own["deletion"].high < row["deletion"].low
            and own["insertion"].low > row["insertion"].high
            for row in baselines
        )

    def _gain(self, method: str) -> float:
        """Return the difference of insertion and deletion."""
        row = self.faithfulness[method]
        return row["insertion"].mean - row["deletion"].mean


def read_method_results(folder: Path = WEIGHTS) -> MethodResults | None:
    """Read the results in a folder of weights; None if a file is missing.

    Raises:
        WeightsError: if a file cannot be read.
    """
    paths = [results_path(name, folder) for name in (FAITHFULNESS, RANDOMIZATION)]
    if not all(path.is_file() for path in paths):
        return None
    try:
        maps, depths = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
        if any(maps[key] != depths[key] for key in ("model", "faces")):
            raise ValueError("different models or different faces")
        by_depth = _figures(depths["depths"])
        methods = list(dict.fromkeys(name for row in by_depth.values() for name in row))
        return MethodResults(
            model=maps["model"],
            faces=maps["faces"],
            faithfulness=_figures(maps["maps"]),
            similarity={
                name: {depth: row[name] for depth, row in by_depth.items()} for name in methods
            },
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{' and '.join(path.name for path in paths)} do not hold both measurements "
            f"({in_short(repr(error))}); "
            "restore them, or recreate both: python -m benchmarks.faithfulness, benchmarks.randomization"
        ) from None


def _figures(table: Mapping[str, Any]) -> dict[str, dict[str, Estimate]]:
    return {
        name: {figure: Estimate(**cell) for figure, cell in row.items()}
        for name, row in table.items()
    }

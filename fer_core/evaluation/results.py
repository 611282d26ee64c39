"""What the methods are worth on many faces, as ``benchmarks.faithfulness`` and ``benchmarks.randomization``
measured it and ``weights/`` keeps it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from fer_core.explain.methods import METHODS
from fer_core.weights import FAITHFULNESS, RANDOMIZATION, WEIGHTS, WeightsError, results_path

ALIKE: Final = 0.5
"""Rank correlation, on average over the depths of the randomisation check, above which a method's maps do not
depend enough on what the network learned."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over faces with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MethodResults:
    """Both measurements, of one model on the same faces."""

    model: str
    faces: int
    faithfulness: Mapping[str, Mapping[str, Figure]]
    """Method or baseline -> deletion, insertion, ROAD, average drop and increase."""
    likeness: Mapping[str, Mapping[str, Figure]]
    """Method -> what forgot last -> rank correlation with the map of the model as it learned."""

    @property
    def recommended(self) -> str | None:
        """The method, among those that depend on the class and on what was learned, whose maps part insertion
        and deletion most."""
        sound = [
            method.name
            for method in METHODS
            if method.class_dependent
            and method.name in self.faithfulness
            and not self.fails(method.name)
        ]
        return max(sound, key=self._gain, default=None)

    def alike(self, method: str) -> float | None:
        """How like a method's maps stay to themselves while the network forgets, on average over the depths;
        None where that was not measured."""
        depths = self.likeness.get(method)
        return float(np.mean([each.mean for each in depths.values()])) if depths else None

    def fails(self, method: str) -> bool:
        """Whether they stay too much alike."""
        alike = self.alike(method)
        return alike is not None and alike > ALIKE

    def _gain(self, method: str) -> float:
        row = self.faithfulness[method]
        return row["insertion"].mean - row["deletion"].mean


def read_method_results(folder: Path = WEIGHTS) -> MethodResults | None:
    """The measurements in a folder of weights; None where there are none.

    Raises:
        WeightsError: for a file that cannot be read.
    """
    paths = [results_path(name, folder) for name in (FAITHFULNESS, RANDOMIZATION)]
    if not all(path.is_file() for path in paths):
        return None
    try:
        maps, depths = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
        if any(maps[key] != depths[key] for key in ("model", "faces")):
            raise ValueError("of two models, or on different faces")
        by_depth = _figures(depths["depths"])
        methods = list(dict.fromkeys(name for row in by_depth.values() for name in row))
        return MethodResults(
            model=maps["model"],
            faces=maps["faces"],
            faithfulness=_figures(maps["maps"]),
            likeness={
                name: {depth: row[name] for depth, row in by_depth.items()} for name in methods
            },
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(
            f"{' and '.join(path.name for path in paths)} do not hold both measurements ({error!r}); "
            "restore them, or write both anew: python -m benchmarks.faithfulness, benchmarks.randomization"
        ) from None


def _figures(table: Mapping[str, Any]) -> dict[str, dict[str, Figure]]:
    return {
        name: {figure: Figure(**cell) for figure, cell in row.items()}
        for name, row in table.items()
    }

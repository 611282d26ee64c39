"""The files that the browser loads: modules, ONNX Runtime Web, and the networks."""

from pathlib import Path
from typing import Final

from app.device.numbers import WEIGHTS_FOLDER, device_numbers
from app.device.runtime import MODULES, PACKED
from fer_core.weights import WEIGHTS

TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
}
"""Ending of a file -> its type; others are bytes."""


def device_files(model: str = "default") -> dict[str, Path]:
    """Return the address of each file, relative to that of the modules -> where it lies.

    Args:
        model: name of a model with a graph.

    Raises:
        UserError: if the model has no graph.
        WeightsError: if a file of a network is missing or altered.
    """
    files = {}
    for path in sorted(MODULES.rglob("*")):
        address = path.relative_to(MODULES).as_posix().removesuffix(PACKED)
        if Path(address).suffix in TYPES:
            files[address] = path
    for network in device_numbers(model)["networks"].values():
        for file in network.values():
            files[f"{WEIGHTS_FOLDER}/{file['name']}"] = WEIGHTS / file["name"]
    return files

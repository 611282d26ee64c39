"""The files that the browser loads: modules, ONNX Runtime Web, and the networks."""

import gzip
from pathlib import Path
from typing import Final

from app.device.numbers import WEIGHTS_FOLDER, device_numbers
from fer_core.weights import WEIGHTS

MODULES: Final = Path(__file__).resolve().parents[2] / "static" / "device"
"""Folder of the modules; ``onnxruntime`` in it is ONNX Runtime Web."""

PACKED: Final = ".gz"
"""Ending of a file that lies compressed in the repository."""

TYPES: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
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


def content(path: Path) -> bytes:
    """Return the content of a file as the browser reads it."""
    return gzip.decompress(path.read_bytes()) if path.suffix == PACKED else path.read_bytes()


def packed(path: Path) -> bytes:
    """Return the compressed content of a file."""
    raw = path.read_bytes()
    return raw if path.suffix == PACKED else gzip.compress(raw, 9, mtime=0)

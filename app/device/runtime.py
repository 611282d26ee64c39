"""ONNX Runtime Web and the modules, as they lie in the repository."""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

MODULES: Final = Path(__file__).resolve().parents[2] / "static" / "device"
"""Folder of the modules."""

RUNTIME: Final = "onnxruntime"
"""Folder of ONNX Runtime Web in it, and below the address of the modules."""

PACKED: Final = ".gz"
"""Ending of a file that lies compressed in the repository."""


def content(path: Path) -> bytes:
    """Return the content of a file as the browser reads it."""
    return gzip.decompress(path.read_bytes()) if path.suffix == PACKED else path.read_bytes()


def packed(path: Path) -> bytes:
    """Return the compressed content of a file."""
    raw = path.read_bytes()
    return raw if path.suffix == PACKED else gzip.compress(raw, 9, mtime=0)


@cache
def runtime_files() -> dict[str, Any]:
    """Return the runtime's script, and its program with address, size and hash."""
    name = "ort-wasm-simd-threaded"
    data = content(MODULES / RUNTIME / f"{name}.wasm{PACKED}")
    return {
        "script": f"{RUNTIME}/{name}.js",
        "program": {
            "url": f"{RUNTIME}/{name}.wasm",
            "name": f"{name}.wasm",
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        },
    }

"""The files that the browser loads: modules, ONNX Runtime Web, and the networks, compressed once."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.device.numbers import WEIGHTS_FOLDER, device_numbers
from fer_core.weights import WEIGHTS

MODULES: Final = Path(__file__).resolve().parents[2] / "static" / "device"
"""Folder of the modules; ``onnxruntime`` in it is ONNX Runtime Web."""

ROUTE: Final = "device"
"""Where the files lie below the address of the app."""

TYPES: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
}
"""Ending of a file -> its type; others are bytes."""

CACHE: Final = "public, max-age=3600, must-revalidate"
"""How long a browser keeps a file without asking: a class begins within minutes."""


def device_files() -> dict[str, Path]:
    """Return the path of each file below ``ROUTE``, as in an address -> where it lies.

    Raises:
        WeightsError: if a file of a network is missing or altered.
    """
    modules = (path for path in sorted(MODULES.rglob("*")) if path.suffix in TYPES)
    files = {path.relative_to(MODULES).as_posix(): path for path in modules}
    for network in device_numbers()["networks"].values():
        for file in network.values():
            files[f"{WEIGHTS_FOLDER}/{file['name']}"] = WEIGHTS / file["name"]
    return files


@lru_cache(64)
def compressed(path: Path) -> tuple[bytes, str]:
    """Return the content of a file, compressed, and its tag for the browser's cache."""
    content = path.read_bytes()
    return gzip.compress(content, 9, mtime=0), f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def device_routes() -> list[Route]:
    """Return the routes that serve the files; starting the app reads none of them."""
    files: dict[str, Path] = {}

    def answer(request: Request) -> Response:
        if not files:
            files.update(device_files())
        path = files.get(request.path_params["name"])
        if path is None:
            return Response("There is no such file.", 404)
        content, tag = compressed(path)
        headers = {"etag": tag, "cache-control": CACHE, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        kind = TYPES.get(path.suffix, "application/octet-stream")
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(path.read_bytes(), media_type=kind, headers=headers)
        return Response(content, media_type=kind, headers={**headers, "content-encoding": "gzip"})

    return [Route(f"/{ROUTE}/{{name:path}}", answer)]

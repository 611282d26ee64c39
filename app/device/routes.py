"""The files of the live page inside the browser, served by the app: compressed once, kept by browsers."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import config

from app.device.files import TYPES, device_files
from app.device.numbers import device_models
from app.device.runtime import content, packed
from fer_core.errors import UserError

ROUTE: Final = "device"
"""Where the files lie below the address of the app."""

CACHE: Final = "public, max-age=3600, must-revalidate"
"""How long a browser keeps a file without asking: a class begins within minutes."""


@cache
def served_files() -> dict[str, Path]:
    """Return the address of each file below ``ROUTE`` -> where it lies, for all models of the browser."""
    return {
        address: path for model in device_models() for address, path in device_files(model).items()
    }


@cache
def compressed(path: Path) -> tuple[bytes, str]:
    """Return a file's compressed content, and its tag for the browser's cache."""
    data = packed(path)
    return data, f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def answer(request: Request) -> Response:
    """Answer a request for a file."""
    try:
        path = served_files().get(request.path_params["name"])
    except UserError as error:
        return Response(str(error), 503, media_type="text/plain")
    if path is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    data, tag = compressed(path)
    headers = {"etag": tag, "cache-control": CACHE, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    suffix = Path(request.path_params["name"]).suffix
    kind = TYPES.get(suffix, "application/octet-stream")
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(content(path), media_type=kind, headers=headers)
    return Response(data, media_type=kind, headers={**headers, "content-encoding": "gzip"})


def device_routes() -> list[Route]:
    """Return the route that serves the files below the path of the app; they are read when asked for."""
    path: str = config.get_option("server.baseUrlPath").strip("/")
    return [Route(f"{path and '/' + path}/{ROUTE}/{{name:path}}", answer)]

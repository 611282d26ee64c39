"""Answers of the engine: what one of its processes computes for a request by HTTP.

    GET  /models                                         {name: sha256 of the weights}
    GET  /streams                                        address and load of this process's ``StreamHost``
    POST /forward/NAME?weights=SHA256                    crops (N, 1, S, S) -> outputs of the forward pass
    POST /maps/NAME?weights=SHA256&method=M&targets=A,B  crop (S, S) -> {class: raw map}

Bodies and answers are values of ``fer_core.runtime.wire``. A refusal has status 400, and a sentence for the
user.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from fer_core.analyzer import Analyzer
from fer_core.devices import choose_device
from fer_core.errors import UserError
from fer_core.models.classifier import BATCH, load_model
from fer_core.runtime.wire import WireError, dumps, loads
from fer_core.serving.hosts import REFUSED, StreamHost, is_allowed
from fer_core.types import Floats
from fer_core.weights import list_models, load_card

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MAX_BODY: Final = 64_000_000
"""Largest request in bytes: crops of 48 pixels for 27,000 faces."""
MAX_INPUTS: Final = 1024
"""Most faces of one request."""

Answer = tuple[int, Any]
"""HTTP status and value."""


class OtherWeightsError(Exception):
    """The caller has other weights of a model than the engine, so it has to compute by itself."""


class Networks:
    """Networks of one process. Requests that arrive while one is computed are computed together, next.

    Args:
        models: names of the models to load at once; others are loaded when they are first asked for.
        token: what callers have to know; "" for nothing.
        host: address on which streams are answered; "" for that of this machine in the cluster.
        device: where networks run, as ``choose_device`` takes it.
    """

    def __init__(
        self, models: Sequence[str], token: str = "", host: str = "", device: str = "auto"
    ) -> None:
        self._token = token
        device = choose_device(device)
        self._classifier = lru_cache(None)(lambda name: load_model(name, device))
        self._batched = lru_cache(None)(self._batch)
        self._streams = cache(
            lambda: StreamHost(Analyzer(device=device, threads=1), host or _own_ip(), token)
        )
        self._weights = {name: load_card(name).sha256 for name in list_models()}
        for name in models:
            self._classifier(load_card(name).name)

    async def __call__(self, request: "Request") -> "Response":
        """Answer a request by HTTP."""
        from starlette.responses import Response

        status, value = await self.answer(request)
        return Response(dumps(value), status, media_type="application/octet-stream")

    async def answer(self, request: "Request") -> Answer:
        """Return the status and the value that answer a request."""
        if not is_allowed(request.headers.get("authorization"), self._token):
            return 401, REFUSED
        try:
            return 200, await self._answer(request)
        except OtherWeightsError as error:
            return 409, str(error)
        except (UserError, WireError) as error:
            return 400, str(error)
        except Exception as error:  # the caller then computes in its own process
            logging.getLogger("ray.serve").exception("a request failed")
            return 500, f"the engine failed at a request ({type(error).__name__})"

    async def _answer(self, request: "Request") -> Any:
        kind, _, name = request.url.path.strip("/").partition("/")
        if (request.method, kind, name) == ("GET", "models", ""):
            return self._weights
        if (request.method, kind, name) == ("GET", "streams", ""):
            host = await asyncio.to_thread(self._streams)
            return {"address": host.address, "load": host.load}
        if request.method != "POST" or kind not in ("forward", "maps"):
            raise UserError(
                "the engine answers GET /models and /streams, POST /forward/NAME and /maps/NAME"
            )
        query = request.query_params
        if name not in self._weights or query.get("weights") != self._weights[name]:
            raise OtherWeightsError(f"the engine does not run these weights of {name!r}")
        if int(request.headers.get("content-length", MAX_BODY + 1)) > MAX_BODY:
            raise UserError(f"a request of more than {MAX_BODY:,} bytes is too large")
        inputs = loads(await request.body())
        classifier = await asyncio.to_thread(self._classifier, name)
        side = classifier.input_size
        if kind == "forward":
            _check(inputs, (1, side, side), MAX_INPUTS)
            return await self._batched(name)(inputs)
        _check(inputs, (side,), side)
        from fer_core.explain.maps import raw_maps  # with torch, which takes 250 MB of each process

        targets = query.get("targets", "").split(",")
        layer = int(query["layer"]) if "layer" in query else None
        method = query.get("method", "gradcam")
        return await asyncio.to_thread(raw_maps, classifier, inputs, targets, method, layer=layer)

    def _batch(self, name: str) -> Callable[[NDArray[Any]], Awaitable[Mapping[str, Floats]]]:
        """Return a function that computes the crops of requests with those of others.

        It waits for nobody: only what arrives during a pass goes into the next one.
        """
        from ray import serve

        forward_pass = self._classifier(name).forward_pass

        async def compute(requests: list[NDArray[Any]]) -> list[Mapping[str, Floats]]:
            outputs = await asyncio.to_thread(forward_pass, np.concatenate(requests))
            ends = np.cumsum([len(crops) for crops in requests])[:-1]
            parts = {key: np.split(values, ends) for key, values in outputs.items()}
            return [
                {key: arrays[number] for key, arrays in parts.items()}
                for number in range(len(requests))
            ]

        batched = serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=0.0)(compute)
        return batched


def _own_ip() -> str:
    """Return the address at which the other machines of the cluster reach this one."""
    import ray

    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]


def _check(inputs: object, shape: tuple[int, ...], most: int) -> None:
    """Check that a request holds crops.

    Raises:
        UserError: if it does not.
    """
    if (
        not isinstance(inputs, np.ndarray)
        or inputs.dtype != np.uint8
        or inputs.shape[1:] != shape
        or not 1 <= len(inputs) <= most
    ):
        raise UserError(f"a request holds 1 to {most:,} uint8 crops of {shape}")

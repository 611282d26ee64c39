"""What a host's own programs ask: is the process alive, is it ready, what has it counted?"""

from hmac import compare_digest

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.readiness import Readiness


class Endpoints:
    """ASGI middleware: answers ``/healthz``, ``/readyz`` and ``/metrics``, and hides Streamlit's metrics.

    It stands before ``HostCheck``: a proxy or an orchestrator asks by an address of its own. ``/healthz`` and
    ``/readyz`` answer anybody with one word. Metrics need a token rather than a private address: behind a
    proxy every visitor comes from a private address.
    """

    def __init__(
        self, app: ASGIApp, readiness: Readiness, registry: CollectorRegistry, token: str
    ) -> None:
        self.app = app
        self.readiness = readiness
        self.registry = registry
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the host's programs; pass any other on."""
        response = self.answer(scope) if scope["type"] == "http" else None
        await (response or self.app)(scope, receive, send)

    def answer(self, scope: Scope) -> Response | None:
        """Return the answer to a request of the host's programs; None for any other request."""
        path: str = scope["path"]
        metrics = path == "/metrics"
        if metrics or path.endswith("/_stcore/metrics"):
            if not self.has_token(Headers(scope=scope)):
                return plain("Not found", 404)
            if metrics:
                return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)
        if path == "/healthz":
            return plain("ok", 200)
        if path == "/readyz":
            state = self.readiness.state
            return plain(state, 200 if state == "ready" else 503)
        return None

    def has_token(self, headers: Headers) -> bool:
        """Return whether a request may read the metrics: the host has set a token, and it is this one."""
        given = headers.get("authorization", "").removeprefix("Bearer ").encode()
        return bool(self.token) and compare_digest(given, self.token.encode())


def plain(text: str, status: int) -> Response:
    """Return a short answer that nobody keeps."""
    return PlainTextResponse(f"{text}\n", status, headers={"cache-control": "no-store"})

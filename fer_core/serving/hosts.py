"""Streams of viewers on the side of the engine: frames come in whole, results go out.

Each process of the engine has one ``StreamHost`` with a port of its own, to which its viewers stay connected:
a stream remembers faces, so all frames of a viewer have to come to the same process.

    POST /push?stream=ID&time=SECONDS     (settings, frame) -> StreamState
    POST /baseline?stream=ID&track=N&clear=1
"""

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from fer_core.analyzer import Analyzer
from fer_core.errors import UserError
from fer_core.runtime.wire import WireError, dumps, loads
from fer_core.streaming.stream import Stream, StreamSettings
from fer_core.types import (
    Baseline,
    Blinks,
    Explanation,
    Face,
    FrameResult,
    Reading,
    Regions,
)
from fer_core.weights import list_models

IDLE: Final = 60.0
"""Time without a frame after which a stream is forgotten, in seconds."""
MAX_BODY: Final = 100_000_000
"""Largest request in bytes: a frame of 8K."""
REFUSED: Final = "the engine refuses the token; set the same one for both"


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a viewer gets back for a frame."""

    result: FrameResult
    """Its heatmaps are cut to ``heat_box``."""
    baselines: dict[int, Baseline]
    captures: frozenset[int]


CLASSES: Final[Sequence[type]] = (
    *(StreamState, FrameResult, Reading, Face, Regions, Blinks, Baseline, Explanation),
    StreamSettings,
)
"""Dataclasses that pass between a stream and its viewer."""


@dataclass(slots=True)
class _Viewer:
    stream: Stream
    last_used: float


class StreamHost:
    """The streams of one process of the engine.

    Args:
        analyzer: of all streams.
        host: address to listen on.
        token: what callers have to know; "" for nothing.
    """

    def __init__(self, analyzer: Analyzer, host: str = "127.0.0.1", token: str = "") -> None:
        self.token = token
        self._analyzer = analyzer
        self._models = frozenset(list_models())
        self._viewers: dict[str, _Viewer] = {}
        self._lock, self._turn = Lock(), Lock()
        self._server = _Server(self, host)
        self.address = f"{host}:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True, name="streams").start()

    @property
    def load(self) -> int:
        """Number of viewers."""
        with self._lock:
            now = monotonic()
            self._viewers = {
                key: each for key, each in self._viewers.items() if now - each.last_used < IDLE
            }
            return len(self._viewers)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        """Return the HTTP status and the value that answer a request."""
        url = urlsplit(path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        try:
            if "stream" not in query or url.path not in ("/push", "/baseline"):
                raise UserError("a host of streams answers POST /push and /baseline")
            if url.path == "/push":
                settings, frame = loads(body, CLASSES)
                if settings.model not in self._models:  # no path of a file, either
                    raise UserError(f"the engine has no model {settings.model!r}")
                return 200, self._push(query["stream"], settings, frame, float(query["time"]))
            stream = self._stream(query["stream"], StreamSettings())
            change = stream.clear_baseline if "clear" in query else stream.set_baseline
            change(int(query["track"]) if "track" in query else None)
            return 200, True
        except (UserError, WireError, KeyError) as error:
            return 400, str(error)
        except Exception as error:  # the viewer's own process then takes over
            logging.getLogger("fer_core.engine").exception("a frame failed")
            return 500, f"the engine failed at a frame ({type(error).__name__})"

    def _stream(self, name: str, settings: StreamSettings) -> Stream:
        """Return the stream of a viewer, who may be new."""
        if name not in self._viewers:
            _ = self.load  # forgets those who have gone
        with self._lock:
            fresh = _Viewer(Stream(self._analyzer, settings), 0.0)
            viewer = self._viewers.setdefault(name, fresh)
            viewer.last_used = monotonic()
        return viewer.stream

    def _push(self, name: str, settings: StreamSettings, frame: Any, time: float) -> StreamState:
        stream = self._stream(name, settings)
        stream.settings = settings
        with self._turn:  # one frame at a time: threads that fight for Python's lock read fewer
            result = stream.push(frame, time=time)
        explanations = tuple(tuple(map(_cut, each)) for each in result.explanations)
        return StreamState(
            replace(result, explanations=explanations), dict(stream.baselines), stream.captures
        )


def is_allowed(authorization: str | None, token: str) -> bool:
    """Return whether a request with this header knows the token."""
    shown = (authorization or "").removeprefix("Bearer ")
    return hmac.compare_digest(shown.encode(), token.encode())


def _cut(explanation: Explanation) -> Explanation:
    """Return an explanation whose heatmap is cut to its box; outside it is zero."""
    if explanation.heat_box is None:
        return explanation
    x0, y0, x1, y1 = explanation.heat_box
    return replace(explanation, heatmap=explanation.heatmap[y0:y1, x0:x1])


class _Server(ThreadingHTTPServer):
    """One thread a viewer."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, streams: StreamHost, host: str) -> None:
        self.streams = streams
        super().__init__((host, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", MAX_BODY + 1))
        if not is_allowed(self.headers.get("authorization"), self.server.streams.token):
            status, value = 401, REFUSED
            self.close_connection = True
        elif length > MAX_BODY:
            status, value = 400, f"a frame of more than {MAX_BODY:,} bytes is too large"
            self.close_connection = True
        else:
            body = self.rfile.read(length)
            status, value = self.server.streams.answer(self.path, body)
        data = dumps(value)
        head = f"HTTP/1.1 {status} .\r\nContent-Length: {len(data)}\r\n\r\n"
        self.wfile.write(head.encode() + data)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: frames are not recorded anywhere."""

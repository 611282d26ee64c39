"""Forward passes and maps that an engine on other processes or machines computes: ``expression-lens serve``.

The engine is reached by HTTP, so this process needs no Ray and joins no cluster. A process that has joined
one ends with the cluster's head: Ray terminates its drivers 60 s after the head was lost. A call by
HTTP also costs the caller 0.3 ms of its processor where one by Ray's own handle costs 1.8 ms.

    engine = Engine("10.0.0.5:8000")
    analyzer = Analyzer(engine=engine)
    engine.problem                          # None, or a sentence to show: the networks run in this process
"""

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any, Final, cast
from urllib.parse import quote, urlencode, urlsplit

from numpy.typing import NDArray

from fer_core.errors import UserError, in_short
from fer_core.runtime.base import ForwardPass
from fer_core.runtime.wire import WireError, dumps, loads
from fer_core.types import Floats, Image
from fer_core.weights import Card

ENGINE: Final = "EXPRESSION_LENS_ENGINE"
"""Environment variable: ``ray`` where an engine computes the networks, ``local`` or nothing otherwise."""
ADDRESS: Final = "EXPRESSION_LENS_RAY_ADDRESS"
"""Environment variable: where the engine listens, as ``expression-lens serve`` prints it."""
TOKEN: Final = "EXPRESSION_LENS_ENGINE_TOKEN"
"""Environment variable: a shared secret, the same for the engine and those who call it."""
PORT: Final = 8000
"""Port of the engine where an address names none."""

CONNECT: Final = 1.0
"""Longest wait for a connection, in seconds."""
ANSWER: Final = 2.0
"""Longest wait for the predictions of some faces, retries included, in seconds."""
MAPS: Final = 120.0
"""Longest wait for maps, in seconds; occlusion by a larger network takes several."""
RETRY_AFTER: Final = 10.0
"""Time from the loss of an engine to the next attempt to reach it, in seconds."""
REST: Final = 5.0
"""Time for which a model that was too slow is left to this process, in seconds; loading one takes as long."""
PAUSE: Final = 0.05
"""Time before the first retry of a call, in seconds; it doubles with each."""
STOPPED: Final = (502, 503, 504)
"""HTTP status of a call whose replica died or that found none."""

log = logging.getLogger("fer_core.engine")


class EngineError(UserError):
    """An engine cannot be reached, was lost, or does not answer as one."""


class EngineTimeoutError(EngineError):
    """An engine has not answered in time; it may be busy, or load a model."""


class Engine:
    """A client of ``expression-lens serve``. Threads may share it.

    Args:
        address: ``host:port`` or ``http://host:port``; the port is 8000 by default.
        token: the engine's shared secret, if it has one.

    Raises:
        UserError: if the address cannot be one.
    """

    def __init__(self, address: str, token: str = "") -> None:
        url = urlsplit(address if "://" in address else f"http://{address}")
        try:
            port = url.port or PORT
        except ValueError:
            port = 0
        if url.scheme != "http" or not url.hostname or not port:
            raise UserError(
                f"{in_short(address)!r} is not the address of an engine; give host:port, as "
                "`expression-lens serve` prints it"
            )
        self.address, self.token = f"{url.hostname}:{port}", token
        self._place = (url.hostname, port)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._idle: list[HTTPConnection] = []
        self._lock = Lock()
        self._weights: Mapping[str, str] = {}
        self._resting: dict[str, float] = {}
        self._reason = "not asked yet"
        self._lost, self._reported = True, False
        self._retry_at = 0.0

    @property
    def problem(self) -> str | None:
        """What to tell viewers while the engine is not used; None while it is."""
        if not self._lost:
            return None
        return f"the engine at {self.address} cannot be reached; the networks run in this process"

    def connect(self) -> "Engine":
        """Ask the engine for its models, and return it.

        Raises:
            EngineError: if it cannot be reached, or does not answer as an engine.
        """
        try:
            answer = self.call("GET", "/models", seconds=ANSWER)
            weights = {str(name): str(sha256) for name, sha256 in answer.items()}
        except (EngineError, AttributeError) as error:
            self._mark_lost(error)
            raise EngineError(
                f"the engine at {self.address} cannot be reached ({in_short(self._reason)}); start it "
                f"with `expression-lens serve`, or unset {ENGINE}"
            ) from None
        if self._reported:
            log.warning("the engine at %s is reached again", self.address)
        self._weights, self._lost, self._reported = weights, False, False
        return self

    def try_connect(self) -> "Engine":
        """Return the engine; where it cannot be reached now, ``problem`` says so and it is tried again."""
        try:
            return self.connect()
        except EngineError:
            self._report()
            return self

    def has(self, card: Card) -> bool:
        """Return whether the engine can be asked now, and runs the same weights as those of ``card``.

        A lost engine is asked in the background whether it is back, so that nobody waits for it.
        """
        if self._lost:
            self._look_for_it()
        rests = monotonic() < self._resting.get(card.name, 0.0)
        return not self._lost and not rests and self._weights.get(card.name) == card.sha256

    def forward(self, card: Card, inputs: NDArray[Any]) -> Mapping[str, Floats] | None:
        """Run a network once, as a ``ForwardPass`` does; None where it has to be done in this process."""
        path = f"/forward/{quote(card.name)}?weights={card.sha256}"
        return cast(Mapping[str, Floats] | None, self._ask(card, path, inputs, ANSWER))

    def raw_maps(
        self, card: Card, aligned: Image, targets: Sequence[str], method: str, layer: int | None
    ) -> dict[str, Floats] | None:
        """Return class -> raw map of a face; None where they have to be computed in this process."""
        wanted: dict[str, str] = {"weights": card.sha256, "method": method}
        wanted["targets"] = ",".join(targets)
        if layer is not None:
            wanted["layer"] = str(layer)
        path = f"/maps/{quote(card.name)}?{urlencode(wanted)}"
        return cast(dict[str, Floats] | None, self._ask(card, path, aligned, MAPS))

    def call(
        self,
        verb: str,
        path: str,
        body: bytes = b"",
        *,
        seconds: float,
        retry: bool = True,
        classes: Sequence[type] = (),
    ) -> Any:
        """Call the engine and return its answer; a call whose replica died is made again.

        Args:
            verb: GET or POST.
            path: with the query.
            seconds: for the answer, retries included.
            retry: whether to call again.
            classes: the dataclasses that the answer may hold.

        Raises:
            EngineError: if there is no answer in time, or it is none of an engine.
            UserError: if the engine refuses what was asked; the message is its own.
        """
        deadline, pause = monotonic() + seconds, PAUSE
        while True:
            try:
                status, data = self._exchange(verb, path, body, deadline - monotonic())
                if status not in STOPPED:
                    return _answer(status, data, classes)
                reason = f"HTTP status {status}"
            except (OSError, HTTPException) as error:
                reason = in_short(str(error) or type(error).__name__)
                if monotonic() >= deadline:
                    raise EngineTimeoutError(reason) from None
            if not retry or monotonic() + pause >= deadline:
                raise EngineError(reason)
            sleep(pause)
            pause *= 2

    def _ask(self, card: Card, path: str, body: NDArray[Any], seconds: float) -> object:
        """Return the engine's answer, or None where it cannot be asked; its loss is logged once."""
        if not self.has(card):
            return None
        try:
            return self.call("POST", path, dumps(body), seconds=seconds)
        except EngineError as error:
            self.report_failure(card, error)
            return None

    def report_failure(self, card: Card, error: EngineError) -> None:
        """Leave the work on a model to this process for a while, because of an error.

        One that is only slow, since it loads the model perhaps, is not lost for others.
        """
        if not isinstance(error, EngineTimeoutError):
            self.lose(error)
            return
        self._resting[card.name] = monotonic() + REST
        Thread(target=self.try_connect, daemon=True, name="engine").start()  # is it there at all?

    def lose(self, error: Exception) -> None:
        """Take the engine for lost, because of an error; it is logged once and asked again after a while."""
        self._mark_lost(error)
        self._report()

    def _mark_lost(self, error: Exception) -> None:
        self._lost, self._reason = True, str(error)
        self._retry_at = monotonic() + RETRY_AFTER
        self._close_idle()

    def _report(self) -> None:
        with self._lock:
            first, self._reported = not self._reported, True
        if first:
            log.warning("%s (%s)", self.problem, self._reason)

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _look_for_it(self) -> None:
        """Ask in the background whether a lost engine is back, once ``RETRY_AFTER`` has passed."""
        with self._lock:
            if monotonic() < self._retry_at:
                return
            self._retry_at = monotonic() + RETRY_AFTER + CONNECT
        Thread(target=self.try_connect, daemon=True, name="engine").start()

    def _exchange(self, verb: str, path: str, body: bytes, seconds: float) -> tuple[int, bytes]:
        """Send one request over an idle connection, or a new one; return status and body.

        A connection belongs to one call at a time, and is kept only if the call went well.
        """
        with self._lock:
            connection = self._idle.pop() if self._idle else HTTPConnection(*self._place)
        try:
            if connection.sock is None:
                connection.timeout = min(CONNECT, seconds)
                connection.connect()
            assert connection.sock is not None
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sock.settimeout(max(seconds, PAUSE))
            connection.request(verb, path, body, self._headers)
            response = connection.getresponse()
            data = response.read()
        except BaseException:
            connection.close()
            self._close_idle()  # they may lead to the same dead server
            raise
        if response.status in STOPPED:
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)
        return response.status, data


class RemotePass:
    """A forward pass that an engine computes, and this process where the engine cannot.

    Args:
        engine: the client.
        card: of the model.
        local: computes the same in this process.
    """

    def __init__(self, engine: Engine, card: Card, local: ForwardPass) -> None:
        self._engine, self._card, self._local = engine, card, local

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts of the local pass; the weights are the same."""
        return self._local.facts

    def __call__(self, inputs: NDArray[Any]) -> Mapping[str, Floats]:
        outputs = self._engine.forward(self._card, inputs)
        return self._local(inputs) if outputs is None else outputs

    def raw_maps(
        self, aligned: Image, targets: Sequence[str], method: str, layer: int | None
    ) -> dict[str, Floats] | None:
        """Return class -> raw map by the engine; None where this process has to compute them."""
        return self._engine.raw_maps(self._card, aligned, targets, method, layer)


def engine_from_environment() -> Engine | None:
    """Return the engine that the environment names, or None where networks run in this process.

    The engine need not be there yet: ``Engine.problem`` says whether it is.

    Raises:
        UserError: if a variable has no valid value.
    """
    name = os.environ.get(ENGINE, "").strip().lower()
    if name in ("", "local"):
        return None
    if name != "ray":
        raise UserError(f"{ENGINE}={in_short(name)} is unknown; choose ray or local")
    address = os.environ.get(ADDRESS, "").strip() or f"127.0.0.1:{PORT}"
    return Engine(address, os.environ.get(TOKEN, "")).try_connect()


def _answer(status: int, data: bytes, classes: Sequence[type]) -> Any:
    """Return the value of an answer.

    Raises:
        EngineError: if it is none of an engine.
        UserError: if it is a refusal.
    """
    try:
        value = loads(data, classes)
    except WireError:
        value = None
    if status == 200 and value is not None:
        return value
    if status == 400 and isinstance(value, str):
        raise UserError(value)
    if isinstance(value, str):
        raise EngineError(value)
    raise EngineError(f"HTTP status {status}, which is not the answer of an engine")

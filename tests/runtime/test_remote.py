"""The client of an engine, against a server of the test's own: no Ray is needed."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from fer_core import Analyzer, load_model
from fer_core.explain.maps import raw_maps
from fer_core.runtime import Engine, EngineError, engine_from_environment, remote
from fer_core.runtime.wire import dumps, loads
from fer_core.types import Image
from fer_core.weights import load_card

CARD = load_card("default")
CROPS = np.random.default_rng(0).integers(0, 256, (2, 1, 48, 48), dtype=np.uint8)


class FakeEngine(ThreadingHTTPServer):
    """An engine whose answers a test decides."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        """Statuses of the next calls; 0 closes the connection. Then each is answered."""
        self.calls: list[tuple[str, str | None]] = []
        """Path and token of each call."""
        self.weights = CARD.sha256
        self.wait: Callable[[], object] = lambda: None
        """Called before a forward pass is answered."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def reply(self, path: str, body: bytes) -> Any:
        if path == "/models":
            return {CARD.name: self.weights}
        if path.startswith("/maps"):
            return {"happy": np.full((2, 2), 7, np.float32)}
        self.wait()
        return {"logits": np.full((len(loads(body)), 7), 7, np.float32)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeEngine

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.calls.append((self.path, self.headers.get("authorization")))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if not status:
            self.close_connection = True
            return
        value = self.server.reply(self.path, body) if status == 200 else "refused by the test"
        data = dumps(value)
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running(server: FakeEngine) -> Iterator[FakeEngine]:
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server() -> Iterator[FakeEngine]:
    with running(FakeEngine()) as server:
        yield server


def is_remote(outputs: Any) -> bool:
    return bool((outputs["logits"] == 7).all())


def test_the_engine_answers_in_place_of_this_process(server: FakeEngine) -> None:
    engine = Engine(server.address, "secret").connect()
    classifier = load_model("default", engine=engine)
    assert engine.problem is None and is_remote(classifier.forward_pass(CROPS))
    assert (
        raw_maps(classifier, CROPS[0, 0], ("happy",), "layercam")["happy"].tolist() == [[7, 7]] * 2
    )
    assert {token for _, token in server.calls} == {"Bearer secret"}
    assert "method=layercam&targets=happy" in server.calls[-1][0]


@pytest.mark.parametrize("statuses", [[503, 502], [0, 0], [0, 503]])
def test_a_call_whose_replica_died_is_made_again(server: FakeEngine, statuses: list[int]) -> None:
    engine = Engine(server.address).connect()
    server.statuses = statuses
    assert is_remote(load_model("default", engine=engine).forward_pass(CROPS))
    assert engine.problem is None and len(server.calls) == 4


def test_other_weights_are_computed_in_this_process(server: FakeEngine) -> None:
    server.weights = "other"
    classifier = load_model("default", engine=Engine(server.address).connect())
    assert not is_remote(classifier.forward_pass(CROPS))
    assert [path for path, _ in server.calls] == ["/models"]


def test_a_lost_engine_is_replaced_logged_once_and_found_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(remote, "RETRY_AFTER", 0.05)
    monkeypatch.setattr(remote, "ANSWER", 0.3)
    with running(FakeEngine()) as server:
        engine = Engine(server.address).connect()
        classifier = load_model("default", engine=engine)
        assert is_remote(classifier.forward_pass(CROPS))
        server.statuses = [503] * 100
        for _ in range(3):
            assert not is_remote(classifier.forward_pass(CROPS))
        assert engine.problem == (
            f"the engine at {server.address} cannot be reached; the networks run in this process"
        )
        messages = [
            record.message for record in caplog.records if record.levelno >= logging.WARNING
        ]
        assert messages == [f"{engine.problem} (HTTP status 503)"]
        server.statuses = []
        while not is_remote(classifier.forward_pass(CROPS)):  # bounded by pytest's own timeout
            pass
        assert engine.problem is None
        assert caplog.records[-1].message == f"the engine at {server.address} is reached again"


def test_an_engine_that_is_slow_with_one_model_is_not_lost(
    server: FakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(remote, "ANSWER", 0.3)
    monkeypatch.setattr(remote, "REST", 0.5)
    engine = Engine(server.address).connect()
    classifier = load_model("default", engine=engine)
    loaded = Event()
    server.wait = loaded.wait
    assert not is_remote(classifier.forward_pass(CROPS))
    calls = len([path for path, _ in server.calls if path != "/models"])
    assert not is_remote(classifier.forward_pass(CROPS))  # at once, without a call
    assert len([path for path, _ in server.calls if path != "/models"]) == calls
    loaded.set()
    while not is_remote(classifier.forward_pass(CROPS)):
        pass
    assert engine.problem is None and not caplog.records


def test_what_the_engine_refuses_is_an_error_of_the_caller(server: FakeEngine) -> None:
    engine = Engine(server.address).connect()
    server.statuses = [400]
    with pytest.raises(ValueError, match="refused by the test"):
        engine.raw_maps(CARD, CROPS[0, 0], ("happy",), "layercam", None)
    assert engine.problem is None


def test_an_unreachable_engine_is_a_named_error_or_a_sentence(
    astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(FakeEngine()) as server:
        address = server.address
    with pytest.raises(EngineError, match=f"the engine at {address} cannot be reached"):
        Engine(address).connect()
    monkeypatch.setenv("EXPRESSION_LENS_ENGINE", "ray")
    monkeypatch.setenv("EXPRESSION_LENS_RAY_ADDRESS", address)
    engine = engine_from_environment()
    assert engine is not None and engine.problem is not None
    (reading,) = Analyzer(engine=engine)(astronaut)
    (expected,) = Analyzer()(astronaut)
    np.testing.assert_array_equal(reading.logits, expected.logits)


def test_another_server_is_not_taken_for_an_engine(server: FakeEngine) -> None:
    server.statuses = [404]
    with pytest.raises(EngineError, match="refused by the test"):
        Engine(server.address).connect()


@pytest.mark.parametrize("address", ["", "https://a:1", "a:b", "a:99999", "http://:1"])
def test_what_cannot_be_an_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not the address of an engine"):
        Engine(address)


def test_the_environment_names_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "local"):
        monkeypatch.setenv("EXPRESSION_LENS_ENGINE", value)
        assert engine_from_environment() is None
    monkeypatch.setenv("EXPRESSION_LENS_ENGINE", "spark")
    with pytest.raises(ValueError, match="choose ray or local"):
        engine_from_environment()

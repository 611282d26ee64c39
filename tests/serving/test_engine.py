"""The engine on two processes of this machine."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from time import monotonic, sleep

import numpy as np
import pytest

from fer_core import Analyzer, Stream, load_model
from fer_core.explain.maps import raw_maps
from fer_core.runtime import Engine, remote
from fer_core.serving import streams
from fer_core.serving.streams import RemoteStream
from fer_core.types import Image

pytest.importorskip("ray", reason="Ray is not installed: pip install 'expression-lens[scale]'")

WAIT = 60.0
"""Longest wait for a condition, in seconds."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + WAIT
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)


class Served:
    """``expression-lens serve`` in a process of its own, as a host runs it."""

    def __init__(self) -> None:
        port = free_port()
        command = [sys.executable, "-m", "fer_core", "serve", "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.lines = [self.process.stdout.readline() for _ in range(3)]
        self.address = f"127.0.0.1:{port}"

    def replicas(self) -> list[int]:
        """Return the process numbers of the replicas."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children) as file:
            pending = [int(number) for number in file.read().split()]
        found = []
        while pending:
            pid = pending.pop()
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    title = file.read()
                with open(f"/proc/{pid}/task/{pid}/children") as file:
                    pending += [int(number) for number in file.read().split()]
            except OSError:
                continue
            if title.startswith(b"ray::ServeReplica"):
                found.append(pid)
        return found

    def has_new_replica(self, before: set[int]) -> bool:
        """Return whether there are two replicas, one of which is not among ``before``."""
        now = set(self.replicas())
        return len(now) == 2 and len(now - before) == 1


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the tests of the engine find its processes as Linux lists them")
    served = Served()
    try:
        yield served
    finally:
        served.process.send_signal(signal.SIGTERM)
        try:
            assert served.process.wait(WAIT) == 0
        finally:
            served.process.kill()


@pytest.fixture
def engine(served: Served, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return a client that waits longer than usual: the machine of the tests may be busy."""
    monkeypatch.setattr(remote, "ANSWER", WAIT)
    monkeypatch.setattr(streams, "SECONDS", WAIT)
    return Engine(served.address).connect()


def test_it_says_where_it_listens_and_how_an_app_connects(served: Served) -> None:
    first, second, third = served.lines
    assert first == f"The engine listens on {served.address}, with 2 processes.\n"
    setting = f"EXPRESSION_LENS_ENGINE=ray EXPRESSION_LENS_RAY_ADDRESS={served.address}\n"
    assert second.endswith(setting)
    assert "private network" in third


@pytest.mark.parametrize("model", ["default", "plain", "emonet_multihead"])
def test_outputs_equal_those_of_this_process(engine: Engine, model: str) -> None:
    here, there = load_model(model), load_model(model, engine=engine)
    side = here.input_size
    crops = np.random.default_rng(0).integers(0, 256, (5, 1, side, side), dtype=np.uint8)
    expected, outputs = here.forward_pass(crops), there.forward_pass(crops)
    assert outputs.keys() == expected.keys() >= {"logits", "votes"}
    for name, values in expected.items():
        assert outputs[name].dtype == np.float32
        np.testing.assert_allclose(outputs[name], values, atol=1e-5)


def test_requests_that_are_computed_together_keep_their_faces(engine: Engine) -> None:
    here, there = load_model("default"), load_model("default", engine=engine)
    crops = np.random.default_rng(1).integers(0, 256, (48, 1, 48, 48), dtype=np.uint8)
    parts = [crops[start : start + 1 + start % 3] for start in range(0, 45)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(there.forward_pass, parts))
    for part, outputs in zip(parts, answers, strict=True):
        expected = here.forward_pass(part)
        np.testing.assert_allclose(outputs["logits"], expected["logits"], atol=1e-5)
        np.testing.assert_allclose(outputs["evidence"], expected["evidence"], atol=1e-5)
    assert engine.problem is None


@pytest.mark.parametrize("method", ["layercam", "occlusion", "integrated_gradients"])
def test_maps_are_computed_by_the_name_of_the_method(
    engine: Engine, method: str, astronaut: Image
) -> None:
    here, there = load_model("default"), load_model("default", engine=engine)
    face = Analyzer()(astronaut)[0].regions.face
    targets = ("happy", "sad")
    expected, maps = (raw_maps(each, face, targets, method) for each in (here, there))
    assert tuple(maps) == targets
    for target in targets:
        np.testing.assert_allclose(maps[target], expected[target], atol=1e-5)
    assert engine.problem is None
    with pytest.raises(ValueError, match="unknown expression class 'glad'"):
        raw_maps(there, face, ("glad",), method)


def test_pictures_are_read_as_in_this_process(engine: Engine, astronaut: Image) -> None:
    (here,) = Analyzer().analyze(astronaut, maps=("top", "sad")).readings
    (there,) = Analyzer(engine=engine).analyze(astronaut, maps=("top", "sad")).readings
    np.testing.assert_allclose(there.logits, here.logits, atol=1e-5)
    assert here.evidence is not None and there.evidence is not None
    np.testing.assert_allclose(there.evidence, here.evidence, atol=1e-5)


def test_no_call_fails_while_a_replica_is_killed(served: Served, engine: Engine) -> None:
    here, there = load_model("default"), load_model("default", engine=engine)
    crops = np.random.default_rng(2).integers(0, 256, (1, 1, 48, 48), dtype=np.uint8)
    expected = here.forward_pass(crops)["logits"]
    ended, counts = Event(), []

    def ask() -> None:
        count = 0
        while not ended.is_set():
            outputs = engine.forward(there.card, crops)
            assert outputs is not None, engine.problem  # None: it was computed in this process
            np.testing.assert_allclose(outputs["logits"], expected, atol=1e-5)
            count += 1
            counts.append(count)

    wait_until(lambda: len(served.replicas()) == 2)
    with ThreadPoolExecutor(4) as pool:
        askers = [pool.submit(ask) for _ in range(4)]
        try:
            wait_until(lambda: len(counts) > 200)
            before = set(served.replicas())
            killed = min(before)
            os.kill(killed, signal.SIGKILL)
            at_kill = len(counts)
            wait_until(lambda: len(counts) > at_kill + 1000 or any(each.done() for each in askers))
            wait_until(partial(served.has_new_replica, before))
        finally:
            ended.set()
        for each in askers:
            each.result()
    assert engine.problem is None


def test_streams_go_on_when_the_process_that_reads_them_is_killed(
    served: Served, engine: Engine, astronaut: Image
) -> None:
    analyzer = Analyzer()
    here, there = Stream(analyzer), RemoteStream(engine, analyzer)
    for number in range(3):
        expected, result = (each.push(astronaut, time=number / 10) for each in (here, there))
        np.testing.assert_allclose(
            result.readings[0].logits, expected.readings[0].logits, atol=1e-5
        )
        np.testing.assert_allclose(
            result.explanations[0][0].heatmap, expected.explanations[0][0].heatmap, atol=1e-5
        )
    wait_until(lambda: len(served.replicas()) == 2)
    for (
        killed
    ) in served.replicas():  # one after the other: it is not known which one reads the stream
        before = set(served.replicas())
        os.kill(killed, signal.SIGKILL)
        assert there.push(astronaut, time=1.0).readings
        wait_until(partial(served.has_new_replica, before))


def test_a_wrong_token_and_other_weights_are_refused(served: Served, engine: Engine) -> None:
    with pytest.raises(ValueError, match="refuses the token"):
        Engine(served.address, "wrong").connect()
    with pytest.raises(ValueError, match="does not run these weights"):
        engine.call("POST", "/forward/plain?weights=0", seconds=5)

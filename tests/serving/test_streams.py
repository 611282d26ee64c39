"""Streams on the engine's side: no Ray is needed to test what they answer."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from fer_core import Analyzer, Stream, StreamSettings
from fer_core.runtime import Engine, EngineError
from fer_core.serving.hosts import StreamHost
from fer_core.serving.streams import RemoteStream, open_stream
from fer_core.types import Image
from fer_core.weights import Card


class FakeEngine(Engine):
    """An engine of one host without Ray."""

    def __init__(self, host: StreamHost) -> None:
        super().__init__(host.address)
        self.host = host
        self.there = True

    def has(self, card: Card) -> bool:
        return self.there

    def report_failure(self, card: Card, error: EngineError) -> None:
        self.there = False

    def call(self, verb: str, path: str, body: bytes = b"", **_: Any) -> Any:
        if not self.there:
            raise EngineError("lost by the test")
        return {"address": self.host.address, "load": self.host.load}


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


@pytest.fixture
def host(analyzer: Analyzer) -> Iterator[StreamHost]:
    host = StreamHost(analyzer)
    yield host
    host.close()


def frames(astronaut: Image) -> list[Image]:
    return [np.roll(astronaut, 3 * number, axis=1) for number in range(12)]


def assert_same(one: Any, two: Any) -> None:
    """Compare two values of the same dataclasses, arrays to the last bit; times of the work aside."""
    assert type(one) is type(two)
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, two)
    elif is_dataclass(one):
        for each in fields(one):
            if each.name not in ("seconds", "timings"):
                assert_same(getattr(one, each.name), getattr(two, each.name))
    elif isinstance(one, tuple | list):
        assert len(one) == len(two)
        for first, second in zip(one, two, strict=True):
            assert_same(first, second)
    elif isinstance(one, dict):
        assert_same(list(one.items()), list(two.items()))
    else:
        assert one == two


@pytest.mark.parametrize(
    "settings",
    [
        StreamSettings(),
        StreamSettings(maps=("top", "sad"), method="layercam", landmarks=False),
        StreamSettings(model="plain", maps=(), detector="haar", prior="equal"),
    ],
)
def test_a_remote_stream_answers_as_a_stream(
    analyzer: Analyzer, host: StreamHost, astronaut: Image, settings: StreamSettings
) -> None:
    here = Stream(analyzer, settings)
    there = RemoteStream(FakeEngine(host), analyzer, settings)
    for number, frame in enumerate(frames(astronaut)):
        one, two = (stream.push(frame, time=number / 10) for stream in (here, there))
        assert one.readings
        assert_same(one, two)
    assert host.load == 1


def test_neutral_faces_are_taken_and_cleared_from_afar(
    analyzer: Analyzer, host: StreamHost, astronaut: Image
) -> None:
    streams: list[Stream | RemoteStream]
    streams = [Stream(analyzer), RemoteStream(FakeEngine(host), analyzer)]
    frame = astronaut
    for stream in streams:
        stream.push(frame, time=0.0)
        with pytest.raises(ValueError, match=r"there is no face 9; tracked are \[1\]"):
            stream.set_baseline(9)
        stream.set_baseline(1)
    for number in range(1, 15):
        one, two = (stream.push(frame, time=number / 10) for stream in streams)
        assert streams[0].captures == streams[1].captures
        assert_same(dict(streams[0].baselines), dict(streams[1].baselines))
        assert_same(one, two)
    assert list(streams[1].baselines) == [1] and two.readings[0].baseline is not None
    for stream in streams:
        stream.clear_baseline()
        assert stream.push(frame, time=2.0).readings[0].baseline is None
        assert not stream.baselines


def test_settings_may_change_at_any_time_and_viewers_do_not_mix(
    analyzer: Analyzer, host: StreamHost, astronaut: Image
) -> None:
    one, two = (RemoteStream(FakeEngine(host), analyzer) for _ in range(2))
    two.settings = StreamSettings(model="plain", maps=())
    for number in range(3):
        assert one.push(astronaut, time=number / 10).readings[0].model == "prior_attention"
        assert two.push(astronaut, time=number / 10).readings[0].model == "plain"
    one.settings = two.settings
    assert one.push(astronaut, time=0.3).readings[0].model == "plain" and host.load == 2
    assert two.push(np.zeros((240, 320, 3), np.uint8), time=0.4).readings == ()


def test_frames_are_read_here_while_the_engine_is_lost(
    analyzer: Analyzer, astronaut: Image
) -> None:
    host = StreamHost(analyzer)
    engine = FakeEngine(host)
    stream = RemoteStream(engine, analyzer)
    stream.push(astronaut, time=0.0)
    address = host.address
    host.close()
    stream._host = Engine(address)  # a new connection, as after the end of the process
    (reading,) = stream.push(astronaut, time=0.1).readings
    assert reading.top[0] == "happy" and not engine.there
    stream.set_baseline()
    for number in range(2, 15):
        stream.push(astronaut, time=number / 10)
    assert list(stream.baselines) == [1]
    host = StreamHost(analyzer)
    engine.host, engine.there = host, True
    assert stream.push(astronaut, time=2.0).readings and host.load == 1 and not stream.baselines
    host.close()


def test_a_stream_is_opened_where_the_analyzer_computes(
    analyzer: Analyzer, host: StreamHost
) -> None:
    assert isinstance(open_stream(analyzer), Stream)
    settings = StreamSettings(model="plain")
    remote = open_stream(Analyzer(engine=FakeEngine(host)), settings)
    assert isinstance(remote, RemoteStream) and remote.settings is settings


def test_a_host_refuses_what_it_does_not_know(analyzer: Analyzer, astronaut: Image) -> None:
    host = StreamHost(analyzer, token="secret")
    with pytest.raises(EngineError, match="refuses the token"):
        Engine(host.address).call("POST", "/push?stream=a&time=0", seconds=5)
    engine = Engine(host.address, "secret")
    for path in ("/push?time=0", "/pull?stream=a", "/push?stream=a&time=0"):
        with pytest.raises(ValueError):
            engine.call("POST", path, b"", seconds=5)
    host.close()
    assert host.load == 0

"""What a host's programs ask: health, readiness and metrics."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.live.viewers import Place, Viewers
from deploy.endpoints import Endpoints
from deploy.metrics import AppCollector, create_registry
from deploy.readiness import Readiness

TOKEN = {"authorization": "Bearer secret"}


@pytest.fixture
def viewers() -> Iterator[Viewers]:
    viewers = Viewers(limit=2, at_a_time=1)
    yield viewers
    viewers.workers.shutdown()


def client(viewers: Viewers, readiness: Readiness, token: str = "secret") -> TestClient:
    paths = ("/", "/_stcore/metrics", "/lens/_stcore/metrics")
    pages = Starlette(routes=[Route(path, lambda _: PlainTextResponse("page")) for path in paths])
    return TestClient(Endpoints(pages, readiness, create_registry(viewers, readiness), token))


def test_the_server_is_ready_when_the_networks_are_loaded_and_until_it_drains(
    viewers: Viewers,
) -> None:
    readiness = Readiness()
    ask = client(viewers, readiness)
    assert (ask.get("/readyz").status_code, ask.get("/readyz").text) == (503, "loading\n")
    assert ask.get("/healthz").text == "ok\n"
    readiness.loaded = True
    assert (ask.get("/readyz").status_code, ask.get("/readyz").text) == (200, "ready\n")
    readiness.draining = True
    assert (ask.get("/readyz").status_code, ask.get("/readyz").text) == (503, "draining\n")
    assert (ask.get("/healthz").status_code, ask.get("/").text) == (200, "page")
    assert ask.get("/readyz").headers["cache-control"] == "no-store"


def test_networks_that_cannot_be_loaded_are_logged_and_never_ready(
    viewers: Viewers, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise FileNotFoundError("weights/plain.safetensors is missing")

    readiness = Readiness()
    readiness.load(fail).join()
    assert client(viewers, readiness).get("/readyz").text == "failed\n"
    assert "weights/plain.safetensors is missing" in caplog.text


def test_readiness_follows_the_thread_that_loads() -> None:
    readiness = Readiness()
    states: list[str] = []
    readiness.load(lambda: states.append(readiness.state)).join()
    assert (states, readiness.state) == (["loading"], "ready")


@pytest.mark.parametrize("path", ["/metrics", "/_stcore/metrics", "/lens/_stcore/metrics"])
def test_metrics_need_the_token(viewers: Viewers, path: str) -> None:
    ask = client(viewers, Readiness())
    assert ask.get(path, headers=TOKEN).status_code == 200
    assert ask.get(path).status_code == 404
    for wrong in (b"Bearer other", "secrét".encode(), b""):
        assert ask.get(path, headers={b"authorization": wrong}).status_code == 404, wrong
    without = client(viewers, Readiness(), token="")
    assert without.get(path, headers={"authorization": "Bearer "}).status_code == 404


def values(text: str) -> dict[tuple[str, ...], float]:
    """Return name and labels of each sample -> its value."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_those_of_now(viewers: Viewers) -> None:
    readiness = Readiness(loaded=True)
    ask = client(viewers, readiness)
    first, second = viewers.admit("first"), viewers.admit("second")
    assert isinstance(first, Place)
    assert isinstance(second, Place)
    first.ice_state, second.ice_state = lambda: "completed", lambda: "failed"
    assert viewers.admit("third") is None
    for latency in (0.06, 0.07, 0.9, 60.0):
        viewers.add_frame(latency)
    read = values(ask.get("/metrics", headers=TOKEN).text)
    prefix = "expression_lens_"
    assert read[(f"{prefix}frames_total",)] == 4
    assert read[(f"{prefix}refused_viewers_total",)] == 1
    assert read[(f"{prefix}viewers",)] == read[(f"{prefix}viewer_limit",)] == 2
    assert read[(f"{prefix}ready",)] == 1
    assert read[(f"{prefix}sessions",)] == 0
    assert read[(f"{prefix}ice_connections", "completed")] == 1
    assert read[(f"{prefix}ice_connections", "failed")] == 1
    histogram = f"{prefix}frame_latency_seconds"
    buckets = [read[(f"{histogram}_bucket", bound)] for bound in ("0.05", "0.1", "1.0", "+Inf")]
    assert buckets == [0, 2, 3, 4]
    assert read[(f"{histogram}_count",)] == 4
    assert read[(f"{histogram}_sum",)] == pytest.approx(61.03)
    assert read[("process_resident_memory_bytes",)] > 1e6
    assert read[("process_cpu_seconds_total",)] > 0
    viewers.leave("second", second)
    assert values(ask.get("/metrics", headers=TOKEN).text)[(f"{prefix}viewers",)] == 1


def test_connected_tabs_are_counted(viewers: Viewers) -> None:
    collector = AppCollector(viewers, Readiness(), sessions=lambda: 3)
    samples = {each.name: each.samples[0].value for each in collector.collect() if each.samples}
    assert samples["expression_lens_sessions"] == 3

"""Metrics for Prometheus, read from the app's counters when somebody asks for them."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from streamlit.runtime import Runtime

from app.live.viewers import Viewers
from deploy.readiness import Readiness

PREFIX: Final = "expression_lens_"


def connected_sessions() -> int:
    """Return the number of tabs that are connected."""
    if not Runtime.exists():
        return 0
    return Runtime.instance()._session_mgr.num_active_sessions()


class AppCollector(Collector):
    """Collects what the app counts: frames, latency, viewers, refusals, connections, sessions."""

    def __init__(
        self,
        viewers: Viewers,
        readiness: Readiness,
        sessions: Callable[[], int] = connected_sessions,
    ) -> None:
        self.viewers = viewers
        self.readiness = readiness
        self.sessions = sessions

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its value of now."""
        viewers = self.viewers
        yield counter("frames", "Frames that were processed", viewers.frames)
        yield counter("refused_viewers", "Streams that the viewer limit refused", viewers.refused)
        yield gauge("viewers", "Viewers whose pictures stream now", viewers.count)
        yield gauge("viewer_limit", "Viewers that may stream at a time", viewers.limit)
        yield gauge("sessions", "Tabs that are connected", self.sessions())
        yield gauge("ready", "1 if the server takes viewers", self.readiness.state == "ready")
        states = GaugeMetricFamily(
            f"{PREFIX}ice_connections", "WebRTC connections by ICE state", labels=["state"]
        )
        for state, number in sorted(viewers.ice_states().items()):
            states.add_metric([state], number)
        yield states
        yield self.latency()

    def latency(self) -> Metric:
        """Return the time from a frame's arrival to its processed picture as a histogram."""
        latencies = self.viewers.latencies
        bounds = [*map(str, latencies.bounds), "+Inf"]
        family = HistogramMetricFamily(
            f"{PREFIX}frame_latency_seconds", "Time from a frame's arrival to its processed picture"
        )
        buckets = list(zip(bounds, accumulate(latencies.counts), strict=True))
        family.add_metric([], buckets, latencies.total)
        return family


def counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, help_text, value=value)


def gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help_text, value=value)


def create_registry(viewers: Viewers, readiness: Readiness) -> CollectorRegistry:
    """Return all metrics: those of the app, and memory, processor time and garbage of the process."""
    registry = CollectorRegistry()
    registry.register(AppCollector(viewers, readiness))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry

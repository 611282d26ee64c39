"""Places for viewers, turns of their frames, and what the process counts."""

from functools import partial
from threading import Barrier

import pytest

from app.live.viewers import LATENCY_BOUNDS, LIMIT_VARIABLE, Viewers, viewer_limit
from fer_core.errors import UserError


def test_a_viewer_beyond_the_limit_is_refused_until_a_place_is_free() -> None:
    viewers = Viewers(limit=2, at_a_time=1)
    first, second = viewers.admit("a"), viewers.admit("b")
    assert first is not None and second is not None
    assert viewers.is_full
    assert viewers.admit("c") is None
    assert viewers.admit("a") is first, "who has a place keeps it"
    assert (viewers.count, viewers.refused) == (2, 1)
    viewers.leave("a", first)
    assert viewers.admit("c") is not None
    assert sorted(viewers.sessions()) == ["b", "c"]


def test_the_end_of_an_earlier_stream_does_not_take_the_place_of_a_later_one() -> None:
    viewers = Viewers(limit=1, at_a_time=1)
    earlier = viewers.admit("a")
    assert earlier is not None
    viewers.leave("a", earlier)
    assert viewers.admit("a") is not earlier
    viewers.leave("a", earlier)
    assert viewers.holds("a")


def test_all_streams_end_even_if_one_cannot(caplog: pytest.LogCaptureFixture) -> None:
    viewers = Viewers(limit=3, at_a_time=1)
    ended: list[str] = []

    def fail() -> None:
        raise RuntimeError("stuck")

    for name in "abc":
        place = viewers.admit(name)
        assert place is not None
        place.stop = fail if name == "b" else partial(ended.append, name)
        place.ice_state = lambda: "completed"
    assert viewers.ice_states() == {"completed": 3}
    viewers.stop("a")
    assert ended == ["a"] and viewers.count == 2
    viewers.drain()
    assert viewers.is_full and viewers.admit("d") is None, "a server that ends takes nobody"
    assert viewers.count == 2, "streams go on until they are ended"
    viewers.stop_all()
    assert ended == ["a", "c"] and viewers.count == 0
    assert "could not be ended" in caplog.text


def test_as_many_frames_as_cores_are_processed_at_a_time_in_turn() -> None:
    viewers = Viewers(limit=8, at_a_time=2)
    order: list[int] = []
    barrier = Barrier(2)
    both = [viewers.workers.submit(barrier.wait, 60) for _ in range(2)]
    assert sorted(each.result(60) for each in both) == [0, 1], "two at a time"
    single = Viewers(limit=8, at_a_time=1)
    futures = [single.workers.submit(order.append, number) for number in range(20)]
    for future in futures:
        future.result(60)
    assert order == list(range(20))


def test_latencies_are_counted_in_buckets() -> None:
    viewers = Viewers(limit=1, at_a_time=1)
    for latency in (0.01, LATENCY_BOUNDS[0], 0.26, 60.0):
        viewers.add_frame(latency)
    assert viewers.frames == 4
    assert viewers.latencies.total == pytest.approx(60.295)
    assert viewers.latencies.counts[0] == 2, "a bound belongs to its bucket"
    assert viewers.latencies.counts[LATENCY_BOUNDS.index(0.3)] == 1
    assert viewers.latencies.counts[-1] == 1
    assert len(viewers.latencies.counts) == len(viewers.latencies.bounds) + 1


def test_the_limit_comes_from_the_host_or_from_the_cores() -> None:
    assert viewer_limit({}, 2) == 8
    assert viewer_limit({LIMIT_VARIABLE: "30"}, 2) == 30
    for wrong in ("0", "-1", "many", "2.5"):
        with pytest.raises(UserError, match=f"{LIMIT_VARIABLE} must be a whole number"):
            viewer_limit({LIMIT_VARIABLE: wrong}, 2)

"""How a viewer's connection begins and ends."""

from types import SimpleNamespace

import pytest
from av import VideoFrame

from app.live.connection import ATTEMPTS, Connection, Ending
from app.live.ice import IceProbe
from app.live.viewers import Viewers


@pytest.fixture
def viewers() -> Viewers:
    return Viewers(limit=1, at_a_time=1)


def connection(viewers: Viewers, name: str = "a") -> Connection:
    def process(frame: VideoFrame, age: float) -> VideoFrame:
        return frame

    return Connection(name, process, viewers)


def test_the_end_of_the_track_frees_the_place(viewers: Viewers) -> None:
    first, second = connection(viewers), connection(viewers, "b")
    assert first.admit() and first.admit()
    assert not second.may_start and not second.admit()
    assert second.ended == "refused"
    track = first.track
    assert first.track is track, "one track as long as the stream runs"
    track.stop()
    assert viewers.count == 0 and second.may_start and second.admit()
    assert first.track is not track, "the next stream has a track of its own"


def test_a_place_can_end_its_stream(viewers: Viewers) -> None:
    mine, ended = connection(viewers), []
    mine.attach(SimpleNamespace())
    assert viewers.count == 0, "no stream, no place"
    assert mine.admit()
    mine.attach(None)
    mine.attach(
        SimpleNamespace(stop=lambda: ended.append(1), pc=SimpleNamespace(iceConnectionState="new"))
    )
    assert viewers.ice_states() == {"new": 1}
    mine.end(Ending.IDLE)
    assert ended == [1] and viewers.count == 0
    assert (mine.ended, mine.wish) == ("idle", False)
    mine.note_end(lost=True)
    assert (mine.ended, mine.wish) == ("idle", None), "it ended as it should"
    mine.begin()
    assert mine.ended is None


def test_a_lost_stream_is_opened_again_some_times(viewers: Viewers) -> None:
    mine = connection(viewers)
    mine.begin()
    for _ in range(ATTEMPTS):
        mine.note_end(lost=True)
        assert mine.reconnects and mine.is_watched
        assert mine.watch() and mine.wish is True
        mine.begin()
        assert mine.ended == "lost" and mine.wish is None
    mine.note_end(lost=True)
    assert not mine.reconnects and not mine.watch() and mine.ended == "lost", "the viewer decides"
    mine.begin()
    assert mine.ended is None, "START begins anew"
    mine.note_end(lost=True)
    assert mine.watch()
    mine.begin()
    mine.receive()
    assert mine.ended is None
    mine.note_end(lost=False)
    assert not mine.watch() and mine.ended is None, "STOP is no loss"


def test_a_stream_whose_relay_is_gone_waits_for_it(viewers: Viewers) -> None:
    mine, woken = connection(viewers), []
    mine.probe = IceProbe()
    mine.probe.wake = lambda: woken.append(1)  # type: ignore[method-assign]
    mine.begin()
    mine.note_end(lost=False)
    assert woken == [1] and mine.is_watched, "it may have been the relay"
    assert not mine.watch()
    mine.probe.problems = ("The server turn:a does not answer.",)
    assert not mine.watch() and mine.ended == "lost" and mine.reconnects
    mine.probe.problems = ()
    assert mine.watch() and mine.wish is True

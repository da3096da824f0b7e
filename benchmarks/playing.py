"""What a server would send, without sockets and without waiting: a StreamManager whose clock is
turned by hand over a source's own time."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from market_depth.events import Events
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.formats import format_of
from market_depth.feeds.lanes import Lane
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Subscribe
from market_depth.protocol.wire import JSON, Wire
from market_depth.simulator import SimulatedVenue, load_profiles
from market_depth.streams import StreamManager, StreamOptions, Subscriber
from market_depth.streams.market import Market

__all__ = ["INTERVAL_MS", "Player", "Sink", "es_recording", "simulated", "stream_messages"]

INTERVAL_MS = 300
_ES = "databento/esh4/esh4-glbx-mdp3-20231225.mbo.dbn.zst"
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_SURELY_DUE_S = 0.001
"""Sums of intervals are not exact."""


def es_recording() -> Source | None:
    """Return the recording of the ES future by order, `None` where it is not there.

    The folder of recordings is named by MARKET_DEPTH_DATA, or lies beside the repository as
    `shared/data`.
    """
    beside = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("MARKET_DEPTH_DATA") or beside) / _ES
    return format_of(path).open([path], OpenOptions()) if path.exists() else None


def simulated(rate_hz: float) -> Source:
    """Return a simulated market of so many activities a second."""
    return SimulatedVenue(load_profiles()["BTCUSD"], rate_hz=rate_hz, seed=1, begin_ns=10**18)


class Sink(Subscriber):
    """Takes frames, counts them, and keeps them if asked to."""

    __slots__ = ("_frames", "messages", "size_bytes")

    def __init__(self, wire: Wire = JSON, *, keeps: bool = False) -> None:
        super().__init__(wire)
        self.messages = self.size_bytes = 0
        self._frames: list[bytes] | None = [] if keeps else None

    def write(self, frame: bytes) -> None:
        """Take a frame."""
        self.messages += 1
        self.size_bytes += len(frame)
        if self._frames is not None:
            self._frames.append(frame)

    def payloads(self) -> list[bytes]:
        """Return what has been sent, without the frames' headers."""
        headers = {126: 4, 127: 10}
        return [frame[headers.get(frame[1], 2) :] for frame in self._frames or ()]

    @property
    def message_bytes(self) -> float:
        """Mean size of a message, its frame included."""
        return self.size_bytes / max(self.messages, 1)

    def reset(self) -> None:
        """Count from zero again."""
        self.messages = self.size_bytes = 0


class Player:
    """A source's books, its opening applied, and the streams that show them.

    Args:
        source: of one instrument.
    """

    def __init__(self, source: Source) -> None:
        (self._instrument,) = source.instruments
        self._lane = Lane(source)
        self._manager = StreamManager(
            Market(source.instruments),
            StreamOptions(interval_ms=INTERVAL_MS, epoch="e", resume_window_bytes=0),
            feed=self,
        )
        self._begin_ns = self._lane.next_ns() or 0
        self._beat = 0
        self._first_beat: int | None = None
        self.lag_s = 0.0
        self.events = 0
        """Events applied since the opening."""
        self._catch_up(self._begin_ns)
        self.events = 0

    @property
    def seconds(self) -> float:
        """How far the clock has been turned since the first event behind the opening."""
        return (self._beat - (self._first_beat or 0)) * INTERVAL_MS / 1000

    def subscribe(self, sink: Sink, data_type: DataType, levels: int, **fields: Any) -> None:
        """Open a stream "s"."""
        request = Subscribe(
            stream_id="s",
            symbol=self._instrument.symbol,
            data_type=data_type,
            max_levels=levels,
            **fields,
        )
        self._manager.subscribe(sink, request, *self._times(self._beat))

    def play(self, beats: int | None = None) -> None:
        """Turn the clock on by so many moments at which there is something new; `None` goes to the
        end of the source."""
        left = beats
        while left != 0 and (upcoming_ns := self._lane.next_ns()) is not None:
            passed_ns = upcoming_ns - self._begin_ns
            self._beat = max(-(-passed_ns // (INTERVAL_MS * _NS_PER_MS)), self._beat + 1)
            if self._first_beat is None:
                self._first_beat = self._beat - 1
            now_s, wall_ns = self._times(self._beat)
            while (due := self._manager.next_due()) is not None and due <= now_s:
                self._manager.flush(now_s, wall_ns)
            self._catch_up(wall_ns)
            left = None if left is None else left - 1

    def _times(self, beat: int) -> tuple[float, int]:
        """Return (seconds of the manager's clock, ns since 1970 UTC)."""
        after_ms = beat * INTERVAL_MS
        return after_ms / 1000 + _SURELY_DUE_S, self._begin_ns + after_ms * _NS_PER_MS

    def _catch_up(self, wall_ns: int) -> None:
        for events in self.due_events(wall_ns):
            self._manager.apply(events, wall_ns)

    # What the manager asks of its feed

    def due_events(
        self, wall_ns: int, _instrument_ids: Container[int] | None = None
    ) -> Iterator[Events]:
        """Yield what has happened by a time."""
        while self._lane.next_ns() is not None:
            events = self._lane.take(wall_ns)
            if events is None:
                return
            self.events += len(events)
            yield events

    def market_time_ns(self, wall_ns: int) -> int:
        """Return the market's time: it is the wall clock's."""
        return wall_ns

    def be_prompt(self, is_prompt: bool) -> None:
        """Be told what a played feed need not know."""


def stream_messages(
    rate_hz: float,
    beats: int,
    data_type: DataType,
    levels: int,
    *,
    wire: Wire = JSON,
    **fields: Any,
) -> list[bytes]:
    """Return what a stream "s" of a simulated market is sent, Subscribed first.

    Args:
        rate_hz: activities a second.
        beats: for how many intervals in which something happens.
        data_type: of the stream.
        levels: of the stream.
        wire: how messages travel.
        fields: more of the Subscribe.
    """
    player = Player(simulated(rate_hz))
    sink = Sink(wire, keeps=True)
    player.subscribe(sink, data_type, levels, **fields)
    player.play(beats)
    return sink.payloads()

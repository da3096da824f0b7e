"""Streams of the original messages: their channels, and the cohorts they are due in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from market_depth.protocol.wire import Wire
from market_depth.streams.channel import Channel, Stopwatch, Tick, ViewSpec
from market_depth.streams.cohort import Cohort
from market_depth.streams.market import SymbolBook
from market_depth.streams.subscriber import Stream, Subscriber

__all__ = ["COHORT_SUBSCRIBERS", "Cohorts"]

COHORT_SUBSCRIBERS = 500
"""How many subscribers share their moments: about 3 ms of writing."""

_SPREAD = 0.6180339887498949
"""Successive multiples of the golden ratio, modulo 1, lie far apart however many there are."""


class _ChannelKey(NamedTuple):
    symbol: str
    spec: ViewSpec
    wire: Wire


class Cohorts:
    """Every channel, and who is due when.

    Args:
        interval_s: time between two messages of a stream.
        stopwatch: measures the encoding of each view, if anybody wants to know.
    """

    def __init__(self, interval_s: float, stopwatch: Stopwatch | None) -> None:
        self.interval_s = interval_s
        self._stopwatch = stopwatch
        self._channels: dict[_ChannelKey, Channel] = {}
        self._cohorts: list[Cohort] = []

    def __iter__(self) -> Iterator[Cohort]:
        return iter(self._cohorts)

    def join(
        self,
        subscriber: Subscriber,
        stream_id: str,
        symbol_book: SymbolBook,
        spec: ViewSpec,
        tick: Tick,
        now: float,
    ) -> Stream:
        """Open a stream, whose channel has been encoded at *tick*; it is for the caller to write
        the first message."""
        key = _ChannelKey(symbol_book.instrument.symbol, spec, subscriber.wire)
        channel = self._channels.get(key)
        if channel is None:
            channel = Channel(symbol_book, spec, subscriber.wire, self._stopwatch)
            self._channels[key] = channel
        channel.encode(tick)
        stream = Stream(stream_id, channel, subscriber)
        channel.streams += 1
        if subscriber.cohort is None:
            subscriber.cohort = self._roomy_cohort(now)
            subscriber.cohort.subscribers[subscriber] = None
        subscriber.cohort.streams[stream] = None
        return stream

    def leave(self, subscriber: Subscriber, stream: Stream) -> None:
        """Close a stream."""
        cohort = subscriber.cohort
        assert cohort is not None, "who has a stream has a cohort"
        del cohort.streams[stream]
        channel = stream.channel
        channel.streams -= 1
        if channel.streams == 0:
            symbol = channel.symbol_book.instrument.symbol
            del self._channels[_ChannelKey(symbol, channel.spec, channel.wire)]

    def forget(self, subscriber: Subscriber) -> None:
        """Have a subscriber without streams in no cohort."""
        if subscriber.cohort is not None:
            del subscriber.cohort.subscribers[subscriber]
            subscriber.cohort = None

    def _roomy_cohort(self, now: float) -> Cohort:
        for cohort in self._cohorts:
            if len(cohort.subscribers) < COHORT_SUBSCRIBERS:
                if not cohort.subscribers and cohort.due <= now:
                    cohort.postpone(now)
                return cohort
        phase = len(self._cohorts) * _SPREAD % 1
        first = self._cohorts[0].due if self._cohorts else now
        until = (first + phase * self.interval_s - now) % self.interval_s
        cohort = Cohort(now + (until or self.interval_s), self.interval_s)
        self._cohorts.append(cohort)
        return cohort

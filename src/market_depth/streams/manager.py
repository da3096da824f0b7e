"""The StreamManager: subscriptions, distinct views, and the beat at which they go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Protocol

from msgspec import Raw

from market_depth.errors import ErrorCode, RequestError, quoted
from market_depth.events import Events
from market_depth.instruments import Instrument, format_units
from market_depth.protocol.codec import encode_json, encode_response
from market_depth.protocol.frames import text_frame
from market_depth.protocol.json_views import JsonViewWriter
from market_depth.protocol.messages import (
    DataType,
    Subscribe,
    Subscribed,
    SymbolInfo,
    Unsubscribed,
)
from market_depth.protocol.times import format_timestamp
from market_depth.streams.channel import Channel, Stopwatch, Tick, view_of
from market_depth.streams.cohort import Cohort, FlushCount
from market_depth.streams.market import Market, Status, SymbolBook
from market_depth.streams.subscriber import Stream, Subscriber

__all__ = ["FeedView", "StreamCounters", "StreamManager"]

COHORT_SUBSCRIBERS = 500
"""How many subscribers share their moments: about 3 ms of writing."""

_SPREAD = 0.6180339887498949
"""Successive multiples of the golden ratio, modulo 1, lie far apart however many there are."""

_KNOWN_SYMBOLS_SHOWN = 5


class FeedView(Protocol):
    """What the streams must know of the feed behind the books."""

    @property
    def lag_s(self) -> float:
        """How far behind its own time the feed last handed over events, in seconds."""
        ...

    def due_events(self, wall_ns: int, instrument_ids: Container[int]) -> Iterator[Events]:
        """Yield what should have been handed over by a wall-clock time and has not been yet."""
        ...

    def market_time_ns(self, wall_ns: int) -> int:
        """Return the market's time (ns since 1970 UTC) at a wall-clock time."""
        ...


@dataclass(slots=True)
class StreamCounters:
    """What has been sent and what has been withheld since the start."""

    subscriptions: int = 0
    """Streams open now."""
    messages: int = 0
    size_bytes: int = 0
    skipped: int = 0
    encoded: int = 0


class StreamManager:
    """Which views are wanted, when each is due, what has changed since it was last sent.

    It knows no sockets and no clocks: time comes in as an argument.

    Args:
        market: the books.
        interval_s: time between two messages of a stream.
        max_levels: most price levels a side that a client may ask for.
        max_streams: most streams that a subscriber may have.
        feed: what the books are fed by, for its time and for what is due.
        stopwatch: measures the encoding of each view, if anybody wants to know.
    """

    def __init__(
        self,
        market: Market,
        *,
        interval_s: float,
        max_levels: int,
        max_streams: int,
        feed: FeedView,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self.market = market
        self.counters = StreamCounters()
        self._interval_s = interval_s
        self._max_levels = max_levels
        self._max_streams = max_streams
        self._feed = feed
        self._stopwatch = stopwatch
        self._channels: dict[tuple[str, DataType, int], Channel] = {}
        self._watched: Counter[int] = Counter()
        """How many channels show an instrument, by its id."""
        self._cohorts: list[Cohort] = []
        self._writer = JsonViewWriter()

    def apply(self, events: Events) -> None:
        """Apply whole changes to the books that they concern."""
        self.market.apply(events)

    def subscribe(
        self, subscriber: Subscriber, request: Subscribe, now: float, wall_ns: int
    ) -> Stream:
        """Open a stream, and write Subscribed and the first MarketData.

        Args:
            subscriber: who asks.
            request: what he wants.
            now: seconds of a monotonic clock.
            wall_ns: the server's time, ns since 1970 UTC.

        Raises:
            RequestError: 400, 404, 409, 429 or 503; nothing has been opened then.
        """
        symbol_book = self._admit(subscriber, request)
        self._catch_up(wall_ns, (symbol_book.instrument.instrument_id,))
        channel = self._channel(symbol_book, request.data_type, request.levels)
        channel.encode(self._tick(wall_ns))
        prefix = channel.shared_prefix(
            b'{"type":"MarketData","stream_id":%b' % encode_json(request.stream_id)
        )
        stream = Stream(request.stream_id, prefix, channel, subscriber)
        channel.streams += 1
        subscriber.streams[request.stream_id] = stream
        self._join(subscriber, stream, now)
        answer = Subscribed(request.stream_id, request.symbol, request.data_type)
        subscriber.answer(text_frame(encode_response(answer)))
        frame = channel.frame_for(prefix)
        subscriber.answer(frame)
        self.counters.subscriptions += 1
        self._count(FlushCount(1, len(frame), 0, 1))
        return stream

    def _admit(self, subscriber: Subscriber, request: Subscribe) -> SymbolBook:
        """Return the book that a request is about, if it can be met."""
        stream_id = request.stream_id
        if request.levels > self._max_levels:
            raise RequestError(
                ErrorCode.BAD_REQUEST,
                f"max_levels: expected 1 to {self._max_levels}, got {request.levels}",
                stream_id,
            )
        symbol_book = self.find(request.symbol, stream_id)
        self._require_served(symbol_book, request.data_type, stream_id)
        if stream_id in subscriber.streams:
            raise RequestError(
                ErrorCode.CONFLICT,
                f"stream_id {stream_id!r} is already in use on this connection",
                stream_id,
            )
        if len(subscriber.streams) >= self._max_streams:
            raise RequestError(
                ErrorCode.TOO_MANY,
                f"too many streams: this connection may have {self._max_streams}",
                stream_id,
            )
        return symbol_book

    def find(self, symbol: str, stream_id: str | None = None) -> SymbolBook:
        """Return a symbol's book.

        Raises:
            RequestError: 404, naming a few symbols that there are.
        """
        symbol_book = self.market.get(symbol)
        if symbol_book is None:
            symbols = self.market.symbols()
            known = ", ".join(symbols[:_KNOWN_SYMBOLS_SHOWN])
            more = ", …" if len(symbols) > _KNOWN_SYMBOLS_SHOWN else ""
            raise RequestError(
                ErrorCode.NOT_FOUND,
                f"unknown symbol {quoted(symbol)}; known: {known}{more}",
                stream_id,
            )
        return symbol_book

    def _require_served(
        self, symbol_book: SymbolBook, data_type: DataType, stream_id: str | None
    ) -> None:
        symbol = symbol_book.instrument.symbol
        if data_type is DataType.MBO and not symbol_book.instrument.has_orders:
            raise RequestError(
                ErrorCode.BAD_REQUEST,
                f"data_type: the feed of {symbol} reports no single orders, ask for MBP",
                stream_id,
            )
        status = symbol_book.status
        if not status.is_good:
            raise RequestError(
                ErrorCode.UNAVAILABLE, f"the feed of {symbol} is down: {status}", stream_id
            )

    def unsubscribe(self, subscriber: Subscriber, stream_id: str) -> None:
        """Close a stream, and write Unsubscribed.

        Raises:
            RequestError: 404 if there is no such stream.
        """
        stream = subscriber.streams.pop(stream_id, None)
        if stream is None:
            raise RequestError(ErrorCode.NOT_FOUND, f"no stream {stream_id!r}", stream_id)
        self._release(subscriber, stream)
        if not subscriber.streams:
            self._leave(subscriber)
        subscriber.answer(text_frame(encode_response(Unsubscribed(stream_id))))

    def drop(self, subscriber: Subscriber) -> None:
        """Close every stream of a subscriber, writing nothing."""
        for stream in subscriber.streams.values():
            self._release(subscriber, stream)
        subscriber.streams.clear()
        self._leave(subscriber)

    def snapshot(
        self, symbol: str, data_type: DataType, levels: int, wall_ns: int
    ) -> tuple[int, bytes]:
        """Return (sequence, the `data` object) of a view, for whoever asks once.

        Raises:
            RequestError: 400, 404 or 503.
        """
        symbol_book = self.find(symbol)
        self._require_served(symbol_book, data_type, None)
        if not 1 <= levels <= self._max_levels:
            raise RequestError(
                ErrorCode.BAD_REQUEST,
                f"max_levels: expected 1 to {self._max_levels}, got {levels}",
            )
        self._catch_up(wall_ns, (symbol_book.instrument.instrument_id,))
        data = view_of(
            symbol_book, data_type, levels, self._feed.market_time_ns(wall_ns), self._writer
        )
        return symbol_book.book.sequence, data

    def symbols(self) -> list[SymbolInfo]:
        """Return what there is to subscribe to."""
        return [_symbol_info(book.instrument, book.status) for book in self.market]

    def lag_s(self) -> float:
        """Return how far the books were behind their feed at the last hand-over."""
        return self._feed.lag_s

    def next_due(self) -> float | None:
        """Return when `flush` has something to do next, `None` if nobody wants anything."""
        return min((cohort.due for cohort in self._cohorts if cohort.subscribers), default=None)

    def flush(self, now: float, wall_ns: int) -> FlushCount:
        """Write what is due in the cohort that has waited longest.

        One cohort a call: between two calls the caller can look after other things.
        """
        due = [cohort for cohort in self._cohorts if cohort.subscribers and cohort.due <= now]
        if not due:
            return FlushCount(0, 0, 0, 0)
        cohort = min(due, key=lambda cohort: cohort.due)
        cohort.postpone(now)
        self._catch_up(wall_ns, self._watched)
        count = cohort.flush(self._tick(wall_ns))
        self._count(count)
        return count

    def flush_all(self, wall_ns: int) -> None:
        """Write every stream whose book has changed, due or not: the last words of a feed."""
        self._catch_up(wall_ns, self._watched)
        for cohort in self._cohorts:
            self._count(cohort.flush(self._tick(wall_ns)))

    def _catch_up(self, wall_ns: int, instrument_ids: Container[int]) -> None:
        """Apply what is due: a feed wakes up less often than books are looked at."""
        for events in self._feed.due_events(wall_ns, instrument_ids):
            self.market.apply(events)

    def _tick(self, wall_ns: int) -> Tick:
        return Tick(format_timestamp(wall_ns).encode(), self._feed.market_time_ns(wall_ns))

    def _count(self, count: FlushCount) -> None:
        counters = self.counters
        counters.messages += count.messages
        counters.size_bytes += count.size_bytes
        counters.skipped += count.skipped
        counters.encoded += count.encoded

    def _channel(self, symbol_book: SymbolBook, data_type: DataType, levels: int) -> Channel:
        symbol = symbol_book.instrument.symbol
        key = (symbol, data_type, levels)
        channel = self._channels.get(key)
        if channel is None:
            head = b',"symbol":%b' % encode_json(symbol)
            channel = Channel(symbol_book, data_type, levels, head, self._writer, self._stopwatch)
            self._channels[key] = channel
            self._watched[symbol_book.instrument.instrument_id] += 1
        return channel

    def _release(self, subscriber: Subscriber, stream: Stream) -> None:
        if subscriber.cohort is not None:
            del subscriber.cohort.streams[stream]
        channel = stream.channel
        channel.streams -= 1
        self.counters.subscriptions -= 1
        if channel.streams == 0:
            instrument = channel.symbol_book.instrument
            del self._channels[instrument.symbol, channel.data_type, channel.levels]
            self._watched[instrument.instrument_id] -= 1
            if not self._watched[instrument.instrument_id]:
                del self._watched[instrument.instrument_id]

    def _join(self, subscriber: Subscriber, stream: Stream, now: float) -> None:
        if subscriber.cohort is None:
            subscriber.cohort = self._roomy_cohort(now)
            subscriber.cohort.subscribers[subscriber] = None
        subscriber.cohort.streams[stream] = None

    def _roomy_cohort(self, now: float) -> Cohort:
        for cohort in self._cohorts:
            if len(cohort.subscribers) < COHORT_SUBSCRIBERS:
                if not cohort.subscribers and cohort.due <= now:
                    cohort.postpone(now)
                return cohort
        phase = len(self._cohorts) * _SPREAD % 1
        first = self._cohorts[0].due if self._cohorts else now
        until = (first + phase * self._interval_s - now) % self._interval_s
        cohort = Cohort(now + (until or self._interval_s), self._interval_s)
        self._cohorts.append(cohort)
        return cohort

    def _leave(self, subscriber: Subscriber) -> None:
        if subscriber.cohort is not None:
            del subscriber.cohort.subscribers[subscriber]
            subscriber.cohort = None


def _symbol_info(instrument: Instrument, status: Status) -> SymbolInfo:
    tick = format_units(instrument.tick_size, instrument.price_decimals)
    data_types = list(DataType) if instrument.has_orders else [DataType.MBP]
    return SymbolInfo(
        symbol=instrument.symbol,
        tick_size=Raw(tick.encode()),
        price_decimals=instrument.price_decimals,
        quantity_decimals=instrument.quantity_decimals,
        data_types=data_types,
        status=status.status.label,
        reason=status.reason.text,
    )

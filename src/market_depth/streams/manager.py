"""The StreamManager: which views are wanted, and the moments at which they go out."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Container, Iterator
from itertools import chain as chained
from typing import Final, Protocol

from market_depth.errors import ErrorCode, RequestError
from market_depth.events import Events
from market_depth.protocol.messages import (
    DataType,
    Subscribed,
    Subscription,
    SymbolInfo,
    Unsubscribed,
    or_unset,
)
from market_depth.protocol.requests import Subscribe, Unsubscribe
from market_depth.protocol.times import format_timestamp
from market_depth.protocol.view_checksum import ViewChecksum
from market_depth.protocol.wire import JSON, Tail, Wire
from market_depth.streams.admission import (
    chain_key,
    require_levels,
    require_room,
    require_served,
    shown_levels,
    unavailable,
)
from market_depth.streams.beat import Beat
from market_depth.streams.chain import ChainStream
from market_depth.streams.chains import Chains, changes_of
from market_depth.streams.channel import Stopwatch, Tick, ViewSpec
from market_depth.streams.cohort import NOTHING, Cohort, FlushCount, postponed
from market_depth.streams.cohorts import Cohorts
from market_depth.streams.key import ChainKey
from market_depth.streams.listing import stream_listed, symbol_info, waiting_listed
from market_depth.streams.market import Market, SymbolBook
from market_depth.streams.options import StreamCounters, StreamOptions
from market_depth.streams.subscriber import Stream, Subscriber
from market_depth.streams.view_chain import Workshop
from market_depth.streams.watch import Waiting, Watch, Watches
from market_depth.streams.window import ResumeWindow

__all__ = ["FeedView", "StreamManager"]

_MS_PER_S: Final = 1000
_STATUS_INTERVAL_S: Final = 0.1
"""How often books are looked at whose status somebody wants to hear of."""
_MESSAGES_A_TURN: Final = 500
"""Messages made of single changes before others get their turn: about 15 ms."""


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

    def be_prompt(self, is_prompt: bool) -> None:
        """Be told whether every event is to be handed over the moment it is due."""
        ...


class StreamManager:
    """Which views are wanted, when each is due, what has changed since it was last sent.

    It knows no sockets and no clocks: time comes in as an argument, seconds of a monotonic clock as
    *now* and ns since 1970 UTC as *wall_ns*.

    Args:
        market: the books.
        options: how streams are to be.
        feed: what the books are fed by, for its time and for what is due.
        stopwatch: measures the encoding of each view, if anybody wants to know.
    """

    def __init__(
        self,
        market: Market,
        options: StreamOptions,
        *,
        feed: FeedView,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self.market = market
        self.counters = StreamCounters()
        self.window = ResumeWindow(options.resume_window_bytes)
        self._options = options
        self._feed = feed
        self._cohorts = Cohorts(options.interval_ms / _MS_PER_S, stopwatch)
        self._chains = Chains(Workshop(self.window, ViewChecksum(), stopwatch))
        self._watches = Watches()
        self._watched: Counter[int] = Counter()
        """How many streams show an instrument, by its id."""
        self._rest: deque[Events] = deque()
        """What is left of the batch that is being applied turn by turn."""
        self._status_due = 0.0
        self._now = 0.0
        """When the manager was last told the time."""

    def apply(self, events: Events, wall_ns: int, *, is_late: bool = False) -> None:
        """Apply whole changes to the books that they concern, and send what can't wait.

        Args:
            events: what has happened.
            wall_ns: the time.
            is_late: whether streams may be told of several changes at once if there are many, for
                others wait until all have been applied.
        """
        if not self._chains.has_listeners or not len(events):
            self.market.apply(events)
            return
        tick = self._tick(wall_ns)
        most = self._changes_a_turn() if is_late else None
        for part in changes_of(events, self._chains.live, most):
            self.market.apply(part)
            self.counters.add(self._chains.note(part, tick, is_one_change=not is_late))

    def turns(self, events: Events) -> Iterator[Events]:
        """Yield events in parts that are small enough to be applied in one turn.

        Whoever looks at a book between two turns applies the rest at once, so that what the feed
        has next stays behind it.
        """
        if not self._chains.live:
            yield events
            return
        parts = [len(part) for part in changes_of(events, self._chains.live)]
        most = self._changes_a_turn()
        start = 0
        for first in range(0, len(parts), most):
            end = start + sum(parts[first : first + most])
            self._rest.append(events[start:end])
            start = end
        while self._rest:
            yield self._rest.popleft()

    def _changes_a_turn(self) -> int:
        """Return how many changes can be told one by one before others get their turn."""
        return max(_MESSAGES_A_TURN // max(self._chains.live_count, 1), 1)

    def subscribe(
        self, subscriber: Subscriber, request: Subscribe, now: float, wall_ns: int
    ) -> None:
        """Open a stream of one symbol, and write Subscribed and the first MarketData.

        Raises:
            RequestError: 400, 404, 409, 429 or 503. Nothing has been opened then; after 503 an
                extended stream will be, when the symbol's feed is back.
        """
        self._now = now
        stream_id = request.stream_id
        if request.data_type in (DataType.MBP, DataType.MBO):
            require_levels(request.levels, self._options.max_levels, stream_id)
        symbol_book = self.market.find(request.symbol or "", stream_id)
        require_served(symbol_book, request.data_type, stream_id)
        key = self._chain_key(subscriber, request, symbol_book)
        self._watches.give_up(subscriber, stream_id)
        require_room(subscriber, stream_id, self._options.max_streams)
        self._catch_up(wall_ns, (symbol_book.instrument.instrument_id,))
        if not symbol_book.status.is_good:
            if key is not None:
                watch = self._watches.of(symbol_book)
                self._watches.wait(watch, Waiting(subscriber, request, key))
            raise unavailable(symbol_book, stream_id)
        self._open(subscriber, request, key, symbol_book, self._tick(wall_ns))

    def _chain_key(
        self, subscriber: Subscriber, request: Subscribe, symbol_book: SymbolBook
    ) -> ChainKey | None:
        if not request.is_extended:
            return None
        return chain_key(
            request,
            symbol_book.instrument,
            subscriber.wire,
            interval_ms=self._options.interval_ms,
            min_interval_ms=self._options.min_interval_ms,
        )

    def _open(
        self,
        subscriber: Subscriber,
        request: Subscribe,
        key: ChainKey | None,
        symbol_book: SymbolBook,
        tick: Tick,
        *,
        is_told_status: bool = False,
    ) -> None:
        stream: Stream | ChainStream
        if key is None:
            stream, count = self._open_plain(subscriber, request, symbol_book, tick)
        else:
            watch = self._watches.of(symbol_book)
            stream = self._chained_stream(subscriber, request, key, watch, tick)
            missing = self._missing(stream, request)
            subscriber.send(self._chained_answer(request, key, watch, missing))
            if not is_told_status:
                watch.tell(subscriber, tick)
            count = self._begin(stream, missing, tick)
        subscriber.streams[request.stream_id] = stream
        self._watched[symbol_book.instrument.instrument_id] += 1
        self.counters.subscriptions += 1
        self.counters.add(count)

    def _open_plain(
        self, subscriber: Subscriber, request: Subscribe, symbol_book: SymbolBook, tick: Tick
    ) -> tuple[Stream, FlushCount]:
        spec = ViewSpec(request.data_type, request.levels)
        stream_id, symbol = request.stream_id, symbol_book.instrument.symbol
        stream = self._cohorts.join(subscriber, stream_id, symbol_book, spec, tick, self._now)
        subscriber.send(Subscribed(stream_id, symbol, request.data_type, id=or_unset(request.id)))
        frame = stream.channel.frame_for(stream.prefix)
        subscriber.answer(frame)
        return stream, FlushCount(1, len(frame), 0, 1)

    def _chained_stream(
        self, subscriber: Subscriber, request: Subscribe, key: ChainKey, watch: Watch, tick: Tick
    ) -> ChainStream:
        """Return a new stream, on its chain."""
        chain = self._chains.join(key, watch, tick, self._now)
        stream = ChainStream(request.stream_id, request.group, chain, subscriber)
        chain.streams[stream] = None
        self._watches.add(watch, subscriber)
        self._feed.be_prompt(bool(self._chains.live))
        return stream

    def _missing(self, stream: ChainStream, request: Subscribe) -> list[Tail] | None:
        """Return the messages that a stream has missed, `None` if it has to begin anew."""
        resume = request.resume
        if resume is None or resume.epoch != self._options.epoch:
            return None
        return stream.chain.missing(resume.sequence)

    def _chained_answer(
        self, request: Subscribe, key: ChainKey, watch: Watch, missing: list[Tail] | None
    ) -> Subscribed:
        instrument = watch.symbol_book.instrument
        number = key.wire.encoder.number
        return Subscribed(
            stream_id=request.stream_id,
            symbol=instrument.symbol,
            data_type=key.data_type,
            mode=key.mode.value,
            interval_ms=key.interval_ms,
            epoch=self._options.epoch,
            price_decimals=instrument.price_decimals,
            quantity_decimals=instrument.quantity_decimals,
            tick_size=number(instrument.tick_size, instrument.price_decimals),
            resumed=or_unset(None if request.resume is None else missing is not None),
            id=or_unset(request.id),
        )

    def _begin(self, stream: ChainStream, missing: list[Tail] | None, tick: Tick) -> FlushCount:
        """Write what a stream begins with, or what it has missed."""
        if missing is None:
            return stream.chain.begin(stream, tick)
        self.counters.resumed += 1
        return stream.chain.resume(stream, missing)

    def unsubscribe(self, subscriber: Subscriber, request: Unsubscribe) -> None:
        """Close a stream, and write Unsubscribed.

        Raises:
            RequestError: 404 if there is no such stream.
        """
        stream_id = request.stream_id
        stream = subscriber.streams.pop(stream_id, None)
        if stream is not None:
            self._release(subscriber, stream)
        elif not self._watches.give_up(subscriber, stream_id):
            raise RequestError(ErrorCode.NOT_FOUND, f"no stream {stream_id!r}", stream_id)
        if not subscriber.streams:
            self._cohorts.forget(subscriber)
        subscriber.send(Unsubscribed(stream_id, id=or_unset(request.id)))

    def drop(self, subscriber: Subscriber) -> None:
        """Close every stream of a subscriber, writing nothing."""
        for stream in subscriber.streams.values():
            self._release(subscriber, stream)
        subscriber.streams.clear()
        self._watches.give_up_all(subscriber)
        self._cohorts.forget(subscriber)

    def _release(self, subscriber: Subscriber, stream: Stream | ChainStream) -> None:
        if isinstance(stream, ChainStream):
            symbol_book = stream.chain.symbol_book
            self._chains.leave(stream.chain, stream, self._now)
            self._watches.remove(stream.chain.watch, subscriber)
            self._feed.be_prompt(bool(self._chains.live))
        else:
            symbol_book = stream.channel.symbol_book
            self._cohorts.leave(subscriber, stream)
        self.counters.subscriptions -= 1
        instrument_id = symbol_book.instrument.instrument_id
        self._watched[instrument_id] -= 1
        if not self._watched[instrument_id]:
            del self._watched[instrument_id]

    def caught_up(self, subscriber: Subscriber, wall_ns: int) -> None:
        """Give a subscriber that reads again what can't wait for its next moment."""
        tick = self._tick(wall_ns)
        self.counters.add(self._chains.catch_up(subscriber.streams.values(), tick))

    def subscriptions(self, subscriber: Subscriber) -> list[Subscription]:
        """Return the streams of a subscriber, those that wait last."""
        interval_ms = self._options.interval_ms
        streams = subscriber.streams.values()
        return [stream_listed(stream, interval_ms) for stream in streams] + [
            waiting_listed(watch.waiting[subscriber, stream_id])
            for stream_id, watch in (subscriber.waiting or {}).items()
        ]

    def snapshot(
        self, symbol: str, data_type: DataType, levels: int, wall_ns: int
    ) -> tuple[int, bytes]:
        """Return (sequence, the `data` object as JSON) of a view, for whoever asks once.

        Raises:
            RequestError: 400, 404 or 503.
        """
        symbol_book = self.market.find(symbol)
        require_served(symbol_book, data_type)
        if data_type is DataType.TRADES:
            raise RequestError(ErrorCode.BAD_REQUEST, "data_type: trades are no state of a book")
        require_levels(levels, self._options.max_levels)
        self._catch_up(wall_ns, (symbol_book.instrument.instrument_id,))
        if not symbol_book.status.is_good:
            raise unavailable(symbol_book)
        spec = ViewSpec(data_type, shown_levels(data_type, levels))
        data = spec.data(symbol_book, self._feed.market_time_ns(wall_ns), JSON.encoder)
        return symbol_book.book.sequence, data

    def symbols(self, wire: Wire = JSON) -> list[SymbolInfo]:
        """Return what there is to subscribe to, to be told on a wire."""
        return [symbol_info(symbol_book, wire.encoder) for symbol_book in self.market]

    def lag_s(self) -> float:
        """Return how far the books were behind their feed at the last hand-over."""
        return self._feed.lag_s

    def next_due(self) -> float | None:
        """Return when `flush` has something to do next, `None` if nobody wants anything."""
        dues = [group.due for group in self._groups()]
        if self._watches:
            dues.append(self._status_due)
        return min(dues, default=None)

    def flush(self, now: float, wall_ns: int) -> FlushCount:
        """Write what is due in the group of streams that has waited longest.

        One group a call, and of a large one a part: between two calls the caller can look after
        other things.
        """
        self._now = now
        self._apply_rest(wall_ns)
        if self._watches and self._status_due <= now:
            self._status_due = postponed(self._status_due, _STATUS_INTERVAL_S, now)
            self._look_at_statuses(wall_ns)
        due = [group for group in self._groups() if group.due <= now]
        if not due:
            return NOTHING
        group = min(due, key=lambda group: group.due)
        self._catch_up(wall_ns, self._watched)
        count = group.flush(self._tick(wall_ns), now)
        self.counters.add(count)
        return count

    def flush_all(self, wall_ns: int) -> None:
        """Write every stream whose book has changed, due or not: the last words of a feed."""
        self._catch_up(wall_ns, self._watched)
        tick = self._tick(wall_ns)
        self._finish(tick)
        for group in self._groups():
            self.counters.add(group.flush(tick, self._now))
        self._finish(tick)

    def _finish(self, tick: Tick) -> None:
        """Write what is left of flushes that go on over several turns."""
        for beat in self._chains.beats:
            while beat.is_unfinished:
                self.counters.add(beat.flush(tick, self._now))

    def _groups(self) -> Iterator[Cohort | Beat]:
        cohorts = (cohort for cohort in self._cohorts if cohort.subscribers)
        return chained(cohorts, self._chains.beats)

    def _look_at_statuses(self, wall_ns: int) -> None:
        """Tell what has become of books, and open the streams that have waited for them."""
        tick = self._tick(wall_ns)
        for watch in self._watches:
            if watch.look(tick) and watch.waiting:
                for waiting in watch.tell_waiting(tick):
                    subscriber, request, key = waiting
                    del (subscriber.waiting or {})[request.stream_id]
                    self._open(
                        subscriber, request, key, watch.symbol_book, tick, is_told_status=True
                    )

    def _catch_up(self, wall_ns: int, instrument_ids: Container[int]) -> None:
        """Apply what is due: a feed wakes up less often than books are looked at."""
        self._apply_rest(wall_ns)
        for events in self._feed.due_events(wall_ns, instrument_ids):
            self.apply(events, wall_ns, is_late=True)

    def _apply_rest(self, wall_ns: int) -> None:
        """Apply what is left of a batch, so that no book is in the midst of a change."""
        while self._rest:
            self.apply(self._rest.popleft(), wall_ns, is_late=True)

    def _tick(self, wall_ns: int) -> Tick:
        return Tick(format_timestamp(wall_ns), self._feed.market_time_ns(wall_ns))

"""What is told of a symbol besides its book: whether it can be trusted, and who waits for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, cast

from market_depth.events import BookStatus
from market_depth.protocol import messages
from market_depth.protocol.requests import Subscribe
from market_depth.streams.channel import Tick
from market_depth.streams.key import ChainKey
from market_depth.streams.market import Status, SymbolBook
from market_depth.streams.subscriber import Subscriber

__all__ = ["Waiting", "Watch", "Watches"]

Label = Literal["Live", "Stale", "Halted", "Recovered"]

_LIVE: Final = Status(BookStatus.LIVE)


class Waiting(NamedTuple):
    """A stream that will be opened when its symbol's feed is back."""

    subscriber: Subscriber
    request: Subscribe
    key: ChainKey


class Watch:
    """One symbol, as long as somebody wants to hear of its status."""

    __slots__ = ("subscribers", "symbol_book", "told", "waiting")

    def __init__(self, symbol_book: SymbolBook) -> None:
        self.symbol_book = symbol_book
        self.subscribers: Counter[Subscriber] = Counter()
        """Who hears of it, with the number of his streams."""
        self.waiting: dict[tuple[Subscriber, str], Waiting] = {}
        """By subscriber and stream id."""
        self.told = _told(symbol_book.status)
        """What they have been told last, or would have been if there was need."""

    @property
    def is_wanted(self) -> bool:
        """Whether anybody wants to hear of it."""
        return bool(self.subscribers or self.waiting)

    def look(self, tick: Tick) -> bool:
        """Tell the status if it has changed; return whether the book may be shown."""
        status = self.symbol_book.status
        told = _told(status)
        if told != self.told:
            self.told = told
            message = self._message(told, tick)
            for subscriber in list(self.subscribers):
                subscriber.send(message)
        return status.is_good

    def tell(self, subscriber: Subscriber, tick: Tick) -> None:
        """Tell one subscriber the status if it is not what he expects, which is Live."""
        status = _told(self.symbol_book.status)
        if status.status is not BookStatus.LIVE:
            subscriber.send(self._message(status, tick))

    def tell_waiting(self, tick: Tick) -> list[Waiting]:
        """Tell those who wait that the book is back; return what they have asked for."""
        back, self.waiting = list(self.waiting.values()), {}
        message = self._message(_told(self.symbol_book.status), tick)
        for subscriber in dict.fromkeys(one.subscriber for one in back):
            if subscriber not in self.subscribers:  # others have been told by `look`
                subscriber.send(message)
        return back

    def _message(self, status: Status, tick: Tick) -> messages.Status:
        return messages.Status(
            self.symbol_book.instrument.symbol,
            cast("Label", status.status.label),
            status.reason.text or None,
            tick.timestamp,
        )


def _told(status: Status) -> Status:
    """Return a status as clients hear of it: of a book that nothing has come to yet, they see that
    it is empty."""
    return _LIVE if status.status is BookStatus.WAITING else status


class Watches:
    """Every symbol whose status somebody wants to hear of."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Watch] = {}

    def __bool__(self) -> bool:
        return bool(self._by_symbol)

    def __iter__(self) -> Iterator[Watch]:
        return iter(list(self._by_symbol.values()))

    def of(self, symbol_book: SymbolBook) -> Watch:
        """Return the watch of a symbol."""
        symbol = symbol_book.instrument.symbol
        watch = self._by_symbol.get(symbol)
        if watch is None:
            watch = self._by_symbol[symbol] = Watch(symbol_book)
        return watch

    def add(self, watch: Watch, subscriber: Subscriber) -> None:
        """Let a subscriber hear of a symbol, because of one more stream."""
        watch.subscribers[subscriber] += 1

    def remove(self, watch: Watch, subscriber: Subscriber) -> None:
        """Let him hear of it no more, if this was the last stream for which he did."""
        watch.subscribers[subscriber] -= 1
        if not watch.subscribers[subscriber]:
            del watch.subscribers[subscriber]
        self._end_unwanted(watch)

    def wait(self, watch: Watch, waiting: Waiting) -> None:
        """Keep a stream that can't be opened yet."""
        stream_id = waiting.request.stream_id
        subscriber = waiting.subscriber
        watch.waiting[subscriber, stream_id] = waiting
        if subscriber.waiting is None:
            subscriber.waiting = {}
        subscriber.waiting[stream_id] = watch

    def give_up(self, subscriber: Subscriber, stream_id: str) -> bool:
        """Forget a stream that waits; return whether there was one."""
        watch = (subscriber.waiting or {}).pop(stream_id, None)
        if watch is None:
            return False
        watch.waiting.pop((subscriber, stream_id), None)
        self._end_unwanted(watch)
        return True

    def give_up_all(self, subscriber: Subscriber) -> None:
        """Forget every stream of a subscriber that waits."""
        for stream_id in list(subscriber.waiting or ()):
            self.give_up(subscriber, stream_id)

    def _end_unwanted(self, watch: Watch) -> None:
        if not watch.is_wanted:
            self._by_symbol.pop(watch.symbol_book.instrument.symbol, None)

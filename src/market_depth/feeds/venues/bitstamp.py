"""Bitstamp's WebSocket: books by price joined with REST snapshots, and books by order.

- `diff_order_book_PAIR` gives levels their new sizes. A REST snapshot (`/api/v2/order_book/PAIR/`)
  is joined by `microtimestamp`: of the messages, those later than the snapshot count.
- `order_book_PAIR` is the top of the book, again and again: the book itself where there is no
  better, else the venue's own word to compare with.
- `live_orders_PAIR` tells what happens to each order. The stream has no snapshot of its own: the
  book holds what has come since, and is stale, until one by order comes (REST with `group=2`, or
  `detail_order_book_PAIR`).

A book is by price or by order, as its first message is; messages of the other kind are passed
over. Recordings of 2015, when the venue had one pair, have lines of an event's name and its data
("order_created {…}").

Source: https://www.bitstamp.net/websocket/v2/, https://www.bitstamp.net/api/#order-book
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.events import Action, Side, StatusReason
from market_depth.feeds.venues.base import BookSink, OrderRow, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import decode, microseconds_ns, number_text, url_parts

__all__ = ["VENUE"]

_NAME: Final = "Bitstamp"
_MAX_GONE: Final = 1_000
_MAX_WAITING: Final = 10_000
"""Messages of a book kept for a snapshot that is older than they are."""
_ONLY_PAIR: Final = "btcusd"
"""Of 2015."""
_DECIMALS: Final = Decimal("1e-8")
"""Most that the venue has; trades of 2015 have the noise of binary floats behind them."""
_ORDER_EVENTS: Final = ("order_created", "order_changed", "order_deleted")
_CHANNELS: Final = (b'"diff_order_book_', b'"live_orders_', b'"order_book_', b'"detail_order_book_')
_LINES: Final = tuple(f"{event} {{".encode() for event in _ORDER_EVENTS)
_SIDES: Final = (Side.BID, Side.ASK)
_WITH_ORDER_ID: Final = 3


_Row: TypeAlias = Annotated[list[str], msgspec.Meta(min_length=2)]
"""Price, amount, and in some books the order's id."""


class _Message(msgspec.Struct):
    event: str = ""
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Book(msgspec.Struct):
    bids: list[_Row]
    asks: list[_Row]
    microtimestamp: str = ""


class _Order(msgspec.Struct):
    id: int
    order_type: Literal[0, 1]
    price: Any
    amount: Any
    price_str: str = ""
    amount_str: str = ""
    microtimestamp: str = ""


class _Trade(msgspec.Struct):
    price: Any
    amount: Any
    price_str: str = ""
    amount_str: str = ""
    type: Literal[0, 1] | None = None
    microtimestamp: str = ""


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_BOOK: Final = msgspec.json.Decoder(_Book)
_ORDER: Final = msgspec.json.Decoder(_Order, float_hook=str)
_TRADE: Final = msgspec.json.Decoder(_Trade, float_hook=str)


class _LevelsState:
    """Of a book by price."""

    __slots__ = ("connection", "has_diffs", "is_top", "ts_event", "waiting")

    def __init__(self) -> None:
        self.connection = ""
        self.has_diffs = False
        self.is_top = False
        """Whether the book is the venue's best levels only."""
        self.ts_event = 0
        """Of the last message taken, or of the snapshot."""
        self.waiting: deque[tuple[int, _Book]] = deque(maxlen=_MAX_WAITING)


class _OrdersState:
    """Of a book by order."""

    __slots__ = ("connection", "gone", "ids", "snapshot_ns", "ts_event", "waiting")

    def __init__(self) -> None:
        self.connection = ""
        self.ids: set[int] = set()
        self.gone: dict[int, None] = {}
        """Ids last deleted, oldest first: the venue may tell of a change after the deletion."""
        self.snapshot_ns = 0
        self.ts_event = 0
        """Of the last message taken."""
        self.waiting: deque[tuple[int, str, _Order]] = deque(maxlen=_MAX_WAITING)


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._levels: dict[str, _LevelsState] = {}
        self._orders: dict[str, _OrdersState] = {}

    def opened(self, connection: str) -> None:
        self._continuity.opened(connection)
        for levels in self._levels.values():
            if levels.connection == connection:
                levels.waiting.clear()
        for orders in self._orders.values():
            if orders.connection == connection:
                orders.waiting.clear()

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        if text[:1].isalpha():
            event, _, data = text.partition(b" ")
            name = event.decode("utf-8", "replace")
            self._event(connection, name, name, _ONLY_PAIR, data)
            return
        message = decode(_MESSAGE, text, _NAME)
        channel, _, pair = message.channel.rpartition("_")
        if channel and pair:
            self._event(connection, message.event, channel, pair, message.data)

    def fetched(self, url: str, body: bytes) -> None:
        parts = url_parts(url).path.strip("/").split("/")
        if len(parts) < 2 or parts[-2] != "order_book":
            return
        pair = parts[-1]
        book = decode(_BOOK, body, _NAME)
        if _is_by_order(book):
            if pair not in self._levels:
                self._order_snapshot(pair, book)
        elif pair not in self._orders:
            self._level_snapshot(pair, book)

    def _event(
        self, connection: str, event: str, channel: str, pair: str, data: bytes | msgspec.Raw
    ) -> None:
        if event in _ORDER_EVENTS:
            if pair not in self._levels:
                self._order(connection, pair, event, decode(_ORDER, data, _NAME))
        elif event == "trade":
            if channel in ("live_trades", "trade"):
                self._trade(pair, decode(_TRADE, data, _NAME))
        elif channel == "diff_order_book":
            if event == "data" and pair not in self._orders:
                self._diff(connection, pair, decode(_BOOK, data, _NAME))
        elif channel == "order_book":
            if event in ("data", "order_book"):
                self._top(connection, pair, decode(_BOOK, data, _NAME))
        elif channel == "detail_order_book" and event == "data" and pair not in self._levels:
            book = decode(_BOOK, data, _NAME)
            self._orders.setdefault(pair, _OrdersState()).connection = connection
            self._order_snapshot(pair, book)

    def _diff(self, connection: str, pair: str, book: _Book) -> None:
        ts_event = microseconds_ns(book.microtimestamp)
        state = self._levels.setdefault(pair, _LevelsState())
        state.connection = connection
        if state.is_top:
            state.is_top = False
            self._continuity.lost(pair, StatusReason.JOINED, ts_event=ts_event)
        elif not state.has_diffs and pair in self._continuity.live:
            self._continuity.restored(pair, connection)
        state.has_diffs = True
        if pair not in self._continuity.live:
            self._continuity.joined(pair, ts_event=ts_event)
            state.waiting.append((ts_event, book))
        elif ts_event > state.ts_event:
            self._sink.levels(pair, book.bids, book.asks, ts_event=ts_event)
            self._sink.checked(pair, True, "microtimestamp")
            state.ts_event = ts_event

    def _level_snapshot(self, pair: str, book: _Book) -> None:
        """Take a REST snapshot, then what has come that is later."""
        ts_event = microseconds_ns(book.microtimestamp)
        state = self._levels.setdefault(pair, _LevelsState())
        is_wanted = pair not in self._continuity.live or not state.has_diffs
        if not is_wanted or _is_too_old(ts_event, state.waiting):
            return
        self._sink.snapshot(pair, book.bids, book.asks, ts_event=ts_event)
        state.is_top = False
        state.ts_event = ts_event
        for time, diff in state.waiting:
            if time > state.ts_event:
                self._sink.levels(pair, diff.bids, diff.asks, ts_event=time)
                state.ts_event = time
        state.waiting.clear()
        self._continuity.restored(pair, state.connection, ts_event=state.ts_event)

    def _top(self, connection: str, pair: str, book: _Book) -> None:
        """Take the best levels: as the book where there is no better, else to compare with."""
        ts_event = microseconds_ns(book.microtimestamp)
        if pair in self._orders:
            self._expect_top(pair, book, ts_event, self._orders[pair].ts_event)
            return
        state = self._levels.setdefault(pair, _LevelsState())
        if state.has_diffs:
            self._expect_top(pair, book, ts_event, state.ts_event)
            return
        self._sink.snapshot(pair, book.bids, book.asks, ts_event=ts_event)
        state.is_top = True
        state.connection = connection
        state.ts_event = ts_event
        self._continuity.restored(pair, connection, ts_event=ts_event)

    def _expect_top(self, pair: str, book: _Book, ts_event: int, ts_book: int) -> None:
        """Compare where both are of one time, or no times are told."""
        if self._sink.is_checking and ts_event == ts_book:
            self._sink.expect(pair, book.bids, book.asks, "order_book")

    def _order(self, connection: str, pair: str, event: str, order: _Order) -> None:
        if not 0 <= order.id < 2**64:
            raise FeedError(f"{_NAME}'s order id {quoted(str(order.id))} is out of range")
        ts_event = microseconds_ns(order.microtimestamp)
        state = self._orders.setdefault(pair, _OrdersState())
        state.connection = connection
        if pair not in self._continuity.live:
            self._continuity.joined(pair, ts_event=ts_event)
            if ts_event:
                state.waiting.append((ts_event, event, order))
        elif ts_event and ts_event <= state.snapshot_ns:
            return
        self._apply(pair, state, event, order, ts_event)

    def _apply(
        self, pair: str, state: _OrdersState, event: str, order: _Order, ts_event: int
    ) -> None:
        """Add, change or take away one order; one that is not there can't be taken away."""
        price = order.price_str or number_text(order.price)
        size = order.amount_str or number_text(order.amount)
        if event == "order_deleted" or not size.strip("0."):
            action = Action.CANCEL
            size = "0"
        else:
            action = Action.MODIFY if order.id in state.ids else Action.ADD
        if action is Action.CANCEL:
            state.gone[order.id] = None
            if len(state.gone) > _MAX_GONE:
                del state.gone[next(iter(state.gone))]
        is_unknown = order.id not in state.ids
        if is_unknown and (action is Action.CANCEL or order.id in state.gone):
            return
        if action is not Action.CANCEL and not price.strip("0."):
            return  # an order at the market rests nowhere
        side = _SIDES[order.order_type]
        self._sink.order(pair, action, side, order.id, price, size, ts_event=ts_event)
        if action is Action.CANCEL:
            state.ids.discard(order.id)
        else:
            state.ids.add(order.id)
        state.ts_event = max(ts_event, state.ts_event)

    def _order_snapshot(self, pair: str, book: _Book) -> None:
        """Take a snapshot by order, then what has come that is later."""
        ts_event = microseconds_ns(book.microtimestamp)
        state = self._orders.setdefault(pair, _OrdersState())
        if pair in self._continuity.live or _is_too_old(ts_event, state.waiting):
            return
        bids, asks = _order_rows(book.bids), _order_rows(book.asks)
        self._sink.orders(pair, bids, asks, ts_event=ts_event)
        state.ids = {row.order_id for row in (*bids, *asks)}
        state.snapshot_ns = state.ts_event = ts_event
        for time, event, order in state.waiting:
            if time > ts_event:
                self._apply(pair, state, event, order, time)
        state.waiting.clear()
        self._continuity.restored(pair, state.connection, ts_event=state.ts_event)

    def _trade(self, pair: str, trade: _Trade) -> None:
        self._sink.trade(
            pair,
            Side.NONE if trade.type is None else _SIDES[trade.type],
            trade.price_str or _without_noise(number_text(trade.price)),
            trade.amount_str or _without_noise(number_text(trade.amount)),
            ts_event=microseconds_ns(trade.microtimestamp),
        )


def _is_too_old(ts_event: int, waiting: deque[Any]) -> bool:
    """Whether messages later than a snapshot have had to be forgotten."""
    return len(waiting) == _MAX_WAITING and ts_event < waiting[0][0]


def _is_by_order(book: _Book) -> bool:
    return any(len(row) >= _WITH_ORDER_ID for rows in (book.bids, book.asks) for row in rows[:1])


def _order_rows(rows: list[list[str]]) -> list[OrderRow]:
    orders = []
    for row in rows:
        number = row[2] if len(row) >= _WITH_ORDER_ID else ""
        if not (number.isascii() and number.isdecimal() and len(number) < 20):
            raise FeedError(f"{_NAME}'s order has the id {quoted(number)}")
        orders.append(OrderRow(int(number), row[0], row[1]))
    return orders


def _without_noise(text: str) -> str:
    try:
        return f"{Decimal(text).quantize(_DECIMALS).normalize():f}"
    except ArithmeticError:
        raise FeedError(f"{quoted(text)} is not a number") from None


def _recognises(text: bytes) -> bool:
    head = text[:4096]
    return any(name in head for name in _CHANNELS) or head.startswith(_LINES)


VENUE: Final = Venue(
    name="bitstamp",
    title="Bitstamp",
    hosts=("ws.bitstamp.net", "www.bitstamp.net"),
    recognises=_recognises,
    parser=_Parser,
)

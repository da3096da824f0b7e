"""Independent Reserve's WebSocket: books by order, joined with REST snapshots, and trades.

A channel (`orderbook-eth`) tells what happens to the orders of a coin, each with a price in every
currency: a coin's book in each currency ("eth-aud") has the same orders. Books are told in the
currencies in which the recording asks for tickers, or has snapshots; in all if there are none. A
nonce counts a channel's messages. A snapshot (`/Public/GetAllOrders`) has no nonce: messages from
its time on are applied to it, and what it has already of them changes nothing.

An order's id is its GUID folded to 64 bits, see `guid_order_id`; two orders with one id would be
one order, the later.

Source: https://github.com/independentreserve/websockets/blob/master/orderbook-ticker.md,
https://www.independentreserve.com/products/api#GetAllOrders
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Literal

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.events import Action, Side, StatusReason
from market_depth.feeds.venues.base import BookSink, OrderRow, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import (
    NS_PER_MS,
    Milliseconds,
    Sequence,
    decode,
    guid_order_id,
    number_text,
    rfc3339_ns,
    url_parts,
)

__all__ = ["VENUE"]

_NAME: Final = "Independent Reserve"
_MAX_WAITING: Final = 10_000
"""Messages of a coin kept for a snapshot that is older than they are."""
_NEW: Final = "NewOrder"
_CHANGED: Final = "OrderChanged"
_CANCELED: Final = "OrderCanceled"
_TRADE_SIDES: Final = {"Buy": Side.BID, "Sell": Side.ASK}


class _Message(msgspec.Struct, rename="pascal"):
    event: str = ""
    channel: str = ""
    nonce: Sequence = 0
    time: Milliseconds = 0
    data: msgspec.Raw = msgspec.Raw()


class _Order(msgspec.Struct, rename="pascal"):
    order_type: Literal["LimitBid", "LimitOffer", "MarketBid", "MarketOffer"]
    order_guid: str
    price: dict[str, Any] = {}
    volume: Any = 0


class _Trade(msgspec.Struct, rename="pascal"):
    price: Any
    volume: Any
    side: str = ""


class _Resting(msgspec.Struct, rename="pascal"):
    guid: str
    price: Any
    volume: Any


class _Snapshot(msgspec.Struct, rename="pascal"):
    buy_orders: list[_Resting]
    sell_orders: list[_Resting]
    created_timestamp_utc: str
    primary_currency_code: str
    secondary_currency_code: str


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_ORDER: Final = msgspec.json.Decoder(_Order, float_hook=str)
_TRADE: Final = msgspec.json.Decoder(_Trade, float_hook=str)
_SNAPSHOT: Final = msgspec.json.Decoder(_Snapshot, float_hook=str)
_CHANNELS: Final = msgspec.json.Decoder(list[str])


class _Change(msgspec.Struct):
    """What happened to an order."""

    event: str
    side: Side
    order_id: int
    prices: dict[str, str]
    """By currency; only new orders have them."""
    size: str
    ts_event: int
    nonce: int


class _Coin:
    """What is known of the books of one coin."""

    __slots__ = ("books", "connection", "currencies", "nonce", "waiting", "whole_since_ns")

    def __init__(self) -> None:
        self.connection = ""
        self.nonce: int | None = None
        self.currencies: set[str] = set()
        """In which books are wanted."""
        self.books: dict[str, dict[int, str]] = {}
        """Prices of the orders by id, by currency; of books with a snapshot only."""
        self.waiting: deque[_Change] = deque(maxlen=_MAX_WAITING)
        self.whole_since_ns = 0
        """Time of the first message after the last gap: an older snapshot can't be joined."""

    def can_join(self, ts_event: int) -> bool:
        """Whether all messages later than a snapshot are here."""
        is_full = len(self.waiting) == _MAX_WAITING
        return ts_event >= (self.waiting[0].ts_event if is_full else self.whole_since_ns)


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._coins: dict[str, _Coin] = {}

    def opened(self, connection: str) -> None:
        for name, coin in self._coins.items():
            if coin.connection == connection:
                for currency in coin.books:
                    self._continuity.lost(f"{name}-{currency}", StatusReason.DISCONNECTED)
                coin.nonce = None
                coin.waiting.clear()
                coin.whole_since_ns = 0

    def sent(self, connection: str, text: bytes) -> None:
        if b'"Subscribe"' in text:
            self._want(decode(_MESSAGE, text, _NAME))

    def received(self, connection: str, text: bytes) -> None:
        message = decode(_MESSAGE, text, _NAME)
        kind, _, rest = message.channel.partition("-")
        if kind == "orderbook" and message.event in (_NEW, _CHANGED, _CANCELED):
            change = _change(message, decode(_ORDER, message.data, _NAME))
            self._order(connection, rest, change)
        elif kind == "ticker" and message.event == "Trade":
            self._trade(rest, message)
        elif message.event == "Subscriptions":
            self._want(message)

    def fetched(self, url: str, body: bytes) -> None:
        if url_parts(url).path.rpartition("/")[2] != "GetAllOrders":
            return
        snapshot = decode(_SNAPSHOT, body, _NAME)
        name, currency = (
            snapshot.primary_currency_code.lower(),
            snapshot.secondary_currency_code.lower(),
        )
        symbol = f"{name}-{currency}"
        coin = self._coins.setdefault(name, _Coin())
        coin.currencies.add(currency)
        ts_event = rfc3339_ns(snapshot.created_timestamp_utc)
        if symbol in self._continuity.live or not coin.can_join(ts_event):
            return
        sides = [
            [_order_row(row) for row in rows]
            for rows in (snapshot.buy_orders, snapshot.sell_orders)
        ]
        self._sink.orders(symbol, sides[0], sides[1], ts_event=ts_event)
        book = {row.order_id: row.price for side in sides for row in side}
        coin.books[currency] = book
        since_ns = ts_event // NS_PER_MS * NS_PER_MS
        for change in coin.waiting:
            if change.ts_event >= since_ns:
                self._apply(symbol, currency, book, change)
        self._continuity.restored(symbol, coin.connection, ts_event=ts_event)

    def _want(self, message: _Message) -> None:
        """Note the currencies of ticker channels."""
        for channel in decode(_CHANNELS, message.data, _NAME):
            kind, _, pair = channel.partition("-")
            name, _, currency = pair.partition("-")
            if kind == "ticker" and currency:
                self._coins.setdefault(name, _Coin()).currencies.add(currency)

    def _order(self, connection: str, name: str, change: _Change) -> None:
        coin = self._coins.get(name)
        if coin is None:
            coin = self._coins[name] = _Coin()
        coin.connection = connection
        if not self._is_new(name, coin, change):
            return
        coin.waiting.append(change)
        for currency in coin.currencies or change.prices:
            symbol = f"{name}-{currency}"
            if symbol in self._continuity.live:
                self._apply(symbol, currency, coin.books[currency], change)
            else:
                self._continuity.joined(symbol, ts_event=change.ts_event)
        coin.nonce = change.nonce

    def _is_new(self, name: str, coin: _Coin, change: _Change) -> bool:
        """Check a nonce; all books of the coin are lost where others lie between."""
        if coin.nonce is None:
            return True
        expected = coin.nonce + 1
        detail = "" if change.nonce == expected else f"{change.nonce} instead of {expected}"
        self._sink.checked(name, change.nonce == expected, "nonce", detail)
        if change.nonce not in (expected, coin.nonce):
            coin.waiting.clear()
            coin.whole_since_ns = change.ts_event
            for currency in coin.books:
                self._continuity.lost(
                    f"{name}-{currency}", StatusReason.GAP, ts_event=change.ts_event
                )
        return change.nonce != coin.nonce

    def _apply(self, symbol: str, currency: str, book: dict[int, str], change: _Change) -> None:
        """Apply a change; one that the snapshot has already changes nothing."""
        known = book.get(change.order_id)
        is_gone = change.event == _CANCELED or not change.size.strip("0.")
        if change.event == _NEW:
            price = change.prices.get(currency)
            action = Action.ADD if known is None else Action.MODIFY
        else:
            price = known
            action = Action.MODIFY
        if price is None:
            return
        self._sink.order(
            symbol,
            Action.CANCEL if is_gone else action,
            change.side,
            change.order_id,
            price,
            "0" if is_gone else change.size,
            ts_event=change.ts_event,
            sequence=change.nonce,
        )
        if is_gone:
            book.pop(change.order_id, None)
        else:
            book[change.order_id] = price

    def _trade(self, pair: str, message: _Message) -> None:
        """Report a trade in the currency of its channel, or in all those wanted."""
        trade = decode(_TRADE, message.data, _NAME)
        name, _, currency = pair.partition("-")
        coin = self._coins.get(name)
        prices = {currency: trade.price} if currency else trade.price
        if not isinstance(prices, dict):
            channel = quoted(message.channel)
            raise FeedError(f"{_NAME}'s trade in channel {channel} has no currencies")
        wanted = coin.currencies if coin is not None else ()
        for told, price in prices.items():
            if not wanted or str(told).lower() in wanted:
                self._sink.trade(
                    f"{name}-{str(told).lower()}",
                    _TRADE_SIDES.get(trade.side, Side.NONE),
                    number_text(price),
                    number_text(trade.volume),
                    ts_event=message.time * NS_PER_MS,
                )


def _change(message: _Message, order: _Order) -> _Change:
    return _Change(
        message.event,
        Side.BID if order.order_type.endswith("Bid") else Side.ASK,
        guid_order_id(order.order_guid),
        {currency.lower(): number_text(price) for currency, price in order.price.items()},
        number_text(order.volume),
        message.time * NS_PER_MS,
        message.nonce,
    )


def _order_row(row: _Resting) -> OrderRow:
    return OrderRow(guid_order_id(row.guid), number_text(row.price), number_text(row.volume))


def _recognises(text: bytes) -> bool:
    head = text[:4096]
    return b'"Event"' in head and (b'"orderbook-' in head or b'"ticker-' in head)


VENUE: Final = Venue(
    name="independent-reserve",
    title="Independent Reserve",
    hosts=("websockets.independentreserve.com", "api.independentreserve.com"),
    recognises=_recognises,
    parser=_Parser,
)

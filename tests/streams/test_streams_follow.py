"""Whatever happens, a client's view is the server's at the sequence that it has been told.

Books change one by one and in batches, clients subscribe to views of every kind in every encoding,
read slowly or not at all, are cut off with messages on their way, and come back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import RequestError
from market_depth.events import Action, Side
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Resume, Unsubscribe
from market_depth.protocol.wire import Wire, wire_of
from market_depth.streams import Subscriber
from support.book_strategies import FLOWS, NOW_NS, Flow, events_from
from support.flow import Event
from support.follower import Follower
from support.frames import message_of
from support.hypothesis_settings import relaxed
from support.naive_book import NaiveBook
from support.subscribers import BTC, BY_PRICE, EPOCH, INSTRUMENTS, Server

WIRES = [
    wire_of(name, is_compressed=packed) for name in ("json", "msgpack") for packed in (False, True)
]
ALL_LEVELS = 1000
FLOW_OF = {BTC: FLOWS["near one price"], BY_PRICE: FLOWS["set levels"]}

Rows = tuple[list[Any], list[Any]]


class Line(Subscriber):
    """A connection: what is written to it is on its way until the client reads it."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)


@dataclass
class Client:
    """A client with streams, and what it knows of them."""

    line: Line
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    followers: dict[str, Follower] = field(default_factory=dict)
    lagged: set[str] = field(default_factory=set)

    def read(self, count: int | None = None) -> list[str]:
        """Take messages that are on their way; return the streams that have moved."""
        frames, self.line.frames = self.line.frames[:count], self.line.frames[count or 10**9 :]
        moved = []
        for frame in frames:
            message = message_of(frame)
            stream_id = message.get("stream_id", "")
            match message["type"]:
                case "Subscribed":
                    self._begin(message)
                case "MarketData" | "MarketDelta":
                    assert ("resync" in message) is (stream_id in self.lagged)
                    self.lagged.discard(stream_id)
                    self.followers[stream_id].take(message)
                    moved.append(stream_id)
                case "Lagged":
                    assert message["skipped"] > 0
                    self.lagged.add(stream_id)
                case kind:
                    assert kind in ("Unsubscribed", "Status")
        return moved

    def _begin(self, message: dict[str, Any]) -> None:
        stream_id = message["stream_id"]
        known = self.followers.get(stream_id)
        if known is not None and message.get("resumed"):
            return
        instrument = INSTRUMENTS[message["symbol"]]
        self.followers[stream_id] = Follower(
            instrument.price_decimals, instrument.quantity_decimals, message["data_type"]
        )


class Market:
    """A server, the oracle of its books at every sequence, and clients."""

    def __init__(self) -> None:
        self.server = Server()
        self.naive = {BTC: NaiveBook(), BY_PRICE: NaiveBook()}
        self.history: dict[tuple[str, int], tuple[Rows, Rows]] = {}
        self.clients = [Client(Line(wire)) for wire in WIRES]
        for symbol in self.naive:
            self.remember(symbol)

    def remember(self, symbol: str) -> None:
        book = self.naive[symbol]
        views = (book.mbp(ALL_LEVELS, 0), book.mbo(ALL_LEVELS, 0))
        self.history[symbol, book.sequence] = views

    def apply(self, symbol: str, events: list[Event]) -> None:
        for event in events:
            self.naive[symbol].apply([event])
            self.remember(symbol)
        instrument_id = INSTRUMENTS[symbol].instrument_id
        self.server.apply(*[one._replace(instrument_id=instrument_id) for one in events])

    def wait(self, seconds: float) -> None:
        self.server.now_s += seconds
        manager = self.server.manager
        while (due := manager.next_due()) is not None and due <= self.server.now_s:
            manager.flush(self.server.now_s, self.server.wall_ns)

    def subscribe(self, number: int, stream_id: str, **fields: Any) -> None:
        client = self.clients[number]
        if stream_id in client.line.streams:
            with pytest.raises(RequestError, match="already in use"):
                self.server.subscribe(client.line, stream_id, **fields)
            return
        self.server.subscribe(client.line, stream_id, **fields)
        client.requests[stream_id] = fields

    def set_blocked(self, number: int, is_blocked: bool) -> None:
        line = self.clients[number].line
        line.is_blocked = is_blocked
        if not is_blocked:
            self.server.manager.caught_up(line, self.server.wall_ns)

    def read(self, number: int, count: int | None = None) -> None:
        client = self.clients[number]
        for stream_id in client.read(count):
            self.check(client, stream_id)

    def reconnect(self, number: int, lost: int) -> None:
        """Cut a connection with its last messages on their way, and come back."""
        client = self.clients[number]
        self.read(number, max(len(client.line.frames) - lost, 0))
        self.server.manager.drop(client.line)
        client.line = Line(client.line.wire)
        client.lagged.clear()
        requests, client.requests = client.requests, {}
        for stream_id, fields in requests.items():
            known = client.followers.get(stream_id)
            again = dict(fields)
            if known is None or known.data_type == "TRADES":
                client.followers.pop(stream_id, None)
            elif again.get("mode") is Mode.DELTA and known.sequence is not None:
                again["resume"] = Resume(EPOCH, known.sequence)
            self.subscribe(number, stream_id, **again)
            client.requests.pop(stream_id, None)
            client.requests[stream_id] = fields

    def check(self, client: Client, stream_id: str) -> None:
        """Compare what a client sees with the book at that sequence."""
        follower, fields = client.followers[stream_id], client.requests[stream_id]
        assert follower.sequence is not None
        if follower.data_type == "TRADES":
            return
        by_price, by_order = self.history[fields["symbol"], follower.sequence]
        levels = 1 if follower.data_type == "BBO" else fields["max_levels"]
        expected: Rows
        if follower.data_type == "MBO":
            expected = tuple(orders_shown(rows, levels) for rows in by_order)  # type: ignore[assignment]
        else:
            steps = round(float(fields.get("group") or 0) * 100)
            expected = levels_shown(by_price, levels, steps)
        assert (follower.bids, follower.asks) == expected


def orders_shown(rows: list[Any], levels: int) -> list[Any]:
    prices = list(dict.fromkeys(row[1] for row in rows))[:levels]
    return [(str(row[0]), row[1], row[2]) for row in rows if row[1] in prices]


def levels_shown(by_price: Rows, levels: int, step: int) -> Rows:
    bids, asks = by_price
    if not step:
        return levels_of(bids)[:levels], levels_of(asks)[:levels]
    down = [(row[0] // step * step, *row[1:]) for row in bids]
    up = [(-(-row[0] // step) * step, *row[1:]) for row in asks]
    return levels_of(merged(down))[:levels], levels_of(merged(up))[:levels]


def levels_of(rows: list[Any]) -> list[Any]:
    return [(row[0], row[1], None if row[3] == -1 else row[3]) for row in rows]


def merged(rows: list[Any]) -> list[Any]:
    steps: dict[int, list[int]] = {}
    for price, size, _, count, _ in rows:
        step = steps.setdefault(price, [0, 0])
        step[0] += size
        step[1] = -1 if -1 in (count, step[1]) else step[1] + count
    return [(price, size, 0, count, 0) for price, (size, count) in steps.items()]


def is_ordinary(event: Event) -> bool:
    """Whether an event is one that books are usually handed, of sizes that a double can tell."""
    return event.action in tuple(Action) and event.action != Action.STATUS and event.size < 2**40


def events(flow: Flow) -> st.SearchStrategy[list[Event]]:
    event = events_from(flow).filter(is_ordinary).map(lambda one: one._replace(ts_event=NOW_NS))
    return st.lists(event, min_size=1, max_size=12)


NUMBERS = st.integers(0, len(WIRES) - 1)
STREAM_IDS = st.sampled_from("ab")
VIEWS = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from([BTC, BY_PRICE]),
        "data_type": st.sampled_from([DataType.MBP, DataType.MBP, *DataType]),
        "max_levels": st.sampled_from([1, 2, 5, 20]),
        "mode": st.sampled_from([Mode.DELTA, Mode.DELTA, Mode.SNAPSHOT, None]),
        "interval_ms": st.sampled_from([0, 0, 100, 300, None]),
        "group": st.sampled_from([None, None, "0.05", "0.20"]),
        "checksum": st.sampled_from([True, False, None]),
    }
).map(lambda view: fitting(view))


def fitting(view: dict[str, Any]) -> dict[str, Any]:
    """Return a view whose fields go together."""
    if view["data_type"] is DataType.MBO and view["symbol"] == BY_PRICE:
        view = {**view, "symbol": BTC}
    if view["data_type"] is not DataType.MBP:
        view = {**view, "group": None}
    if view["data_type"] is DataType.TRADES:
        view = {**view, "mode": None, "checksum": None}
    return view


STEPS = st.one_of(
    st.tuples(st.just("apply"), st.just(BTC), events(FLOW_OF[BTC])),
    st.tuples(st.just("apply"), st.just(BTC), events(FLOW_OF[BTC])),
    st.tuples(st.just("apply"), st.just(BY_PRICE), events(FLOW_OF[BY_PRICE])),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.1, 0.3, 1.0])),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.3])),
    st.tuples(st.just("subscribe"), NUMBERS, STREAM_IDS, VIEWS),
    st.tuples(st.just("subscribe"), NUMBERS, STREAM_IDS, VIEWS),
    st.tuples(st.just("block"), NUMBERS, st.booleans()),
    st.tuples(st.just("read"), NUMBERS, st.one_of(st.none(), st.integers(1, 3))),
    st.tuples(st.just("reconnect"), NUMBERS, st.integers(0, 3)),
)


def run(steps: list[Any]) -> Market:
    market = Market()
    for step in steps:
        match step:
            case ("apply", symbol, changes):
                market.apply(symbol, changes)
            case ("wait", seconds):
                market.wait(seconds)
            case ("subscribe", number, stream_id, view):
                market.subscribe(number, stream_id, **view)
            case ("block", number, is_blocked):
                market.set_blocked(number, is_blocked)
            case ("read", number, count):
                market.read(number, count)
            case ("reconnect", number, lost):
                market.reconnect(number, lost)
    return market


@relaxed
@given(st.lists(STEPS, min_size=5, max_size=60))
def test_a_view_is_always_the_books_at_its_sequence(steps: list[Any]) -> None:
    market = run(steps)
    for number, client in enumerate(market.clients):
        market.set_blocked(number, False)
        market.wait(60.1)
        market.read(number)
        assert not client.lagged
        for stream_id, follower in client.followers.items():
            symbol = client.requests[stream_id]["symbol"]
            newest = market.naive[symbol]
            if follower.data_type != "TRADES":
                follower.sequence = newest.sequence
                market.check(client, stream_id)
    assert market.naive[BTC].prices(Side.BID) is not None
    for client in market.clients:
        for stream_id in list(client.requests):
            market.server.manager.unsubscribe(client.line, Unsubscribe(stream_id))
    assert market.server.manager.counters.subscriptions == 0
    assert market.server.manager.next_due() is None

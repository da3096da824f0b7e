"""Binance: the forms in which messages come, best levels, tickers, trades, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from market_depth.errors import FeedError
from market_depth.events import Action
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.venues.binance import FUTURES, MAX_TICKERS, SPOT
from support.binance import (
    ASKS,
    BEST,
    BIDS,
    BOTH,
    CHANGED,
    MADE,
    SPOT_MARKET,
    SYMBOL,
    TIME_MS,
    Market,
    compact,
    live,
    snapshot,
    wrapped,
)
from support.damage import damaged, play_damaged
from support.errors import one_line_error
from support.flow import events_of
from support.heard import Connection
from support.hypothesis_settings import relaxed


@BOTH
@pytest.mark.parametrize("stream", ["btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth@0ms"])
def test_messages_are_the_same_bare_and_wrapped(market: Market, stream: str) -> None:
    diff, ticker = market.diff(100, 105), market.ticker(105, BEST[0], ASKS[0])
    streams = [stream, "btcusdt@bookTicker"]
    bare = [diff, ticker]
    both = [wrapped(name, message) for name, message in zip(streams, bare, strict=True)]
    spaced = [{"data": one["data"], "stream": one["stream"]} for one in both]
    for messages in (bare, both, list(map(compact, bare)), list(map(compact, both)), spaced):
        venue = live(market)
        assert venue.receive(*messages) == [CHANGED]
        assert venue.heard.checks == {"update id": 1, "bookTicker": 1}


@BOTH
@pytest.mark.parametrize("is_ticker_first", [False, True])
def test_a_book_ticker_is_compared_where_a_diff_ends_with_its_update(
    market: Market, is_ticker_first: bool
) -> None:
    venue = live(market)
    messages = [market.diff(100, 105), market.ticker(105, BEST[0], ASKS[0])]
    others = [market.ticker(update_id, ["1", "1"], ["2", "1"]) for update_id in (99, 103, 104, 107)]
    venue.receive(*others, *(reversed(messages) if is_ticker_first else messages))
    venue.receive(market.diff(105, 110))
    assert venue.heard.checks["bookTicker"] == 1
    assert venue.heard.compared == {True: 2}


@BOTH
def test_a_book_ticker_that_differs_shows(market: Market) -> None:
    venue = live(market)
    wrong = ["61837.63000000", "4.50000001"]
    venue.receive(market.diff(100, 105), market.ticker(105, wrong, ASKS[0]))
    assert venue.heard.compared == {True: 1, False: 1}


@BOTH
def test_a_book_ticker_says_nothing_of_a_book_that_is_stale_or_has_no_diff(market: Market) -> None:
    venue = Connection(market.venue)
    market.fetch(venue, snapshot(97))
    venue.receive(market.ticker(97, BIDS[0], ASKS[0]))
    gapped = live(market)
    gapped.receive(market.ticker(110, BEST[0], ASKS[0]), market.diff(101, 105))
    gapped.receive(market.diff(105, 110), market.ticker(100, BEST[0], ASKS[0]))
    market.fetch(gapped, snapshot(103))
    for one in (venue, gapped):
        assert one.heard.checks["bookTicker"] == 0


def test_book_tickers_are_compared_with_a_book_that_its_snapshot_makes() -> None:
    venue = Connection(SPOT)
    tickers = [SPOT_MARKET.ticker(update_id, BEST[0], ASKS[0]) for update_id in (95, 100)]
    venue.receive(SPOT_MARKET.diff(90, 95), SPOT_MARKET.diff(95, 100), *tickers)
    SPOT_MARKET.fetch(venue, snapshot(93))
    assert venue.heard.checks["bookTicker"] == 2


def test_book_tickers_are_left_alone_where_nobody_checks() -> None:
    venue = live(SPOT_MARKET)
    venue.heard.is_checking = False
    ticker = SPOT_MARKET.ticker(105, BEST[0], ASKS[0])
    wrapped_one = compact(wrapped("btcusdt@bookTicker", ticker))
    venue.receive(SPOT_MARKET.diff(100, 105), ticker, wrapped_one)
    assert venue.heard.checks == {"update id": 1}


def test_so_many_book_tickers_wait_for_their_diff() -> None:
    venue = live(SPOT_MARKET)
    for update_id in range(101, 102 + MAX_TICKERS):
        venue.receive(SPOT_MARKET.ticker(update_id, BEST[0], ASKS[0]))
    venue.receive(SPOT_MARKET.diff(100, 101))
    assert venue.heard.checks["bookTicker"] == 0
    venue.receive(SPOT_MARKET.diff(101, 102))
    assert venue.heard.checks["bookTicker"] == 1


@BOTH
def test_streams_of_the_best_levels_are_snapshots(market: Market) -> None:
    venue = Connection(market.venue)
    first, second = market.best_levels(7, BIDS, ASKS), market.best_levels(9, BEST, ASKS)
    assert venue.receive(first, compact(second)) == [
        MADE,
        "BTCUSDT snapshot 61837.63000000@4.50000000 | 61837.64000000@1.54698000",
    ]
    assert venue.heard.sequences == [7, 9]
    assert venue.open() == ["BTCUSDT STALE/DISCONNECTED"]
    assert venue.receive(first) == [MADE, "BTCUSDT RECOVERED"]


@BOTH
def test_the_best_levels_give_way_to_diffs_once_these_have_a_snapshot(market: Market) -> None:
    best = market.best_levels(7, BIDS, ASKS)
    venue = Connection(market.venue)
    assert venue.receive(market.diff(90, 95), best) == [
        "BTCUSDT STALE/JOINED",
        MADE,
        "BTCUSDT LIVE",
    ]
    assert venue.receive(market.diff(95, 100), best) == [MADE]
    assert market.fetch(venue, snapshot(97)) == [MADE, CHANGED]
    assert venue.receive(best, market.diff(100, 105), best) == [CHANGED]
    assert not venue.heard.failed


@BOTH
def test_the_best_levels_are_the_book_while_diffs_have_a_gap(market: Market) -> None:
    best = market.best_levels(7, BIDS, ASKS)
    venue = live(market)
    assert venue.receive(market.diff(101, 105), best) == [
        "BTCUSDT STALE/GAP",
        MADE,
        "BTCUSDT RECOVERED",
    ]
    assert venue.receive(market.diff(106, 110)) == []
    assert market.fetch(venue, snapshot(108)) == [MADE, CHANGED]
    assert venue.receive(best, market.diff(110, 111)) == [CHANGED]


def trade(kind: str, time: int = TIME_MS, **fields: object) -> dict[str, object]:
    number = {"t": 12345} if kind == "trade" else {"a": 5933014, "f": 100, "l": 105}
    return {
        "e": kind,
        "E": time + 1,
        "s": SYMBOL,
        "p": "61837.64000000",
        "q": "0.00100000",
        "T": time,
        "m": False,
        **number,
        **fields,
    }


@pytest.mark.parametrize(("kind", "number"), [("trade", 12345), ("aggTrade", 5933014)])
def test_a_trade_has_the_takers_side(kind: str, number: int) -> None:
    venue = Connection(SPOT)
    buyer_made = trade(kind, m=True)
    assert venue.receive(trade(kind), wrapped(f"btcusdt@{kind}", buyer_made)) == [
        "BTCUSDT trade BID 61837.64000000@0.00100000",
        "BTCUSDT trade ASK 61837.64000000@0.00100000",
    ]
    assert venue.heard.times == [TIME_MS * 1_000_000] * 2
    assert venue.heard.sequences == [number] * 2


def test_trades_of_a_symbol_are_taken_from_one_kind_of_stream() -> None:
    venue = Connection(FUTURES)
    assert len(venue.receive(trade("aggTrade"), trade("trade"), trade("aggTrade"))) == 2


def test_what_is_no_trade_of_the_market_is_left_out() -> None:
    venue = Connection(FUTURES)
    others = [trade("trade", X=kind, p="0", q="0") for kind in ("INSURANCE_FUND", "ADL", "NA")]
    assert len(venue.receive(*others, trade("trade", X="MARKET"))) == 1


@pytest.mark.parametrize(
    ("time", "time_ns"),
    [
        (TIME_MS, TIME_MS * 10**6),
        (TIME_MS * 1000 + 7, (TIME_MS * 1000 + 7) * 1000),
        (9_223_372_036_854, 9_223_372_036_854 * 10**6),
        (9_223_372_036_855, 9_223_372_036_855 * 1000),
    ],
)
def test_times_are_in_milliseconds_or_microseconds(time: int, time_ns: int) -> None:
    venue = Connection(SPOT)
    venue.receive(trade("trade", time))
    assert venue.heard.times == [time_ns]


@pytest.mark.parametrize(
    "message",
    [
        {"result": None, "id": 1},
        {"error": {"code": 2, "msg": "Invalid request"}, "id": 1},
        {"e": "kline", "E": 1, "s": SYMBOL, "k": {"t": 1, "B": "123456"}},
        wrapped("btcusdt@kline_1m", {"e": "kline"}),
        compact(wrapped("btcusdt@kline_1m", {"e": "kline"})),
        compact(wrapped("!bookTicker", {"u": 1})),
        {"e": "forceOrder", "E": 1, "o": {"s": SYMBOL}},
    ],
)
def test_other_messages_are_passed_over(message: object) -> None:
    assert live(SPOT_MARKET).receive(message) == []


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        {"s": 5},
        {"u": -1},
        {"u": 2**63},
        {"u": "105"},
        {"U": None},
        {"b": None},
        {"b": [["1"]]},
        {"b": [["1", 2]]},
        {"a": [["1", "2", "3"]]},
        {"E": -1},
        {"E": 2**62},
    ],
)
def test_a_diff_that_the_venue_does_not_send_is_one_clear_error(
    market: Market, change: dict[str, object]
) -> None:
    broken = {**market.diff(100, 105), **change}
    for message in (broken, wrapped("btcusdt@depth", broken)):
        venue = live(market)
        for text in (message, compact(message)):
            with one_line_error(FeedError, "Binance"):
                venue.receive(text)
        assert venue.receive(market.diff(100, 105)) == [CHANGED]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff",
        b"[" * 100_000,
        b'{"stream":"btcusdt@depth"}',
        b'{"stream":"btcusdt@depth","data":1}',
        b'{"stream": "btcusdt@depth"}',
        b'{"stream":"btcusdt@depth20","data":{}}',
        b'{"stream":"btcusdt@depth20","data":{"lastUpdateId":1,"bids":[["1"]]}}',
        b'{"stream":"btcusdt@trade","data":{}}',
        b'{"stream":"btcusdt@bookTicker","data":{}}',
        {"e": "trade", "s": SYMBOL},
        {**trade("trade"), "m": "yes"},
        {"e": "bookTicker", "s": SYMBOL},
        {"lastUpdateId": 5, "bids": 7},
        {"lastUpdateId": -5, "bids": []},
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(message: object) -> None:
    venue = live(SPOT_MARKET)
    with one_line_error(FeedError, "Binance"):
        venue.receive(message)
    assert venue.heard.said() == []
    assert venue.receive(SPOT_MARKET.diff(100, 105)) == [CHANGED]


def test_a_response_that_the_venue_does_not_send_is_one_clear_error() -> None:
    venue = Connection(SPOT)
    with one_line_error(FeedError, "Binance"):
        SPOT_MARKET.fetch(venue, {"lastUpdateId": 5, "bids": [["1", 2]], "asks": []})


@BOTH
def test_its_messages_are_recognised(market: Market) -> None:
    other = FUTURES if market.venue is SPOT else SPOT
    for message in (market.diff(1, 2), market.best_levels(1, BIDS, ASKS)):
        for text in (compact(message), compact(wrapped("btcusdt@depth", message))):
            assert market.venue.recognises(text)
            assert not other.recognises(text)
    assert not market.venue.recognises(b'{"channel":"book"}')


def recorded(path: Path, *messages: object) -> Path:
    """Write a recording, each message a millisecond behind the one before."""
    lines = [b"%d %b\n" % (TIME_MS * 10**6 + n * 10**6, compact(m)) for n, m in enumerate(messages)]
    path.write_bytes(b"".join(lines))
    return path


def test_prices_and_sizes_become_integers_exactly(tmp_path: Path) -> None:
    bids = [["0.00000003", "90071992.54740993"], ["0.00000002", "0.00000001"]]
    path = recorded(
        tmp_path / "day.txt",
        SPOT_MARKET.diff(90, 95, [], []),
        snapshot(95, bids, [["0.29000000", "1"]]),
        SPOT_MARKET.diff(95, 96, [["0.00000003", "0.30000000"]], [["0.29", "0"]]),
    )
    format_ = format_of(path)
    assert format_.name == "binance"
    source = format_.open([path], OpenOptions())
    (instrument,) = source.instruments
    assert (instrument.price_decimals, instrument.quantity_decimals) == (8, 8)
    events = [event for chunk in source.chunks() for event in events_of(chunk)]
    levels = [(e.price, e.size) for e in events if e.action == Action.LEVEL]
    assert levels == [
        (3, 9_007_199_254_740_993),
        (2, 1),
        (29_000_000, 100_000_000),
        (3, 30_000_000),
        (29_000_000, 0),
    ]


RECORDED = [
    *(compact(SPOT_MARKET.diff(behind, behind + 5)) for behind in (90, 95)),
    compact(snapshot(93)),
    compact(wrapped("btcusdt@depth@100ms", SPOT_MARKET.diff(100, 105))),
    compact(wrapped("btcusdt@bookTicker", SPOT_MARKET.ticker(105, BEST[0], ASKS[0]))),
    compact(trade("trade")),
    compact(SPOT_MARKET.best_levels(106, BIDS, ASKS)),
    compact(SPOT_MARKET.diff(105, 110)),
]
WHOLE = b"".join(b"%d %b\n" % (TIME_MS * 10**6, message) for message in RECORDED)


@relaxed
@given(data=damaged(WHOLE))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.txt"
    path.write_bytes(data)
    play_damaged(path, lambda: format_of(path).open([path], OpenOptions()))

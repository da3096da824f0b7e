"""Binance: books of diffs and snapshots, and what gaps do to them."""

from __future__ import annotations

import pytest

from market_depth.feeds.venues.binance import MAX_WAITING
from support.binance import (
    BOTH,
    CHANGED,
    FUTURES_MARKET,
    MADE,
    SPOT_MARKET,
    SYMBOL,
    TIME_MS,
    Market,
    live,
    snapshot,
)
from support.heard import Connection, Heard
from support.recorded_messages import Message, cryptofeed_messages, heard_of, line_messages
from support.recordings import recording


@BOTH
def test_diffs_wait_for_the_snapshot_and_those_that_it_has_are_dropped(market: Market) -> None:
    venue = Connection(market.venue)
    diffs = [market.diff(first, first + 5) for first in (85, 90, 95, 100)]
    assert venue.receive(*diffs[:2]) == ["BTCUSDT STALE/JOINED"]
    assert venue.receive(*diffs[2:]) == []
    assert market.fetch(venue, snapshot(97)) == [MADE, CHANGED, CHANGED, "BTCUSDT LIVE"]
    assert venue.heard.sequences == [0, 97, 100, 105, 0]
    assert venue.heard.times[2:4] == [TIME_MS * 1_000_000] * 2
    assert venue.receive(market.diff(105, 106)) == [CHANGED]
    assert not venue.heard.failed


@BOTH
@pytest.mark.parametrize(
    ("snapshot_id", "applied"), [(95, 2), (96, 2), (99, 2), (100, 1), (105, 0)]
)
def test_the_first_diff_behind_a_snapshot_covers_the_update_behind_it(
    market: Market, snapshot_id: int, applied: int
) -> None:
    venue = Connection(market.venue)
    venue.receive(market.diff(95, 100), market.diff(100, 105))
    said = market.fetch(venue, snapshot(snapshot_id))
    assert said == [MADE, *(applied * [CHANGED]), "BTCUSDT LIVE"]
    assert venue.receive(market.diff(105, 110)) == [CHANGED]
    assert not venue.heard.failed


@BOTH
def test_a_snapshot_from_before_the_first_diff_is_not_taken_but_a_later_one(market: Market) -> None:
    venue = Connection(market.venue)
    venue.receive(market.diff(95, 100))
    assert market.fetch(venue, snapshot(94)) == []
    assert venue.heard.failed == ["BTCUSDT update id from 95 on instead of 94"]
    assert market.fetch(venue, snapshot(97)) == [MADE, CHANGED, "BTCUSDT LIVE"]


@BOTH
def test_a_snapshot_may_come_before_all_diffs(market: Market) -> None:
    venue = Connection(market.venue)
    assert market.fetch(venue, snapshot(97)) == [MADE]
    assert venue.receive(market.diff(90, 95), market.diff(95, 100)) == [CHANGED]
    assert venue.receive(market.diff(100, 105)) == [CHANGED]
    assert not venue.heard.failed


@BOTH
def test_diffs_that_begin_too_late_behind_a_snapshot_are_a_gap(market: Market) -> None:
    venue = Connection(market.venue)
    market.fetch(venue, snapshot(97))
    assert venue.receive(market.diff(98, 100)) == ["BTCUSDT STALE/GAP"]
    assert market.fetch(venue, snapshot(98)) == [MADE, CHANGED, "BTCUSDT RECOVERED"]


@BOTH
def test_a_gap_makes_the_book_stale_until_the_next_snapshot(market: Market) -> None:
    venue = live(market)
    assert venue.receive(market.diff(101, 105), market.diff(105, 110)) == ["BTCUSDT STALE/GAP"]
    assert venue.heard.failed == ["BTCUSDT update id from 101 on instead of 100"]
    assert venue.heard.times[-1] == TIME_MS * 1_000_000
    assert market.fetch(venue, snapshot(103)) == [MADE, CHANGED, CHANGED, "BTCUSDT RECOVERED"]
    assert venue.receive(market.diff(110, 115)) == [CHANGED]


@BOTH
def test_a_gap_while_a_snapshot_is_waited_for_asks_for_a_later_one(market: Market) -> None:
    venue = Connection(market.venue)
    venue.receive(market.diff(90, 95), market.diff(96, 100))
    assert market.fetch(venue, snapshot(93)) == []
    assert market.fetch(venue, snapshot(98)) == [MADE, CHANGED, "BTCUSDT LIVE"]


@BOTH
def test_diffs_that_follow_one_another_are_checked(market: Market) -> None:
    venue = live(market)
    venue.receive(market.diff(100, 103), market.diff(103, 104))
    assert venue.heard.checks == {"update id": 2}
    assert venue.heard.sequences[-2:] == [103, 104]


@BOTH
def test_a_diff_that_comes_twice_is_applied_once(market: Market) -> None:
    venue = live(market)
    once = market.diff(100, 105)
    assert venue.receive(once, once, market.diff(90, 103), market.diff(105, 106)) == [CHANGED] * 2
    assert not venue.heard.failed
    waiting = Connection(market.venue)
    waiting.receive(once, once)
    assert market.fetch(waiting, snapshot(103)) == [MADE, CHANGED, "BTCUSDT LIVE"]


@BOTH
def test_a_slower_stream_beside_does_no_harm(market: Market) -> None:
    venue = live(market)
    slow = market.diff(95, 110)
    assert venue.receive(market.diff(100, 105), slow, market.diff(105, 110)) == [CHANGED] * 2
    assert venue.receive(market.diff(110, 115)) == [CHANGED]
    assert not venue.heard.failed


@BOTH
def test_another_snapshot_does_not_replace_a_book_that_is_whole(market: Market) -> None:
    venue = live(market)
    assert market.fetch(venue, snapshot(98)) == []
    assert venue.receive(market.diff(100, 101)) == [CHANGED]


@BOTH
def test_a_new_connection_makes_its_books_stale(market: Market) -> None:
    venue = live(market)
    venue.parser.opened("wss://another")
    assert venue.receive(market.diff(100, 105)) == [CHANGED]
    assert venue.heard.checks == {"update id": 1}
    assert venue.open() == ["BTCUSDT STALE/DISCONNECTED"]
    assert venue.receive(market.diff(200, 205)) == []
    assert venue.heard.failed == []
    assert market.fetch(venue, snapshot(203)) == [MADE, CHANGED, "BTCUSDT RECOVERED"]
    waiting = Connection(market.venue)
    waiting.receive(market.diff(95, 100))
    waiting.parser.opened("wss://another")
    assert market.fetch(waiting, snapshot(97)) == [MADE, CHANGED, "BTCUSDT LIVE"]
    early = Connection(market.venue)
    market.fetch(early, snapshot(97))
    early.receive(market.diff(95, 100))
    assert early.open() == ["BTCUSDT STALE/DISCONNECTED"]


@BOTH
def test_so_many_diffs_wait_for_a_snapshot(market: Market) -> None:
    venue = Connection(market.venue)
    for update_id in range(MAX_WAITING + 1):
        venue.receive(market.diff(update_id, update_id + 1, []))
    assert market.fetch(venue, snapshot(0)) == []
    assert len(market.fetch(venue, snapshot(1))) == 1 + MAX_WAITING + 1


@BOTH
def test_symbols_have_books_of_their_own(market: Market) -> None:
    venue = live(market)
    other = market.diff(7, 9, symbol="ETHUSDT")
    assert venue.receive(other) == ["ETHUSDT STALE/JOINED"]
    assert market.fetch(venue, snapshot(8), "ETHUSDT")[-1] == "ETHUSDT LIVE"
    assert venue.receive(market.diff(100, 101)) == [CHANGED]


@BOTH
def test_responses_that_are_no_books_are_passed_over(market: Market) -> None:
    venue = Connection(market.venue)
    assert venue.fetch("https://api.binance.com/api/v3/exchangeInfo", {"symbols": []}) == []
    assert venue.fetch("https://api.binance.com/api/v3/depth", snapshot(1)) == []
    assert venue.fetch("http://[", snapshot(1)) == []
    assert venue.fetch("https://api.binance.com/api/v3/trades?symbol=BTCUSDT", [{"id": 1}]) == []
    assert market.fetch(venue, {"code": -1121, "msg": "Invalid symbol."}) == []
    assert market.fetch(venue, snapshot(1), "btcusdt")[0].startswith("BTCUSDT snapshot")


@BOTH
def test_a_recorders_snapshot_among_the_messages_is_of_the_only_symbol(market: Market) -> None:
    venue = Connection(market.venue)
    venue.receive(market.diff(95, 100))
    assert venue.receive(snapshot(97)) == [MADE, CHANGED, "BTCUSDT LIVE"]
    early = Connection(market.venue)
    assert early.receive(snapshot(97)) == []
    assert early.receive(market.diff(95, 100)) == [
        "BTCUSDT STALE/JOINED",
        MADE,
        CHANGED,
        "BTCUSDT LIVE",
    ]


@BOTH
def test_a_recorders_snapshot_of_one_of_several_symbols_must_name_it(market: Market) -> None:
    venue = Connection(market.venue)
    venue.receive(market.diff(95, 100), market.diff(95, 100, symbol="ETHUSDT"))
    assert venue.receive(snapshot(97)) == []
    assert venue.receive({**snapshot(97), "symbol": SYMBOL})[-1] == "BTCUSDT LIVE"


def never_crossed() -> Heard:
    """Return a sink that fails where a book is crossed or locked."""
    heard = Heard()

    def look(symbol: str) -> None:
        best = heard.best(symbol)
        assert best is None or best[0] < best[1]

    heard.after_change = look
    return heard


SPOT_DAYS = [f"binance_hftbacktest/spot/btcusdt_{day}.gz" for day in ("20240808", "20240809")]
FUTURES_DAYS = ["binance_hftbacktest/usdm/ethusdt_20240808.gz"]


@pytest.mark.parametrize(
    ("market", "names", "diffs", "checks"),
    [(SPOT_MARKET, SPOT_DAYS, 6495, 1072), (FUTURES_MARKET, FUTURES_DAYS, 6586, 551)],
    ids=["spot", "futures"],
)
def test_a_recording_has_no_gap_and_every_book_ticker_is_the_books(
    market: Market, names: list[str], diffs: int, checks: int
) -> None:
    messages = [
        message for name in names for message in line_messages(recording(name), skipped_words=1)
    ]
    heard = heard_of(market.venue, messages, never_crossed())
    assert len(depth_messages(messages)) == diffs
    assert heard.checks["bookTicker"] == checks
    assert heard.compared == {True: 2 * checks}
    assert not heard.failed
    assert heard.count("snapshot") == 1
    assert [line.split()[1] for line in heard.lines if "/" in line or "LIVE" in line] == [
        "STALE/JOINED",
        "LIVE",
    ]


def depth_messages(messages: list[Message]) -> list[Message]:
    return [one for one in messages if b'"depthUpdate"' in one.text]


@pytest.mark.parametrize(
    ("market", "name", "checks"),
    [(SPOT_MARKET, "BINANCE", 26), (FUTURES_MARKET, "BINANCE_FUTURES", 50)],
    ids=["spot", "futures"],
)
def test_a_recording_with_books_by_rest_agrees_with_every_book_ticker(
    market: Market, name: str, checks: int
) -> None:
    paths = [recording(f"cryptofeed/{name}.{part}") for part in ("http.0.0", "ws.1.0")]
    heard = heard_of(market.venue, cryptofeed_messages(*paths), never_crossed())
    assert heard.checks["bookTicker"] == checks
    assert heard.compared == {True: 2 * checks}
    assert not heard.failed
    assert len(heard.books) == heard.count("snapshot") == 4

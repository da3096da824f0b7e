from __future__ import annotations

import json
import zlib

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.files import read_blocks
from market_depth.feeds.venues.bitfinex import VENUE
from support.errors import one_line_error
from support.heard import Connection, Heard
from support.recorded_messages import Message, cryptofeed_messages, heard_of
from support.recordings import recording

SEQUENCES, TIMESTAMPS, CHECKSUMS, BULK = 65_536, 32_768, 131_072, 536_870_912
CHANNEL = 8047


def subscribed(
    channel: int = CHANNEL, name: str = "book", prec: str = "R0", symbol: str = "tBTCUSD"
) -> dict[str, object]:
    values = {"event": "subscribed", "channel": name, "chanId": channel, "symbol": symbol}
    return values | {"prec": prec, "freq": "F0", "len": "25"}


def conf(flags: int) -> dict[str, object]:
    return {"event": "conf", "status": "OK", "flags": flags}


def raw(*, flags: int = 0) -> Connection:
    """Return a connection with a raw book of two orders."""
    venue = Connection(VENUE)
    rest = [1] if flags & SEQUENCES else []
    rows = [[7, 60_945, 0.25], [8, 60_946.5, -1]]
    said = venue.receive(conf(flags), subscribed(), [CHANNEL, rows, *rest])
    assert said == ["tBTCUSD orders 7:60945@0.25 | 8:60946.5@1"]
    return venue


def by_price(*, flags: int = 0) -> Connection:
    """Return a connection with a book by price of two levels."""
    venue = Connection(VENUE)
    rows = [[7254.7, 3, 3.3], [7254.8, 1, -0.5]]
    said = venue.receive(conf(flags), subscribed(prec="P0"), [CHANNEL, rows])
    assert said == ["tBTCUSD snapshot 7254.7@3.3x3 | 7254.8@0.5x1"]
    return venue


def test_orders_of_a_raw_book_come_change_and_go() -> None:
    venue = raw()
    assert venue.receive(
        [CHANNEL, [9, 60_944.25, 0.1]],
        [CHANNEL, [9, 60_944.5, 0.2]],
        [CHANNEL, [8, 0, -1]],
        [CHANNEL, [9, 0, 1]],
    ) == [
        "tBTCUSD ADD BID 9 60944.25@0.1",
        "tBTCUSD MODIFY BID 9 60944.5@0.2",
        "tBTCUSD CANCEL ASK 8 60946.5@0",
        "tBTCUSD CANCEL BID 9 60944.5@0",
    ]
    assert venue.heard.checks == {"known order": 2}


def test_an_order_that_is_not_there_can_not_go() -> None:
    venue = raw()
    assert venue.receive([CHANNEL, [70, 0, 1]]) == []
    assert venue.heard.failed == ["tBTCUSD known order 70"]


def test_levels_of_a_book_by_price_come_and_go() -> None:
    assert by_price().receive([CHANNEL, [7254.5, 2, 1.25]], [CHANNEL, [7254.8, 0, -1]]) == [
        "tBTCUSD levels 7254.5@1.25x2 |",
        "tBTCUSD levels | 7254.8@0x0",
    ]


def test_numbers_keep_their_digits() -> None:
    venue = by_price()
    venue.receive(b"[8047,[0.00002505000000000000001,2,5e-7]]")
    assert venue.heard.sequences
    assert venue.receive(b"[8047,[0.1,1,-684.8165873000]]") == [
        "tBTCUSD levels | 0.1@684.8165873000x1"
    ]


def test_small_numbers_lose_their_exponents() -> None:
    assert by_price().receive(b"[8047,[2.5e-6,2,-5e-7]]") == [
        "tBTCUSD levels | 0.0000025@0.0000005x2"
    ]


def test_an_empty_book_may_be_filled() -> None:
    venue = Connection(VENUE)
    assert venue.receive(subscribed(), [CHANNEL, []]) == ["tBTCUSD orders  | "]
    assert venue.receive([CHANNEL, [1, 5, 1]]) == ["tBTCUSD ADD BID 1 5@1"]


def test_a_change_before_any_snapshot_is_not_applied() -> None:
    venue = Connection(VENUE)
    assert venue.receive(subscribed(), [CHANNEL, [7, 5, 1]]) == ["tBTCUSD STALE/JOINED"]
    assert venue.receive([CHANNEL, [[7, 5, 1]]]) == ["tBTCUSD orders 7:5@1 | ", "tBTCUSD LIVE"]


def test_sequences_count_every_message_of_a_channel() -> None:
    venue = raw(flags=SEQUENCES)
    assert venue.receive([CHANNEL, [9, 5, 1], 2], [CHANNEL, "hb", 3], [99, [1, 2], 4]) == [
        "tBTCUSD ADD BID 9 5@1"
    ]
    assert venue.heard.checks["sequence"] == 3
    assert venue.heard.sequences[-1] == 2


@pytest.mark.parametrize("gap", [[CHANNEL, "hb", 3], [CHANNEL, [9, 5, 1], 9], [99, "hb", 3]])
def test_a_gap_makes_every_book_of_the_connection_stale(gap: object) -> None:
    venue = raw(flags=SEQUENCES)
    other = [subscribed(5, symbol="tETHUSD"), [5, [[1, 2, 3]], 2]]
    venue.receive(*other)
    gap = [*gap[:-1], gap[-1] + 1]  # type: ignore[index]
    assert venue.receive(gap) == ["tBTCUSD STALE/GAP", "tETHUSD STALE/GAP"]
    follows = gap[-1] + 1
    assert venue.receive([CHANNEL, [10, 5, 1], follows]) == []
    said = venue.receive([CHANNEL, [[7, 5, 1]], follows + 1])
    assert said == ["tBTCUSD orders 7:5@1 | ", "tBTCUSD RECOVERED"]


def test_a_message_that_comes_twice_is_taken_once() -> None:
    venue = raw(flags=SEQUENCES)
    message = [CHANNEL, [9, 5, 1], 2]
    assert venue.receive(message, message, [CHANNEL, "hb", 3]) == ["tBTCUSD ADD BID 9 5@1"]


def test_times_stand_behind_sequences() -> None:
    venue = raw(flags=SEQUENCES)
    venue.receive(conf(SEQUENCES | TIMESTAMPS), [CHANNEL, [9, 5, 1], 2, 1_573_737_405_000])
    assert venue.heard.times[-1] == 1_573_737_405_000_000_000


def test_several_changes_may_come_at_once() -> None:
    assert raw(flags=BULK).receive([CHANNEL, [[9, 5, 1], [7, 0, 1]]]) == [
        "tBTCUSD ADD BID 9 5@1",
        "tBTCUSD CANCEL BID 7 60945@0",
    ]


def test_a_channel_may_be_given_up_and_taken_again() -> None:
    venue = raw()
    ended = {"event": "unsubscribed", "status": "OK", "chanId": CHANNEL}
    assert venue.receive(ended) == ["tBTCUSD STALE/DISCONNECTED"]
    assert venue.receive([CHANNEL, [9, 5, 1]]) == []
    said = venue.receive(subscribed(5), [5, [[7, 5, 1]]])
    assert said == ["tBTCUSD orders 7:5@1 | ", "tBTCUSD RECOVERED"]


def test_a_new_connection_has_no_channels() -> None:
    venue = raw()
    assert venue.open() == ["tBTCUSD STALE/DISCONNECTED"]
    assert venue.receive([CHANNEL, [9, 5, 1]]) == []
    said = venue.receive(subscribed(), [CHANNEL, [[7, 5, 1]]])
    assert said == ["tBTCUSD orders 7:5@1 | ", "tBTCUSD RECOVERED"]


def test_one_channel_tells_a_symbols_book() -> None:
    assert raw().receive(subscribed(5, prec="P0"), [5, [[1, 2, 3]]], [5, [1, 2, 3]]) == []


def test_books_of_funding_are_passed_over() -> None:
    assert Connection(VENUE).receive(subscribed(5, symbol="fUSD"), [5, [[1, 2, 3, 4]]]) == []


def test_a_checksum_covers_price_and_amount_of_the_best_levels_in_turn() -> None:
    text = b"7254.7:3.3:7254.8:-0.5:7254.6:1:7255:-2:7254.5:1"
    signed = zlib.crc32(text) - (2**32 if zlib.crc32(text) >= 2**31 else 0)
    venue = by_price(flags=CHECKSUMS)
    venue.receive([CHANNEL, [7254.5, 1, 1]], [CHANNEL, [7255, 1, -2]], [CHANNEL, [7254.6, 1, 1]])
    assert venue.receive([CHANNEL, "cs", signed]) == []
    assert venue.heard.checks == {"CRC-32": 1}
    assert venue.receive([CHANNEL, "cs", signed + 1]) == ["tBTCUSD STALE/CHECKSUM"]
    assert len(venue.heard.failed) == 1


def test_a_checksum_of_a_raw_book_covers_ids_and_amounts() -> None:
    text = b"7:0.25:8:-1:5:0.1:9:0.2"
    venue = raw(flags=CHECKSUMS)
    venue.receive([CHANNEL, [9, 60_944, 0.2]], [CHANNEL, [5, 60_944, 0.1]])
    assert venue.receive([CHANNEL, "cs", zlib.crc32(text)]) == []
    assert venue.heard.checks == {"CRC-32": 1}


def test_a_checksum_covers_no_more_than_25_rows_a_side() -> None:
    venue = Connection(VENUE)
    bids = [[price, 1, 2] for price in range(100, 70, -1)]
    venue.receive(subscribed(prec="P0"), [CHANNEL, bids])
    text = ":".join(f"{price}:2" for price in range(100, 75, -1))
    venue.receive([CHANNEL, "cs", zlib.crc32(text.encode())])
    assert venue.heard.checks == {"CRC-32": 1}


def test_trades_are_told_once_with_the_aggressors_side() -> None:
    venue = Connection(VENUE)
    trade = [1, 1_654_702_500_098, -0.0325, 1818.5]
    assert venue.receive(
        subscribed(5, name="trades"),
        [5, [trade, trade]],
        [5, "te", trade],
        [5, "tu", trade],
        [5, "te", [2, 1_654_702_500_098, 3, 1818]],
    ) == ["tBTCUSD trade ASK 1818.5@0.0325", "tBTCUSD trade BID 1818@3"]
    assert venue.heard.times == [1_654_702_500_098_000_000] * 2


@pytest.mark.parametrize(
    "bad",
    [
        b"[",
        b"{",
        b"[\xff]",
        b"[" * 100_000,
        [],
        [CHANNEL],
        ["x", []],
        [CHANNEL, 5],
        [CHANNEL, "x"],
        [CHANNEL, [1, 2]],
        [CHANNEL, [1, 2, None]],
        [CHANNEL, [1, 2, ""]],
        [CHANNEL, [-1, 2, 3]],
        [CHANNEL, [1.5, 2, 3]],
        [CHANNEL, [2**64, 2, 3]],
        [CHANNEL, [[1, 2]]],
        [CHANNEL, [[1, 2, 3], 4]],
        [CHANNEL, "cs"],
        [CHANNEL, "cs", "x"],
        b"[8047,[1,1e99999999,3]]",
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(bad: object) -> None:
    venue = raw()
    with one_line_error(FeedError):
        venue.receive(bad)
    assert venue.receive([CHANNEL, [9, 5, 1]]) == ["tBTCUSD ADD BID 9 5@1"]


@pytest.mark.parametrize("bad", [[5, "te"], [5, "te", [1, 2]], [5, "te", [1, "x", 1, 1]]])
def test_a_trade_that_is_none_is_one_clear_error(bad: object) -> None:
    with one_line_error(FeedError, "trade"):
        Connection(VENUE).receive(subscribed(5, name="trades"), bad)


@pytest.mark.parametrize("bad", [[CHANNEL, [9, 5, 1]], [CHANNEL, [9, 5, 1], "2"]])
def test_a_sequence_that_is_missing_is_one_clear_error(bad: object) -> None:
    with one_line_error(FeedError, "number"):
        raw(flags=SEQUENCES).receive(bad)


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(json.dumps(subscribed()).encode())
    assert VENUE.recognises(b'{"event":"info","version":2,"serverId":"x","platform":{"status":1}}')
    assert not VENUE.recognises(b'{"channel":"book"}')


def test_a_recording_of_a_raw_book_deletes_no_order_that_is_not_there() -> None:
    text = b"".join(read_blocks(recording("bitfinex_r0/L3_feed.json")))
    messages = [
        Message(0, "received", "", json.dumps(entry).encode()) for entry in json.loads(text)
    ]
    heard = heard_of(VENUE, messages)
    assert heard.failed == []
    assert heard.checks == {"known order": heard.count("CANCEL")}
    changes = [heard.count(action) for action in ("ADD", "MODIFY", "CANCEL")]
    assert (sum(changes), changes) == (99_998, [37_009, 25_968, 37_021])


def test_a_recording_of_books_by_price_has_every_sequence() -> None:
    messages = cryptofeed_messages(recording("cryptofeed/BITFINEX.ws.11.0"))
    heard = Heard()

    def look(symbol: str) -> None:
        best = heard.best(symbol)
        assert best is not None
        assert best[0] < best[1]

    heard.after_change = look
    heard_of(VENUE, messages, heard)
    assert heard.failed == []
    assert heard.checks == {"sequence": 1669}
    assert (heard.count("snapshot"), heard.count("levels")) == (7, 1593)

from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.decoding import guid_order_id
from market_depth.feeds.venues.independent_reserve import VENUE
from support.errors import one_line_error
from support.heard import Connection
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording

REST = (
    "https://api.independentreserve.com/Public/GetAllOrders"
    "?primaryCurrencyCode=eth&secondaryCurrencyCode=aud"
)
TIME_MS = 1_689_718_320_000
TIME_TEXT = "2023-07-18T22:12:00.0000000Z"


def guid(number: int) -> str:
    """Return a GUID whose order id is *number*."""
    return f"00000000-0000-0000-{number >> 48:04x}-{number & (2**48 - 1):012x}"


def event(name: str, nonce: int, number: int, ms: int = 1, **values: object) -> dict[str, object]:
    data = {"OrderType": "LimitBid", "OrderGuid": guid(number), **values}
    envelope = {"Channel": "orderbook-eth", "Nonce": nonce, "Time": TIME_MS + ms, "Event": name}
    return {**envelope, "Data": data}


def new(
    nonce: int, number: int, aud: float = 2500, ms: int = 1, size: float = 1.5
) -> dict[str, object]:
    return event("NewOrder", nonce, number, ms, Price={"aud": aud, "usd": 1816.5}, Volume=size)


def changed(nonce: int, number: int, size: float, ms: int = 1) -> dict[str, object]:
    return event("OrderChanged", nonce, number, ms, Volume=size)


def canceled(nonce: int, number: int, ms: int = 1) -> dict[str, object]:
    return event("OrderCanceled", nonce, number, ms)


def snapshot(*bids: int, currency: str = "Aud", time: str = TIME_TEXT) -> dict[str, object]:
    return {
        "BuyOrders": [{"Guid": guid(number), "Price": 2400.5, "Volume": 2.0} for number in bids],
        "SellOrders": [{"Guid": guid(99), "Price": 2600, "Volume": 3}],
        "CreatedTimestampUtc": time,
        "PrimaryCurrencyCode": "Eth",
        "SecondaryCurrencyCode": currency,
    }


SAID_SNAPSHOT = "eth-aud orders 1:2400.5@2.0 | 99:2600@3"


def live() -> Connection:
    """Return a connection whose first message has the nonce 10, with the book of ETH in AUD."""
    venue = Connection(VENUE)
    venue.parser.sent("wss://venue", b'{"Event":"Subscribe","Data":["ticker-eth-aud"]}')
    venue.fetch(REST, snapshot(1))
    venue.receive(canceled(10, 77))
    return venue


def test_orders_come_change_and_go() -> None:
    venue = live()
    assert venue.receive(
        new(11, 2), changed(12, 2, 0.5), changed(13, 1, 0), canceled(14, 2), canceled(15, 3)
    ) == [
        "eth-aud ADD BID 2 2500@1.5",
        "eth-aud MODIFY BID 2 2500@0.5",
        "eth-aud CANCEL BID 1 2400.5@0",
        "eth-aud CANCEL BID 2 2500@0",
    ]
    assert venue.heard.sequences[-4:] == [11, 12, 13, 14]
    assert venue.heard.times[-1] == (TIME_MS + 1) * 1_000_000
    assert venue.heard.checks == {"nonce": 5}


def test_a_book_is_stale_until_its_snapshot_and_then_has_all_that_is_later() -> None:
    venue = Connection(VENUE)
    venue.receive({"Event": "Subscriptions", "Data": ["orderbook-eth", "ticker-eth-aud"]})
    assert venue.receive(
        new(10, 4, ms=-2), canceled(11, 4, ms=-1), new(12, 1, ms=0), new(13, 2), canceled(14, 99)
    ) == ["eth-aud STALE/JOINED"]
    assert venue.fetch(REST, snapshot(1)) == [
        SAID_SNAPSHOT,
        "eth-aud MODIFY BID 1 2500@1.5",
        "eth-aud ADD BID 2 2500@1.5",
        "eth-aud CANCEL BID 99 2600@0",
        "eth-aud LIVE",
    ]


def test_a_coins_orders_are_in_the_book_of_every_currency() -> None:
    venue = Connection(VENUE)
    venue.fetch(REST, snapshot(1))
    venue.fetch(REST, snapshot(1, currency="Usd"))
    assert sorted(venue.receive(new(10, 2))) == [
        "eth-aud ADD BID 2 2500@1.5",
        "eth-usd ADD BID 2 1816.5@1.5",
    ]


def test_without_a_word_on_currencies_every_book_is_told() -> None:
    said = Connection(VENUE).receive(canceled(9, 1), new(10, 2))
    assert sorted(said) == ["eth-aud STALE/JOINED", "eth-usd STALE/JOINED"]


@pytest.mark.parametrize("nonce", [12, 1000, 3])
def test_a_gap_makes_the_coins_books_stale_until_a_later_snapshot(nonce: int) -> None:
    venue = live()
    assert venue.receive(new(nonce, 2, ms=5), new(nonce + 1, 3, ms=6)) == ["eth-aud STALE/GAP"]
    assert venue.heard.failed == [f"eth nonce {nonce} instead of 11"]
    assert venue.fetch(REST, snapshot(1)) == [], "it is older than the gap"
    later = "2023-07-18T22:12:00.006Z"
    assert venue.fetch(REST, snapshot(1, time=later)) == [
        SAID_SNAPSHOT,
        "eth-aud ADD BID 3 2500@1.5",
        "eth-aud RECOVERED",
    ]


def test_a_message_that_comes_twice_is_applied_once() -> None:
    assert live().receive(new(11, 2), new(11, 2), new(12, 3)) == [
        "eth-aud ADD BID 2 2500@1.5",
        "eth-aud ADD BID 3 2500@1.5",
    ]


def test_a_new_connection_begins_anew() -> None:
    venue = live()
    assert venue.open() == ["eth-aud STALE/DISCONNECTED"]
    assert venue.receive(new(500, 2)) == []
    assert not venue.heard.failed
    assert venue.fetch(REST, snapshot(1))[-1] == "eth-aud RECOVERED"


def test_trades_are_told_in_the_currencies_wanted() -> None:
    venue = live()
    data = {"Price": {"Aud": 3313.59, "Sgd": 4798.92}, "Volume": 50.0, "Side": "Sell"}
    trade = {"Event": "Trade", "Channel": "ticker-eth", "Nonce": 1, "Time": 5, "Data": data}
    assert venue.receive(trade) == ["eth-aud trade ASK 3313.59@50.0"]
    one = {**trade, "Channel": "ticker-eth-aud", "Data": {**data, "Price": 7, "Side": "Buy"}}
    assert venue.receive(one) == ["eth-aud trade BID 7@50.0"]


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[]",
        {**new(11, 2), "Data": {}},
        {**new(11, 2), "Time": -1},
        event("NewOrder", 11, 2, Price={"aud": None}, Volume=1),
        event("NewOrder", 11, 2, Price={"aud": 1}, Volume=[]),
        event("NewOrder", 11, 2, OrderGuid="0x12"),
        event("NewOrder", 11, 2, OrderGuid="g" * 32),
        event("NewOrder", 11, 2, OrderType="Other"),
        {"Event": "Trade", "Channel": "ticker-eth", "Data": {"Price": 1, "Volume": 1}},
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(bad: object) -> None:
    venue = live()
    with one_line_error(FeedError):
        venue.receive(bad)
    assert venue.receive(new(11, 2)) == ["eth-aud ADD BID 2 2500@1.5"]


@pytest.mark.parametrize(
    "bad", [{}, [], snapshot(1, time="yesterday"), {**snapshot(), "BuyOrders": [1]}]
)
def test_a_snapshot_that_is_none_is_one_clear_error(bad: object) -> None:
    with one_line_error(FeedError):
        Connection(VENUE).fetch(REST, bad)


def test_other_responses_are_passed_over() -> None:
    assert Connection(VENUE).fetch("https://api.independentreserve.com/Public/GetValid", {}) == []


def test_an_order_id_has_every_bit_of_the_guid() -> None:
    ids = {guid_order_id(f"{1 << bit:032x}") for bit in range(128)}
    assert len(ids) == 64
    assert all(0 < number < 2**64 for number in ids)
    assert guid_order_id("dbe7b832-b9b7-4eac-84ce-9f49c2a93b87") == (
        0xDBE7B832B9B74EAC ^ 0x84CE9F49C2A93B87
    )


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(b'{"Channel":"orderbook-eth","Nonce":1,"Event":"NewOrder"}')
    assert not VENUE.recognises(b'{"channel":"book"}')


def test_a_recording_has_every_nonce_and_no_order_goes_that_is_not_there() -> None:
    folder = recording("cryptofeed")
    heard = heard_of(
        VENUE,
        cryptofeed_messages(
            folder / "INDEPENDENT_RESERVE.ws.1.0", folder / "INDEPENDENT_RESERVE.http.0.0"
        ),
    )
    assert heard.failed == []
    assert heard.checks == {"nonce": 1663 - 5}
    assert heard.count("orders") == heard.count("LIVE") == 5
    for symbol in heard.by_id:
        best = heard.best(symbol)
        assert best is not None
        assert best[0] < best[1]

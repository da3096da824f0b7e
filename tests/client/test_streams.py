"""A stream's state: what it takes, what it refuses, and where it could go on."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from market_depth.client import UpdateKind
from market_depth.client.errors import StreamBrokenError
from market_depth.client.streams import Received, Stream
from market_depth.protocol.checksum import level_checksum
from market_depth.protocol.messages import (
    DataType,
    MarketData,
    MarketDelta,
    MbpChange,
    MbpData,
    MbpDelta,
    MbpLevel,
    Subscribed,
    Trade,
    TradesData,
)
from market_depth.protocol.requests import Resume
from support.scripted_server import TIMESTAMP


def stream(data_type: DataType = DataType.MBP) -> Stream:
    return Stream("s", "BTCUSD", data_type)


def answer(epoch: str = "first", **more: Any) -> Subscribed:
    decimals = {"price_decimals": 2, "quantity_decimals": 0}
    return Subscribed("s", "BTCUSD", DataType.MBP, epoch=epoch, **{**decimals, **more})


def whole(sequence: int, quantity: int = 5, checksum: Any = UNSET) -> MarketData:
    data = MbpData([MbpLevel(1.0, quantity, 1, "Bid", quantity, 0)], [])
    return MarketData(
        stream_id="s",
        symbol="BTCUSD",
        sequence=sequence,
        timestamp=TIMESTAMP,
        data=data,
        checksum=checksum,
    )


def delta(prev_sequence: int, sequence: int, quantity: int, checksum: Any = UNSET) -> MarketDelta:
    return MarketDelta(
        stream_id="s",
        symbol="BTCUSD",
        prev_sequence=prev_sequence,
        sequence=sequence,
        timestamp=TIMESTAMP,
        event_timestamp=None,
        data=MbpDelta([MbpChange(1.0, quantity, 1)], []),
        checksum=checksum,
    )


def trades(*numbers: int) -> MarketData:
    data = TradesData([Trade(1.0, 1, None, None, number) for number in numbers])
    return MarketData(stream_id="s", symbol="BTCUSD", sequence=1, timestamp=TIMESTAMP, data=data)


def begun() -> Stream:
    one = stream()
    one.opened(answer())
    one.receive(whole(4))
    one.apply(Received(one, whole(4), ""))
    return one


def test_a_delta_goes_on_from_the_message_before_it() -> None:
    one = begun()
    message = delta(4, 9, 6)
    assert one.receive(message)
    update = one.apply(Received(one, message, ""))

    assert update is not None
    assert (update.kind, update.prev_sequence, update.sequence) == (UpdateKind.DELTA, 4, 9)
    assert [level.quantity for level in update.book.bids()] == [6]
    assert (update.book.sequence, update.book.timestamp) == (9, TIMESTAMP)


def test_a_delta_that_does_not_is_told_with_both_sequences() -> None:
    with pytest.raises(StreamBrokenError, match="sequence 4, got one from 5"):
        begun().receive(delta(5, 6, 6))


def test_after_a_failure_nothing_is_of_use_before_a_whole_view() -> None:
    one = begun()
    waiting = delta(4, 5, 6)
    assert one.receive(waiting)
    one.begin_anew()

    assert one.apply(Received(one, waiting, "")) is None
    assert not one.receive(delta(5, 6, 6))
    assert one.receive(whole(8))
    assert one.apply(Received(one, whole(8), "")) is not None


def test_nothing_is_taken_before_the_decimals_are_known() -> None:
    assert not stream().receive(whole(4))


def test_a_wrong_checksum_is_told_with_both_values() -> None:
    one = begun()
    right = level_checksum([(100, 6)], [])
    assert one.apply(Received(one, delta(4, 5, 6, right), "")) is not None
    with pytest.raises(StreamBrokenError, match=f"is 7, the book's is {right}"):
        one.apply(Received(one, delta(5, 6, 6, 7), ""))


def test_a_stream_goes_on_from_the_last_message_received_unless_it_is_broken() -> None:
    one = stream()
    assert one.resume is None
    one = begun()
    one.receive(delta(4, 9, 6))
    assert one.resume == Resume("first", 9)
    one.begin_anew()
    assert one.resume is None


def test_what_follows_an_answer_that_does_not_resume_begins_with_a_whole_view() -> None:
    one = begun()
    one.opened(answer(resumed=False))
    assert not one.receive(delta(4, 5, 6))

    one = begun()
    one.opened(answer(resumed=True))
    assert one.receive(delta(4, 5, 6))


def test_a_stream_is_given_up_when_it_is_broken_again_and_again() -> None:
    one = begun()
    assert [one.begin_anew() for _ in range(6)] == [True] * 5 + [False]


def test_failures_long_ago_do_not_count() -> None:
    one = begun()
    for _ in range(20):
        assert one.begin_anew()
        for sequence in range(100):
            one.apply(Received(one, whole(sequence), ""))


def test_trades_that_were_missed_are_counted_within_an_epoch() -> None:
    one = stream(DataType.TRADES)
    one.opened(answer())
    counted = [one.missed_trades(message) for message in (trades(), trades(3, 4), trades(8))]
    assert counted == [0, 0, 3]
    one.opened(answer("second"))
    assert one.missed_trades(trades(100)) == 0


def test_other_decimals_are_in_force_with_the_whole_view_that_has_them() -> None:
    """A server started anew may have others; deltas of the one before may still wait."""
    one = begun()
    waiting = delta(4, 5, 6)
    assert one.receive(waiting)
    one.opened(answer("second", price_decimals=3))
    update = one.apply(Received(one, waiting, ""))
    assert update is not None
    assert [level.price_units for level in update.book.bids()] == [100]
    update = one.apply(Received(one, whole(1), ""))
    assert update is not None
    assert [level.price_units for level in update.book.bids()] == [1000]


def test_decimals_that_are_not_told_are_those_of_trades_too() -> None:
    one = stream(DataType.TRADES)
    one.opened(Subscribed("s", "BTCUSD", DataType.TRADES))
    data = TradesData([Trade(102.45, 0.5, None, None, 1)])
    message = MarketData(stream_id="s", symbol="BTCUSD", sequence=1, timestamp=TIMESTAMP, data=data)
    update = one.apply(Received(one, message, ""))
    assert update is not None
    scale = update.book.scale
    assert (scale.price_units(102.45), scale.quantity_units(0.5)) == (10245, 5)

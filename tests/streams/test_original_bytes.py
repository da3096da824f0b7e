"""Streams that ask for nothing beyond the original messages get those, to the byte.

`original_dialogue.jsonl` was recorded from a server that knew no others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from market_depth.errors import RequestError
from market_depth.events import BookStatus, StatusReason
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Unsubscribe
from support.flow import BID, batch, cancel, modify, of, set_level, status
from support.subscribers import BTC, BY_PRICE, ETH, Collector, Server, order, payload

RECORDED = Path(__file__).with_name("original_dialogue.jsonl")


def dialogue(server: Server) -> list[str]:
    """Go through a day of a client; return what it was sent, line by line."""
    client = Collector()
    server.apply(*[order(number) for number in range(6)], order(0, ETH))
    server.subscribe(client, "btc_mbp", max_levels=2)
    server.subscribe(client, "Zürich 📈", data_type=DataType.MBO, max_levels=2)
    server.subscribe(client, "by price", symbol=BY_PRICE)
    server.beat()
    server.apply(cancel(0), modify(1, BID, 9999, 5), order(20), of(3, set_level(BID, 77, 3)))
    server.beat()
    client.is_blocked = True
    server.apply(order(30))
    server.beat()
    client.is_blocked = False
    server.beat()
    server.manager.unsubscribe(client, Unsubscribe("by price"))
    server.apply(status(BookStatus.STALE, StatusReason.GAP), cancel(2))
    server.beat()
    with pytest.raises(RequestError):
        server.subscribe(client, "refused")
    server.apply(status(BookStatus.RECOVERED))
    server.beat()
    server.subscribe(client, "e", ETH)
    server.feed.due = [batch(order(7, ETH))]
    server.manager.flush_all(server.wall_ns)
    return [payload(frame).decode() for frame in client.frames]


def test_the_original_dialogue_is_as_it_was() -> None:
    assert dialogue(Server()) == RECORDED.read_text("utf-8").splitlines()


def test_streams_that_have_opted_into_more_change_nothing_for_others() -> None:
    server, other = Server(), Collector()
    server.subscribe(other, "d", mode=Mode.DELTA, interval_ms=0, checksum=True)
    server.subscribe(other, "g", mode=Mode.DELTA, group="0.05")
    server.subscribe(other, "t", data_type=DataType.TRADES)
    server.subscribe(other, "e", ETH, data_type=DataType.BBO)
    server.subscribe(other, "p", BY_PRICE, interval_ms=100)
    assert dialogue(server) == RECORDED.read_text("utf-8").splitlines()


def test_an_id_is_repeated_and_opts_into_nothing_else() -> None:
    server, client = Server(), Collector()
    server.apply(order(0), order(1))
    server.subscribe(client, "s", max_levels=1, id="r-1")
    server.manager.unsubscribe(client, Unsubscribe("s", id=2))
    subscribed, data, unsubscribed = client.take()
    assert list(subscribed) == ["type", "stream_id", "symbol", "data_type", "id"]
    assert subscribed["id"] == "r-1"
    assert list(data) == ["type", "stream_id", "symbol", "sequence", "timestamp", "data"]
    assert unsubscribed == {"type": "Unsubscribed", "stream_id": "s", "id": 2}


@pytest.mark.parametrize("symbol", [BTC, BY_PRICE])
def test_a_field_that_is_null_opts_into_nothing(symbol: str) -> None:
    server, client = Server(), Collector()
    fields = ["mode", "interval_ms", "group", "checksum", "resume", "symbols"]
    nothing: dict[str, Any] = dict.fromkeys(fields)
    server.subscribe(client, symbol=symbol, **nothing)
    subscribed, data = client.take()
    assert list(subscribed) == ["type", "stream_id", "symbol", "data_type"]
    assert "event_timestamp" not in data

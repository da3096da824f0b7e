"""Messages as the wire has them: their text, exact decimals, and what must hold in any view."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, groupby, pairwise
from typing import Any

from support.client import TIMEOUT_S, Client, Message, connected

Row = dict[str, Any]

MBP_FIELDS = ["price", "quantity", "order_count", "side", "total_quantity", "avg_age_ms"]
MBO_FIELDS = ["order_id", "price", "quantity", "side", "timestamp", "age_ms"]


class ExactClient(Client):
    """A client that keeps the text of messages, and reads their numbers as decimals."""

    text = ""
    """The last message, as it came."""

    async def receive(self) -> Message:
        async with asyncio.timeout(TIMEOUT_S):
            text = await self.connection.recv()
        assert isinstance(text, str)
        self.text = text
        message = json.loads(text, parse_float=Decimal)
        assert isinstance(message, dict)
        return message

    async def first_data(self, stream_id: str, symbol: str, data_type: str, **fields: Any) -> Row:
        """Subscribe, and return the first MarketData."""
        await self.subscribe(stream_id, symbol, data_type, **fields)
        await self.receive_type("Subscribed", stream_id)
        return await self.receive_type("MarketData", stream_id)


@asynccontextmanager
async def exact_client(url: str) -> AsyncIterator[ExactClient]:
    """Connect to a server, and read its first HeartBeat."""
    async with connected(url, max_queue=None) as client:
        yield ExactClient(client.connection)


def parse_time(text: str) -> datetime:
    """Return a time of the wire contract, which has microseconds and a Z."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def assert_is_a_view(data: Row, max_levels: int) -> None:
    """Check all that holds in every view of a book with orders on both sides."""
    assert list(data) == ["format", "bids", "asks"]
    check = {"MBP": _assert_levels, "MBO": _assert_orders}[data["format"]]
    check(data["bids"], "Bid", max_levels)
    check(data["asks"], "Ask", max_levels)
    assert data["bids"][0]["price"] < data["asks"][0]["price"], "crossed or locked"


def _assert_levels(levels: list[Row], side: str, max_levels: int) -> None:
    assert 1 <= len(levels) <= max_levels
    for level in levels:
        assert list(level) == MBP_FIELDS
        assert level["side"] == side
        assert level["quantity"] > 0
        assert level["order_count"] > 0
        assert level["avg_age_ms"] >= 0
    _assert_best_first([level["price"] for level in levels], side)
    totals = list(accumulate(level["quantity"] for level in levels))
    assert [level["total_quantity"] for level in levels] == totals


def _assert_orders(orders: list[Row], side: str, max_levels: int) -> None:
    ids = [order["order_id"] for order in orders]
    assert len(set(ids)) == len(ids)
    for order in orders:
        assert list(order) == MBO_FIELDS
        assert isinstance(order["order_id"], str)
        assert order["side"] == side
        assert order["quantity"] > 0
        assert order["age_ms"] >= 0
    prices = [price for price, _ in groupby(order["price"] for order in orders)]
    assert 1 <= len(prices) <= max_levels
    _assert_best_first(prices, side)
    for _, queue in groupby(orders, key=lambda order: order["price"]):
        times = [order["timestamp"] for order in queue]
        assert times == sorted(times), "not in queue priority"


def _assert_best_first(prices: list[Decimal], side: str) -> None:
    for better, worse in pairwise(prices):
        assert (better > worse) if side == "Bid" else (better < worse)


def merged(orders: list[Row]) -> list[Row]:
    """Return the price levels that orders make up, with every order's age."""
    levels = []
    total: Decimal | int = 0
    for price, queue in groupby(orders, key=lambda order: order["price"]):
        rows = list(queue)
        quantity = sum(row["quantity"] for row in rows)
        total += quantity
        levels.append(
            {
                "price": price,
                "quantity": quantity,
                "order_count": len(rows),
                "side": rows[0]["side"],
                "total_quantity": total,
                "ages_ms": [row["age_ms"] for row in rows],
            }
        )
    return levels


def ages_are_told_at_one_moment(data: Row) -> bool:
    """Whether timestamp + age of all orders is one moment, to the millisecond."""
    moments = [
        parse_time(order["timestamp"]) + timedelta(milliseconds=order["age_ms"])
        for order in data["bids"] + data["asks"]
    ]
    return max(moments) - min(moments) < timedelta(milliseconds=2)

"""Whatever the network does, the client comes back to an exact book, by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any, Literal

import pytest
import pytest_asyncio

from market_depth.client import (
    Book,
    ConnectionFailedError,
    DepthClient,
    Event,
    EventKind,
    OrderBook,
    ReconnectPolicy,
    Update,
    UpdateKind,
    connect,
)
from support.faults import FAULTS
from support.logs import serving_quietly
from support.pages import fetch
from support.process import ServerProcess
from support.proxy import Proxy, Way, proxied

TIMEOUT_S = 60.0
IMPATIENT = ReconnectPolicy(first_pause_s=0.01, longest_pause_s=0.05)
module_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=5", "--rate=200", "--compression") as running:
        yield running


class Watcher:
    """One stream through a proxy, and what has happened on its connection."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.latest: Update | None = None

    def happened(self, kind: EventKind) -> int:
        return sum(event.kind is kind for event in self.events)

    async def read(self, updates: AsyncIterator[Update], wanted: Callable[[], bool]) -> None:
        """Take updates until something is so."""
        async with asyncio.timeout(TIMEOUT_S):
            while not wanted():
                self.latest = await anext(updates)

    async def read_some(self, updates: AsyncIterator[Update], count: int = 5) -> None:
        for _ in range(count):
            async with asyncio.timeout(TIMEOUT_S):
                self.latest = await anext(updates)


async def assert_exact(
    server: ServerProcess, data_type: str, updates: AsyncIterator[Update]
) -> None:
    """Hold the book against the server's own page of it, at one sequence."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            page = await fetch(
                server.port, f"/api/depth/BTCUSD?data_type={data_type}&max_levels=20"
            )
            expected = json.loads(page.body, parse_float=Decimal)
            update = await anext(updates)
            while update.sequence < expected["sequence"]:
                update = await anext(updates)
            if update.sequence == expected["sequence"]:
                break
    sides = [wire_rows(expected["data"][side]) for side in ("bids", "asks")]
    assert rows_of(update.book) == sides


def rows_of(book: Book) -> list[list[Any]]:
    if isinstance(book, OrderBook):
        sides = (book.bid_orders(), book.ask_orders())
        return [[(one.order_id, *one[-2:]) for one in side] for side in sides]
    levels = (book.bids(), book.asks())
    return [[(*one[-2:], one.order_count) for one in side] for side in levels]


def wire_rows(rows: list[dict[str, Any]]) -> list[Any]:
    """Return rows of BTCUSD, which has 2 and 4 decimals, in units."""
    units = [(int(row["price"].scaleb(2)), int(row["quantity"].scaleb(4)), row) for row in rows]
    if rows and "order_id" in rows[0]:
        return [(row["order_id"], price, quantity) for price, quantity, row in units]
    return [(price, quantity, row["order_count"]) for price, quantity, row in units]


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_lost_connection_leads_back_to_an_exact_book(
    server: ServerProcess, fault: str, data_type: Literal["MBP", "MBO"]
) -> None:
    watcher = Watcher()
    async with (
        proxied(server.port) as proxy,
        connect(proxy.url, reconnect=IMPATIENT, on_event=watcher.events.append) as depth,
        depth.subscribe("BTCUSD", data_type, interval_ms=0, checksum=True) as stream,
    ):
        updates = aiter(stream)
        await watcher.read_some(updates)
        for times in (1, 2):
            breaking = asyncio.create_task(FAULTS[fault](proxy))
            await watcher.read(updates, lambda: watcher.happened(EventKind.RECONNECTED) >= times)  # noqa: B023
            await breaking
            await watcher.read_some(updates)
        await assert_exact(server, data_type, updates)
        assert stream.counters.gaps == stream.counters.checksum_failures == 0
        assert stream.counters.resumed > 0
        await updates.aclose()


@module_loop
@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_slow_network_leads_to_the_newest_book(
    server: ServerProcess, encoding: Literal["json", "msgpack"]
) -> None:
    """Deltas pile up behind a slow line until the server skips; then a whole view comes."""
    watcher = Watcher()
    async with (
        proxied(server.port, buffer_bytes=4096) as proxy,
        connect(
            proxy.url, encoding=encoding, compression=True, on_event=watcher.events.append
        ) as depth,
        depth.subscribe("BTCUSD", "MBO", levels=1000, mode="snapshot", interval_ms=20) as stream,
    ):
        updates = aiter(stream)
        await watcher.read_some(updates, 1)
        proxy.throttle(200_000, Way.TO_CLIENT)
        await watcher.read(updates, lambda: watcher.happened(EventKind.LAGGED) > 0)
        proxy.go_on()
        await watcher.read_some(updates)
        assert stream.counters.lagged > 0
        await updates.aclose()


@module_loop
async def test_delays_are_only_delays(server: ServerProcess) -> None:
    watcher = Watcher()
    async with (
        proxied(server.port) as proxy,
        connect(proxy.url, on_event=watcher.events.append) as depth,
        depth.subscribe("BTCUSD", interval_ms=0, checksum=True) as stream,
    ):
        updates = aiter(stream)
        proxy.delay(50)
        await watcher.read_some(updates, 20)
        await assert_exact(server, "MBP", updates)
        assert watcher.events == []
        await updates.aclose()


async def test_a_server_that_has_been_started_anew_is_another_epoch() -> None:
    watcher = Watcher()
    async with (
        serving_quietly("--seed=1", "--rate=100") as first,
        proxied(first.port) as proxy,
        connect(proxy.url, reconnect=IMPATIENT, on_event=watcher.events.append) as depth,
        depth.subscribe("BTCUSD", interval_ms=0, checksum=True) as stream,
    ):
        updates = aiter(stream)
        await watcher.read_some(updates)
        async with serving_quietly("--seed=2", "--rate=100") as second:
            proxy.server_port = second.port
            await first.stop()
            await watcher.read(updates, lambda: watcher.happened(EventKind.RECONNECTED) > 0)
            assert watcher.happened(EventKind.SHUTDOWN) == 1
            while watcher.latest is None or watcher.latest.kind is not UpdateKind.SNAPSHOT:
                await watcher.read_some(updates, 1)
            await watcher.read_some(updates)
            await assert_exact(second, "MBP", updates)
            assert stream.counters.resumed == 0
            await updates.aclose()


async def test_when_the_policy_is_not_to_come_back_the_loop_ends_with_an_error() -> None:
    async def read(depth: DepthClient, proxy: Proxy) -> None:
        async for _ in depth.subscribe("BTCUSD", interval_ms=0):
            proxy.refuse()
            proxy.cut()

    async with serving_quietly() as server, proxied(server.port) as proxy:
        policy = ReconnectPolicy(attempts=2, first_pause_s=0.01)
        async with connect(proxy.url, reconnect=policy) as depth:
            with pytest.raises(ConnectionFailedError, match="lost for good"):
                await read(depth, proxy)
            with pytest.raises(ConnectionFailedError, match="lost for good"):
                await depth.list_symbols()

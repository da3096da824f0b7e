"""Metrics: named, documented, true, and few however many symbols and streams there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from market_depth.book import BookAnomalies
from support import raw
from support.client import connected
from support.logs import serving_quietly
from support.pages import fetch
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOLS = 150
MAX_LABELLED_SYMBOLS = 100
ERROR_CODES = {"400", "401", "403", "404", "409", "413", "429", "500", "503"}
TYPES = {
    "encode_seconds": "histogram",
    "flush_seconds": "histogram",
    "connections": "gauge",
    "sessions": "gauge",
    "accepted_connections": "counter",
    "dropped_connections": "counter",
    "messages_in": "counter",
    "stalled_clients": "counter",
    "silent_clients": "counter",
    "errors": "counter",
    "subscriptions": "gauge",
    "data_messages_out": "counter",
    "data_bytes_out": "counter",
    "skipped_updates": "counter",
    "encoded_views": "counter",
    "events_applied": "counter",
    "trades": "counter",
    "book_anomalies": "counter",
    "feed_lag_seconds": "gauge",
    "book_orders": "gauge",
    "book_bid_levels": "gauge",
    "book_ask_levels": "gauge",
    "feed_live": "gauge",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    path: Path = tmp_path_factory.mktemp("instruments") / "many.toml"
    entries = [
        f'[instruments.S{number}]\nprice = "100.00"\ntick = "0.05"\norders = 100\ndepth_ticks = 5\n'
        for number in range(SYMBOLS)
    ]
    path.write_text("builtin = false\n" + "".join(entries))
    options = ("--seed=1", "--interval-ms=20", f"--instruments={path}")
    async with serving_quietly(*options) as running:
        yield running


async def scraped(server: ServerProcess) -> dict[str, Metric]:
    """Return the metrics by their names without `market_depth_`."""
    page = await fetch(server.port, "/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(page.body))
    by_name = {family.name.removeprefix("market_depth_"): family for family in families}
    assert len(by_name) == len(families)
    assert all(family.name.startswith("market_depth_") for family in families)
    return by_name


def labels_of(families: dict[str, Metric]) -> dict[str, set[str]]:
    """Return the values of every label."""
    values: dict[str, set[str]] = {}
    for family in families.values():
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    return values


def value(families: dict[str, Metric], name: str) -> float:
    """Return the value of a metric without labels."""
    (sample,) = families[name].samples
    return float(sample.value)


async def test_everything_that_is_measured_has_a_name_a_type_and_an_explanation(
    server: ServerProcess,
) -> None:
    families = await scraped(server)
    assert {name: families[name].type for name in TYPES if name in families} == TYPES
    assert all(family.documentation for family in families.values())


async def test_there_are_few_labels_however_many_symbols_and_streams_there_are(
    server: ServerProcess,
) -> None:
    async with connected(server.url, max_queue=None) as client:
        for number in range(SYMBOLS):
            await client.subscribe(f"stream {number}", f"S{number}")
            assert (await client.receive_type("Subscribed"))["symbol"] == f"S{number}"
            await client.subscribe(f"stream {number}", f"NOPE{number}")
            await client.receive_type("Error")
        families = await scraped(server)
        assert value(families, "subscriptions") == SYMBOLS
    labels = labels_of(families)
    assert set(labels) <= {"symbol", "code", "kind", "le"}
    assert labels["kind"] == set(BookAnomalies._fields)
    assert len(labels["symbol"]) == MAX_LABELLED_SYMBOLS + 1
    assert "_other" in labels["symbol"]
    assert labels["code"] <= ERROR_CODES
    assert len(labels["le"]) < 30
    for name in ("book_orders", "book_bid_levels", "book_ask_levels"):
        by_symbol = {sample.labels["symbol"]: sample.value for sample in families[name].samples}
        assert by_symbol["_other"] > by_symbol["S0"] > 0


async def test_counters_follow_what_a_client_does(server: ServerProcess) -> None:
    await server.until_metric("connections", 1)
    before = await scraped(server)
    async with raw.open_client(server.port) as client:
        await client.send(raw.subscribe("a", "S0") + raw.subscribe("b", "S1"))
        size = 0
        for _ in range(20):
            frame = await client.frame()
            size += len(frame.payload) if frame.message()["type"] == "MarketData" else 0
        during = await scraped(server)
    assert value(during, "connections") == value(before, "connections") + 1
    assert value(during, "sessions") == 1
    assert value(during, "subscriptions") == 2
    assert value(during, "messages_in") == value(before, "messages_in") + 2
    assert value(during, "accepted_connections") == value(before, "accepted_connections") + 2
    sent = value(during, "data_messages_out") - value(before, "data_messages_out")
    sent_bytes = value(during, "data_bytes_out") - value(before, "data_bytes_out")
    assert sent >= 18
    assert sent_bytes >= size
    assert value(during, "encoded_views") > value(before, "encoded_views")
    await server.until_metric("sessions", 0)
    await server.until_metric("subscriptions", 0)


async def test_an_update_that_two_clients_want_is_encoded_once(server: ServerProcess) -> None:
    async with connected(server.url) as one, connected(server.url) as other:
        for client in (one, other):
            await client.subscribe("s", "S7")
            await client.receive_type("MarketData")
        before = await scraped(server)
        for client in (one, other):
            for _ in range(20):
                await client.receive_type("MarketData")
        after = await scraped(server)
    sent = value(after, "data_messages_out") - value(before, "data_messages_out")
    encoded = value(after, "encoded_views") - value(before, "encoded_views")
    assert sent >= 30
    assert encoded <= sent / 2 + 1, "one of them may have been ahead in the beginning"

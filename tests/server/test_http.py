"""What plain HTTP requests get on the WebSocket port, while WebSockets run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from support import raw
from support.client import connected
from support.dbn_files import Record, dbn
from support.exact import assert_is_a_view, exact_client
from support.logs import serving_quietly
from support.pages import Page, fetch
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD_SYMBOLS = ["BRK/B 24%", "DAX Ü&?#", "a+b", "../metrics"]
PAGES = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/asyncapi.yaml",
    "/api/symbols",
    "/api/depth/BTCUSD",
]


def instruments(names: Iterable[str]) -> str:
    """Return a file of instruments."""
    return "\n".join(
        f'[instruments.{json.dumps(name)}]\nprice = "100.00"\ntick = "0.05"\n'
        "orders = 100\ndepth_ticks = 5\n"
        for name in names
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    path: Path = tmp_path_factory.mktemp("instruments") / "odd.toml"
    path.write_text(instruments(ODD_SYMBOLS))
    options = ("--seed=1", "--interval-ms=20", f"--instruments={path}")
    async with serving_quietly(*options) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def streaming(server: ServerProcess) -> AsyncIterator[None]:
    """Streams that run beside all tests, and still do after the last."""
    async with connected(server.url, max_queue=None) as client:
        for symbol in ("BTCUSD", "ETHUSD"):
            await client.subscribe(symbol, symbol)
        reader = asyncio.create_task(client.connection.wait_closed())
        yield
        assert not reader.done()
        before = await server.metric("data_messages_out_total")
        async with asyncio.timeout(30):
            while await server.metric("data_messages_out_total") < before + 4:
                await asyncio.sleep(0.02)
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


async def depth(server: ServerProcess, symbol: str, query: str = "") -> Page:
    return await fetch(server.port, f"/api/depth/{quote(symbol, safe='')}{query}")


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_there_whole_and_open_to_other_origins(
    server: ServerProcess, path: str
) -> None:
    page = await fetch(server.port, path)
    assert page.status == 200
    assert int(page.headers["content-length"]) == len(page.body.encode()) > 0
    assert page.headers["access-control-allow-origin"] == "*"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["connection"] == "close"
    assert parsedate_to_datetime(page.headers["date"]).tzinfo is not None


@pytest.mark.parametrize("path", [*PAGES, "/nope", "/api/depth/NOPE"])
async def test_head_is_get_without_the_body(server: ServerProcess, path: str) -> None:
    got = await fetch(server.port, path)
    page = await fetch(server.port, path, method="HEAD")
    assert page.body == ""
    assert page.status == got.status
    assert page.headers["content-type"] == got.headers["content-type"]
    assert int(page.headers["content-length"]) > 0


@pytest.mark.parametrize("path", [*PAGES, "/", "/nope"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get"])
async def test_other_methods_are_405(server: ServerProcess, method: str, path: str) -> None:
    page = await fetch(server.port, path, method, {"Content-Length": "0"})
    assert page.status == 405


async def test_a_405_names_the_methods_that_are_allowed(server: ServerProcess) -> None:
    """RFC 9110, section 15.5.6."""
    page = await fetch(server.port, "/healthz", "POST")
    assert {name.strip() for name in page.headers.get("allow", "").split(",")} == {"GET", "HEAD"}


async def test_a_post_with_a_body_is_answered_too(server: ServerProcess) -> None:
    page = await fetch(server.port, "/api/symbols", "POST", {"Content-Length": "2"}, b"{}")
    assert page.status in (400, 405, 413)


@pytest.mark.parametrize(
    "path", ["/nope", "/favicon.ico", "/healthz/", "/HEALTHZ", "//healthz", "/api", "/%2e%2e/x"]
)
async def test_an_unknown_page_is_404_and_the_others_are_listed(
    server: ServerProcess, path: str
) -> None:
    page = await fetch(server.port, path)
    assert page.status == 404
    assert "/healthz" in page.body


@pytest.mark.parametrize("path", ["/api/", "/api/nope", "/api/depth", "/api/symbols/BTCUSD"])
async def test_an_unknown_page_of_the_api_is_404_in_json(server: ServerProcess, path: str) -> None:
    page = await fetch(server.port, path)
    assert page.status == 404
    error = page.json()
    assert list(error) == ["type", "code", "message", "stream_id"]
    assert (error["type"], error["code"], error["stream_id"]) == ("Error", 404, None)


async def test_an_unknown_page_names_every_other(server: ServerProcess) -> None:
    page = await fetch(server.port, "/nope")
    named = {line.partition(" ")[0].partition("?")[0] for line in page.body.splitlines()}
    assert named >= {path.replace("BTCUSD", "SYMBOL") for path in PAGES} | {"/", "/api/replay"}


async def test_the_process_lives_and_is_ready(server: ServerProcess) -> None:
    assert (await fetch(server.port, "/healthz")).body == "ok\n"
    ready = (await fetch(server.port, "/readyz")).json()
    assert ready["ready"] is True
    assert ready["symbols"]["Live"] == 3 + len(ODD_SYMBOLS)


async def test_symbols_tell_what_there_is_to_subscribe_to(server: ServerProcess) -> None:
    symbols = (await fetch(server.port, "/api/symbols")).json()["symbols"]
    assert symbols[:3] == [
        symbol_info("BTCUSD", 0.5, 2, 4),
        symbol_info("ETHUSD", 0.05, 2, 3),
        symbol_info("ADAUSD", 0.0001, 4, 0),
    ]
    assert [entry["symbol"] for entry in symbols[3:7]] == ODD_SYMBOLS
    assert len(symbols) == 3 + len(ODD_SYMBOLS)


def symbol_info(
    symbol: str, tick_size: float, price_decimals: int, quantity_decimals: int
) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "tick_size": tick_size,
        "price_decimals": price_decimals,
        "quantity_decimals": quantity_decimals,
        "data_types": ["MBP", "MBO", "BBO", "TRADES"],
        "status": "Live",
    }


@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
async def test_depth_is_one_snapshot(server: ServerProcess, data_type: str) -> None:
    page = await depth(server, "ETHUSD", f"?data_type={data_type}&max_levels=7")
    snapshot = page.json()
    assert list(snapshot) == ["symbol", "sequence", "timestamp", "data"]
    assert snapshot["symbol"] == "ETHUSD"
    for side in ("bids", "asks"):
        assert len({row["price"] for row in snapshot["data"][side]}) == 7
    later = (await depth(server, "ETHUSD")).json()
    assert later["sequence"] >= snapshot["sequence"]
    assert later["timestamp"] > snapshot["timestamp"]
    assert later["data"]["format"] == "MBP"
    assert len(later["data"]["bids"]) == 20


async def test_depth_is_the_data_of_market_data_to_the_byte(tmp_path: Path) -> None:
    """A book that stands still is shown in the very same bytes."""
    path = tmp_path / "still.dbn"
    cents = 10_000_000
    records = [
        Record(
            side=side,
            order_id=1 + number + 10 * (side == "A"),
            price=(10_000 + sign * (1 + number // 2)) * cents,
            size=number + 1,
        )
        for side, sign in (("B", -1), ("A", 1))
        for number in range(6)
    ]
    path.write_bytes(dbn(*records))
    async with (
        serving_quietly(f"--feed={path}", "--speed=max") as server,
        exact_client(server.url) as client,
    ):
        await server.until_metric('book_orders{symbol="ESH4"}', len(records))
        for data_type in ("MBP", "MBO"):
            message = await client.first_data(data_type, "ESH4", data_type)
            assert_is_a_view(message["data"], 20)
            page = await depth(server, "ESH4", f"?data_type={data_type}")
            data = client.text[client.text.index('"data":') :]
            assert page.body[page.body.index('"data":') :] == data
            assert page.json()["sequence"] == message["sequence"]


@pytest.mark.parametrize("symbol", ODD_SYMBOLS)
async def test_a_symbol_in_a_path_is_percent_encoded(server: ServerProcess, symbol: str) -> None:
    page = await depth(server, symbol, "?max_levels=1")
    assert page.status == 200
    assert page.json()["symbol"] == symbol


async def test_every_letter_may_be_percent_encoded(server: ServerProcess) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in b"BTCUSD")
    page = await fetch(server.port, f"/api/depth/{encoded}?data%5Ftype=%4DBO")
    assert page.json()["symbol"] == "BTCUSD"
    assert page.json()["data"]["format"] == "MBO"


@pytest.mark.parametrize("symbol", ["NOPE", "btcusd", "", "BTCUSD/", "BTCUSD\0", "\ud800"])
async def test_depth_of_an_unknown_symbol_is_404(server: ServerProcess, symbol: str) -> None:
    encoded = quote(symbol.encode(errors="surrogatepass"), safe="")
    page = await fetch(server.port, f"/api/depth/{encoded}")
    assert page.status == 404
    assert "BTCUSD" in page.json()["message"]
    assert len(page.json()["message"].splitlines()) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("data_type=L3", ["data_type", "L3"]),
        ("data_type=mbp", ["data_type", "mbp"]),
        ("max_levels=0", ["max_levels", "0"]),
        ("max_levels=-5", ["max_levels", "-5"]),
        ("max_levels=1001", ["max_levels", "1001", "1000"]),
        ("max_levels=99999999999999999999", ["max_levels"]),
        ("max_levels=twenty", ["max_levels", "twenty"]),
        ("max_levels=2.5", ["max_levels", "2.5"]),
        ("max_levels=1_0", ["max_levels", "1_0"]),
        ("max_levels=%20", ["max_levels"]),
        ("max_levels=20%0A", ["max_levels"]),
    ],
)
async def test_a_wrong_parameter_is_400_and_named(
    server: ServerProcess, query: str, words: list[str]
) -> None:
    page = await depth(server, "BTCUSD", f"?{query}")
    assert page.status == 400
    error = page.json()
    assert (error["type"], error["code"]) == ("Error", 400)
    assert len(error["message"].splitlines()) == 1
    for word in words:
        assert word in error["message"]


async def test_pages_are_answered_many_at_a_time(server: ServerProcess) -> None:
    pages = await asyncio.gather(*(fetch(server.port, path) for path in PAGES * 20))
    assert {page.status for page in pages} == {200}
    await server.until_metric("connections", 2)


async def test_a_page_is_sent_whole_to_a_reader_that_takes_its_time(tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text(
        'builtin = false\n[instruments.DEEP]\nprice = "2000.00"\ntick = "0.01"\n'
        "orders = 30000\ndepth_ticks = 1000\n"
    )
    async with (
        serving_quietly(f"--instruments={path}", "--seed=1") as server,
        raw.raw_client(server.port, receive_buffer_bytes=8192) as client,
    ):
        target = "/api/depth/DEEP?data_type=MBO&max_levels=1000"
        await client.send(f"GET {target} HTTP/1.1\r\n\r\n".encode())
        head = await client.head()
        body = await client.take_slowly(per_read_bytes=8192, reads=100, seconds=4.0)
        body += await client.until_end()
        assert len(body) == int(head.headers["content-length"]) > 1_000_000

"""The opening handshake, over a bare socket: browsers' headers, wrong ones, slow ones, garbage."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support import raw
from support.client import connected
from support.logs import complaints, serving_quietly
from support.pages import fetch
from support.process import ServerProcess, serving
from support.raw import Opcode, frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving("--interval-ms=20") as running:
        yield running


async def assert_upgrades(
    server: ServerProcess, path: str = "/", **changed: str | None
) -> raw.Head:
    """Check a whole handshake, and that a stream can be had behind it."""
    async with raw.raw_client(server.port) as client:
        head = await client.open(path, **changed)
        assert head.headers["upgrade"].lower() == "websocket"
        assert head.headers["connection"].lower() == "upgrade"
        assert head.headers["sec-websocket-accept"] == raw.ACCEPT
        await client.send(raw.subscribe("s"))
        assert (await client.message_of("MarketData"))["stream_id"] == "s"
        return head


async def refusal(server: ServerProcess, request: bytes) -> raw.Head:
    """Return how a request is refused; the connection must be closed behind it."""
    async with raw.raw_client(server.port) as client:
        await client.send(request)
        head = await client.head()
        body = await client.until_end()
        assert len(body) == int(head.headers["content-length"])
        return head


@pytest.mark.parametrize(
    "path",
    ["/", "/ws", "/socket/depth?x=1&y=2", "/healthz", "/metrics", "/api/depth/BTCUSD", "/%F0%9F"],
)
async def test_every_path_upgrades(server: ServerProcess, path: str) -> None:
    await assert_upgrades(server, path)


async def test_the_handshake_of_firefox_is_accepted(server: ServerProcess) -> None:
    await assert_upgrades(
        server,
        Connection="keep-alive, Upgrade",
        User_Agent="Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
        Accept_Encoding="gzip, deflate, br, zstd",
        Origin="http://localhost:3000",
        Sec_WebSocket_Extensions="permessage-deflate",
        Sec_Fetch_Mode="websocket",
        Pragma="no-cache",
    )


async def test_names_and_tokens_may_be_in_any_case(server: ServerProcess) -> None:
    await assert_upgrades(server, Connection="UPGRADE", Upgrade="WebSocket")


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover, permessage-deflate",
        "x-unknown; a=1",
    ],
)
async def test_an_extension_that_is_offered_is_not_negotiated(
    server: ServerProcess, offer: str
) -> None:
    head = await assert_upgrades(server, Sec_WebSocket_Extensions=offer)
    assert "sec-websocket-extensions" not in head.headers


async def test_a_compressed_frame_that_was_not_negotiated_closes_with_1002(
    server: ServerProcess,
) -> None:
    async with raw.raw_client(server.port) as client:
        await client.open(Sec_WebSocket_Extensions="permessage-deflate")
        await client.send(frame(Opcode.TEXT, b"\xaa\x56\x2a\x00", reserved=4))
        assert (await client.closed())[0] == 1002


async def test_an_unknown_subprotocol_is_not_chosen(server: ServerProcess) -> None:
    head = await assert_upgrades(server, Sec_WebSocket_Protocol="soap, wamp")
    assert "sec-websocket-protocol" not in head.headers


@pytest.mark.parametrize(
    ("changed", "statuses"),
    [
        pytest.param({"Sec_WebSocket_Key": None}, {400}, id="no key"),
        pytest.param({"Sec_WebSocket_Key": "too short"}, {400}, id="wrong key"),
        pytest.param({"Sec_WebSocket_Key": "c2hvcnQ="}, {400}, id="short key"),
        pytest.param({"Sec_WebSocket_Version": None}, {400, 426}, id="no version"),
        pytest.param({"Sec_WebSocket_Version": "8"}, {400, 426}, id="version 8"),
        pytest.param({"Sec_WebSocket_Version": "13, 8"}, {400, 426}, id="two versions"),
        pytest.param({"Connection": "close"}, {400, 426}, id="Connection: close"),
        pytest.param({"Upgrade": "websocket, h2c"}, {400, 426}, id="two upgrades"),
        pytest.param({"Host": None}, {400}, id="no host"),
    ],
)
async def test_a_wrong_handshake_is_refused_by_status(
    server: ServerProcess, changed: dict[str, str | None], statuses: set[int]
) -> None:
    assert (await refusal(server, raw.upgrade(**changed))).status in statuses


async def test_an_upgrade_to_something_else_is_ignored(server: ServerProcess) -> None:
    """As HTTP/2 clients ask for it with every request (RFC 9110, section 7.8)."""
    page = await fetch(server.port, "/healthz", headers={"Upgrade": "h2c", "Connection": "Upgrade"})
    assert (page.status, page.body) == (200, "ok\n")


async def test_the_json_subprotocol_is_spoken_and_others_are_not(server: ServerProcess) -> None:
    for offered, spoken in (
        (["x", "market-depth.json"], "market-depth.json"),
        (["market-depth.unknown"], None),
    ):
        async with connected(server.url, subprotocols=offered) as client:
            assert client.connection.subprotocol == spoken
            await client.subscribe("s", "BTCUSD")
            await client.receive_type("MarketData")


async def test_a_wrong_version_is_told_the_right_one(server: ServerProcess) -> None:
    """RFC 6455, section 4.2.2: the response tells the versions that the server knows."""
    head = await refusal(server, raw.upgrade(Sec_WebSocket_Version="8"))
    assert head.headers.get("sec-websocket-version") == "13"


async def test_only_get_over_http_1_1_upgrades(server: ServerProcess) -> None:
    post = raw.upgrade().replace(b"GET", b"POST", 1)
    assert (await refusal(server, post)).status == 405
    old = raw.upgrade().replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    assert (await refusal(server, old)).status in (400, 426, 505)


async def test_a_handshake_may_come_byte_by_byte(server: ServerProcess) -> None:
    async with raw.raw_client(server.port) as client:
        for byte in raw.upgrade():
            await client.send(bytes([byte]))
        assert (await client.head()).status == 101
        assert (await client.frame()).message()["type"] == "HeartBeat"


async def test_a_request_line_or_header_without_end_is_refused(server: ServerProcess) -> None:
    long = b"x" * 20_000
    assert (await refusal(server, b"GET /" + long + b" HTTP/1.1\r\n\r\n")).status == 414
    header = b"GET / HTTP/1.1\r\nCookie: " + long + b"\r\n\r\n"
    assert (await refusal(server, header)).status == 431
    headers = b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n"
    assert (await refusal(server, headers)).status == 431


GARBAGE = {
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a request line": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "bytes that are no ASCII": b"GET /\xff HTTP/1.1\r\n\r\n",
    "a frame without handshake": frame(Opcode.TEXT, b"{}", masked=False) + b"\r\n",
    "noise": random.Random(6455).randbytes(4000) + b"\r\n\r\n",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_ends_its_connection_and_nothing_else(
    server: ServerProcess, data: bytes
) -> None:
    seen = len(server.logs)
    async with raw.raw_client(server.port) as client:
        await client.send(data)
        answer = await client.until_end()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    await server.until_metric("connections", 1)
    assert not complaints(server.logs[seen:])


TRICKY = {
    "another line end behind it": PAGE + b"\r\n",
    "another request behind it": PAGE * 2,
    "noise behind it": PAGE + bytes(range(256)),
}


@pytest.mark.parametrize("data", TRICKY.values(), ids=TRICKY)
async def test_a_page_is_answered_whatever_comes_behind_the_request(
    server: ServerProcess, data: bytes
) -> None:
    seen = len(server.logs)
    async with raw.raw_client(server.port) as client:
        await client.send(data)
        assert (await client.head()).status == 200
    await server.until_metric("connections", 1)
    assert not complaints(server.logs[seen:])


IMPATIENT = {
    "a ping": frame(Opcode.PING, b"early"),
    "a close": raw.close(1000),
    "an unmasked frame": frame(Opcode.TEXT, b"{}", masked=False),
    "a frame too large": frame(Opcode.TEXT, b"{", declared_length=2**40),
}


@pytest.mark.parametrize("data", IMPATIENT.values(), ids=IMPATIENT)
async def test_frames_in_one_segment_with_the_handshake_come_behind_its_answer(
    server: ServerProcess, data: bytes
) -> None:
    seen = len(server.logs)
    async with raw.raw_client(server.port) as client:
        await client.send(raw.upgrade() + data)
        assert (await client.head()).status in (101, 400)
    await server.until_metric("connections", 1)
    assert not complaints(server.logs[seen:])


async def test_a_request_in_one_segment_with_the_handshake_is_answered(
    server: ServerProcess,
) -> None:
    async with raw.raw_client(server.port) as client:
        await client.send(raw.upgrade() + raw.subscribe("s"))
        assert (await client.head()).status == 101
        assert (await client.frame()).message()["type"] == "HeartBeat"
        assert (await client.frame()).message()["type"] == "Subscribed"
        assert (await client.frame()).message()["type"] == "MarketData"


@pytest.mark.parametrize("path", ["//[", "//[::1", "http://[/x", "://"])
async def test_a_path_that_is_no_url_is_refused_and_not_logged_as_an_error(
    server: ServerProcess, path: str
) -> None:
    seen = len(server.logs)
    head = await refusal(server, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert head.status in (400, 404)
    assert not complaints(server.logs[seen:])


@pytest.mark.parametrize("begun", [b"", b"GET", raw.upgrade()[:-2]], ids=["none", "GET", "head"])
async def test_a_handshake_that_does_not_end_is_dropped(begun: bytes) -> None:
    async with serving_quietly("--handshake-timeout-s=0.5") as server:
        async with raw.raw_client(server.port) as client:
            if begun:
                await client.send(begun)
            assert await client.until_end() == b""
        await server.until_metric("connections", 1)
        async with raw.open_client(server.port) as client:
            await client.send(raw.subscribe("s"))
            await client.message_of("MarketData")

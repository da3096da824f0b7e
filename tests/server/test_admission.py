"""Who is let in, how much he may ask for, and how those who are turned away are told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from support import raw
from support.client import Client, connected
from support.closing import close_code_of
from support.logs import serving_quietly
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

DESK, GUEST = "a-token-of-the-desk", "a-token-of-a-guest"
CREDENTIALS = f"""
[clients.desk]
token = "{DESK}"

[clients.guest]
token = "{GUEST}"
symbols = ["ETH*", "ADAUSD"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    path: Path = tmp_path_factory.mktemp("credentials") / "clients.toml"
    path.write_text(CREDENTIALS)
    async with serving_quietly(f"--credentials={path}", "--seed=1") as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def turned_away(url: str, **options: object) -> tuple[int, str, int | None]:
    """Return the code and message of the only Error, and the close code."""
    async with connect(url, compression=None, **options) as connection:  # type: ignore[arg-type]
        client = Client(connection)
        error = await client.receive()
        assert (error["type"], error["stream_id"]) == ("Error", None)
        assert len(error["message"].splitlines()) == 1
        return error["code"], error["message"], await close_code_of(client)


async def test_no_credentials_are_401_and_close_4501(server: ServerProcess) -> None:
    code, message, close_code = await turned_away(server.url)
    assert (code, close_code) == (401, 4501)
    assert "credentials" in message


@pytest.mark.parametrize(
    "value",
    ["Bearer wrong-token-of-nobody", f"Basic {DESK}", f"Bearer {DESK[:-1]}", "Bearer", "Bearer é"],
)
async def test_wrong_credentials_are_401_and_close_4501(server: ServerProcess, value: str) -> None:
    code, _, close_code = await turned_away(server.url, additional_headers={"Authorization": value})
    assert (code, close_code) == (401, 4501)


async def test_a_token_is_never_repeated_in_answers_or_logs(server: ServerProcess) -> None:
    secret = "wrong-token-that-stays-secret"
    _, message, _ = await turned_away(f"{server.url}?token={secret}")
    assert secret not in message
    assert secret not in json.dumps(server.logs)


async def test_a_token_is_taken_from_the_header_or_from_the_query(server: ServerProcess) -> None:
    async with connected(server.url, additional_headers=bearer(DESK)) as client:
        await client.subscribe("s", "BTCUSD")
        await client.receive_type("MarketData", "s")
    async with connected(f"{server.url}?token={DESK}") as client:
        await client.subscribe("s", "BTCUSD")
        await client.receive_type("MarketData", "s")
    async with connected(server.url, additional_headers={"Authorization": f"bearer {DESK}"}):
        pass


async def test_a_symbol_outside_the_entitlements_is_403(server: ServerProcess) -> None:
    async with connected(server.url, additional_headers=bearer(GUEST)) as client:
        await client.subscribe("s", "BTCUSD")
        error = await client.receive()
        assert (error["type"], error["code"], error["stream_id"]) == ("Error", 403, "s")
        assert "'BTCUSD'" in error["message"]
        for symbol in ("ETHUSD", "ADAUSD"):
            await client.subscribe(symbol, symbol)
            await client.receive_type("MarketData", symbol)


async def test_a_403_does_not_repeat_a_symbol_at_any_length(server: ServerProcess) -> None:
    async with connected(server.url, additional_headers=bearer(GUEST)) as client:
        await client.subscribe("s", "X" * 10_000)
        error = await client.receive()
        assert error["code"] == 403
        assert "XXX" in error["message"]
        assert len(error["message"]) <= 300


async def test_whether_a_symbol_exists_is_not_told_to_those_who_may_not_see_it(
    server: ServerProcess,
) -> None:
    async with connected(server.url, additional_headers=bearer(GUEST)) as client:
        for symbol in ("BTCUSD", "BTCEUR"):
            await client.subscribe("s", symbol)
            assert (await client.receive())["code"] == 403


async def test_pages_with_market_data_need_credentials_too(server: ServerProcess) -> None:
    assert (await server.get("/api/symbols"))[0] == 401
    assert (await server.get("/api/depth/ETHUSD"))[0] == 401
    assert (await server.get("/api/depth/ETHUSD", bearer("wrong-token")))[0] == 401
    assert (await server.get("/api/depth/ETHUSD", bearer(GUEST)))[0] == 200
    assert (await server.get(f"/api/depth/ETHUSD?token={GUEST}"))[0] == 200
    assert (await server.get("/api/depth/BTCUSD", bearer(GUEST)))[0] == 403
    assert (await server.get("/api/depth/BTCUSD", bearer(DESK)))[0] == 200
    for token, expected in ((GUEST, ["ETHUSD", "ADAUSD"]), (DESK, ["BTCUSD", "ETHUSD", "ADAUSD"])):
        _, page = await server.get("/api/symbols", bearer(token))
        assert [entry["symbol"] for entry in json.loads(page)["symbols"]] == expected


async def test_probes_and_metrics_need_no_credentials(server: ServerProcess) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await server.get(path))[0] == 200


async def test_one_connection_too_many_is_429_and_close_4429() -> None:
    async with (
        serving_quietly("--max-connections=2") as server,
        connected(server.url) as first,
        connected(server.url) as second,
    ):
        code, message, close_code = await turned_away(server.url)
        assert (code, close_code) == (429, 4429)
        assert "2" in message
        for client in (first, second):
            await client.subscribe("s")
            await client.receive_type("MarketData")
        await first.connection.close()
        await server.until_metric("sessions", 1)
        async with connected(server.url):
            pass


async def test_connections_far_over_the_limit_are_dropped_and_counted() -> None:
    async with serving_quietly("--max-connections=1") as server:
        clients = [await raw.connect(server.port) for _ in range(18)]
        first, *others, last = clients
        assert await last.until_end() == b""
        last.close()
        for client in others:
            client.reset()
        await first.open()
        await server.until_metric("dropped_connections_total", 1)
        first.close()


async def test_one_connection_too_many_of_an_address_is_429_and_close_4429() -> None:
    async with (
        serving_quietly("--max-connections-per-address=1") as server,
        connected(server.url),
    ):
        code, message, close_code = await turned_away(server.url)
        assert (code, close_code) == (429, 4429)
        assert "127.0.0.1" in message


async def test_messages_over_the_rate_are_delayed_but_all_are_answered() -> None:
    async with (
        serving_quietly("--message-rate=50", "--message-burst=5") as server,
        connected(server.url) as client,
    ):
        for number in range(25):
            await client.send(type="Unsubscribe", stream_id=f"{number}")
        answers = [await client.receive() for _ in range(25)]
    assert {answer["code"] for answer in answers} == {404}
    assert [answer["stream_id"] for answer in answers] == [f"{number}" for number in range(25)]


async def test_messages_far_over_the_rate_are_refused_and_then_close_1008() -> None:
    async with (
        serving_quietly("--message-rate=1", "--message-burst=1") as server,
        raw.open_client(server.port) as client,
    ):
        request = raw.text(type="Unsubscribe", stream_id="s")
        await client.send(request * 1000)
        codes = []
        while (frame := await client.frame()).opcode == raw.Opcode.TEXT:
            codes.append(frame.message()["code"])
        assert codes[0] == 404, "the burst is answered"
        assert codes.count(429) >= 10, "what is over it is refused"
        assert set(codes) == {404, 429}
        assert frame.opcode == raw.Opcode.CLOSE
        assert int.from_bytes(frame.payload[:2]) == 1008
        await server.until_metric("sessions", 0)


async def test_a_few_messages_over_the_rate_are_refused_and_the_connection_stays() -> None:
    async with (
        serving_quietly("--message-rate=100", "--message-burst=1") as server,
        raw.open_client(server.port) as client,
    ):
        await client.send(raw.text(type="Unsubscribe", stream_id="s") * 60)
        codes = [(await client.frame()).message()["code"] for _ in range(60)]
        assert 1 <= codes.count(429) < 30
        assert codes.count(404) + codes.count(429) == 60
        await client.send(raw.text(type="Ping", timestamp="2025-09-16T04:18:26Z"))
        assert (await client.frame()).message()["type"] == "HeartBeat"


async def test_binary_messages_count_against_the_rate_like_any_others() -> None:
    async with (
        serving_quietly("--message-rate=0.01", "--message-burst=2") as server,
        raw.open_client(server.port) as client,
    ):
        await client.send(raw.frame(raw.Opcode.BINARY, b"x") * 200)
        codes = []
        while (frame := await client.frame()).opcode == raw.Opcode.TEXT:
            codes.append(frame.message()["code"])
        assert codes == [400] * 2 + [429] * 100
        assert frame.opcode == raw.Opcode.CLOSE

"""The browser's client comes back to a server that it has lost, unless it must not."""

from __future__ import annotations

import asyncio

import pytest

from support.depth_client import node_client
from support.scripted_depth import SOON, asked, streaming
from support.scripted_server import TIMESTAMP, scripted


async def test_a_token_is_in_the_url() -> None:
    async with (
        scripted(with_subprotocols=False) as server,
        node_client(f"{server.url}/x?a=1", token="t &") as client,
    ):
        await client.state("connected")
        assert server.requests[0].path == "/x?a=1&token=t+%26"


async def test_a_server_that_refuses_this_client_is_left_alone() -> None:
    async with streaming() as (server, client, peer, _):
        await peer.close(4501, "bad credentials")
        refused = await client.state("refused")
        assert (refused["reason"], refused["inMs"]) == ("bad credentials (4501)", None)
        assert not (await client.do("look", stream=0))["isGood"]
        failed = await client.begin("symbols")
        assert failed["error"] == "DepthError: bad credentials (4501)"
        await client.do("online")
        assert not server.has_more
        await client.do("retry")
        await asked(await server.accepted())


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 4408, 4429])
async def test_any_other_close_leads_to_a_new_connection(code: int) -> None:
    async with streaming() as (server, client, peer, _):
        await peer.close(code)
        waiting = await client.state("waiting")
        assert str(code) in waiting["reason"]
        again = await asked(await server.accepted())
        assert again["resume"]["sequence"] == 1


async def test_pauses_grow_and_are_short_again_after_a_connection_that_lasted() -> None:
    async with (
        scripted(with_subprotocols=False) as server,
        node_client(server.url, minDelayMs=20, maxDelayMs=200) as client,
    ):
        pauses = []
        for _ in range(6):
            await (await server.accepted()).close(1001)
            pauses.append((await client.state("waiting"))["inMs"])
        for pause, longest in zip(pauses, [20, 40, 80, 160, 200, 200], strict=True):
            assert longest / 2 <= pause <= longest
        peer = await server.accepted()
        await asyncio.sleep(0.3)  # it lasts longer than the longest pause
        await peer.close(1001)
        assert (await client.state("waiting"))["inMs"] <= 20


async def test_a_server_that_stops_says_how_long_to_leave_it_alone() -> None:
    async with streaming() as (server, client, peer, _):
        await peer.send("Shutdown", reason="maintenance", reconnect_after_ms=600_000)
        await peer.close(1001, "maintenance")
        waiting = await client.state("waiting")
        assert 600_000 <= waiting["inMs"] <= 600_004
        await client.do("online")  # the browser has a network again: it may be another one
        await asked(await server.accepted())


async def test_a_connection_that_falls_silent_is_made_anew() -> None:
    async with (
        scripted(with_subprotocols=False) as server,
        node_client(server.url, **SOON, silenceMs=100, pulseMs=40) as client,
    ):
        peer = await server.accepted()
        for _ in range(5):
            ping = await peer.receive("Ping")
            await peer.send("HeartBeat", timestamp=TIMESTAMP, id=ping["id"])
        waiting = await client.state("waiting")
        assert waiting["reason"] == "the connection has fallen silent"
        assert (await client.do("stats"))["roundTripMs"] > 0
        await server.accepted()


async def test_a_server_that_can_not_be_reached_is_tried_again() -> None:
    async with scripted(with_subprotocols=False) as server:
        url = server.url
    async with node_client(url, **SOON) as client:
        for _ in range(3):
            assert (await client.state("waiting"))["reason"] == "the server can’t be reached"
        await client.do("close")

"""A scripted server and the browser's client: what its tests do again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from support.depth_client import NodeClient, node_client
from support.scripted_server import Message, Peer, ScriptedServer, scripted

__all__ = ["ASKS", "BIDS", "SOON", "asked", "asked_anew", "rows", "streaming"]

SOON: Final = {"minDelayMs": 1, "maxDelayMs": 4}
BIDS: Final = {1.0: 5}
ASKS: Final = {2.0: 5}


def rows(bids: dict[float, int], asks: dict[float, int]) -> list[Any]:
    return [[[price, size, 1] for price, size in side.items()] for side in (bids, asks)]


async def asked(peer: Peer, kind: str = "Subscribe") -> Message:
    """Return the next request, which must be of that kind; Pings are passed over."""
    while (message := await peer.receive())["type"] == "Ping":
        pass
    assert message["type"] == kind, message
    return message


@asynccontextmanager
async def streaming(
    sequence: int = 1, **options: Any
) -> AsyncIterator[tuple[ScriptedServer, NodeClient, Peer, Message]]:
    """A client with a stream by price that has had its first view."""
    subscription = {"symbol": "BTCUSD", "dataType": "MBP", "tellsUpdates": True}
    async with (
        scripted(with_subprotocols=False) as server,
        node_client(server.url, **SOON) as client,
    ):
        peer = await server.accepted()
        assert await client.do("subscribe", **{**subscription, **options}) == 0
        request = await asked(peer)
        await peer.open(request)
        await peer.whole(request, sequence, BIDS, ASKS)
        update = await client.heard("update")
        assert (update["sequence"], update["rows"]) == (sequence, rows(BIDS, ASKS))
        await client.heard("status", lambda line: line["isGood"])
        yield server, client, peer, request


async def asked_anew(peer: Peer, request: Message) -> Message:
    """Answer an Unsubscribe, and return the Subscribe behind it."""
    gone = await asked(peer, "Unsubscribe")
    assert gone == {"type": "Unsubscribe", "stream_id": request["stream_id"]}
    await peer.send("Unsubscribed", stream_id=request["stream_id"])
    again = await asked(peer)
    assert again["stream_id"] != request["stream_id"]
    assert "resume" not in again
    return again

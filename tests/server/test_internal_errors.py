"""A fault of the server's own is a 500 with a reference that its log repeats; nothing stops."""

from __future__ import annotations

import json
import re

from support.client import connected
from support.process import ServerProcess, serving

BROKEN = (
    "-c",
    "from market_depth.streams import StreamManager\n"
    "from market_depth.cli import main\n"
    "def fail(*arguments): raise ZeroDivisionError('made for the test')\n"
    "StreamManager.unsubscribe = StreamManager.symbols = fail\n"
    "main()",
)


def logged_references(server: ServerProcess) -> list[str]:
    return [line["reference"] for line in server.logs if "reference" in line]


async def test_a_request_that_fails_is_a_500_and_the_connection_goes_on() -> None:
    async with (
        serving("--interval-ms=50", launcher=BROKEN) as server,
        connected(server.url) as client,
    ):
        await client.subscribe("s")
        await client.send(type="Unsubscribe", stream_id="s")
        error = await client.receive_type("Error")
        assert error["code"] == 500
        reference = re.fullmatch(r"internal error, reference (\w+)", error["message"])
        assert reference is not None
        await client.receive_type("MarketData")
        await server.stop()
        assert logged_references(server) == [reference.group(1)]


async def test_a_page_that_fails_is_a_500_and_the_others_go_on() -> None:
    async with serving(launcher=BROKEN) as server:
        status, body = await server.get("/api/symbols")
        assert status == 500
        assert (await server.get("/healthz"))[0] == 200
        await server.stop()
        (reference,) = logged_references(server)
        assert reference in json.loads(body)["message"]

"""Where uvloop does not exist, asyncio's own event loop serves as well."""

from __future__ import annotations

import pytest

from support.client import connected
from support.process import serving

WITHOUT_UVLOOP = (
    "import sys; sys.modules['uvloop'] = None; from market_depth.cli import main; main()"
)


@pytest.mark.parametrize(
    "launcher", [("-m", "market_depth"), ("-c", WITHOUT_UVLOOP)], ids=["uvloop", "asyncio"]
)
async def test_many_streams_are_served_and_a_stop_is_announced(launcher: tuple[str, ...]) -> None:
    async with (
        serving("--interval-ms=50", "--rate=200", launcher=launcher) as server,
        connected(server.url) as client,
    ):
        for number in range(20):
            await client.subscribe(f"s{number}", data_type="MBO" if number % 2 else "MBP")
        for number in range(20):
            first = await client.receive_type("MarketData", f"s{number}")
            later = await client.receive_type("MarketData", f"s{number}")
            assert later["sequence"] > first["sequence"]
        assert await server.stop() == 0
        await client.receive_type("Shutdown")
        assert await client.close_code() == 1001

"""Lines in place of a screen, for a server that says less than ours."""

from __future__ import annotations

import asyncio

import pytest

from market_depth.terminal.plain import print_lines
from support.watched_script import script


async def test_decimals_that_the_server_does_not_tell_are_not_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with script(lists=False) as server:
        printing = asyncio.create_task(
            print_lines(
                server.url,
                ["AAA"],
                "MBP",
                levels=5,
                interval_ms=None,
                group=None,
                token=None,
                count=1,
            )
        )
        request = await server.subscribed("MBP")
        await server.peer.send(
            "Subscribed", stream_id=request["stream_id"], symbol="AAA", data_type="MBP"
        )
        await server.peer.whole(request, 1, {102.45: 5, 102.4: 7}, {102.5: 3})
        await printing
    printed = capsys.readouterr()
    assert printed.out == "04:18:26.806 AAA 1 5 @ 102.45 | 102.50 @ 3 0.05\n"
    assert printed.err == ""

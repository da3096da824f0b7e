"""What a session makes of what a server says, and of one that says less."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from market_depth.client import ClientError, RequestRefusedError
from market_depth.terminal.choice import Choice
from market_depth.terminal.depth import Frame, View
from market_depth.terminal.session import Session
from support.scripted_server import TIMEOUT_S, TIMESTAMP, Message
from support.watched_script import Script, script

VIEW = View("AAA")
BIDS, ASKS = {1.0: 5, 0.99: 7}, {1.02: 3}


class Watcher:
    """The frames of a session."""

    def __init__(self, choice: Choice) -> None:
        self.session = Session(choice, self._publish, self.errors_put)
        self.request: Message = {}
        """The Subscribe of the book."""
        self.holds = False
        """Whether it takes no further frame."""
        self.best_quantities: list[int] = []
        """Of the best bid, of each frame."""
        self.errors: list[Exception] = []
        self.frames = 0
        self.frame = Frame(View(""))
        self._has_come = asyncio.Event()

    def errors_put(self, error: Exception) -> None:
        self.errors.append(error)
        self._has_come.set()

    def _publish(self, frame: Frame) -> None:
        self.frames += 1
        self.frame = frame
        if frame.depth is not None:
            self.best_quantities.append(frame.depth.bids[0].quantity)
        self._has_come.set()
        if not self.holds:
            self.session.taken()

    async def until(self, is_so: Callable[[Frame], object]) -> Frame:
        async with asyncio.timeout(TIMEOUT_S):
            while not is_so(self.frame):
                self._has_come.clear()
                await self._has_come.wait()
        return self.frame


@asynccontextmanager
async def session_of(server: Script, *symbols: str) -> AsyncIterator[Watcher]:
    watcher = Watcher(Choice(server.url, symbols=symbols))
    try:
        await watcher.session.start()
        yield watcher
    finally:
        await watcher.session.stop()


@asynccontextmanager
async def begun(server: Script) -> AsyncIterator[Watcher]:
    """A session that shows a first book, at sequence 1."""
    async with session_of(server) as watcher:
        beginning = asyncio.create_task(watcher.session.begin(VIEW))
        request = await server.subscribed("MBP")
        await server.peer.open(request)
        await server.peer.whole(request, 1, BIDS, ASKS)
        await beginning
        watcher.request = request
        yield watcher


async def test_a_stream_is_asked_for_by_delta_with_checksums() -> None:
    async with script() as server, session_of(server) as watcher:
        watcher.session.show(VIEW)
        beginning = asyncio.create_task(watcher.session.begin(VIEW))
        request = await server.subscribed("MBP")
        assert (request["mode"], request["checksum"]) == ("delta", True)
        assert (request["symbol"], request["max_levels"], request["interval_ms"]) == (
            "AAA",
            50,
            100,
        )
        await server.peer.open(request)
        await server.peer.whole(request, 1, BIDS, ASKS)
        await beginning
        frame = await watcher.until(lambda frame: frame.depth)
        assert frame.depth is not None
        assert [row.price for row in frame.depth.bids] == [100, 99]
        assert [row.total for row in frame.depth.bids] == [5, 12]
        assert (frame.depth.spread, frame.depth.mid_doubled) == (2, 202)
        assert frame.depth.imbalance == pytest.approx((12 - 3) / 15)
        assert (await server.subscribed("TRADES"))["symbol"] == "AAA"


async def test_a_refusal_of_the_first_view_is_raised() -> None:
    async with script() as server, session_of(server) as watcher:
        beginning = asyncio.create_task(watcher.session.begin(VIEW))
        request = await server.subscribed("MBP")
        await server.peer.send("Error", code=404, message="no", stream_id=request["stream_id"])
        with pytest.raises(RequestRefusedError, match="404: no"):
            await beginning


async def test_a_later_refusal_is_told_in_place_of_the_book() -> None:
    async with script() as server, begun(server) as watcher:
        watcher.session.show(View("BBB"))
        request = await server.subscribed("MBP")
        assert request["symbol"] == "BBB"
        await server.peer.send("Error", code=403, message="not you", stream_id=request["stream_id"])
        frame = await watcher.until(lambda frame: frame.problem)
        assert (frame.view.symbol, frame.depth, frame.problem) == ("BBB", None, "403: not you")


async def test_a_symbol_that_goes_stale_is_told_and_one_that_is_from_the_start() -> None:
    async with script() as server, begun(server) as watcher:
        await server.peer.send(
            "Status", symbol="AAA", status="Stale", reason="messages are missing", timestamp=""
        )
        frame = await watcher.until(lambda frame: frame.status == "Stale")
        assert (frame.reason, frame.is_current) == ("messages are missing", False)
        await server.peer.send(
            "Status", symbol="AAA", status="Recovered", reason=None, timestamp=""
        )
        frame = await watcher.until(lambda frame: frame.status == "Live")
        assert frame.is_current
    async with script() as server, session_of(server) as watcher:
        beginning = asyncio.create_task(watcher.session.begin(VIEW))
        request = await server.subscribed("MBP")
        await server.peer.send(
            "Error", code=503, message="the feed is down", stream_id=request["stream_id"]
        )
        await beginning
        frame = await watcher.until(lambda frame: frame.status == "Stale")
        assert frame.reason == "the feed is down"


async def test_lagged_and_missed_trades_are_counted() -> None:
    async with script() as server, begun(server) as watcher:
        trades = await server.subscribed("TRADES")
        await server.peer.open(trades)
        await server.peer.trades(trades, 1, 1, 2)
        await server.peer.trades(trades, 2, 6)
        await server.peer.send("Lagged", stream_id=watcher.request["stream_id"], skipped=17)
        frame = await watcher.until(lambda frame: frame.health.lagged and len(frame.tape) == 4)
        assert (frame.health.lagged, frame.health.trades_missed) == (17, 3)
        assert [shown.quantity or -shown.missed for shown in frame.tape] == [6, -3, 2, 1]
        assert frame.tape[0].time == TIMESTAMP


async def test_how_long_until_the_next_attempt_is_known_also_if_the_server_has_asked_for_it() -> (
    None
):
    async with script() as server, begun(server) as watcher:
        begun_s = time.monotonic()
        await server.peer.send("Shutdown", reason="upgrade", reconnect_after_ms=100_000)
        await server.peer.close(1001)
        frame = await watcher.until(lambda frame: frame.link.retry_at_s)
        assert not frame.link.is_up
        assert frame.link.retry_at_s is not None
        assert frame.link.retry_at_s - begun_s >= 100


async def test_trades_that_were_missed_do_not_hide_the_book() -> None:
    async with script() as server, begun(server) as watcher:
        trades = await server.subscribed("TRADES")
        await server.peer.open(trades)
        await server.peer.trades(trades, 1, 1)
        frame = await watcher.until(lambda frame: len(frame.tape) == 1)
        watcher.holds = True
        await server.peer.delta(watcher.request, 1, 2, {1.0: 6}, {})
        await server.peer.trades(trades, 2, 6)
        async with asyncio.timeout(TIMEOUT_S):
            while watcher.session.updates < 4:
                await asyncio.sleep(0)
        watcher.holds = False
        watcher.session.taken()
        frame = await watcher.until(lambda frame: len(frame.tape) == 3)
        assert frame.depth is not None
        assert frame.depth.sequence == 2


async def test_a_book_with_a_wrong_checksum_is_not_shown() -> None:
    async with script() as server, begun(server) as watcher:
        frame = await watcher.until(lambda frame: frame.depth)
        watcher.holds = True
        await server.peer.delta(watcher.request, 1, 2, {1.0: 6}, {})
        updates = watcher.session.updates
        async with asyncio.timeout(TIMEOUT_S):
            while watcher.session.updates == updates:
                await asyncio.sleep(0)
        await server.peer.delta(watcher.request, 2, 3, {1.0: 99}, {}, checksum=1)
        again = await server.subscribed("MBP")
        watcher.holds = False
        watcher.session.taken()
        frame = await watcher.until(lambda frame: frame.health.checksum_failures)
        assert frame.depth is not None
        assert frame.depth.bids[0].quantity in (5, 6)
        await server.peer.open(again)
        await server.peer.whole(again, 14, {1.0: 8}, ASKS)
        frame = await watcher.until(lambda frame: frame.depth and frame.depth.sequence == 14)
        assert frame.depth is not None
        assert frame.depth.bids[0].quantity == 8
        assert 99 not in watcher.best_quantities
        assert frame.mode == "delta"


async def test_a_server_whose_deltas_never_fit_is_asked_for_snapshots() -> None:
    async with script() as server, begun(server) as watcher:
        request = watcher.request
        while request["mode"] == "delta":
            await server.peer.delta(request, 7, 8, {1.0: 1}, {})
            request = await server.subscribed("MBP")
            await server.peer.open(request)
            await server.peer.whole(request, 1, BIDS, ASKS)
        assert request["mode"] == "snapshot"
        await server.peer.whole(request, 9, {1.0: 9}, ASKS)
        frame = await watcher.until(lambda frame: frame.depth and frame.depth.sequence == 9)
        assert frame.mode == "snapshot"
        assert not watcher.errors


async def test_a_server_with_just_the_original_messages_is_shown_too() -> None:
    """It says neither its symbols nor its decimals, and ignores what it does not know."""
    async with script(lists=False) as server, session_of(server, "AAA") as watcher:
        beginning = asyncio.create_task(watcher.session.begin(VIEW))
        request = await server.subscribed("MBP")
        await server.peer.send(
            "Subscribed", stream_id=request["stream_id"], symbol="AAA", data_type="MBP"
        )
        await server.peer.whole(request, 1, {102.45: 5, 102.5: 7}, {103.0: 3})
        await beginning
        frame = await watcher.until(lambda frame: frame.depth)
        assert frame.depth is not None
        assert frame.depth.price_decimals == 2
        assert [row.price for row in frame.depth.bids] == [10250, 10245]
        assert frame.depth.best_ask == 10300


async def test_such_a_server_needs_a_symbol_to_be_named() -> None:
    async with script(lists=False) as server:
        with pytest.raises(ClientError, match="400: unknown type 'ListSymbols'"):
            async with session_of(server):
                pass


async def test_no_frame_is_made_before_the_last_one_has_been_taken() -> None:
    async with script() as server:
        published: list[Frame] = []
        has_come = asyncio.Event()

        def publish(frame: Frame) -> None:
            published.append(frame)
            has_come.set()

        session = Session(Choice(server.url), publish, lambda error: None)
        try:
            await session.start()
            beginning = asyncio.create_task(session.begin(VIEW))
            request = await server.subscribed("MBP")
            await server.peer.open(request)
            await server.peer.whole(request, 1, BIDS, ASKS)
            await beginning
            for sequence in range(2, 40):
                await server.peer.delta(request, sequence - 1, sequence, {1.0: sequence}, {})
            subscribed = await server.subscribed("TRADES")
            await server.peer.open(subscribed)
            await has_come.wait()
            assert len(published) == 1
            while not (published[-1].depth and published[-1].depth.sequence == 39):
                has_come.clear()
                session.taken()
                async with asyncio.timeout(TIMEOUT_S):
                    await has_come.wait()
            assert len(published) < 38
        finally:
            await session.stop()

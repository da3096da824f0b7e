"""What follows a server: one view at a time, its trades, and how the connection is.

It knows no screen and no threads; what it finds it publishes as frames, no more often than
somebody can look.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, Final

from market_depth.client import (
    ClientError,
    DepthClient,
    Event,
    EventKind,
    RequestRefusedError,
    StreamBrokenError,
    Update,
    connect,
)
from market_depth.protocol.messages import SymbolInfo
from market_depth.terminal.choice import Choice, Streams
from market_depth.terminal.condition import Condition
from market_depth.terminal.depth import Depth, Frame, View, depth_of
from market_depth.terminal.pacing import Pacer
from market_depth.terminal.tape import Tape

__all__ = ["Choice", "Session"]

_FRAMES_PER_S: Final = 15
_SAMPLE_EVERY_S: Final = 0.25
_SAMPLES_A_MID: Final = 4
_MIDS: Final = 600
_TAPE_SHOWN: Final = 200
_PING_EVERY_S: Final = 2.0
_SETTLE_S: Final = 0.15
"""Least time between two views: a key that is held down must not flood the server."""
_RETRY_S: Final = 5.0
_FIRST_ANSWER_S: Final = 10.0


@dataclass(slots=True)
class _Shown:
    """What has come of a view."""

    view: View
    stream_id: str = ""
    """Of the book."""
    update: Update | None = None
    """The last one; `None` while the book is not to be trusted."""
    levels: int = 0
    """How many it may have a side."""
    is_fresh: bool = False
    """Whether there is something that `depth` does not have yet."""
    depth: Depth | None = None
    best: tuple[int | None, int | None] | None = None
    """Best bid and ask, where the book does not have them."""
    problem: str = ""
    """Why there is no book."""


class Session:
    """Follows one view of a server.

    Args:
        choice: which server, and how.
        publish: takes each frame; there is no other before `taken` has been called.
        fail: takes the error after which there is nothing to follow any more.
    """

    def __init__(
        self,
        choice: Choice,
        publish: Callable[[Frame], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._choice = choice
        self._publish = publish
        self._fail = fail
        self._pacer = Pacer(_FRAMES_PER_S, self._publish_now)
        self._condition = Condition()
        self._exits = AsyncExitStack()
        self._client: DepthClient
        self._streams: Streams
        self._view = View("")
        self._is_wanted = asyncio.Event()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._shown = _Shown(self._view)
        self._tape = Tape()
        self._mids: deque[float] = deque(maxlen=_MIDS)

    async def start(self) -> list[SymbolInfo]:
        """Connect, and return what there is to see.

        Raises:
            ConnectionFailedError: if the server can't be reached.
        """
        self._client = await self._exits.enter_async_context(
            connect(self._choice.url, token=self._choice.token, on_event=self._take_event)
        )
        symbols = await self._listed()
        by_symbol = {info.symbol: info for info in symbols}
        self._streams = Streams(self._client, self._choice, by_symbol)
        self._condition.begin(symbols)
        return symbols

    async def _listed(self) -> list[SymbolInfo]:
        """Return the server's symbols; of one that has just the original messages, which does not
        know the request, those that the user has named."""
        try:
            return await self._client.list_symbols()
        except RequestRefusedError:
            if not self._choice.symbols:
                raise
            return self._choice.named()

    async def begin(self, view: View) -> None:
        """Show a first view, and return when there is something of it, or word that it is down.

        Raises:
            RequestRefusedError: if the server refuses.
        """
        self._tasks = self._begun(self._follow(), self._sample(), self._ping())
        self.show(view)
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_ANSWER_S):
                await self._first

    @property
    def updates(self) -> int:
        """How many updates have come so far, of all streams."""
        return self._condition.updates

    def show(self, view: View) -> None:
        """Show another view."""
        self._view = view
        self._is_wanted.set()

    def taken(self) -> None:
        """Note that the last frame has been seen, so that there may be another one."""
        self._pacer.done()

    async def stop(self) -> None:
        """Close the connection, and leave nothing behind."""
        self._pacer.stop()
        await _ended(self._tasks)
        await self._exits.aclose()

    # What goes on

    def _begun(self, *works: Coroutine[Any, Any, None]) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._guarded(work)) for work in works]

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something; what goes wrong in it must be told."""
        try:
            await work
        except Exception as error:
            if self._first.done():
                self._fail(error)
            else:
                self._first.set_exception(error)

    async def _follow(self) -> None:
        """Follow what is wanted, one view after the other."""
        book_tasks: list[asyncio.Task[None]] = []
        tape_tasks: list[asyncio.Task[None]] = []
        symbol = None
        try:
            while True:
                await self._is_wanted.wait()
                self._is_wanted.clear()
                await _ended(book_tasks)
                view = self._view
                if view.symbol != symbol:
                    await _ended(tape_tasks)
                    symbol = view.symbol
                    self._tape.clear()
                    self._mids.clear()
                    tape_tasks = self._begun(self._follow_tape(symbol))
                self._shown = _Shown(view)
                self._pacer.news()
                book_tasks = self._begun(self._follow_book(view), self._follow_best(view))
                await asyncio.sleep(_SETTLE_S)
        finally:
            await _ended(book_tasks + tape_tasks)

    async def _follow_book(self, view: View) -> None:
        levels = self._streams.levels_of(view)
        while True:
            try:
                stream = self._streams.book(view, levels)
                self._shown.stream_id = stream.stream_id
                with self._condition.counting(stream):
                    async for update in stream:
                        self._take_book(update, levels)
                return
            except StreamBrokenError as error:
                if self._streams.mode == "delta":
                    self._streams.mode = "snapshot"
                    continue
                self._say(str(error))
                await asyncio.sleep(_RETRY_S)
            except RequestRefusedError as error:
                if levels > self._choice.levels:
                    levels = self._choice.levels
                    continue
                if not self._first.done():
                    raise
                self._say(str(error))
                return

    async def _follow_best(self, view: View) -> None:
        """Follow the best prices, for a book that is merged does not have them."""
        stream = self._streams.best(view)
        if stream is None:
            return
        try:
            with self._condition.counting(stream):
                async for update in stream:
                    bid, ask = update.book.best_bid, update.book.best_ask
                    self._shown.best = (bid and bid.price_units, ask and ask.price_units)
                    self._shown.is_fresh = True
                    self._pacer.news()
        except (RequestRefusedError, StreamBrokenError):
            self._shown.best = None

    async def _follow_tape(self, symbol: str) -> None:
        stream = self._streams.trades(symbol)
        if stream is None:
            return
        # If it is refused, the book's refusal says why.
        with suppress(RequestRefusedError), self._condition.counting(stream):
            async for update in stream:
                if update.trades:
                    self._tape.add(
                        update.trades,
                        update.book.scale,
                        update.timestamp,
                        missed=update.trades_missed,
                    )
                    self._pacer.news()

    async def _sample(self) -> None:
        """Tell rates now and then, also when nothing comes."""
        sampled = 0
        while True:
            self._condition.sample()
            sampled += 1
            depth = self._shown.depth
            if sampled % _SAMPLES_A_MID == 0 and depth and depth.mid_doubled is not None:
                self._mids.append(depth.mid_doubled / 2)
            self._pacer.news()
            await asyncio.sleep(_SAMPLE_EVERY_S)

    async def _ping(self) -> None:
        while True:
            try:
                self._condition.round_trip_s = await self._client.ping()
            except ClientError:
                self._condition.round_trip_s = None
            await asyncio.sleep(_PING_EVERY_S)

    # What comes

    def _take_book(self, update: Update, levels: int) -> None:
        shown = self._shown
        shown.update, shown.levels, shown.is_fresh, shown.problem = update, levels, True, ""
        self._answer()
        self._pacer.news()

    def _take_event(self, event: Event) -> None:
        self._condition.take(event)
        is_broken = event.kind in (EventKind.GAP, EventKind.CHECKSUM)
        if is_broken and event.stream_id == self._shown.stream_id:
            # Until the stream has begun anew its book is not to be shown.
            self._shown.update = None
        elif event.kind is EventKind.STATUS:
            self._answer()
        self._pacer.news()

    def _answer(self) -> None:
        if not self._first.done():
            self._first.set_result(None)

    def _say(self, problem: str) -> None:
        self._shown = _Shown(self._shown.view, problem=problem)
        self._pacer.news()

    def _publish_now(self) -> None:
        shown, condition = self._shown, self._condition
        if shown.is_fresh and shown.update is not None:
            shown.is_fresh = False
            shown.depth = self._depth_of(shown, shown.update)
        status, reason = condition.status_of(shown.view.symbol)
        frame = Frame(
            view=shown.view,
            link=condition.link,
            status=status,
            reason=reason,
            problem=shown.problem,
            mode=self._streams.mode,
            depth=shown.depth,
            health=condition.health,
            tape=self._tape.newest(_TAPE_SHOWN),
            tape_version=self._tape.version,
            mids=tuple(self._mids),
        )
        self._publish(frame)

    def _depth_of(self, shown: _Shown, update: Update) -> Depth:
        return depth_of(
            update.book,
            shown.view,
            step=self._streams.step_of(shown.view),
            is_cut_at=shown.levels,
            now=update.event_timestamp or update.timestamp,
            best=shown.best,
        )


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)

"""A session in a thread of its own: a terminal that takes its time must not hold up the client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from market_depth.protocol.messages import SymbolInfo
from market_depth.terminal.choice import Choice
from market_depth.terminal.depth import Frame, View
from market_depth.terminal.session import Session

__all__ = ["Feed"]

Result = TypeVar("Result")
_STOP_TIMEOUT_S = 5.0


class Feed:
    """Follows a server. All of it may be called from another thread; frames come in the feed's own.

    Args:
        choice: which server, and how.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="market-depth-feed", daemon=True
        )
        self._session: Session | None = None
        self._publish: Callable[[Frame], None] | None = None
        self._fail: Callable[[Exception], None] | None = None
        self._kept: Frame | None = None
        self._error: Exception | None = None

    def start(self) -> list[SymbolInfo]:
        """Connect, and return what there is to see.

        Raises:
            ConnectionFailedError: if the server can't be reached.
        """
        self._thread.start()
        return self._run(self._started())

    def begin(self, view: View) -> None:
        """Show a first view, and return when there is something of it.

        Raises:
            RequestRefusedError: if the server refuses.
        """
        assert self._session is not None
        self._run(self._session.begin(view))

    def deliver_to(
        self, publish: Callable[[Frame], None], fail: Callable[[Exception], None]
    ) -> None:
        """Hand over each frame, and the error that ends it, from now on; both in the feed's
        thread. The next frame comes when `taken` has been called for the one before."""
        self._loop.call_soon_threadsafe(self._deliver_to, publish, fail)

    @property
    def updates(self) -> int:
        """How many updates have come so far."""
        return 0 if self._session is None else self._session.updates

    def show(self, view: View) -> None:
        """Show another view."""
        if self._session is not None:
            self._loop.call_soon_threadsafe(self._session.show, view)

    def taken(self) -> None:
        """Note that the last frame has been seen."""
        if self._session is not None:
            with suppress(RuntimeError):  # closed already
                self._loop.call_soon_threadsafe(self._session.taken)

    def stop(self) -> None:
        """Close the connection, and end the thread."""
        if self._thread.is_alive():
            session, self._session = self._session, None
            with suppress(TimeoutError):
                self._run(_stopped(session))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    async def _started(self) -> list[SymbolInfo]:
        self._session = Session(self._choice, self._published, self._failed)
        return await self._session.start()

    def _deliver_to(
        self, publish: Callable[[Frame], None], fail: Callable[[Exception], None]
    ) -> None:
        self._publish, self._fail = publish, fail
        if self._kept is not None:
            publish(self._kept)
        if self._error is not None:
            fail(self._error)

    def _published(self, frame: Frame) -> None:
        if self._publish is None:
            self._kept = frame
        else:
            self._publish(frame)

    def _failed(self, error: Exception) -> None:
        if self._fail is None:
            self._error = error
        else:
            self._fail(error)

    def _run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


async def _stopped(session: Session | None) -> None:
    if session is not None:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await session.stop()

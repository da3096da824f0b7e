"""The client for scripts and notebooks, without `await`.

    from market_depth.client.sync import connect

    with connect("ws://127.0.0.1:8080") as depth:
        for update in depth.subscribe("BTCUSD"):
            print(update.book.mid)

The connection lives in a thread of its own. A book changes only when the next update is taken, so
that there is nothing to lock.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from market_depth.client import client as asynchronous
from market_depth.client.books import Book
from market_depth.client.subscription import Counters, Subscription
from market_depth.client.updates import Update
from market_depth.protocol.messages import Subscription as SubscriptionInfo
from market_depth.protocol.messages import SymbolInfo

__all__ = ["SyncDepthClient", "SyncSubscription", "connect"]

Result = TypeVar("Result")


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="market-depth-client", daemon=True
        )

    def start(self) -> None:
        """Run the loop."""
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return what a coroutine returns; it is cancelled if the caller is interrupted."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


@contextmanager
def connect(url: str = asynchronous.DEFAULT_URL, **options: Any) -> Iterator[SyncDepthClient]:
    """Connect to a server, and close the connection at the end of the block.

    Args:
        url: of the server, `ws://HOST:PORT`.
        options: as of `market_depth.client.connect`; `on_event` is called in another thread.

    Raises:
        ConnectionFailedError: if the server can't be reached.
    """
    thread = _LoopThread()
    thread.start()
    try:
        connecting = asynchronous.connect(url, **options)
        client = thread.run(_entered(connecting))
        try:
            yield SyncDepthClient(thread, client)
        finally:
            thread.run(_left(connecting))
    finally:
        thread.stop()


class SyncDepthClient:
    """A connection to a server; use `connect`."""

    def __init__(self, thread: _LoopThread, client: asynchronous.DepthClient) -> None:
        self._thread = thread
        self._client = client

    def subscribe(self, symbol: str | None = None, *what: Any, **options: Any) -> SyncSubscription:
        """Return a subscription, to be iterated over; arguments as of `DepthClient.subscribe`."""
        return SyncSubscription(self._thread, self._client.subscribe(symbol, *what, **options))

    def list_symbols(self) -> list[SymbolInfo]:
        """Return what there is to subscribe to."""
        return self._thread.run(self._client.list_symbols())

    def list_subscriptions(self) -> list[SubscriptionInfo]:
        """Return the streams of this connection, as the server has them."""
        return self._thread.run(self._client.list_subscriptions())

    def ping(self) -> float:
        """Return how long a request and its answer take, in seconds."""
        return self._thread.run(self._client.ping())


class SyncSubscription:
    """Updates, one by one: `for update in subscription`; it is closed when the loop is left."""

    def __init__(self, thread: _LoopThread, subscription: Subscription) -> None:
        self._thread = thread
        self._subscription = subscription

    @property
    def book(self) -> Book:
        """The book as of the update that was taken last."""
        return self._subscription.book

    @property
    def books(self) -> dict[str, Book]:
        """The books by symbol."""
        return self._subscription.books

    @property
    def counters(self) -> Counters:
        """What has become of the subscription's streams."""
        return self._subscription.counters

    def __iter__(self) -> Iterator[Update]:
        updates = aiter(self._subscription)
        try:
            while (update := self._thread.run(_next(updates))) is not None:
                yield update
        finally:
            self._thread.run(updates.aclose())


async def _next(updates: AsyncGenerator[Update, None]) -> Update | None:
    return await anext(updates, None)


async def _entered(connecting: Any) -> asynchronous.DepthClient:
    client: asynchronous.DepthClient = await connecting.__aenter__()
    return client


async def _left(connecting: Any) -> None:
    await connecting.__aexit__(None, None, None)

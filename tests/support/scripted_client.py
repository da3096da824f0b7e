"""A client of a scripted server: what its tests do with a subscription again and again."""

from __future__ import annotations

import asyncio
from typing import Final

from market_depth.client import Book, Event, EventKind, ReconnectPolicy, Subscription, Update
from support.scripted_server import TIMEOUT_S, Message, Peer

SOON: Final = ReconnectPolicy(first_pause_s=0.001, longest_pause_s=0.002)
"""Connects again at once."""


class Reader:
    """Takes a subscription's updates one by one."""

    def __init__(self, subscription: Subscription) -> None:
        self._updates = aiter(subscription)
        self._next: asyncio.Task[Update] | None = None

    def start(self) -> None:
        """Ask for the next update: the first time, that opens the subscription."""
        assert self._next is None
        self._next = asyncio.create_task(anext(self._updates))

    async def next(self) -> Update:
        if self._next is None:
            self.start()
        task, self._next = self._next, None
        assert task is not None
        async with asyncio.timeout(TIMEOUT_S):
            return await task

    async def leave(self) -> None:
        """Leave the loop."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait([self._next])
        await self._updates.aclose()


class Events:
    """What a client tells; pass `tell` as `on_event`."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._come = asyncio.Event()

    def tell(self, event: Event) -> None:
        self.all.append(event)
        self._come.set()

    async def of(self, kind: EventKind) -> Event:
        """Return the first event of a kind, once there is one."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                for event in self.all:
                    if event.kind is kind:
                        return event
                self._come.clear()
                await self._come.wait()


async def begun(peer: Peer, reader: Reader, sequence: int = 1) -> tuple[Message, Update]:
    """Open a stream by price with a bid of 5 at 1.00 and an ask of 5 at 2.00; return the request
    and the first update."""
    reader.start()
    request = await peer.receive("Subscribe")
    await peer.open(request)
    await peer.whole(request, sequence, {1.0: 5}, {2.0: 5})
    return request, await reader.next()


def tops(book: Book) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return (price, quantity) of the bids and of the asks."""
    bids, asks = (
        [(one.price, one.quantity) for one in side] for side in (book.bids(), book.asks())
    )
    return bids, asks

"""What has come for a stream and has not been taken yet, bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """A queue with an end, which may be an error.

    Args:
        size: how many items wait at most; who puts has to see to it.
    """

    __slots__ = ("_error", "_items", "_putters", "_taker", "has_ended", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._items: deque[Item] = deque()
        self._taker: asyncio.Future[None] | None = None
        self._putters = asyncio.Event()
        self.has_ended = False
        self._error: Exception | None = None

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another item."""
        return len(self._items) >= self.size

    def put(self, item: Item) -> None:
        """Add an item; behind the end there is no place for any."""
        if not self.has_ended:
            self._items.append(item)
            self._wake()

    def take_all(self) -> list[Item]:
        """Take out all that wait, oldest first."""
        items = list(self._items)
        self._items.clear()
        return items

    async def wait_for_room(self) -> None:
        """Wait until there is room, or nobody takes anything any more."""
        while self.is_full and not self.has_ended:
            self._putters.clear()
            await self._putters.wait()

    def end(self, error: Exception | None = None) -> None:
        """Let whoever takes items find the end behind those that are there, or the error."""
        if not self.has_ended:
            self.has_ended = True
            self._error = error
            self._putters.set()
            self._wake()

    async def get(self) -> Item | None:
        """Return the next item, `None` at the end.

        Raises:
            Exception: the error that the mailbox has ended with.
        """
        while not self._items:
            if self.has_ended:
                if self._error is not None:
                    raise self._error
                return None
            self._taker = asyncio.get_running_loop().create_future()
            try:
                await self._taker
            finally:
                self._taker = None
        item = self._items.popleft()
        self._putters.set()
        return item

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)

"""Requests that are answered once, by a message that repeats their id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import UNSET

from market_depth.client.errors import ConnectionFailedError, RequestRefusedError
from market_depth.errors import ErrorCode
from market_depth.protocol.messages import Error, Response

__all__ = ["Answer", "Answers"]


class Answer:
    """What comes of one request."""

    __slots__ = ("_message",)

    def __init__(self) -> None:
        self._message: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def within(self, timeout_s: float) -> Any:
        """Return the message, which may be no later than in so many seconds.

        Raises:
            RequestRefusedError: if it is an Error.
            ConnectionFailedError: if it does not come.
        """
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._message
        except TimeoutError:
            raise ConnectionFailedError(f"no answer within {timeout_s:g} s") from None
        if isinstance(message, Error):
            raise RequestRefusedError(message.code, message.message, message.stream_id)
        return message

    def come(self, message: Response) -> None:
        """Take the message."""
        if not self._message.done():
            self._message.set_result(message)

    def lose(self, error: Exception) -> None:
        """Take that none will come."""
        if not self._message.done():
            self._message.set_exception(error)


class Answers:
    """All that are waited for."""

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        self._by_id: dict[int, Answer] = {}
        """Oldest request first."""

    @contextmanager
    def awaiting(self, number: int) -> Iterator[Answer]:
        """Wait for the answer to a request with this id while the block lasts."""
        answer = self._by_id[number] = Answer()
        try:
            yield answer
        finally:
            self._by_id.pop(number, None)

    def take(self, message: Response) -> bool:
        """Return whether a message was waited for; it is handed over then."""
        number: Any = getattr(message, "id", UNSET)
        if number not in self._by_id and _knows_no_ids(message):
            number = next(iter(self._by_id), UNSET)
        answer = self._by_id.pop(number, None)
        if answer is None:
            return False
        answer.come(message)
        return True

    def lose(self, error: Exception) -> None:
        """Tell whoever waits that no answer will come."""
        for answer in self._by_id.values():
            answer.lose(error)
        self._by_id.clear()


def _knows_no_ids(message: Response) -> bool:
    """Whether it is how a server that has just the original messages refuses what it does not know:
    it repeats no ids, so that whoever waits for one would wait in vain."""
    return (
        isinstance(message, Error)
        and message.code == ErrorCode.BAD_REQUEST
        and message.stream_id is None
        and message.id is UNSET
    )

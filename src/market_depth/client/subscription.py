"""A subscription: the updates of one symbol's stream, or of several that were asked for at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import structs

from market_depth.client.books import Book
from market_depth.client.errors import ClientError, ReaderTooSlowError, StreamBrokenError
from market_depth.client.mailbox import Mailbox
from market_depth.client.policies import SlowReaderPolicy
from market_depth.client.streams import Received, Stream
from market_depth.client.updates import EventKind, Update
from market_depth.protocol.messages import MarketData, MarketDelta, Subscribed
from market_depth.protocol.requests import Subscribe

if TYPE_CHECKING:
    from market_depth.client.client import DepthClient

__all__ = ["Counters", "Subscription"]

SharedMailbox = Mailbox[tuple["Subscription", Received]]


@dataclass(slots=True)
class Counters:
    """What has become of a subscription's streams."""

    updates: int = 0
    conflated: int = 0
    lagged: int = 0
    """Updates that the server has skipped."""
    gaps: int = 0
    checksum_failures: int = 0
    resumed: int = 0
    """Times that a stream went on where a lost connection had cut it off."""


class Subscription:
    """Updates, one by one: `async for update in subscription`.

    It is opened when the first update is asked for and closed when the loop is left; as
    `async with subscription` it is opened and closed with the block. Made by
    `DepthClient.subscribe`.
    """

    def __init__(
        self, client: DepthClient, request: Subscribe, policy: SlowReaderPolicy, size: int
    ) -> None:
        self._client = client
        self.request = request
        self._policy = policy
        self.mailbox: SharedMailbox = Mailbox(size)
        self.streams: dict[str, Stream] = {}
        """By the server's stream id; several of a list of symbols."""
        self.counters = Counters()
        self._conflated = 0
        self._is_open = False

    @property
    def stream_id(self) -> str:
        """Name of the stream on the connection, or how the names of several begin."""
        return self.request.stream_id

    @property
    def book(self) -> Book:
        """The book as of the update that was taken last.

        Raises:
            ClientError: if the subscription is of several symbols.
        """
        if self.request.symbols is not None:
            raise ClientError("there is a book for each symbol: see `books`")
        return self._stream(self.stream_id, self.request.symbol or "").book

    @property
    def books(self) -> dict[str, Book]:
        """The books by symbol."""
        return {stream.symbol: stream.book for stream in self.streams.values()}

    async def __aenter__(self) -> Subscription:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Update]:
        await self.open()
        try:
            while (item := await self.mailbox.get()) is not None:
                _, received = item
                update = await self.take(received)
                if update is not None:
                    yield update
        finally:
            await self.close()

    async def open(self) -> None:
        """Ask for the streams, if that has not been done."""
        if not self._is_open:
            self._is_open = True
            await self._client.open(self)

    async def close(self) -> None:
        """Close the streams, if they are open."""
        if self._is_open:
            self._is_open = False
            await self._client.close(self)

    def fail(self, error: Exception) -> None:
        """End with an error."""
        self.mailbox.end(error)

    # For the client

    def requests(self) -> list[Subscribe]:
        """Return what to ask for, so that everything goes on where it was."""
        if not self.streams or any(not stream.is_open for stream in self.streams.values()):
            return [self.request]
        return [self.request_of(stream) for stream in self.streams.values()]

    def request_of(self, stream: Stream) -> Subscribe:
        """Return how one stream is asked for anew."""
        return structs.replace(
            self.request,
            stream_id=stream.stream_id,
            symbol=stream.symbol,
            symbols=None,
            resume=stream.resume,
        )

    def opened(self, answer: Subscribed) -> None:
        """Take the answer to a request."""
        self._stream(answer.stream_id, answer.symbol).opened(answer)
        self.counters.resumed += answer.resumed is True

    async def receive(self, message: MarketData | MarketDelta, raw: bytes | str) -> None:
        """Take a message off the connection; wait for room if that is the policy."""
        stream = self._stream(message.stream_id, message.symbol)
        try:
            if not stream.receive(message):
                return
        except StreamBrokenError as error:
            self.counters.gaps += 1
            await self._client.begin_anew(self, stream, EventKind.GAP, str(error))
            return
        if self.mailbox.is_full:
            await self._make_room()
        self.mailbox.put((self, Received(stream, message, raw)))

    async def take(self, received: Received) -> Update | None:
        """Apply a message that was received, and return the update, `None` if it is of no use."""
        try:
            update = received.stream.apply(received, self._conflated)
        except StreamBrokenError as error:
            self.counters.checksum_failures += 1
            stream = received.stream
            await self._client.begin_anew(self, stream, EventKind.CHECKSUM, str(error))
            return None
        if update is not None:
            self._conflated = 0
            self.counters.updates += 1
        return update

    async def _make_room(self) -> None:
        match self._policy:
            case SlowReaderPolicy.BLOCK:
                await self.mailbox.wait_for_room()
            case SlowReaderPolicy.CONFLATE:
                owner, oldest = self.mailbox.take_oldest()
                if await owner.take(oldest) is not None:
                    owner.counters.updates -= 1
                    owner.counters.conflated += 1
                    owner._conflated += 1
            case SlowReaderPolicy.RAISE:
                self.fail(ReaderTooSlowError(self.stream_id, self.mailbox.size))

    def _stream(self, stream_id: str, symbol: str) -> Stream:
        stream = self.streams.get(stream_id)
        if stream is None:
            stream = Stream(stream_id, symbol, self.request.data_type)
            self.streams[stream_id] = stream
        return stream

"""A subscription: the updates of one symbol's stream, or of several that were asked for at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import astuple, dataclass
from operator import add
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import structs

from market_depth.client.books import Book
from market_depth.client.errors import (
    ClientError,
    ReaderTooSlowError,
    RequestRefusedError,
    StreamBrokenError,
)
from market_depth.client.mailbox import Mailbox
from market_depth.client.policies import SlowReaderPolicy
from market_depth.client.streams import Received, Stream
from market_depth.client.updates import EventKind, Update
from market_depth.protocol.messages import MarketData, MarketDelta, Subscribed
from market_depth.protocol.requests import Mode, Subscribe

if TYPE_CHECKING:
    from market_depth.client.client import DepthClient

__all__ = ["Counters", "SharedMailbox", "Subscription"]

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
    trades_missed: int = 0
    """Trades that were made while there was no connection, before the update taken last."""
    resumed: int = 0
    """Times that a stream went on where a lost connection had cut it off."""

    def __add__(self, other: Counters) -> Counters:
        """Return what both have counted together."""
        return Counters(*map(add, astuple(self), astuple(other)))


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
        self.asked_on = 0
        """Number of the connection that the request as a whole was sent on; 0 for none."""
        self._refused: set[str] = set()
        """Stream ids, of several symbols."""
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
        return {stream.symbol: stream.book for stream in self.streams.values() if stream.is_open}

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

    async def __aiter__(self) -> AsyncGenerator[Update, None]:
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
            if self.mailbox.has_ended:
                self.mailbox = Mailbox(self.mailbox.size)
            self.streams.clear()
            self._refused.clear()
            self._is_open = True
            try:
                await self._client.open(self)
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        """Close the streams, if they are open; what has not been taken is forgotten."""
        if self._is_open:
            self._is_open = False
            self.mailbox.end()
            self.mailbox.take_all()
            await self._client.close(self)

    def fail(self, error: Exception) -> None:
        """End with an error."""
        self.mailbox.end(error)

    # For the client

    def stream_ids(self) -> list[str]:
        """Return the streams that there are, or that may still be opened."""
        if self.request.symbols is None:
            return [self.stream_id]
        wanted = () if self._wants_all else self.request.symbols
        names = dict.fromkeys([*self.streams, *map(self._name_of, wanted)])
        return [name for name in names if name not in self._refused]

    def requests(self, connection: int) -> Iterator[Subscribe]:
        """Yield what has not been asked for on a connection, so that everything goes on there."""
        if self.asked_on == connection:
            return
        self.asked_on = connection
        if not self.streams:
            yield self.request
            return
        for name in self.stream_ids():
            stream = self._stream(name, self.symbol_of(name))
            if stream.asked_on != connection:
                stream.asked_on = connection
                yield self.request_of(stream)

    def request_of(self, stream: Stream) -> Subscribe:
        """Return how one stream is asked for anew."""
        return structs.replace(
            self.request,
            stream_id=stream.stream_id,
            symbol=stream.symbol,
            symbols=None,
            resume=stream.resume if self.request.mode is Mode.DELTA else None,
        )

    def opened(self, answer: Subscribed, connection: int) -> None:
        """Take the answer to a request."""
        stream = self._stream(answer.stream_id, answer.symbol)
        stream.asked_on = connection
        stream.opened(answer)
        self.counters.resumed += answer.resumed is True

    def waits(self, stream_id: str, connection: int) -> None:
        """Take that a stream will be opened when its symbol's feed is back."""
        self._stream(stream_id, self.symbol_of(stream_id)).asked_on = connection

    def symbol_of(self, stream_id: str) -> str:
        """Return the symbol of one of the streams."""
        return self.request.symbol or stream_id.removeprefix(f"{self.stream_id}:")

    def refuse(self, error: RequestRefusedError) -> bool:
        """Take that a stream is refused; return whether that leaves none to be had."""
        stream_id = error.stream_id or self.stream_id
        if stream_id != self.stream_id:
            self._refused.add(stream_id)
            self.streams.pop(stream_id, None)
            if self._wants_all or self.stream_ids():
                return False
        self.fail(error)
        return True

    async def receive(self, message: MarketData | MarketDelta, raw: bytes | str) -> None:
        """Take a message off the connection; wait for room if that is the policy."""
        stream = self._stream(message.stream_id, message.symbol)
        try:
            if not stream.receive(message):
                return
        except StreamBrokenError as error:
            self.counters.gaps += 1
            await self._client.begin_anew(self, stream, EventKind.GAP, error)
            return
        missed = stream.missed_trades(message)
        if self.mailbox.is_full:
            await self._make_room()
        self.mailbox.put((self, Received(stream, message, raw, missed)))

    async def take(self, received: Received) -> Update | None:
        """Apply a message that was received, and return the update, `None` if it is of no use."""
        try:
            update = received.stream.apply(received)
        except StreamBrokenError as error:
            self.counters.checksum_failures += 1
            stream = received.stream
            await self._client.begin_anew(self, stream, EventKind.CHECKSUM, error)
            return None
        if update is not None:
            received.stream.conflated = 0
            self.counters.updates += 1
            self._count_missed(update, received.stream)
        return update

    async def pass_over(self, received: Received) -> None:
        """Apply a message that was received, without handing it out."""
        conflated = received.stream.conflated
        if await self.take(received) is not None:
            received.stream.conflated = conflated + 1
            self.counters.updates -= 1
            self.counters.conflated += 1

    async def _make_room(self) -> None:
        match self._policy:
            case SlowReaderPolicy.BLOCK:
                await self.mailbox.wait_for_room()
            case SlowReaderPolicy.CONFLATE:
                await self._conflate()
                await self.mailbox.wait_for_room()
            case SlowReaderPolicy.RAISE:
                self.fail(ReaderTooSlowError(self.stream_id, self.mailbox.size))

    async def _conflate(self) -> None:
        """Apply what waits in the mailbox, but for that of others who share it and want all."""
        mailbox = self.mailbox
        for owner, received in mailbox.take_all():
            if owner._policy is SlowReaderPolicy.CONFLATE:
                await owner.pass_over(received)
            else:
                mailbox.put((owner, received))

    def _count_missed(self, update: Update, stream: Stream) -> None:
        if missed := update.trades_missed:
            self.counters.trades_missed += missed
            self._client.tell(EventKind.GAP, f"{stream.stream_id}: {missed} trades missed", stream)

    @property
    def _wants_all(self) -> bool:
        return self.request.symbols == ["*"]

    def _name_of(self, symbol: str) -> str:
        return f"{self.stream_id}:{symbol}"

    def _stream(self, stream_id: str, symbol: str) -> Stream:
        stream = self.streams.get(stream_id)
        if stream is None:
            stream = Stream(stream_id, symbol, self.request.data_type)
            self.streams[stream_id] = stream
        return stream

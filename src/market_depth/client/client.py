"""The client: a connection, its subscriptions, and requests that are answered once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal

from market_depth.client.answers import Answers
from market_depth.client.connection import Connection
from market_depth.client.errors import ClientError, ConnectionFailedError, RequestRefusedError
from market_depth.client.gateway import GATEWAYS
from market_depth.client.mailbox import Mailbox
from market_depth.client.policies import ReconnectPolicy, SlowReaderPolicy
from market_depth.client.streams import Stream
from market_depth.client.subscription import SharedMailbox, Subscription
from market_depth.client.updates import Event, EventKind, Update
from market_depth.errors import ErrorCode
from market_depth.protocol.messages import (
    DataType,
    Error,
    Lagged,
    MarketData,
    MarketDelta,
    Response,
    Status,
    Subscribed,
    Subscriptions,
    SymbolInfo,
    Symbols,
    Unsubscribed,
)
from market_depth.protocol.messages import Subscription as SubscriptionInfo
from market_depth.protocol.requests import (
    ListSubscriptions,
    ListSymbols,
    Mode,
    Ping,
    Subscribe,
    Unsubscribe,
)

__all__ = ["DEFAULT_URL", "DepthClient", "connect"]

DEFAULT_URL: Final = "ws://127.0.0.1:8080"
DEFAULT_RECONNECT: Final = ReconnectPolicy()
_QUEUE_SIZE: Final = 1024
_REQUESTS_AT_ONCE: Final = 20
"""Sent before an answer is waited for, when many streams go on: a server refuses a flood."""


@asynccontextmanager
async def connect(
    url: str = DEFAULT_URL,
    *,
    token: str | None = None,
    encoding: Literal["json", "msgpack"] = "json",
    compression: bool = False,
    reconnect: ReconnectPolicy = DEFAULT_RECONNECT,
    on_event: Callable[[Event], None] | None = None,
    timeout_s: float = 10.0,
) -> AsyncIterator[DepthClient]:
    """Connect to a market depth server, and close the connection at the end of the block.

    A connection that is lost is made anew, and every stream goes on: a delta stream where it was
    cut off if the server still has what is missing, any other with a whole view. Books are exact in
    either case.

    Args:
        url: of the server, `ws://HOST:PORT`.
        token: credentials, for a server that wants them.
        encoding: JSON, or MessagePack, which is shorter.
        compression: whether to ask for compressed messages.
        reconnect: how a lost connection is made anew. The first one is tried once.
        on_event: told what happens besides updates; it must return at once.
        timeout_s: for a handshake, and for an answer.

    Raises:
        ConnectionFailedError: if the server can't be reached.
    """
    client = DepthClient(
        url,
        token=token,
        encoding=encoding,
        compression=compression,
        reconnect=reconnect,
        on_event=on_event,
        timeout_s=timeout_s,
    )
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


class DepthClient:
    """A connection to a server; use `connect`."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        encoding: str,
        compression: bool,
        reconnect: ReconnectPolicy,
        on_event: Callable[[Event], None] | None,
        timeout_s: float,
    ) -> None:
        self._connection = Connection(
            url,
            GATEWAYS[encoding],
            token=token,
            wants_compression=compression,
            policy=reconnect,
            timeout_s=timeout_s,
            receive=self._receive,
            restore=self._restore,
            lose=self._lose_answers,
            fail=self._fail,
            tell=self._tell,
        )
        self._on_event = on_event
        self._timeout_s = timeout_s
        self._subscriptions: dict[str, Subscription] = {}
        """By stream id; of several symbols, by how the ids begin."""
        self._answers = Answers()
        self._closing: set[str] = set()
        """Streams whose Unsubscribe is not answered yet."""
        self._ids = itertools.count(1)
        self._error: Exception | None = None

    async def start(self) -> None:
        """Connect.

        Raises:
            ConnectionFailedError: if the server can't be reached.
        """
        await self._connection.open()

    async def stop(self) -> None:
        """Close the connection; subscriptions come to their end."""
        await self._connection.close()
        self._end(None)

    def subscribe(
        self,
        symbol: str | None = None,
        data_type: DataType | Literal["MBP", "MBO", "BBO", "TRADES"] = DataType.MBP,
        *,
        symbols: Sequence[str] | Literal["*"] | None = None,
        levels: int = 20,
        mode: Mode | Literal["snapshot", "delta"] = Mode.DELTA,
        interval_ms: int | None = None,
        group: str | None = None,
        checksum: bool = False,
        stream_id: str | None = None,
        queue_size: int = _QUEUE_SIZE,
        slow_reader: SlowReaderPolicy = SlowReaderPolicy.BLOCK,
    ) -> Subscription:
        """Return a subscription, to be iterated over.

        Args:
            symbol: what it is about.
            data_type: by price, by order, the best level of either side, or trades.
            symbols: several in place of one, or "*" for all that there are.
            levels: price levels a side.
            mode: "delta" sends what has changed, "snapshot" the whole view each time.
            interval_ms: least time between two updates, 0 for every change; `None` leaves it to the
                server.
            group: by price, the step that levels are merged into, such as "0.50".
            checksum: whether each update is verified; a stream that fails is asked for anew.
            stream_id: its name on the connection; `None` makes one.
            queue_size: updates that wait to be taken, at most.
            slow_reader: what happens when there are more.

        Raises:
            ClientError: if trades are not to be handed out one and all.
        """
        wanted = DataType(data_type)
        is_trades = wanted is DataType.TRADES
        if is_trades and slow_reader is SlowReaderPolicy.CONFLATE:
            raise ClientError("trades can't be conflated: take SlowReaderPolicy BLOCK or RAISE")
        request = Subscribe(
            stream_id=stream_id or f"{wanted.value.lower()}-{next(self._ids)}",
            symbol=symbol,
            data_type=wanted,
            max_levels=None if is_trades else levels,
            mode=Mode.SNAPSHOT if is_trades else Mode(mode),
            interval_ms=interval_ms,
            group=group,
            checksum=checksum or None,
            symbols=["*"] if symbols == "*" else None if symbols is None else list(symbols),
        )
        return Subscription(self, request, slow_reader, queue_size)

    async def merged(self, *subscriptions: Subscription) -> AsyncGenerator[Update, None]:
        """Yield the updates of several subscriptions, in the order in which they come.

        They are opened, and closed at the end. Together they have one queue, as long as that of the
        first one.
        """
        mailbox: SharedMailbox = Mailbox(subscriptions[0].mailbox.size)
        try:
            for subscription in subscriptions:
                subscription.mailbox = mailbox
                await subscription.open()
            while (item := await mailbox.get()) is not None:
                owner, received = item
                update = await owner.take(received)
                if update is not None:
                    yield update
        finally:
            for subscription in subscriptions:
                await subscription.close()

    async def list_symbols(self) -> list[SymbolInfo]:
        """Return what there is to subscribe to."""
        answer: Symbols = await self._ask(lambda number: ListSymbols(number))
        return answer.symbols

    async def list_subscriptions(self) -> list[SubscriptionInfo]:
        """Return the streams of this connection, as the server has them."""
        answer: Subscriptions = await self._ask(lambda number: ListSubscriptions(number))
        return answer.subscriptions

    async def ping(self) -> float:
        """Return how long a request and its answer take, in seconds."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await self._ask(lambda number: Ping(datetime.now(UTC), number))
        return loop.time() - begun_s

    # For subscriptions

    async def open(self, subscription: Subscription) -> None:
        """Ask for a subscription's streams; if there is no connection now, when there is one.

        Raises:
            ClientError: if its stream id is in use.
        """
        if self._error is not None:
            raise self._error
        if subscription.stream_id in self._subscriptions:
            raise ClientError(f"stream {subscription.stream_id!r} is open already")
        self._subscriptions[subscription.stream_id] = subscription
        subscription.asked_on = self._connection.number
        await self._connection.send(subscription.request)

    async def close(self, subscription: Subscription) -> None:
        """Close a subscription's streams, unless it has been refused."""
        if self._subscriptions.get(subscription.stream_id) is not subscription:
            return
        del self._subscriptions[subscription.stream_id]
        for stream_id in subscription.stream_ids():
            await self._unsubscribe(stream_id)

    async def begin_anew(
        self, subscription: Subscription, stream: Stream, kind: EventKind, error: ClientError
    ) -> None:
        """Ask for a stream once more, from a whole view on; end it if that has been of no use."""
        self.tell(kind, str(error), stream)
        if not stream.begin_anew():
            subscription.fail(error)
            return
        if stream.asked_on == self._connection.number:  # otherwise it is yet to be asked for
            await self._connection.send(Unsubscribe(stream.stream_id))
            await self._connection.send(subscription.request_of(stream))

    def tell(self, kind: EventKind, text: str, stream: Stream) -> None:
        """Tell the user what has happened to a stream."""
        self._tell(Event(kind, text, stream.symbol, stream.stream_id))

    # From the connection

    async def _receive(self, message: Response, raw: bytes | str) -> None:
        if isinstance(message, MarketData | MarketDelta):
            subscription = self._find(message.stream_id)
            if subscription is not None:
                await subscription.receive(message, raw)
            return
        if self._answers.take(message):
            return
        match message:
            case Subscribed():
                subscription = self._find(message.stream_id)
                if subscription is not None:
                    subscription.opened(message, self._connection.number)
                elif message.stream_id not in self._closing:
                    await self._unsubscribe(message.stream_id)
            case Unsubscribed():
                self._closing.discard(message.stream_id)
            case Error():
                self._take_error(message)
            case Status():
                self._tell(_status_event(message))
            case Lagged():
                subscription = self._find(message.stream_id)
                if subscription is not None:
                    subscription.counters.lagged += message.skipped
                text = f"{message.stream_id}: {message.skipped} updates skipped"
                self._tell(Event(EventKind.LAGGED, text, stream_id=message.stream_id))

    async def _restore(self) -> None:
        """Have every stream go on, on a new connection."""
        sent = 0
        for subscription in list(self._subscriptions.values()):
            for request in subscription.requests(self._connection.number):
                if self._subscriptions.get(subscription.stream_id) is not subscription:
                    break
                await self._connection.send(request)
                sent += 1
                if sent % _REQUESTS_AT_ONCE == 0:
                    with suppress(ConnectionFailedError):
                        await self.ping()

    async def _unsubscribe(self, stream_id: str) -> None:
        if await self._connection.send(Unsubscribe(stream_id)):
            self._closing.add(stream_id)

    def _take_error(self, error: Error) -> None:
        stream_id = error.stream_id
        subscription = None if stream_id is None else self._find(stream_id)
        if stream_id is None or subscription is None:
            if stream_id is None or stream_id not in self._closing:
                text = f"{error.code}: {error.message}"
                self._tell(Event(EventKind.REFUSED, text, None, stream_id))
            else:
                self._closing.discard(stream_id)
        elif error.code == ErrorCode.UNAVAILABLE:
            subscription.waits(stream_id, self._connection.number)
            self._tell(
                Event(
                    EventKind.STATUS,
                    error.message,
                    subscription.symbol_of(stream_id),
                    stream_id,
                    status="Stale",
                    reason=error.message,
                )
            )
        elif subscription.refuse(RequestRefusedError(error.code, error.message, stream_id)):
            self._subscriptions.pop(subscription.stream_id, None)
        else:
            self._tell(Event(EventKind.REFUSED, f"{error.code}: {error.message}", None, stream_id))

    def _find(self, stream_id: str) -> Subscription | None:
        """Return whose stream it is; of several symbols, ids end with `:` and the symbol."""
        subscription = self._subscriptions.get(stream_id)
        while subscription is None and ":" in stream_id:
            stream_id = stream_id.rpartition(":")[0]
            subscription = self._subscriptions.get(stream_id)
        return subscription

    def _tell(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        for subscription in list(self._subscriptions.values()):
            subscription.mailbox.end(error)
        self._lose_answers(error or ConnectionFailedError("the client has been closed"))

    def _lose_answers(self, error: Exception) -> None:
        """Tell whoever waits for an answer that none will come."""
        self._closing.clear()
        self._answers.lose(error)

    async def _ask(self, request_with: Callable[[int], Any]) -> Any:
        """Send a request with an id, and return its answer.

        Raises:
            RequestRefusedError: if that is an Error.
            ConnectionFailedError: if there is no connection to send it on, or no answer in time.
        """
        if self._error is not None:
            raise self._error
        number = next(self._ids)
        with self._answers.awaiting(number) as answer:
            if not await self._connection.send(request_with(number)):
                raise ConnectionFailedError("there is no connection now")
            return await answer.within(self._timeout_s)


def _status_event(message: Status) -> Event:
    """Return what a user is told of a Status."""
    reason = message.reason or ""
    text = f"{message.symbol}: {message.status} {reason}".strip()
    return Event(EventKind.STATUS, text, message.symbol, status=message.status, reason=reason)

"""A session: what one connected client asks for, and the answers it gets."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import NamedTuple, Protocol, assert_never

from market_depth.errors import ErrorCode, RequestError, quoted
from market_depth.logs import get_logger, new_reference
from market_depth.protocol.codec import decode_request
from market_depth.protocol.messages import (
    Error,
    HeartBeat,
    Subscriptions,
    Symbols,
    or_unset,
)
from market_depth.protocol.requests import (
    ListSubscriptions,
    ListSymbols,
    Ping,
    Request,
    RequestId,
    Subscribe,
    Unsubscribe,
)
from market_depth.protocol.wire import Wire
from market_depth.server.credentials import Client
from market_depth.server.hub import Hub, wire_time
from market_depth.server.limits import MessageBudget
from market_depth.server.symbol_lists import stream_of_each
from market_depth.streams import Subscriber

__all__ = ["SLOW_CONSUMER", "RequestChannel", "Session"]

log = get_logger()

MAX_DELAYED_MESSAGES = 32
"""Requests over the rate that wait for their turn; more are refused."""
MAX_REFUSED_MESSAGES = 100
"""Refusals, with nothing answered in between, after which the connection is closed."""
POLICY_VIOLATION = 1008
SLOW_CONSUMER = 4408

_STREAMS_A_TURN = 20
"""Streams of one request that are opened before other clients get their turn: about 2 ms."""
_STUCK = 2
"""How many times the write buffer's limit may be unsent before requests have to wait too."""
_MAX_UNSENT_BYTES = 1024 * 1024
"""What may be unsent, beyond any large view, before a stream is given up that must not leave
anything out."""


class RequestChannel(Protocol):
    """What a session asks of the connection that its requests come from."""

    def pause_reading(self) -> None:
        """Let the client's requests wait in its socket."""

    def resume_reading(self) -> None:
        """Read the client's requests again."""

    def close(self, code: int, reason: str) -> None:
        """Send a Close, and go."""


class _Message(NamedTuple):
    """A request as it came."""

    payload: bytes
    is_binary: bool


class Session(Subscriber):
    """The requests and streams of one connection.

    It is there from the end of the handshake until the connection closes.
    """

    __slots__ = (
        "_budget",
        "_client",
        "_delayed",
        "_hub",
        "_refused",
        "_requests",
        "_timer",
        "_to_open",
        "_transport",
        "number",
        "write",
    )

    def __init__(
        self,
        hub: Hub,
        requests: RequestChannel,
        transport: asyncio.Transport,
        client: Client,
        wire: Wire,
    ) -> None:
        super().__init__(wire)
        limits = hub.limits
        now = asyncio.get_running_loop().time()
        self._hub = hub
        self._requests = requests
        self._transport = transport
        # uvloop's own method, with nothing in between: it is called once per message.
        self.write = transport.write
        self._client = client
        self._budget = MessageBudget(limits.message_rate_hz, limits.message_burst, now)
        self._delayed: deque[_Message] | None = None
        """Requests that wait; `None` if the next one can be answered at once."""
        self._to_open: deque[Subscribe] | None = None
        """Streams of the last request that are still to be opened, before any other request."""
        self._refused = 0
        self._timer: asyncio.Handle | None = None
        self.number = hub.next_number()

    def receive(self, payload: bytes, *, is_binary: bool) -> None:
        """Take one request: now, later if it is over the rate, or not at all.

        While the client leaves answers unread beyond a bound, its requests wait however many have
        come already: what is in the socket is not read meanwhile.
        """
        self._hub.counters.messages_in += 1
        message = _Message(payload, is_binary)
        if self._delayed is None:
            now = asyncio.get_running_loop().time()
            if not self.is_stuck and self._budget.take(now):
                self._answer(message)
                return
            self._delay()
            self._wait_for_turn()
        assert self._delayed is not None
        if self.is_stuck or len(self._delayed) < MAX_DELAYED_MESSAGES:
            self._delayed.append(message)
        else:
            self._refuse()

    def go_on(self) -> None:
        """Go on where the client has not read for a while."""
        self._hub.manager.caught_up(self, time.time_ns())
        if self._delayed is not None and self._timer is None:
            self._take_turn()

    def refuse_too_large(self, size_bytes: int) -> None:
        """Answer a message over the size limit."""
        limit = self._hub.limits.max_message_bytes
        problem = f"a message may have {limit} bytes, got {size_bytes} at least"
        self._fail(RequestError(ErrorCode.TOO_LARGE, problem))

    def end(self) -> None:
        """Forget everything; nothing is written any more."""
        self._hub.manager.drop(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._delayed = self._to_open = None

    def is_overrun(self) -> bool:
        """Whether so much is unsent that not even what must not be left out can be added."""
        limit = self._hub.limits.max_write_buffer_bytes
        return self._transport.get_write_buffer_size() > max(_MAX_UNSENT_BYTES, _STUCK * limit)

    def give_up(self, reason: str) -> None:
        """End the connection, soon: it can't take what must not be left out."""
        asyncio.get_running_loop().call_soon(self._requests.close, SLOW_CONSUMER, reason)

    @property
    def is_stuck(self) -> bool:
        """Whether the client has left so much unread that its requests have to wait."""
        most = _STUCK * self._hub.limits.max_write_buffer_bytes
        return self.is_blocked and self._transport.get_write_buffer_size() > most

    def _delay(self) -> None:
        """Let requests wait from now on."""
        self._delayed = deque()
        self._requests.pause_reading()

    def _wait_for_turn(self) -> None:
        if not self.is_stuck:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._budget.wait_s(), self._take_turn)

    def _take_turn(self) -> None:
        """Answer the delayed requests for which the budget has tokens again."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._open_streams(now) and self._delayed:
            if self.is_stuck:
                return
            if not self._budget.take(now):
                self._wait_for_turn()
                return
            self._refused = 0
            self._answer(self._delayed.popleft())
        if self._delayed is not None and not self._delayed and not self._to_open:
            self._delayed = None
            self._requests.resume_reading()

    def _open_streams(self, now: float) -> bool:
        """Open streams of a request for several, a turn's worth; return whether all are open.

        Each counts as a request: it costs as much as one.
        """
        left = _STREAMS_A_TURN
        while self._to_open:
            if self.is_blocked:  # it goes on when the client has read
                return False
            if not left:
                self._timer = asyncio.get_running_loop().call_soon(self._take_turn)
                return False
            if not self._budget.take(now):
                self._wait_for_turn()
                return False
            left -= 1
            self._attempt(self._to_open.popleft())
        return True

    def _refuse(self) -> None:
        self._refused += 1
        rate = self._hub.limits.message_rate_hz
        if self._refused > MAX_REFUSED_MESSAGES:
            self._requests.close(POLICY_VIOLATION, f"too many messages: {rate:g} a second allowed")
            return
        self._fail(
            RequestError(ErrorCode.TOO_MANY, f"too many messages: {rate:g} a second allowed")
        )

    def _answer(self, message: _Message) -> None:
        log.trace("request", client=self.number, text=message.payload)
        try:
            request = self._decoded(message)
        except RequestError as error:
            self._fail(error)
        else:
            self._attempt(request)

    def _decoded(self, message: _Message) -> Request:
        encoder = self.wire.encoder
        if message.is_binary != encoder.is_binary:
            kind = "binary" if message.is_binary else "text"
            problem = f"{kind} frame on a {encoder.title} connection"
            raise RequestError(ErrorCode.BAD_REQUEST, problem)
        return decode_request(message.payload, is_binary=message.is_binary)

    def _attempt(self, request: Request) -> None:
        try:
            self._dispatch(request)
        except RequestError as error:
            self._fail(error, request.id)
        except Exception:
            reference = new_reference()
            log.exception("request failed", client=self.number, reference=reference)
            problem = f"internal error, reference {reference}"
            self._fail(RequestError(ErrorCode.INTERNAL, problem), request.id)

    def _dispatch(self, request: Request) -> None:
        manager = self._hub.manager
        match request:
            case Subscribe():
                self._subscribe(request)
            case Unsubscribe():
                manager.unsubscribe(self, request)
                log.debug("unsubscribed", client=self.number, stream_id=request.stream_id)
            case Ping():
                self.send(HeartBeat(wire_time(), or_unset(request.id)))
            case ListSymbols():
                symbols = [
                    one for one in manager.symbols(self.wire) if self._client.may_see(one.symbol)
                ]
                self.send(Symbols(symbols, or_unset(request.id)))
            case ListSubscriptions():
                self.send(Subscriptions(manager.subscriptions(self), or_unset(request.id)))
            case _:
                assert_never(request)

    def _subscribe(self, request: Subscribe) -> None:
        if request.symbols is not None:
            known = filter(self._client.may_see, self._hub.manager.market.symbols())
            self._to_open = deque(stream_of_each(request, request.symbols, known))
            if self._delayed is None:
                self._delay()
                self._take_turn()
            return
        symbol = request.symbol or ""
        if not self._client.may_see(symbol):
            raise RequestError(
                ErrorCode.FORBIDDEN,
                f"no entitlement for symbol {quoted(symbol)}",
                request.stream_id,
            )
        now = asyncio.get_running_loop().time()
        try:
            self._hub.manager.subscribe(self, request, now, time.time_ns())
        finally:
            self._hub.ticker.arm()  # a stream that waits for its feed is looked after as well
        log.debug(
            "subscribed",
            client=self.number,
            stream_id=request.stream_id,
            symbol=symbol,
            data_type=request.data_type.value,
            max_levels=request.levels,
        )

    def _fail(self, error: RequestError, request_id: RequestId | None = None) -> None:
        self._hub.count_error(error.code)
        log.debug("error", client=self.number, code=int(error.code), message=error.message)
        known_id = error.request_id if request_id is None else request_id
        self.send(Error(int(error.code), error.message, error.stream_id, or_unset(known_id)))

"""A session: what one connected client asks for, and the answers it gets."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Protocol

from market_depth.errors import ErrorCode, RequestError, quoted
from market_depth.logs import get_logger, new_reference
from market_depth.protocol.codec import decode_request, encode_response
from market_depth.protocol.frames import text_frame
from market_depth.protocol.messages import (
    Error,
    Response,
    Subscribe,
    Unsubscribe,
)
from market_depth.server.credentials import Client
from market_depth.server.hub import Hub, heartbeat_frame
from market_depth.server.limits import MessageBudget
from market_depth.streams import Subscriber

__all__ = ["RequestChannel", "Session"]

log = get_logger()

MAX_DELAYED_MESSAGES = 32
"""Requests over the rate that wait for their turn; more are refused."""
MAX_REFUSED_MESSAGES = 100
"""Refusals, with nothing answered in between, after which the connection is closed."""
POLICY_VIOLATION = 1008


class RequestChannel(Protocol):
    """What a session asks of the connection that its requests come from."""

    def pause_reading(self) -> None:
        """Let the client's requests wait in its socket."""

    def resume_reading(self) -> None:
        """Read the client's requests again."""

    def close(self, code: int, reason: str) -> None:
        """Send a Close, and go."""


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
        "number",
        "write",
    )

    def __init__(
        self, hub: Hub, requests: RequestChannel, transport: asyncio.Transport, client: Client
    ) -> None:
        super().__init__()
        limits = hub.limits
        now = asyncio.get_running_loop().time()
        self._hub = hub
        self._requests = requests
        # uvloop's own method, with nothing in between: it is called once per message.
        self.write = transport.write
        self._client = client
        self._budget = MessageBudget(limits.message_rate_hz, limits.message_burst, now)
        self._delayed: deque[bytes | None] | None = None
        self._refused = 0
        self._timer: asyncio.TimerHandle | None = None
        self.number = hub.next_number()

    def send(self, message: Response) -> None:
        """Send one message."""
        self.answer(text_frame(encode_response(message)))

    def receive(self, text: bytes | None) -> None:
        """Take one request: now, later if it is over the rate, or not at all.

        A binary message, whatever is in it, comes as `None`: its refusal counts like an answer.
        While the client does not read, its requests wait however many have come already: what is
        in the socket is not read meanwhile.
        """
        self._hub.counters.messages_in += 1
        if self._delayed is None:
            now = asyncio.get_running_loop().time()
            if not self.is_blocked and self._budget.take(now):
                self._answer(text)
                return
            self._delayed = deque()
            self._requests.pause_reading()
            self._wait_for_turn()
        if self.is_blocked or len(self._delayed) < MAX_DELAYED_MESSAGES:
            self._delayed.append(text)
        else:
            self._refuse()

    def go_on(self) -> None:
        """Answer what has waited for the client to read."""
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
        self._delayed = None

    def _wait_for_turn(self) -> None:
        if not self.is_blocked:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._budget.wait_s(), self._take_turn)

    def _take_turn(self) -> None:
        """Answer the delayed requests for which the budget has tokens again."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._delayed and not self.is_blocked and self._budget.take(now):
            self._refused = 0
            self._answer(self._delayed.popleft())
        if self._delayed:
            self._wait_for_turn()
        elif self._delayed is not None:
            self._delayed = None
            self._requests.resume_reading()

    def _refuse(self) -> None:
        self._refused += 1
        rate = self._hub.limits.message_rate_hz
        if self._refused > MAX_REFUSED_MESSAGES:
            self._requests.close(POLICY_VIOLATION, f"too many messages: {rate:g} a second allowed")
            return
        self._fail(
            RequestError(ErrorCode.TOO_MANY, f"too many messages: {rate:g} a second allowed")
        )

    def _answer(self, text: bytes | None) -> None:
        log.trace("request", client=self.number, text=text)
        try:
            self._dispatch(text)
        except RequestError as error:
            self._fail(error)
        except Exception:
            reference = new_reference()
            log.exception("request failed", client=self.number, reference=reference)
            self._fail(RequestError(ErrorCode.INTERNAL, f"internal error, reference {reference}"))

    def _dispatch(self, text: bytes | None) -> None:
        if text is None:
            raise RequestError(ErrorCode.BAD_REQUEST, "binary frame on a JSON connection")
        request = decode_request(text)
        if isinstance(request, Subscribe):
            self._subscribe(request)
        elif isinstance(request, Unsubscribe):
            self._hub.manager.unsubscribe(self, request.stream_id)
            log.debug("unsubscribed", client=self.number, stream_id=request.stream_id)
        else:
            self.answer(heartbeat_frame())

    def _subscribe(self, request: Subscribe) -> None:
        if not self._client.may_see(request.symbol):
            raise RequestError(
                ErrorCode.FORBIDDEN,
                f"no entitlement for symbol {quoted(request.symbol)}",
                request.stream_id,
            )
        now = asyncio.get_running_loop().time()
        self._hub.manager.subscribe(self, request, now, time.time_ns())
        self._hub.ticker.arm()
        log.debug(
            "subscribed",
            client=self.number,
            stream_id=request.stream_id,
            symbol=request.symbol,
            data_type=request.data_type.value,
            max_levels=request.levels,
        )

    def _fail(self, error: RequestError) -> None:
        self._hub.count_error(error.code)
        log.debug("error", client=self.number, code=int(error.code), message=error.message)
        self.send(Error(int(error.code), error.message, error.stream_id))

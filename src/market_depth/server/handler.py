"""The WebSocketHandler: one connection, from accept to close.

What comes in goes through the sans-I/O protocol of `websockets`, strict to the RFC. Data that
goes out bypasses it: the session writes prebuilt frames to the transport (what a protocol
object would add per message is nothing but time). The two meet at the closing handshake: from
the first Close on, in either direction, the session is over and writes nothing more.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import cast

from websockets.exceptions import InvalidMessage, PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from market_depth.errors import ErrorCode
from market_depth.logs import get_logger
from market_depth.protocol.messages import Error, HeartBeat, Shutdown
from market_depth.protocol.wire import Wire, wire_of
from market_depth.server.compression import compression_extensions, is_compressed
from market_depth.server.credentials import Client, presented_token
from market_depth.server.hub import Hub, wire_time
from market_depth.server.pages import Pages, split_path
from market_depth.server.session import SLOW_CONSUMER, Session

__all__ = ["WebSocketHandler"]

log = get_logger()

INVALID_DATA = 1007
GOING_AWAY = 1001
TOO_MANY = 4429
BAD_CREDENTIALS = 4501

ENCODINGS = {
    Subprotocol("market-depth.json"): "json",
    Subprotocol("market-depth.msgpack"): "msgpack",
}
"""By WebSocket subprotocol, how messages are encoded."""

_PING = b"\x89\x00"
"""A ping frame without a payload."""
_HEAD_END = b"\r\n\r\n"
_MUCH = 1 << 62

_UNSENT_BYTES = 128 * 1024
"""Bytes that the kernel takes beyond what it has sent: more would be stale when it arrives."""


class WebSocketHandler(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_fragments",
        "_head",
        "_hub",
        "_is_binary",
        "_is_reading",
        "_is_refused",
        "_pages",
        "_protocol",
        "_timer",
        "_transport",
        "address",
        "has_been_heard",
        "session",
    )

    def __init__(self, hub: Hub, pages: Pages) -> None:
        self._hub = hub
        self._pages = pages
        self._protocol = ServerProtocol(
            extensions=compression_extensions() if hub.limits.allows_compression else None,
            max_size=hub.limits.max_message_bytes,
            logger=hub.protocol_logger,
            select_subprotocol=_select_subprotocol,
        )
        self._head: bytes | None = b""
        """The last bytes of a request that is still coming in; `None` once it is there."""
        self._fragments: list[bytes] | None = None
        self._is_binary = False
        """Whether the fragments are those of a binary message."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_reading = True
        self._is_refused = False
        """Whether what should have been a request was answered as none."""
        self.address = ""
        self.has_been_heard = True
        """Whether anything has come in since the last keep-alive ping."""
        self.session: Session | None = None

    # From the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection, and give it a while for its handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self.address = _address(self._transport)
        if not self._hub.admit(self):
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=self._hub.limits.max_write_buffer_bytes)
        _limit_unsent(self._transport)
        self._arm(self._hub.limits.handshake_timeout_s, self._give_up_handshake)

    def data_received(self, data: bytes) -> None:
        """Feed the protocol, and act on what it makes of the data."""
        self.has_been_heard = True
        if self._head is None:
            self._protocol.receive_data(data)
            self._react()
            if self.session is not None and self.session.is_blocked:
                self._update_reading()  # pongs that are not read are as many bytes as answers
            return
        # The request is answered before the protocol sees what may have come behind it.
        end = (self._head + data).find(_HEAD_END)
        if end < 0:
            self._head = (self._head + data)[-len(_HEAD_END) + 1 :]
            self._protocol.receive_data(data)
            self._react()
            return
        end += len(_HEAD_END) - len(self._head)
        self._head = None
        self._protocol.receive_data(data[:end])
        self._react()
        if self._protocol.state is State.OPEN and len(data) > end:
            self._protocol.receive_data(data[end:])
            self._react()

    def eof_received(self) -> bool:
        """The client has closed its side: what is on its way to it still goes out."""
        self._protocol.receive_eof()
        self._react()
        self._end_session("client closed its side")
        self._await_end()
        return False

    def pause_writing(self) -> None:
        """The client reads slower than we write: skip its updates."""
        if self.session is not None:
            self.session.is_blocked = True
            self._arm(self._hub.limits.stall_s, self._give_up_stalled)

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self.session is not None:
            self.session.is_blocked = False
            self._disarm()
            self._update_reading()
            self.session.go_on()

    def connection_lost(self, error: Exception | None) -> None:
        """Leave nothing behind."""
        self._disarm()
        self._end_session(str(error) if error else "connection lost")
        self._hub.forget(self)

    # For the session and the hub

    def pause_reading(self) -> None:
        """Let the client's requests wait in its socket."""
        self._is_reading = False
        self._update_reading()

    def resume_reading(self) -> None:
        """Read the client's requests again."""
        self._is_reading = True
        self._update_reading()

    def close(self, code: int, reason: str) -> None:
        """Send a Close, and go without waiting for the answer."""
        if self._protocol.state is State.OPEN:
            self._protocol.fail(code, reason)
            self._flush_protocol()

    def shut_down(self, reason: str, reconnect_after_ms: int) -> None:
        """Tell the client that the server stops, and begin the closing handshake."""
        if self._protocol.state is not State.OPEN:
            self._transport.abort()
            return
        if self.session is not None:
            self.session.send(Shutdown(reason, reconnect_after_ms))
        self._protocol.send_close(GOING_AWAY, reason)
        self._flush_protocol()

    def beat(self, message: HeartBeat) -> None:
        """Send a HeartBeat; a reader that is behind gets none."""
        if self.session is not None and not self.session.is_blocked:
            self.session.send(message)

    def keep_alive(self) -> None:
        """Ping the client, or give it up if it has not been heard since the last ping."""
        if self.session is None or self.session.is_blocked or not self._is_reading:
            return
        if not self.has_been_heard:
            self._hub.counters.silent += 1
            self.close(SLOW_CONSUMER, "no answer to a ping")
            return
        self.has_been_heard = False
        self.session.answer(_PING)

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    # Inside

    def _react(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._receive_request(event)
            elif isinstance(event, Frame) and self.session is not None:
                self._receive_frame(self.session, event)
        if isinstance(self._protocol.handshake_exc, InvalidMessage) and not self._is_refused:
            self._is_refused = True
            cause = self._protocol.handshake_exc.__cause__
            self._transport.write(self._pages.bad_request(str(cause)).serialize())
        too_big = self._protocol.parser_exc
        if isinstance(too_big, PayloadTooBig) and self.session is not None:
            self.session.refuse_too_large((too_big.size or 0) + (too_big.current_size or 0))
        self._flush_protocol()

    def _flush_protocol(self) -> None:
        """Write what the protocol has to say, and close what it considers closed."""
        for data in self._protocol.data_to_send():
            if self._transport.is_closing():
                return
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
        if self._protocol.close_expected() and not self._transport.is_closing():
            sent = self._protocol.close_sent
            self._end_session(f"close {sent.code} {sent.reason}".strip() if sent else "failed")
            self._await_end()

    def _await_end(self) -> None:
        """Wait for the connection to end, as long as the client takes what is still unsent."""
        deadline = asyncio.get_running_loop().time() + self._hub.limits.stall_s
        self._arm(self._hub.limits.close_timeout_s, self._check_end, _MUCH, deadline)

    def _check_end(self, unsent_bytes: int, deadline: float) -> None:
        now_bytes = self._transport.get_write_buffer_size()
        is_late = asyncio.get_running_loop().time() >= deadline
        if is_late or not 0 < now_bytes < unsent_bytes:
            self._transport.abort()
        else:
            self._arm(self._hub.limits.close_timeout_s, self._check_end, now_bytes, deadline)

    def _receive_request(self, request: Request) -> None:
        """Answer a plain HTTP request, or shake hands."""
        _, query = split_path(request.path)
        client = self._hub.credentials.client(presented_token(request.headers, query))
        if not _wants_websocket(request):
            self._protocol.send_response(self._pages.respond(request, client, self.address))
            self._flush_protocol()
            return
        if len(request.headers.get_all("Host")) == 1:
            response = self._protocol.accept(request)
        else:  # RFC 6455, section 4.2.1
            response = self._protocol.reject(HTTPStatus.BAD_REQUEST, "one Host header is needed\n")
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            response.headers["Sec-WebSocket-Version"] = "13"  # RFC 6455, section 4.4
        self._protocol.send_response(response)
        self._flush_protocol()
        if self._protocol.state is not State.OPEN:
            log.info(
                "handshake refused",
                address=self.address,
                status=response.status_code,
                reason=response.body.decode(errors="replace").strip(),
            )
            return
        self._disarm()
        self._open_session(client)

    def _open_session(self, client: Client | None) -> None:
        if client is None:
            self._turn_away(ErrorCode.UNAUTHORIZED, "no or wrong credentials", BAD_CREDENTIALS)
            return
        refusal = self._hub.refusal(self)
        if refusal is not None:
            self._turn_away(ErrorCode.TOO_MANY, refusal, TOO_MANY)
            return
        self.session = Session(self._hub, self, self._transport, client, self._wire())
        self._hub.open_session(self)
        log.info("client connected", address=self.address, client=self.session.number)
        self.session.send(HeartBeat(wire_time()))

    def _wire(self) -> Wire:
        """Return how messages are to travel, as the handshake has settled it."""
        subprotocol = self._protocol.subprotocol
        encoding = "json" if subprotocol is None else ENCODINGS[subprotocol]
        return wire_of(encoding, is_compressed=is_compressed(self._protocol))

    def _turn_away(self, code: ErrorCode, message: str, close_code: int) -> None:
        """Say why there will be no session: a browser sees nothing of a refused handshake."""
        self._hub.count_error(code)
        log.info("client refused", address=self.address, code=int(code), reason=message)
        self._transport.write(self._wire().message(Error(int(code), message, None)))
        self.close(close_code, message)

    def _receive_frame(self, session: Session, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            is_binary = frame.opcode is Opcode.BINARY
            if frame.fin:
                self._receive_message(session, bytes(frame.data), is_binary)
            else:
                self._fragments = [bytes(frame.data)]
                self._is_binary = is_binary
        elif frame.opcode is Opcode.CONT and self._fragments is not None:
            if frame.data:  # empty ones would add up without end
                self._fragments.append(bytes(frame.data))
            if frame.fin:
                payload = b"".join(self._fragments)
                self._fragments = None
                self._receive_message(session, payload, self._is_binary)

    def _receive_message(self, session: Session, payload: bytes, is_binary: bool) -> None:
        if not is_binary:
            try:
                payload.decode()
            except UnicodeDecodeError as error:
                self.close(INVALID_DATA, f"{error.reason} at position {error.start}")
                return
        if self.session is session:
            session.receive(payload, is_binary=is_binary)

    def _end_session(self, reason: str) -> None:
        session = self.session
        if session is not None:
            session.end()
            self.session = None
            self._hub.close_session(self)
            log.info("client gone", client=session.number, address=self.address, reason=reason)
            # What still comes in is read and dropped: unread, it would turn our Close into a reset.
            self.resume_reading()

    def _update_reading(self) -> None:
        if self._transport.is_closing():
            return
        if self._is_reading and not (self.session is not None and self.session.is_stuck):
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _give_up_handshake(self) -> None:
        log.info("handshake timed out", address=self.address)
        self._transport.abort()

    def _give_up_stalled(self) -> None:
        self._hub.counters.stalled += 1
        self.close(SLOW_CONSUMER, f"stalled for {self._hub.limits.stall_s:g} s")

    def _arm(self, delay_s: float, callback: Callable[..., None], *arguments: float) -> None:
        self._disarm()
        self._timer = asyncio.get_running_loop().call_later(delay_s, callback, *arguments)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _wants_websocket(request: Request) -> bool:
    """Whether a request asks for a WebSocket; other upgrades, such as to h2c, may be ignored."""
    names = ",".join(request.headers.get_all("Upgrade")).split(",")
    return any(name.strip().lower() == "websocket" for name in names)


def _select_subprotocol(
    _protocol: ServerProtocol, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Return the first subprotocol offered that is spoken here; without one it is JSON too."""
    return next((one for one in offered if one in ENCODINGS), None)


def _address(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _limit_unsent(transport: asyncio.Transport) -> None:
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    sock = transport.get_extra_info("socket")
    if option is not None and sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, option, _UNSENT_BYTES)

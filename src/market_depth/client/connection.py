"""A connection that is made anew when it is lost, and the messages on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from market_depth.client.errors import ConnectionFailedError
from market_depth.client.gateway import Gateway
from market_depth.client.policies import ReconnectPolicy
from market_depth.client.updates import Event, EventKind
from market_depth.protocol.messages import Response, Shutdown

__all__ = ["Connection"]

_NEVER_AGAIN: Final = range(4500, 4600)
"""Close codes of a server that will not have this client."""
_NOT_ADMITTED: Final = (401, 403)
"""HTTP statuses of the same."""
_MS_PER_S: Final = 1000
_FAILURES: Final = (OSError, TimeoutError, WebSocketException)


class Connection:
    """Keeps a connection, and hands over what comes.

    Args:
        url: of the server.
        gateway: the encoding to speak.
        token: credentials, `None` for none.
        wants_compression: whether to offer permessage-deflate.
        policy: how a lost connection is made anew.
        timeout_s: for a handshake, and for the close.
        receive: takes each message with the bytes that it came in.
        restore: sends again what a new connection has to know.
        lose: told the error that requests end with whose answers went with the connection.
        fail: told the error after which there will be no connection any more.
        tell: told what happens.
    """

    def __init__(
        self,
        url: str,
        gateway: Gateway,
        *,
        token: str | None,
        wants_compression: bool,
        policy: ReconnectPolicy,
        timeout_s: float,
        receive: Callable[[Response, bytes | str], Awaitable[None]],
        restore: Callable[[], Coroutine[Any, Any, None]],
        lose: Callable[[Exception], None],
        fail: Callable[[Exception], None],
        tell: Callable[[Event], None],
    ) -> None:
        self._url = url
        self._gateway = gateway
        self._token = token
        self._wants_compression = wants_compression
        self._policy = policy
        self._timeout_s = timeout_s
        self._receive = receive
        self._restore = restore
        self._lose = lose
        self._fail = fail
        self._tell = tell
        self.number = 0
        """Of the connection, counted from 1; of the last one while there is none."""
        self._socket: ClientConnection | None = None
        self._pauses_s: Iterator[float] = iter(())
        self._connected_s = 0.0
        """When the connection was made, in the loop's time."""
        self._task: asyncio.Task[None] | None = None
        self._reconnect_after_s: float | None = None
        """How long the server has asked to be left alone."""

    async def open(self) -> None:
        """Connect, once.

        Raises:
            ConnectionFailedError: if the server can't be reached.
        """
        try:
            self._socket = await self._connect()
        except _FAILURES as error:
            problem = f"can't connect to {self._shown_url}: {str(error) or type(error).__name__}"
            raise ConnectionFailedError(problem) from None
        self._pauses_s = self._policy.pauses_s()
        self._task = asyncio.create_task(self._run(self._socket))

    async def close(self) -> None:
        """Close the connection, and leave nothing behind."""
        task, self._task = self._task, None
        try:
            await _cancelled(task)
            if self._socket is not None:
                # The answer to the Close stands behind what has not been read.
                await asyncio.gather(self._socket.close(), _read_away(self._socket))
        finally:
            if self._socket is not None:
                self._socket.transport.abort()  # if the caller has been cancelled
                self._socket = None

    async def send(self, request: Any) -> bool:
        """Send a request; return whether there is a connection to send it on."""
        if self._socket is None:
            return False
        try:
            await self._socket.send(self._gateway.encode(request))
        except ConnectionClosed:
            return False
        return True

    @property
    def _shown_url(self) -> str:
        return self._url.partition("?")[0]

    async def _connect(self) -> ClientConnection:
        socket = await self._shaken_hands()
        if self._gateway.is_binary and socket.subprotocol is None:
            await socket.close()
            raise ConnectionFailedError(
                f"{self._shown_url}: the server does not speak {self._gateway.subprotocol}"
            )
        self.number += 1
        self._connected_s = asyncio.get_running_loop().time()
        return socket

    async def _shaken_hands(self) -> ClientConnection:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        return await connect(
            self._url,
            additional_headers=headers,
            subprotocols=[Subprotocol(self._gateway.subprotocol)],
            compression="deflate" if self._wants_compression else None,
            max_size=None,
            open_timeout=self._timeout_s,
            close_timeout=self._timeout_s,
        )

    async def _run(self, socket: ClientConnection | None) -> None:
        """Read until the user closes, or there is no use in going on."""
        restoring: asyncio.Task[None] | None = None
        try:
            while socket is not None:
                code = await self._read(socket)
                self._socket = None
                if code in _NEVER_AGAIN:
                    reason = socket.close_reason
                    raise ConnectionFailedError(f"{self._shown_url}: closed: {reason}", code)
                self._lose(ConnectionFailedError(f"the connection was closed with {code}", code))
                self._tell(Event(EventKind.DISCONNECTED, f"closed with {code}"))
                socket = self._socket = await self._connected_anew()
                if socket is not None:
                    self._tell(Event(EventKind.RECONNECTED, self._shown_url))
                    await _cancelled(restoring)
                    # Answers have to be read while requests are sent, or both sides might wait.
                    restoring = asyncio.create_task(self._restore())
            raise ConnectionFailedError(f"{self._shown_url}: connection lost for good")
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._fail(error)
        finally:
            await _cancelled(restoring)

    async def _read(self, socket: ClientConnection) -> int | None:
        """Take what comes until the connection is closed; return the code."""
        with suppress(ConnectionClosed):
            async for payload in socket:
                try:
                    message = self._gateway.decode(payload)
                except msgspec.DecodeError as error:
                    self._tell(Event(EventKind.UNREADABLE, str(error)))
                    continue
                if isinstance(message, Shutdown):
                    self._reconnect_after_s = message.reconnect_after_ms / _MS_PER_S
                    self._tell(Event(EventKind.SHUTDOWN, message.reason))
                else:
                    await self._receive(message, payload)
        return socket.close_code

    async def _connected_anew(self) -> ClientConnection | None:
        """Try until there is a connection again, `None` if the policy is not to go on.

        Raises:
            ConnectionFailedError: if the server will not have this client.
        """
        lasted_s = asyncio.get_running_loop().time() - self._connected_s
        if lasted_s >= self._policy.longest_pause_s:
            self._pauses_s = self._policy.pauses_s()
        asked_s, self._reconnect_after_s = self._reconnect_after_s or 0.0, None
        for pause_s in self._pauses_s:
            wait_s, asked_s = asked_s + pause_s, 0.0
            text = f"next attempt in {wait_s:.1f} s"
            self._tell(Event(EventKind.RECONNECTING, text, wait_s=wait_s))
            await asyncio.sleep(wait_s)
            try:
                return await self._connect()
            except InvalidStatus as error:
                status = error.response.status_code
                if status in _NOT_ADMITTED:
                    problem = f"{self._shown_url}: handshake refused with {status}"
                    raise ConnectionFailedError(problem) from None
            except _FAILURES:
                pass
        return None


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        # Awaiting the task itself could not tell its cancellation from the caller's own.
        await asyncio.wait([task])


async def _read_away(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass

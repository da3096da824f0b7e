"""A running server as a feed: its views, as clients get them, become events.

What is recorded of a stream are the states that it has shown. After the events of a message the
book is the view that the message had: with orders in their queues and their times (in µs, as the
wire contract has them), or by price with order counts.

The connection is made anew, with growing pauses, when it is lost; until then the books are stale.
"""

from __future__ import annotations

import asyncio
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Struct
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from market_depth.errors import ConfigError, ErrorCode, FeedError
from market_depth.events import Events
from market_depth.instruments import MAX_DECIMALS, Instrument, parse_units
from market_depth.logs import get_logger
from market_depth.protocol.messages import DataType, SymbolInfo
from market_depth.protocol.requests import Subscribe
from market_depth.recording.views import ViewRecorder

__all__ = ["ServerFeed"]

log = get_logger()

_MAX_MESSAGE_BYTES: Final = 256 * 1024 * 1024
_MAX_PAGE_BYTES: Final = 64 * 1024 * 1024
_TIMEOUT_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 15.0
_SHOWN_SYMBOLS: Final = 10
_HTTP: Final = {"ws": "http", "wss": "https"}
_BAD_CREDENTIALS: Final = 4501
_TRANSIENT: Final = (ErrorCode.TOO_MANY, ErrorCode.INTERNAL, ErrorCode.UNAVAILABLE)


class _Head(Struct):
    """What tells messages apart."""

    type: str
    stream_id: str | None = None
    code: int = 0
    message: str = ""


class _Symbols(Struct):
    symbols: list[SymbolInfo]


class _TryAgainError(Exception):
    """The server can't serve a stream now."""


class ServerFeed:
    """The streams of a server; use `opened`.

    Args:
        url: of the server, `ws://HOST:PORT`.
        instruments: the streams' symbols, with ids from 1 on.
        data_type: what to subscribe to.
        levels: price levels a side.
    """

    def __init__(
        self, url: str, instruments: Sequence[Instrument], data_type: DataType, levels: int
    ) -> None:
        self._url = url
        self.instruments = instruments
        """What is recorded."""
        self._data_type = data_type
        self._levels = levels
        self._views = {one.symbol: ViewRecorder(one) for one in instruments}

    @classmethod
    async def opened(
        cls, url: str, symbols: Sequence[str] | None, data_type: DataType, levels: int
    ) -> ServerFeed:
        """Ask a server for its symbols, and return a feed of those wanted.

        Args:
            url: of the server, `ws://HOST:PORT`; a query (`?token=…`) is sent with every request.
            symbols: to record, `None` for all that have the data type.
            data_type: MBO or MBP.
            levels: price levels a side.

        Raises:
            FeedError: if the server can't be reached, or has no such symbol or data type.
        """
        text = await asyncio.to_thread(_page, url, "/api/symbols")
        try:
            known = {one.symbol: one for one in msgspec.json.decode(text, type=_Symbols).symbols}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FeedError(
                f"{_without_query(url)}: /api/symbols is not what was expected: {error}"
            ) from None
        if symbols is None:
            symbols = [name for name, one in known.items() if data_type in one.data_types]
        instruments = []
        for number, symbol in enumerate(symbols, start=1):
            info = known.get(symbol)
            if info is None:
                there = ", ".join(list(known)[:_SHOWN_SYMBOLS])
                raise FeedError(f"{_without_query(url)} has no symbol {symbol!r}; it has {there}")
            if data_type not in info.data_types:
                raise FeedError(f"{_without_query(url)} has no {data_type.value} of {symbol}")
            instruments.append(_instrument(number, info, data_type, url))
        if not instruments:
            raise FeedError(f"{_without_query(url)} has no symbol with {data_type.value}")
        return cls(url, instruments, data_type, levels)

    async def batches(self) -> AsyncIterator[Events]:
        """Yield a change for each message, without end.

        Raises:
            FeedError: if the server can't be reached at first, refuses a stream, or sends what is
                not the wire contract.
        """
        pause_s = _FIRST_PAUSE_S
        was_connected = False
        while True:
            try:
                async with connect(
                    self._url, max_size=_MAX_MESSAGE_BYTES, open_timeout=_TIMEOUT_S, proxy=None
                ) as connection:
                    await self._subscribe(connection)
                    async for text in connection:
                        for events in self._events(text):
                            was_connected, pause_s = True, _FIRST_PAUSE_S
                            yield events
                reason = "the server has closed the connection"
            except (OSError, WebSocketException, _TryAgainError) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                if _is_final(error) or not was_connected:
                    raise FeedError(f"{_without_query(self._url)}: {reason}") from None
            log.warning("connection lost", url=_without_query(self._url), reason=reason)
            now_ns = time.time_ns()
            for view in self._views.values():
                stale = view.lost(now_ns)
                if stale is not None:
                    yield stale
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _subscribe(self, connection: Any) -> None:
        for symbol in self._views:
            request = Subscribe(
                stream_id=symbol,
                symbol=symbol,
                data_type=self._data_type,
                max_levels=self._levels,
            )
            await connection.send(msgspec.json.encode(request).decode())

    def _events(self, text: str | bytes) -> list[Events]:
        """Return what a message means, nothing for those that are no data."""
        try:
            head = msgspec.json.decode(text, type=_Head)
            if head.type == "Error":
                self._refused(head)
            view = self._views.get(head.stream_id or "")
            if head.type != "MarketData" or view is None:
                return []
            return [view.events(text, time.time_ns())]
        except (FeedError, ConfigError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FeedError(f"{_without_query(self._url)}: {error}") from None

    def _refused(self, error: _Head) -> None:
        if error.code in _TRANSIENT:
            raise _TryAgainError(error.message)
        raise FeedError(error.message)


def _is_final(error: Exception) -> bool:
    """Whether to connect again would be of no use."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code in {401, 403, 404}
    if isinstance(error, ConnectionClosed):
        return error.rcvd is not None and error.rcvd.code == _BAD_CREDENTIALS
    return False


def _instrument(number: int, info: SymbolInfo, data_type: DataType, url: str) -> Instrument:
    if not max(info.price_decimals, info.quantity_decimals) <= MAX_DECIMALS:
        raise FeedError(f"{_without_query(url)}: {info.symbol} has over {MAX_DECIMALS} decimals")
    try:
        tick_size = parse_units(str(info.tick_size), info.price_decimals)
    except ConfigError as error:
        raise FeedError(f"{_without_query(url)}: tick of {info.symbol}: {error}") from None
    return Instrument(
        instrument_id=number,
        symbol=info.symbol,
        price_decimals=info.price_decimals,
        quantity_decimals=info.quantity_decimals,
        tick_size=tick_size,
        has_orders=data_type is DataType.MBO,
    )


def _page(url: str, path: str) -> bytes:
    """Return an HTTP page of the server at a WebSocket address."""
    parts = urlsplit(url)
    if parts.scheme not in _HTTP or not parts.hostname:
        raise FeedError(f"{url!r} is not ws://HOST:PORT")
    page = urlunsplit((_HTTP[parts.scheme], parts.netloc, path, parts.query, ""))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(page, timeout=_TIMEOUT_S) as response:
            body: bytes = response.read(_MAX_PAGE_BYTES)
            return body
    except urllib.error.HTTPError as error:
        with error:
            raise FeedError(f"{_without_query(page)}: {error.code} {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise FeedError(f"can't reach {_without_query(page)}: {reason}") from None


def _without_query(url: str) -> str:
    """Return an address without what may be a token."""
    return url.partition("?")[0]
